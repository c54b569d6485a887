"""The reference store, in memory: the contract in its plainest form."""
