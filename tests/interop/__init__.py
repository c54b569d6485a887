"""Real clients of other makers."""
