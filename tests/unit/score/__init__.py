"""The score's shape, the demo chorale and its seed."""
