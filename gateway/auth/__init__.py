"""Tokens, tickets and revocations."""
