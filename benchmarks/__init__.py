"""Measurements of the server, and how to repeat them."""
