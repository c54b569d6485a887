"""The room's in-memory replica, with what must be known about it without asking the CRDT.

Known clocks are kept beside the Doc, so that a keystroke needs no state vector from it. An update
is *plain* when its scan shows that all of it integrates at once and releases nothing that waited;
anything else takes the careful path, which asks the Doc what really happened:

=============================================  ===================  ================================
an update                                      path                 what the others are sent
=============================================  ===================  ================================
continues known clocks, refers to known ids    plain                the update itself
brings only what is known                      plain                the update itself
overlaps the known clocks in part              careful              the update, or the difference
has a Skip, or a circle between its clients    careful              the difference
lacks what it refers to or deletes             careful; waits       what could be integrated, if any
brings what others waited for                  careful; releases    the difference, released parts
                                                                    too; those go to the sender also
comes in pieces                                careful, at the end  the update, or the difference
=============================================  ===================  ================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pycrdt import Doc

from collab.errors import InvariantViolated, MalformedUpdate
from collab.protocol.id_ranges import IdRanges
from collab.protocol.state_vector import encode_state_vector
from collab.protocol.update_scan import ScannedUpdate
from collab.protocol.varint import Reader

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
        released: what waited and was integrated thanks to this update: its sender lacks that too.
    """

    news: bytes | None
    rewind: dict[int, int]
    incomplete: bool
    released: bytes | None = None


