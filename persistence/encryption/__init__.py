"""Encryption at rest: wrappers around the ports, the keys of documents, and the keys of those.

Every document has a data key for each of its epochs; a master key wraps it. What is stored of a
document is sealed with its data key, so that destroying that key makes all of it unreadable,
wherever copies of it may be.
"""
