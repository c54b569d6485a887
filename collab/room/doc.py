"""The room's in-memory replica, with what must be known about it without asking the CRDT.

Known clocks are kept beside the Doc, so that a keystroke needs no state vector from it. An
update *integrates plainly* when its scan shows that nothing it refers to is missing; anything
else takes the slow path, which compares state vectors before and after.
"""

from __future__ import annotations

from dataclasses import dataclass

from pycrdt import Doc, Map

from collab.errors import InvariantViolated, MalformedUpdate
from collab.protocol.id_ranges import IdRanges
from collab.protocol.state_vector import decode_state_vector, encode_state_vector
from collab.protocol.update_scan import ScannedUpdate, scan_update

EMPTY_STATE_VECTOR = b"\x00"
EMPTY_UPDATE = b"\x00\x00"
_SERVER_CLIENT_ID = 1  # never used: this replica writes nothing of its own


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying an update did.

    Attributes:
        news: what to send to the others, or None when nothing new was integrated.
        rewind: the clocks, before, of the clients that moved.
        incomplete: the update, or part of it, waits for others that it depends on.
    """

    news: bytes | None
    rewind: dict[int, int]
    incomplete: bool


class RoomDoc:
    """One document in memory. Every update given to it has been scanned."""

    def __init__(self) -> None:
        self._doc: Doc[Map[object]] = Doc(client_id=_SERVER_CLIENT_ID)
        self._clocks: dict[int, int] = {}
        self._awaited: dict[int, int] = {}
        self._deleted: IdRanges | None = None
        self._full: bytes | None = None
        self.size_bytes = 0

    @property
    def clocks(self) -> dict[int, int]:
        """Next expected clock by client id; do not change it."""
        return self._clocks

    @property
    def is_incomplete(self) -> bool:
        """Whether parts of applied updates still wait for what they depend on."""
        return bool(self._awaited)

    def state_vector(self) -> bytes:
        """The encoded state vector of what is integrated."""
        return encode_state_vector(self._clocks)

    def full_update(self) -> bytes:
        """The whole integrated state as one update; kept until the next edit."""
        if self._full is None:
            self._full = self._doc.get_update()
            self.size_bytes = len(self._full)
        return self._full

    def difference(self, state_vector: bytes) -> bytes:
        """What a replica with this (checked) state vector lacks."""
        if state_vector == EMPTY_STATE_VECTOR:
            return self.full_update()
        return self._doc.get_update(state_vector)

    def adds(self, scanned: ScannedUpdate) -> bool:
        """Whether an update holds anything that this document does not."""
        known = self._clocks
        for item in scanned.ranges:
            if item.end > known.get(item.client, 0):
                return True
        if not scanned.deletes:
            return False
        deleted = self._deletes()
        return not all(
            deleted.covers(item.client, item.start, item.end) for item in scanned.deletes
        )

    def apply(self, update: bytes, scanned: ScannedUpdate) -> Applied:
        """Integrate an update.

        Raises:
            MalformedUpdate: the CRDT library refused what the scan let through; nothing changed.
            InvariantViolated: it panicked; the document can no longer be trusted.
        """
        if self._awaited or not self.integrates(scanned):
            return self._apply_carefully(update, scanned)
        known = self._clocks
        rewind = {item.client: known.get(item.client, 0) for item in scanned.ranges}
        self._integrate(update)
        for item in scanned.ranges:
            if item.end > known.get(item.client, 0):
                known[item.client] = item.end
        self._remember_deletes(scanned)
        return Applied(update, rewind, incomplete=False)

    def apply_piece(self, piece: bytes) -> None:
        """Integrate one piece of a sliced update; :meth:`finish_pieces` must follow the last.

        Raises:
            InvariantViolated: the CRDT library refused what the scan let through; earlier pieces
                stay, so the document can no longer be trusted.
        """
        try:
            self._integrate(piece)
        except MalformedUpdate as error:
            raise InvariantViolated("a piece of a scanned update was refused") from error

    def finish_pieces(
        self, update: bytes, scanned: ScannedUpdate, before: dict[int, int]
    ) -> Applied:
        """Account for an update whose pieces were all applied since the clocks were `before`."""
        return self._settle(update, scanned, before)

    def rewound(self, rewind: dict[int, int]) -> dict[int, int]:
        """The clocks of a replica that has everything but what moved since `rewind`."""
        return {**self._clocks, **rewind}

    def integrates(self, scanned: ScannedUpdate) -> bool:
        """Whether nothing that an update refers to is missing; in doubt, False."""
        if scanned.skips:
            return False
        known = self._clocks
        for item in scanned.ranges:
            if item.start > known.get(item.client, 0):
                return False
        for client, clock in scanned.needs.items():
            if clock > known.get(client, 0):
                return False
        if not scanned.deletes:
            return True
        reached = {item.client: item.end for item in scanned.ranges}
        return all(
            item.end <= max(known.get(item.client, 0), reached.get(item.client, 0))
            for item in scanned.deletes
        )

    def _apply_carefully(self, update: bytes, scanned: ScannedUpdate) -> Applied:
        before = dict(self._clocks)
        self._integrate(update)
        return self._settle(update, scanned, before)

    def _settle(self, update: bytes, scanned: ScannedUpdate, before: dict[int, int]) -> Applied:
        had_awaited = bool(self._awaited)
        after = decode_state_vector(self._doc.get_state())
        self._clocks = after
        self._deleted = None
        self._await_missing(scanned)
        moved = {
            client: before.get(client, 0)
            for client, clock in after.items()
            if clock > before.get(client, 0)
        }
        incomplete = self._is_waiting_for(scanned)
        news = None
        if moved or scanned.deletes:
            news = update
            if had_awaited or incomplete or scanned.skips:
                # Less than the update was integrated, or more: what had waited for it.
                news = self._doc.get_update(encode_state_vector(before))
        return Applied(news, moved, incomplete)

    def _await_missing(self, scanned: ScannedUpdate) -> None:
        for item in (*scanned.ranges, *scanned.deletes):
            self._awaited[item.client] = max(self._awaited.get(item.client, 0), item.end)
        self._awaited = {
            client: clock
            for client, clock in self._awaited.items()
            if clock > self._clocks.get(client, 0)
        }

    def _is_waiting_for(self, scanned: ScannedUpdate) -> bool:
        return any(
            item.end > self._clocks.get(item.client, 0)
            for item in (*scanned.ranges, *scanned.deletes)
        )

    def _remember_deletes(self, scanned: ScannedUpdate) -> None:
        if self._deleted is not None:
            for item in scanned.deletes:
                self._deleted.add(item.client, item.start, item.end)

    def _deletes(self) -> IdRanges:
        """All deleted ranges: an update from "now" carries nothing but them."""
        if self._deleted is None:
            self._deleted = IdRanges()
            for item in scan_update(self._doc.get_update(self._doc.get_state())).deletes:
                self._deleted.add(item.client, item.start, item.end)
        return self._deleted

    def _integrate(self, update: bytes) -> None:
        self._full = None
        self.size_bytes += len(update)
        try:
            self._doc.apply_update(update)
        except Exception as error:
            # Decoding comes before integration, so the document is as it was.
            raise MalformedUpdate("the CRDT library refused the update") from error
        except BaseException as error:
            # The library's panics derive from BaseException; anything else must pass.
            if type(error).__name__ != "PanicException":
                raise
            raise InvariantViolated("the CRDT library panicked on a scanned update") from error
