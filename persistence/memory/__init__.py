"""The reference store: everything in this process's memory, gone with it."""

from persistence.memory.store import MemoryStore

__all__ = ["MemoryStore"]
