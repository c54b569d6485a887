"""Whole systems under a seed, with injected clock, network and store."""
