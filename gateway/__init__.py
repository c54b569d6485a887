"""The server: sockets, rooms, authorisation and the HTTP API."""
