"""The embedded store: one SQLite database, durable at each commit."""
