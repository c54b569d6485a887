"""Rooms that are live on this node, and what keeps them running."""
