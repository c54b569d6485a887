"""The document in encoded form, made once and shared by all who join.

Encoding a document takes time in proportion to all of it, so an edit must not undo the work: what
is integrated later is kept beside the encoded state, in small merged pieces, until that has grown
beside it and the whole is encoded anew.

=====================  ======================  ====================================================
document               what came since         a newcomer is sent
=====================  ======================  ====================================================
small                  anything                step 2 with the state, encoded anew
large                  anything                the state as an update, the same bytes for everybody,
                                               then what came since as updates, the last of them as
                                               step 2: clients take that for having everything
=====================  ======================  ====================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pycrdt

from collab.limits import (
    DIFFERENCE_BYTES_MAX,
    DIFFERENCE_KEPT_BYTES_MAX,
    DIFFERENCES_KEPT_MAX,
    ENCODE_AGAIN_BYTES_MAX,
    ENCODE_INLINE_BYTES_MAX,
    KIB,
    STATE_TAIL_BYTES_MIN,
    STATE_TAIL_PER_BYTES,
)
from collab.protocol import y_sync
from collab.protocol.state_vector import EMPTY_STATE_VECTOR, decode_state_vector
from collab.room.replica import Replica

_PIECE_BYTES: Final = 64 * KIB
# Merging takes time in proportion to the square of the count: 0.1 ms for 64 keystrokes, 42 ms for
# the 3,300 of a piece. So a piece is merged from batches.
_BATCH_UPDATES: Final = 64


class EncodedState:
    """One update that holds a document as it was, and all that was integrated since.

    Args:
        state: an update without gaps that integrates into an empty document whole.

    Attributes:
        message: the state as a sync update message; one object, shared by all who are sent it.
        size_bytes: of the state.
        tail_bytes: of what came since.
        is_used: whether anybody asked for it lately.
    """

    __slots__ = (
        "_batches",
        "_last",
        "_last_bytes",
        "_pieces",
        "is_used",
        "message",
        "size_bytes",
        "tail_bytes",
    )

    def __init__(self, state: bytes) -> None:
        self.message = y_sync.encode_update(state)
        self.size_bytes = len(state)
        self.tail_bytes = 0
        self.is_used = True
        self._pieces: list[bytes] = []
        self._batches: list[bytes] = []
        self._last: list[bytes] = []
        self._last_bytes = 0

    @property
    def state(self) -> bytes:
        """The state without the message around it; a copy."""
        return self.message[-self.size_bytes :]

    @property
    def is_small(self) -> bool:
        """Whether encoding anew costs less than a newcomer's second message."""
        return self.size_bytes + self.tail_bytes <= ENCODE_AGAIN_BYTES_MAX

    @property
    def is_stale(self) -> bool:
        """Whether what came since has grown so large that the whole should be encoded anew."""
        most = self.size_bytes // STATE_TAIL_PER_BYTES
        return self.tail_bytes > max(STATE_TAIL_BYTES_MIN, most)

    def note(self, update: bytes) -> None:
        """An update was integrated whole."""
        self.tail_bytes += len(update)
        if self._last_bytes and self._last_bytes + len(update) > _PIECE_BYTES:
            self._close_batch()
            self._pieces.append(_merged(self._batches))
            self._batches.clear()
            self._last_bytes = 0
        self._last.append(update)
        self._last_bytes += len(update)
        if len(self._last) >= _BATCH_UPDATES:
            self._close_batch()

    def tail(self) -> Sequence[bytes]:
        """What came since, as updates in order."""
        self._close_batch()
        if len(self._batches) > 1:
            self._batches[:] = [_merged(self._batches)]
        return (*self._pieces, *self._batches)

    def _close_batch(self) -> None:
        if self._last:
            self._batches.append(_merged(self._last))
            self._last.clear()


