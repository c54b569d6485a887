"""Codecs and scan over inputs that nobody chose."""
