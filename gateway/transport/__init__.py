"""Websockets of both protocols, and their outboxes."""
