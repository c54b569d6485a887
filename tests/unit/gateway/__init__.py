"""Unit tests of settings, auth, API and observation."""
