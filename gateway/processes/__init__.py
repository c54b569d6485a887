"""Many processes on one machine: a supervisor, and workers that serve one port together."""
