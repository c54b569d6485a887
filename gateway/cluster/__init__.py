"""Many nodes: the bus between them, and what live rooms do with what arrives there."""
