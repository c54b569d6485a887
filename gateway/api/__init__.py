"""The HTTP API and its problem details."""
