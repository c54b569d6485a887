"""The parts of a server with workers."""
