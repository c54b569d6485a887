"""Encryption at rest: wrappers around the ports, the keys of documents, and the keys of those.

Every document has a data key for each of its epochs; a master key wraps it. What is stored of a
document is sealed with its data key, so that destroying that key makes all of it unreadable,
wherever copies of it may be.
"""

from persistence.encryption.build import encrypted, open_key_ring
from persistence.encryption.data_keys import DataKeys
from persistence.encryption.key_ring import KeyRing, KeySettings
from persistence.encryption.rotation import KeyStatus, key_status, rotate

__all__ = [
    "DataKeys",
    "KeyRing",
    "KeySettings",
    "KeyStatus",
    "encrypted",
    "key_status",
    "open_key_ring",
    "rotate",
]
