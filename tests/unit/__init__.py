"""Pure parts, one at a time."""
