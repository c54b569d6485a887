"""Work that must not run on the server's event loop."""
