"""The room: what it decides about sessions, updates, acknowledgements and awareness."""
