"""Versions under random histories."""
