"""The state machine of one document that is live on one node."""
