"""Notifications: what happened, who is to know of it, and how they are told."""
