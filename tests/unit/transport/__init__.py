"""Tests of the websocket transport in parts."""
