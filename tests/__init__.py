"""Proofs that the rules of the server hold."""
