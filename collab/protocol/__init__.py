"""Bounded codecs for the wire, and the scan that every update passes."""
