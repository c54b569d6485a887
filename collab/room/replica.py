"""The CRDT library's document, without what its Python wrapper keeps beside it.

A server writes nothing of its own into a document and observes none of its types. The wrapper of
pycrdt is made for both: locks, streams, subscriptions and a transaction object for each call, some
1.9 KB for each document. Here the native document stands alone.
"""

from __future__ import annotations

from typing import Final

from pycrdt._pycrdt import Doc

from collab.protocol.state_vector import EMPTY_STATE_VECTOR

_CLIENT_ID: Final = 1  # never used: this replica writes nothing of its own


def is_library_failure(error: BaseException) -> bool:
    """Whether the library may have raised this: its panics derive from BaseException alone."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


class Replica:
    """One document, into which updates go and out of which updates come."""

    __slots__ = ("_doc",)

    def __init__(self) -> None:
        self._doc = Doc(_CLIENT_ID, None, None)

    def apply_update(self, update: bytes) -> None:
        """Integrate an update.

        Raises:
            BaseException: whatever the library raises; see :func:`is_library_failure`.
        """
        transaction = self._doc.create_transaction()
        try:
            self._doc.apply_update(transaction, update)
        finally:
            try:
                transaction.commit()
            finally:
                transaction.drop()

    def get_state(self) -> bytes:
        """The encoded state vector."""
        transaction = self._doc.create_transaction()
        try:
            return self._doc.get_state(transaction)
        finally:
            transaction.drop()

    def get_update(self, state_vector: bytes = EMPTY_STATE_VECTOR) -> bytes:
        """What a replica with this state vector lacks; without one, everything."""
        transaction = self._doc.create_transaction()
        try:
            return self._doc.get_update(transaction, state_vector)
        finally:
            transaction.drop()
