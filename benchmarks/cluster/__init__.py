"""Several nodes under load: what crossing between them costs, and where it ends."""
