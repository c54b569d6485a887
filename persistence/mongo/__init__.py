"""The store for many nodes: one database of a MongoDB replica set."""

from persistence.mongo.store import MongoStore

__all__ = ["MongoStore"]