class Answers:
    """What replicas are sent of one document, encoded once where that can be.

    Attributes:
        size_bytes: about how large the document is; never less than its full update was when it
            was last made, plus what came since.
        measured_bytes: how large the full update was then; 0 before the first one.
    """

    __slots__ = ("_differences", "_encoded", "_recording", "measured_bytes", "size_bytes")

    def __init__(self) -> None:
        self.size_bytes = 0
        self.measured_bytes = 0
        self._encoded: EncodedState | None = None
        self._differences: dict[bytes, bytes] | None = None
        self._recording: list[bytes] | None = None

    def note(self, update: bytes) -> None:
        """An update was integrated whole."""
        self.size_bytes += len(update)
        self._differences = None
        if self._encoded is not None:
            self._encoded.note(update)
        if self._recording is not None:
            self._recording.append(update)

    def full_update(self, doc: Replica) -> bytes:
        """The whole document as one update; kept until the next edit."""
        return self._fresh(doc).state

    def measure(self, doc: Replica) -> int:
        """The size of the whole document's update; one part in 64 is not worth a closer look."""
        if self.size_bytes - self.measured_bytes > self.size_bytes // 64:
            self._fresh(doc)
        return self.size_bytes

    def lacking_bytes(self, state_vector: bytes, clocks: Mapping[int, int]) -> int:
        """About how much of a large document a replica with this (checked) state vector lacks."""
        if state_vector == EMPTY_STATE_VECTOR:
            return self.size_bytes
        if self.size_bytes <= DIFFERENCE_BYTES_MAX:
            return 0
        has = decode_state_vector(state_vector)
        written = sum(clocks.values())
        held = sum(min(has.get(client, 0), clock) for client, clock in clocks.items())
        return self.size_bytes * (written - held) // max(written, 1)

    def messages(
        self, state_vector: bytes, doc: Replica, clocks: Mapping[int, int]
    ) -> Sequence[bytes]:
        """Sync messages with all that a replica with this (checked) state vector lacks, or more.

        Returns:
            Updates in order and, at the end, one step 2.
        """
        lacking_bytes = self.lacking_bytes(state_vector, clocks)
        if state_vector != EMPTY_STATE_VECTOR and lacking_bytes <= DIFFERENCE_BYTES_MAX:
            return (y_sync.encode_step2(self._difference(state_vector, doc)),)
        encoded = self._encoded
        if encoded is None or (encoded.tail_bytes and (encoded.is_small or encoded.is_stale)):
            encoded = self._fresh(doc)
        encoded.is_used = True
        if encoded.is_small:
            return (y_sync.encode_step2(encoded.state),)
        *first, last = encoded.tail() or (y_sync.EMPTY_UPDATE,)
        return (
            encoded.message,
            *(y_sync.encode_update(part) for part in first),
            y_sync.encode_step2(last),
        )

    # Large documents --------------------------------------------------------------------------

    @property
    def needs_encoding(self) -> bool:
        """Whether the document must be encoded anew and is too large to do so here and now."""
        if self.size_bytes <= ENCODE_INLINE_BYTES_MAX:
            return False
        return self._encoded is None or self._encoded.is_stale

    def parts(self) -> Sequence[bytes]:
        """Updates that make up the document, if it is known in encoded form; else nothing."""
        encoded = self._encoded
        return () if encoded is None else (encoded.state, *encoded.tail())

    def record(self) -> None:
        """The document as it is now is about to be encoded elsewhere: keep what follows."""
        self._recording = []

    def adopt(self, state: bytes) -> None:
        """Take the encoded form of the document as it is, or was at the last :meth:`record`.

        It may hold some of what came later as well, but nothing that was never integrated.
        """
        since, self._recording = self._recording, None
        self._encoded = EncodedState(state)
        for update in since or ():
            self._encoded.note(update)

    def stop_recording(self) -> None:
        """Encoding elsewhere has failed."""
        self._recording = None

    def forget_unused(self) -> None:
        """Drop what nobody asked for since the last call and what can be made again here."""
        self._differences = None
        encoded = self._encoded
        if encoded is None or self.size_bytes > ENCODE_INLINE_BYTES_MAX:
            return
        if not encoded.is_used:
            self._encoded = None
        encoded.is_used = False

    # Inside -----------------------------------------------------------------------------------

    def _fresh(self, doc: Replica) -> EncodedState:
        encoded = self._encoded
        if encoded is None or encoded.tail_bytes:
            encoded = self._encoded = EncodedState(doc.get_update())
            self.size_bytes = self.measured_bytes = encoded.size_bytes
        encoded.is_used = True
        return encoded

    def _difference(self, state_vector: bytes, doc: Replica) -> bytes:
        if self._differences is None:
            self._differences = {}
        known = self._differences.get(state_vector)
        if known is None:
            known = doc.get_update(state_vector)
            if len(known) <= DIFFERENCE_KEPT_BYTES_MAX:
                if len(self._differences) >= DIFFERENCES_KEPT_MAX:
                    self._differences.clear()
                self._differences[state_vector] = known
        return known


def _merged(updates: list[bytes]) -> bytes:
    """Consecutive updates as one; each integrates behind the one before, so there are no gaps."""
    return updates[0] if len(updates) == 1 else pycrdt.merge_updates(*updates)