class RoomDoc:
    """One document in memory. Every update given to it has been scanned.

    Attributes:
        size_bytes: about how large the document is; never less than its full update was when it
            was last made, plus what came since.
    """

    def __init__(self) -> None:
        self.size_bytes = 0
        self._doc: Doc[Any] = Doc(client_id=_SERVER_CLIENT_ID)
        self._clocks: dict[int, int] = {}
        # By client, the clock that has to be reached before all that waits can be integrated.
        self._awaited: dict[int, int] = {}
        self._deleted = IdRanges()
        self._in_pieces = False
        self._full: bytes | None = None
        self._state_vector: bytes | None = None

    @property
    def clocks(self) -> Mapping[int, int]:
        """Next expected clock by client id."""
        return self._clocks

    @property
    def is_incomplete(self) -> bool:
        """Whether parts of applied updates still wait for what they depend on."""
        return bool(self._awaited)

    @property
    def client_count(self) -> int:
        """How many client ids the document knows or waits for; one in both counts twice."""
        return len(self._clocks) + len(self._awaited)

    def state_vector(self) -> bytes:
        """The encoded state vector of what is integrated and accounted for; kept until it changes.

        While an update is applied in pieces, the pieces are not in it: nobody has stored them yet.
        """
        if self._state_vector is None:
            self._state_vector = encode_state_vector(self._clocks)
        return self._state_vector

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

    def adds(self, scanned: ScannedUpdate, *, exact: bool = True) -> bool:
        """Whether an update holds anything that this document does not.

        Args:
            scanned: its scan.
            exact: also recognise deletions that merging brought about and no update told of. They
                stand in every replica's delete set, and so in every step 2; looking them up takes
                time in proportion to the document's delete set.
        """
        known = self._clocks
        for client, _, end in scanned.ranges:
            if end > known.get(client, 0):
                return True
        if self._are_deleted(scanned):
            return False
        if exact:
            self._refresh_deleted()
            return not self._are_deleted(scanned)
        return True

    def may_wait(self, scanned: ScannedUpdate, *, in_circles: bool) -> bool:
        """Whether parts of an update might have to wait for others.

        Args:
            scanned: its scan.
            in_circles: whether to expect blocks that wait for each other in a circle, as no
                replica makes them; then every reference between its blocks counts as missing.
        """
        known = self._clocks
        reached = {client: end for client, _, end in scanned.ranges}
        brought = {} if in_circles else reached
        return (
            any(start > known.get(client, 0) for client, start, _ in scanned.ranges)
            or any(end > known.get(client, 0) for client, _, end in scanned.skips)
            or any(
                clock > known.get(client, 0) and clock > brought.get(client, 0)
                for client, clock in scanned.needs.items()
            )
            or not self._are_known(scanned, reached)
        )

    def apply(self, update: bytes, scanned: ScannedUpdate) -> Applied:
        """Integrate an update.

        Raises:
            MalformedUpdate: the CRDT library refused what the scan let through; nothing changed.
            InvariantViolated: it panicked; the document can no longer be trusted.
        """
        if not self._is_plain(scanned):
            before = dict(self._clocks)
            self._integrate(update)
            return self._settle(update, scanned, before)
        self._integrate(update)
        known = self._clocks
        rewind: dict[int, int] = {}
        for client, _, end in scanned.ranges:
            clock = known.get(client, 0)
            rewind[client] = clock
            if end > clock:
                known[client] = end
        self._state_vector = None
        for client, start, end in scanned.deletes:
            self._deleted.add(client, start, end)
        return Applied(update, rewind, incomplete=False)

    def apply_piece(self, piece: bytes) -> None:
        """Integrate one piece of a sliced update; :meth:`finish_pieces` must follow the last.

        Raises:
            InvariantViolated: the CRDT library refused what the scan let through; earlier pieces
                stay, so the document can no longer be trusted.
        """
        self._in_pieces = True
        try:
            self._integrate(piece)
        except MalformedUpdate as error:
            raise InvariantViolated("a piece of a scanned update was refused") from error

    def finish_pieces(
        self, update: bytes, scanned: ScannedUpdate, before: Mapping[int, int]
    ) -> Applied:
        """Account for an update whose pieces were all applied since the clocks were `before`."""
        self._in_pieces = False
        return self._settle(update, scanned, before)

    def rewound(self, rewind: Mapping[int, int]) -> dict[int, int]:
        """The clocks of a replica that has everything but what moved since `rewind`."""
        return {**self._clocks, **rewind}

    # What an update needs ---------------------------------------------------------------------

    def _is_plain(self, scanned: ScannedUpdate) -> bool:
        """Whether all of an update integrates at once and releases nothing; in doubt, False."""
        if scanned.skips:
            return False
        known = self._clocks
        awaited = self._awaited
        for client, start, end in scanned.ranges:
            clock = known.get(client, 0)
            # Where it overlaps in part, the library cuts a struct; in the middle of a character
            # outside the basic plane it then counts less than replicas in JavaScript do.
            if start != clock and end > clock:
                return False
            if client in awaited:
                return False
        for client, clock in scanned.needs.items():
            if clock > known.get(client, 0):
                return False
        if not scanned.deletes:
            return True
        return self._are_known(scanned, {client: end for client, _, end in scanned.ranges})

    def _are_known(self, scanned: ScannedUpdate, reached: Mapping[int, int]) -> bool:
        """Whether everything in the delete set is known, or brought by the update itself."""
        known = self._clocks
        return all(
            end <= known.get(client, 0) or end <= reached.get(client, 0)
            for client, _, end in scanned.deletes
        )

    # What an update did -----------------------------------------------------------------------

    def _settle(self, update: bytes, scanned: ScannedUpdate, before: Mapping[int, int]) -> Applied:
        """Ask the Doc what became of an update since the clocks were `before`."""
        reached = {client: end for client, _, end in scanned.ranges}
        after = self._read_clocks(reached)
        awaited = self._awaited
        self._clocks = after
        self._state_vector = None
        moved = {
            client: before.get(client, 0)
            for client, clock in after.items()
            if clock > before.get(client, 0)
        }
        others = any(
            client in awaited or after[client] > reached.get(client, 0) for client in moved
        )
        incomplete = self._await_missing(scanned)
        deletes = self._remember_deletes(scanned)
        if not moved and not deletes:
            return Applied(None, moved, incomplete=incomplete)
        news = update
        if incomplete or others or scanned.skips:
            # Less than the update was integrated, or more: what had waited for it.
            news = self._doc.get_update(encode_state_vector(before))
        released = None
        if others:
            has = {client: min(end, after.get(client, 0)) for client, end in reached.items()}
            has = {client: max(clock, before.get(client, 0)) for client, clock in has.items()}
            released = self._doc.get_update(encode_state_vector({**before, **has}))
        return Applied(news, moved, incomplete=incomplete, released=released)

    def _read_clocks(self, reached: Mapping[int, int]) -> dict[int, int]:
        """The clocks as the Doc has them, once nothing that waits can be integrated any more.

        Args:
            reached: by client, where the update ends that was just applied.
        """
        state_vector = b""
        while (now := self._doc.get_state()) != state_vector:
            # The library looks again at what waits only when another update comes.
            state_vector = now
            self._doc.apply_update(EMPTY_UPDATE)
        clocks = _clocks_of(state_vector)
        if not self._in_pieces:
            return clocks
        # Somebody else's pieces are in the Doc and nowhere else: not to be relied on yet.
        known = dict(self._clocks)
        for client, end in reached.items():
            known[client] = max(known.get(client, 0), min(end, clocks.get(client, 0)))
        return {client: clock for client, clock in known.items() if clock}

    def _await_missing(self, scanned: ScannedUpdate) -> bool:
        """Note what an update still waits for; returns whether it waits."""
        known = self._clocks
        missing: dict[int, int] = {}
        for client, _, end in (*scanned.ranges, *scanned.deletes):
            if end > known.get(client, 0):
                missing[client] = max(end, missing.get(client, 0))
        awaited = {
            client: clock for client, clock in self._awaited.items() if clock > known.get(client, 0)
        }
        if missing:
            for client, clock in (*missing.items(), *scanned.needs.items()):
                if clock > known.get(client, 0):
                    awaited[client] = max(clock, awaited.get(client, 0))
        self._awaited = awaited
        return bool(missing)

    # Deletions --------------------------------------------------------------------------------

    def _are_deleted(self, scanned: ScannedUpdate) -> bool:
        covers = self._deleted.covers
        return all(covers(client, start, end) for client, start, end in scanned.deletes)

    def _remember_deletes(self, scanned: ScannedUpdate) -> bool:
        """Note what an update deleted; returns whether any of it was there to be deleted."""
        known = self._clocks
        any_known = False
        for client, start, end in scanned.deletes:
            clock = known.get(client, 0)
            if start < clock:
                any_known = True
                self._deleted.add(client, start, min(end, clock))
        return any_known

    def _refresh_deleted(self) -> None:
        """Take the delete set from the Doc: an update from "now" carries nothing but that."""
        reader = Reader(self._doc.get_update(self._doc.get_state()))
        if reader.read_uint() != 0:
            return
        for _ in range(reader.read_uint()):
            client = reader.read_uint()
            for _ in range(reader.read_uint()):
                start = reader.read_uint()
                self._deleted.add(client, start, start + reader.read_uint())

    # The library ------------------------------------------------------------------------------

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


def _clocks_of(state_vector: bytes) -> dict[int, int]:
    """Decode the Doc's own state vector, whatever its size."""
    reader = Reader(state_vector)
    clocks: dict[int, int] = {}
    for _ in range(reader.read_uint()):
        client = reader.read_uint()
        clocks[client] = reader.read_uint()
    return clocks
