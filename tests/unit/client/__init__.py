"""The Python client without a socket."""
