"""The room's in-memory replica, with what must be known about it without asking the CRDT.

Known clocks are kept beside the Doc, so that a keystroke needs no state vector from it, and the
document's shape, which tells of updates that the CRDT library would not survive. The Doc is only
ever given what integrates at once; the rest waits aside, and is in no state vector, no update and
no difference until it does.

=============================================  ====================  ===============================
an update                                      what becomes of it    what the others are sent
=============================================  ====================  ===============================
refers to nothing that is missing              integrated            the update itself
the same, and others waited for it             and those as well     the difference; the sender is
                                                                     sent what it released
lacks something, or has a Skip                 integrated in part;   the difference, if there is any
                                               the rest waits
its shape is forbidden                         refused whole         nothing
its shape is taken apart                       integrated, stored    the form that it has then
                                               in another form
waited, and its shape turns out forbidden      that part is dropped  nothing of that part
=============================================  ====================  ===============================
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from collab.errors import LimitExceeded, PeerError
from collab.limits import (
    DOCUMENT_BYTES_MAX,
    SLICE_BRANCHES,
    SLICE_BYTES,
    SLICE_CHECKS,
    SLICE_STRUCTS,
)
from collab.protocol.document_shape import DocumentShape, ShapeCheck
from collab.protocol.id_ranges import IdRanges
from collab.protocol.scanned import ClockRange
from collab.protocol.state_vector import EMPTY_STATE_VECTOR, advance_clocks, encode_state_vector
from collab.protocol.update_scan import ScannedUpdate, scan_update
from collab.protocol.update_slices import UpdateSlices
from collab.room.applied import Applied, Part, Progress, Steps, finish
from collab.room.dissolving import dissolve
from collab.room.encoded_state import Answers
from collab.room.replica import MapWatch, Replica
from collab.room.waiting import Missing, Run, Waiting, delete_update, runs_of


class RoomDoc:
    """One document in memory. Every update given to it has been scanned.

    Args:
        bytes_max: how large it may grow by updates that were not stored before.

    Attributes:
        answers: what other replicas are sent of it, in encoded form.
    """

    def __init__(self, bytes_max: int = DOCUMENT_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self.answers = Answers()
        self._doc = Replica()
        self._shape = DocumentShape()
        self._clocks: dict[int, int] = {}
        # While an update is applied in steps: the clocks without it, for nobody has stored it yet.
        self._settled: dict[int, int] | None = None
        self._waiting = Waiting()
        self._has_left_out = False
        self._deleted = IdRanges()
        self._has_all_deleted = False
        self._state_vector: bytes | None = None

    @property
    def clocks(self) -> Mapping[int, int]:
        """Next expected clock by client id, as far as it can be relied on."""
        return self._clocks if self._settled is None else self._settled

    @property
    def is_incomplete(self) -> bool:
        """Whether parts of updates still wait for what they depend on."""
        return bool(self._waiting)

    @property
    def is_applying(self) -> bool:
        """Whether an update is being applied in steps."""
        return self._settled is not None

    @property
    def is_whole(self) -> bool:
        """Whether all that was ever given to it is integrated: nothing waits or was left out."""
        return not (self._waiting or self._has_left_out)

    @property
    def waiting_bytes(self) -> int:
        """About how much memory those parts take."""
        return self._waiting.size_bytes

    def clients(self) -> set[int]:
        """The client ids that the document knows, waits for, or keeps parts of."""
        return self._waiting.clients.union(self._waiting.writers(), self._clocks)

    def state_vector(self) -> bytes:
        """The encoded state vector of :attr:`clocks`; kept until they change."""
        if self._state_vector is None:
            self._state_vector = encode_state_vector(self.clocks)
        return self._state_vector

    @property
    def size_bytes(self) -> int:
        """About how large the document is; see :class:`Answers`."""
        return self.answers.size_bytes

    def full_update(self) -> bytes:
        """The whole integrated state as one update; kept until the next edit."""
        return self.answers.full_update(self._doc)

    def tidy(self) -> None:
        """Do what was put off; see :class:`Replica`, and :meth:`apply` for what it raises."""
        self._doc.tidy()

    def watch_map(self, name: str) -> MapWatch:
        """Notice when entries of a root map are set or deleted; see :meth:`Replica.watch_map`."""
        return self._doc.watch_map(name)

    def forget_unused(self) -> None:
        """Drop what is kept ready for others if nobody asked for it since the last call."""
        self._state_vector = None
        self.answers.forget_unused()

    def measured_bytes(self) -> int:
        """The size of the document after a closer look."""
        return self.answers.measure(self._doc)

    def require_room(self, update_bytes: int) -> None:
        """Refuse what would make the document too large.

        Raises:
            LimitExceeded: there is no room for so many bytes.
        """
        if self.size_bytes + update_bytes <= self._bytes_max:
            return
        # The estimate only grows; before refusing, measure.
        if self.measured_bytes() + update_bytes > self._bytes_max:
            raise LimitExceeded(
                f"the document may have at most {self._bytes_max} bytes", limit="document_bytes_max"
            )

    def difference(self, state_vector: bytes) -> bytes:
        """What a replica with this (checked) state vector lacks, as one update."""
        if state_vector == EMPTY_STATE_VECTOR:
            return self.full_update()
        return self._doc.get_update(state_vector)

    def messages(self, state_vector: bytes) -> Sequence[bytes]:
        """What a replica with this (checked) state vector lacks: updates, then one step 2."""
        return self.answers.messages(state_vector, self._doc, self._clocks)

    def lacking_bytes(self, state_vector: bytes) -> int:
        """About how much of a large document a replica with this state vector lacks."""
        return self.answers.lacking_bytes(state_vector, self._clocks)

    def dissolve_in_steps(self) -> Part:
        """Empty the document; see :func:`dissolve`."""
        return dissolve(self._doc, self._shape, self._clocks)

    def rewound(self, rewind: Mapping[int, int]) -> dict[int, int]:
        """The clocks of a replica that has everything but what moved since `rewind`."""
        return {**self.clocks, **rewind}

    def adds(self, scanned: ScannedUpdate, *, exact: bool = True) -> bool:
        """Whether an update holds anything that this document does not.

        Args:
            scanned: its scan.
            exact: also recognise deletions that merging brought about and no update told of. They
                stand in every replica's delete set, and so in every step 2; looking them up takes
                time in proportion to the document's delete set.
        """
        known = self.clocks
        for client, _, end in scanned.ranges:
            if end > known.get(client, 0):
                return True
        if self._are_deleted(scanned):
            return False
        if exact:
            self._refresh_deleted()
            return not self._are_deleted(scanned)
        return True

    def may_wait(self, scanned: ScannedUpdate) -> bool:
        """Whether parts of an update will have to wait for others."""
        return bool(scanned.skips) or not scanned.integrates(self._clocks)

    # Applying ---------------------------------------------------------------------------------

    def apply(self, update: bytes, scanned: ScannedUpdate, *, stored: bool = False) -> Applied:
        """Integrate an update at once, as far as it goes.

        Args:
            update: its bytes.
            scanned: its scan.
            stored: it was accepted once, so that what is forbidden in it is left out, not refused.

        Raises:
            PeerError: the document's shape forbids it, or there is no room for the form that it
                is taken in; nothing changed. Not if `stored`.
            InvariantViolated: the CRDT library refused what was let through; the document can no
                longer be trusted.
        """
        if self.may_wait(scanned):
            return finish(self.apply_in_steps(update, scanned, stored=stored))
        rewind = {client: self._clocks.get(client, 0) for client, _, _ in scanned.ranges}
        try:
            check = self._checked(update, scanned)
            if not stored:
                self._require_room_for_form(check, update)
            self._take_checked(check, max(rewind.values(), default=0))
            update = check.update
        except PeerError:
            if not stored:
                raise
            return finish(self.apply_in_steps(update, scanned, stored=True))
        if not any(self._waiting.awaits(client) for client in rewind):
            return Applied(update, update, rewind, incomplete=False)
        progress = Progress(
            self.rewound(rewind), _ends(scanned), whole=True, deleted=bool(scanned.deletes)
        )
        return finish(self._release(progress, update))

    def apply_in_steps(
        self, update: bytes, scanned: ScannedUpdate, *, stored: bool = False
    ) -> Steps:
        """Integrate an update step by step, with other work in between; else as :meth:`apply`.

        Until the last step, what it brings is in no state vector, and :meth:`adds` does not know
        of it.
        """
        progress = Progress(dict(self._clocks), _ends(scanned))
        self._settled = dict(self._clocks)
        try:
            if self.may_wait(scanned):
                return (yield from self._apply_parts(update, scanned, progress))
            yield
            check = ShapeCheck(self._shape, update, scanned)
            try:
                while not check.advance(SLICE_CHECKS):
                    yield
            except PeerError:
                if not stored:
                    raise
                return (yield from self._apply_parts(update, scanned, progress))
            if not stored:
                self._require_room_for_form(check, update)
            yield from self._take_slices(check)
            progress.whole, progress.deleted = True, bool(scanned.deletes)
            return (yield from self._release(progress, check.update))
        finally:
            self._settled = None
            self._state_vector = None

    def _apply_parts(self, update: bytes, scanned: ScannedUpdate, progress: Progress) -> Steps:
        """Integrate what can be integrated, leave out what is forbidden, keep the rest."""
        yield from self._take_runs(deque(runs_of(update, scanned)), progress)
        yield from self._take_deletes(scanned.deletes, progress)
        return (yield from self._release(progress, update))

    def _release(self, progress: Progress, update: bytes) -> Steps:
        """Integrate what waited for an update, and tell what became of all."""
        runs: deque[Run] = deque()
        for client in self._waiting.clients.intersection(progress.reached):
            runs.extend(self._waiting.wake(client, self._clocks.get(client, 0)))
        yield from self._take_runs(runs, progress)
        for client in self._waiting.clients:
            due = self._waiting.wake_deletes(client, self._clocks.get(client, 0))
            progress.released_deletes |= self._delete(due)
        return self._outcome(progress, update)

    def _outcome(self, progress: Progress, update: bytes) -> Applied:
        before, reached, after = progress.before, progress.reached, self._clocks
        moved = {
            client: before.get(client, 0)
            for client, clock in after.items()
            if clock > before.get(client, 0)
        }
        others = progress.released_deletes or any(
            after[client] > reached.get(client, 0) for client in moved
        )
        if not (moved or progress.deleted or progress.released_deletes):
            return Applied(update, None, moved, incomplete=progress.waits)
        news = update
        if others or not progress.whole:
            news = self._doc.get_update(encode_state_vector(before))
        released = None
        if others:
            has = dict(before)
            for client, end in reached.items():
                has[client] = max(has.get(client, 0), min(end, after.get(client, 0)))
            released = self._doc.get_update(encode_state_vector(has))
        return Applied(update, news, moved, incomplete=progress.waits, released=released)

    # Whole updates ----------------------------------------------------------------------------

    def _checked(self, update: bytes, scanned: ScannedUpdate) -> ShapeCheck:
        check = ShapeCheck(self._shape, update, scanned)
        while not check.advance(SLICE_STRUCTS):
            pass
        return check

    def _require_room_for_form(self, check: ShapeCheck, update: bytes) -> None:
        """What was taken apart is larger than what there had to be room for when it came."""
        if len(check.update) > len(update):
            self.require_room(len(check.update))

    def _take_checked(self, check: ShapeCheck, clock: int | None = None) -> None:
        self._give(check.update, clock)
        check.commit()
        self._reach(check.scanned)

    def _take_slices(self, check: ShapeCheck) -> Part:
        scanned = check.scanned
        slices = UpdateSlices(check.update, scanned, SLICE_BYTES)
        for piece in slices:
            self._give(piece)
            slices.adapt((yield) or 0.0)
        while not check.commit_some(SLICE_STRUCTS):
            yield
        for at in range(0, len(scanned.ranges), SLICE_STRUCTS):
            advance_clocks(self._clocks, scanned.ranges[at : at + SLICE_STRUCTS])
            yield
        for at in range(0, len(scanned.deletes), SLICE_STRUCTS):
            self._note_deleted(scanned.deletes[at : at + SLICE_STRUCTS])
            yield

    def _reach(self, scanned: ScannedUpdate) -> None:
        advance_clocks(self._clocks, scanned.ranges)
        if self._settled is not None:
            advance_clocks(self._settled, scanned.ranges)
        self._state_vector = None
        self._note_deleted(scanned.deletes)

    def _note_deleted(self, spans: Iterable[ClockRange]) -> None:
        for client, start, end in spans:
            self._deleted.add(client, start, end)

    # Parts ------------------------------------------------------------------------------------

    def _take_runs(self, runs: deque[Run], progress: Progress) -> Part:
        """Integrate runs as far as they go, and what waited for them; the rest waits."""
        while runs:
            run = runs.popleft()
            missing = self._take_run(run)
            runs.extend(self._waiting.wake(run.client, self._clocks.get(run.client, 0)))
            if missing is not None and missing.clock > self._clocks.get(missing.client, 0):
                self._waiting.park(run, missing)
                progress.waits |= run.client in progress.reached
            elif not run.is_done:
                runs.append(run)
            yield

    def _take_run(self, run: Run) -> Missing | None:
        """Integrate the next structs of a run; returns what is missing for those behind them.

        What the document's shape forbids is left out, and with it all that follows in the run.
        """
        begin = run.at
        piece, missing = run.advance(self._clocks, SLICE_BRANCHES)
        if not piece or self._take_piece(piece):
            return missing
        run.at = begin
        while not run.is_done:
            piece, missing = run.advance(self._clocks, 1)
            if missing is not None:
                return missing
            if piece and not self._take_piece(piece):
                self._has_left_out = True
                run.drop()
        return None

    def _take_piece(self, piece: bytes) -> bool:
        """Integrate a piece all of whose references are known; False if its shape is forbidden."""
        scanned = scan_update(piece)
        settled, self._settled = self._settled, None
        try:
            self._take_checked(self._checked(piece, scanned))
        except PeerError:
            return False
        finally:
            self._settled = settled
        return True

    def _take_deletes(self, spans: Iterable[ClockRange], progress: Progress) -> Part:
        """Delete what is known; the rest waits."""
        known = self._clocks
        due: list[ClockRange] = []
        for count, (client, start, end) in enumerate(spans, 1):
            clock = known.get(client, 0)
            if start < clock:
                due.append(ClockRange(client, start, min(end, clock)))
            if end > clock:
                self._waiting.park_delete(ClockRange(client, max(start, clock), end))
                progress.waits = True
            if len(due) == SLICE_BRANCHES or count % SLICE_STRUCTS == 0:
                progress.deleted |= self._delete(due)
                due.clear()
                yield
        progress.deleted |= self._delete(due)

    def _delete(self, spans: list[ClockRange]) -> bool:
        """Delete what is known; returns whether anything was."""
        if not spans or self._take_piece(delete_update(spans)):
            return bool(spans)
        # One of them is forbidden: then each for itself.
        taken = [self._take_piece(delete_update([span])) for span in spans]
        self._has_left_out |= not all(taken)
        return any(taken)

    # Deletions --------------------------------------------------------------------------------

    def _are_deleted(self, scanned: ScannedUpdate) -> bool:
        return all(self._deleted.covers(who, start, end) for who, start, end in scanned.deletes)

    def _refresh_deleted(self) -> None:
        """Take the delete set from the Doc: an update from "now" carries nothing but that."""
        if self._has_all_deleted:
            return
        self._has_all_deleted = True
        self._deleted.add_delete_set(self._doc.get_update(self._doc.get_state()))

    # The library ------------------------------------------------------------------------------

    def _give(self, update: bytes, clock: int | None = None) -> None:
        self._has_all_deleted = False
        self._doc.apply_update(update, clock)
        self.answers.note(update)


def _ends(scanned: ScannedUpdate) -> dict[int, int]:
    return {client: end for client, _, end in scanned.ranges}
