"""The CRDT library's document, without what its Python wrapper keeps beside it.

A server writes nothing of its own into a document, and observes one of its types at most. The
wrapper of pycrdt is made for both: locks, streams, subscriptions and a transaction object for each
call, some 1.9 KB for each document. Here the native document stands alone.

At the end of each transaction the library tidies up: it frees what was deleted, and joins each new
piece of text to the one before it, for which it counts the letters of both. At the end of a million
letters of one writer that takes 1 ms for each keystroke, 300 times what integrating it takes. So
where somebody has written much, small updates share a transaction. Each is integrated when it
comes, or refused; only tidying up waits for the next reading, for more of them, or for a quiet
moment.
"""

from __future__ import annotations

from typing import Final

from pycrdt._pycrdt import Doc, Subscription, Transaction

from collab.errors import InvariantViolated
from collab.limits import PASSAGE_CLOCKS_MIN, TIDY_BYTES_MAX, TIDY_UPDATES_MAX
from collab.protocol.state_vector import EMPTY_STATE_VECTOR

_CLIENT_ID: Final = 1  # never used: this replica writes nothing of its own


def is_library_failure(error: BaseException) -> bool:
    """Whether the library may have raised this: its panics derive from BaseException alone."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


class Notice:
    """Whether something happened; it knows nothing of the document in which it did."""

    __slots__ = ("is_given",)

    def __init__(self) -> None:
        self.is_given = False

    def give(self, _event: object) -> None:
        """It happened. The event is not looked at: it would read content."""
        self.is_given = True


class MapWatch:
    """Notices when entries of a root map are set or deleted, as long as it is kept.

    Args:
        notice: that they were.
        subscription: ends with this.
    """

    __slots__ = ("_notice", "_subscription")

    def __init__(self, notice: Notice, subscription: Subscription) -> None:
        self._notice = notice
        self._subscription = subscription

    @property
    def is_changed(self) -> bool:
        """Whether any entry was set or deleted since the last :meth:`begin_anew`."""
        return self._notice.is_given

    def begin_anew(self) -> None:
        """What was noticed is looked into."""
        self._notice.is_given = False


class Replica:
    """One document, into which updates go and out of which updates come."""

    __slots__ = ("_doc", "_transaction", "_untidy_bytes", "_untidy_updates")

    def __init__(self) -> None:
        self._doc = Doc(_CLIENT_ID, None, None)
        self._transaction: Transaction | None = None
        self._untidy_updates = 0
        self._untidy_bytes = 0

    def apply_update(self, update: bytes, clock: int | None = None) -> None:
        """Integrate an update.

        Args:
            update: its bytes.
            clock: its writer's before it, if it is small, so that tidying up may wait; None where
                it may not.

        Raises:
            InvariantViolated: the library refused it.
        """
        is_shared = self._transaction is not None
        self._integrate(update)
        if clock is None or (clock < PASSAGE_CLOCKS_MIN and not is_shared):
            self.tidy()
            return
        self._untidy_updates += 1
        self._untidy_bytes += len(update)
        if self._untidy_updates >= TIDY_UPDATES_MAX or self._untidy_bytes >= TIDY_BYTES_MAX:
            self.tidy()

    def tidy(self) -> None:
        """End the transaction that small updates share, if there is one.

        Raises:
            InvariantViolated: the library failed.
        """
        transaction = self._transaction
        if transaction is None:
            return
        try:
            try:
                transaction.commit()
            finally:
                transaction.drop()
        except BaseException as error:
            if not is_library_failure(error):
                raise
            # The transaction stays, so that from now on everything fails.
            raise InvariantViolated("the CRDT library failed to tidy up") from error
        self._transaction = None
        self._untidy_updates = self._untidy_bytes = 0

    def get_state(self) -> bytes:
        """The encoded state vector."""
        self.tidy()
        transaction = self._doc.create_transaction()
        try:
            return self._doc.get_state(transaction)
        finally:
            transaction.drop()

    def get_update(self, state_vector: bytes = EMPTY_STATE_VECTOR) -> bytes:
        """What a replica with this state vector lacks; without one, everything."""
        self.tidy()
        transaction = self._doc.create_transaction()
        try:
            return self._doc.get_update(transaction, state_vector)
        finally:
            transaction.drop()

    def watch_map(self, name: str) -> MapWatch:
        """Notice what becomes of a root map from now on; what was tidied up, that is.

        Updates cost nothing more by it: the library keeps in mind anyway which types they changed.
        """
        self.tidy()
        notice = Notice()
        transaction = self._doc.create_transaction()
        try:
            root = self._doc.get_or_insert_map(transaction, name)
        finally:
            transaction.drop()
        # Not the watch itself: the library would hold what holds its subscription.
        return MapWatch(notice, root.observe(notice.give))

    def _integrate(self, update: bytes) -> None:
        try:
            if self._transaction is None:
                self._transaction = self._doc.create_transaction()
            self._doc.apply_update(self._transaction, update)
        except BaseException as error:
            if not is_library_failure(error):
                raise
            self.tidy()
            raise InvariantViolated("the CRDT library refused an update let through") from error
