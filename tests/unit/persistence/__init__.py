"""The persistence parts that need no store."""
