"""One node without sockets, tasks or time: a room, its log, and a place for each session.

Effects are carried out as a runner would, over the memory store, which is driven to its end at
once. What is not committed is lost in a crash; what was sent is in nobody's hands until it is
delivered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine, Iterable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field
from typing import Any, TypeVar

from collab.access import Claims, Grant, Role
from collab.errors import HeadMoved, PeerError
from collab.history.compaction import CompactionLimits
from collab.ids import FIRST_EPOCH, Milliseconds, RoomName, SessionId, Subject, room_key
from collab.protocol import hocuspocus, y_sync
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import RoomMessage, SyncStep2, SyncUpdate
from collab.protocol.update_scan import scan_update
from collab.room.doc import RoomDoc
from collab.room.effects import Announce, Broadcast, Close, Effect, Pending, Persist, Send
from collab.room.fanout import Fanout, Round
from collab.room.presence import Presence
from collab.room.room import Admitted, Room, RoomLimits
from collab.room.session import Session, Wire
from persistence.compaction import CompactionStatus, compact
from persistence.crash_guard import begin_open, open_succeeded
from persistence.loading import load_room
from persistence.memory import MemoryStore
from workers.merge import merge

NAME = RoomName("machine")
KEY = room_key(NAME)
OUTBOX_FRAMES_MAX = 3
SEND_US = 1e6  # so that every broadcast opens a window
_T = TypeVar("_T")


def at_once(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    raise AssertionError("the memory store waited")


def claims_of(subject: str, role: Role) -> Claims:
    """A verified subject with one role."""
    return Claims(Subject(subject), subject, (Grant("**", role),))


@dataclass(slots=True)
class Seat:
    """A session's end: what waits for its client, and whether a broadcast was refused."""

    prefix: bytes
    outbox: deque[bytes] = field(default_factory=deque)
    refused: bool = False
    closed: int | None = None


class Node:
    """A server process, which may crash and start again."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.stores = self.store.stores()
        self.now_ms = 0
        self.seats: dict[SessionId, Seat] = {}
        self.unsaved: list[tuple[int, bytes]] = []
        self.fell_behind = 0
        self._sessions = 0
        self.start()

    # Life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Load the room from the store."""
        loaded = at_once(load_room(self.stores, NAME))
        assert loaded.problems == ()
        manifest = at_once(begin_open(self.stores, loaded))
        self.room = Room(NAME, RoomLimits())
        self.fanout = Fanout(SEND_US)
        self.presence = Presence()
        for row in loaded.updates:
            self.room.doc.apply(row, scan_update(row, stored=True), stored=True)
        at_once(open_succeeded(self.stores, manifest))
        self.head = loaded.head
        self.run(self.room.loaded())

    def crash(self) -> None:
        """Lose everything but the store, and start again."""
        self.unsaved.clear()
        self.seats.clear()
        self.start()

    def discard(self) -> None:
        """The store failed for too long: end the room, and load it again."""
        self.unsaved.clear()
        self.run(self.room.discard(CloseCode.INTERNAL_ERROR))
        assert all(seat.closed == CloseCode.INTERNAL_ERROR for seat in self.seats.values())
        self.seats.clear()
        self.start()

    def stored(self) -> RoomDoc:
        """The document that a fresh process would load now."""
        doc = RoomDoc()
        for row in at_once(load_room(self.stores, NAME)).updates:
            doc.apply(row, scan_update(row, stored=True), stored=True)
        return doc

    # The log ----------------------------------------------------------------------------------

    def commit(self, count: int, *, tell: bool = True) -> None:
        """Append some of what is not saved yet in one commit, and acknowledge it.

        Args:
            count: how many updates.
            tell: False for a commit of whose success the room does not hear.
        """
        batch, self.unsaved = self.unsaved[:count], self.unsaved[count:]
        if not batch:
            return
        updates = [update for _, update in batch]
        while True:
            append = self.stores.log.append(
                KEY, epoch=FIRST_EPOCH, after=self.head, updates=updates
            )
            try:
                self.head = at_once(append)
                break
            except HeadMoved:
                self.read_peers()
        if tell:
            self.run(self.room.appended(batch[-1][0]))

    def read_peers(self) -> None:
        """Read what other nodes have appended."""
        tail = at_once(self.stores.log.read(KEY, after=self.head))
        updates = [row.update for row in tail.rows]
        if self.head + len(updates) < tail.head:
            # Others have compacted what this node had not read: the snapshot holds it.
            updates = list(at_once(load_room(self.stores, NAME)).updates)
        for update in updates:
            self.run(self.room.peer_update(update, scan_update(update, stored=True)))
        self.head = tail.head

    def append_elsewhere(self, update: bytes) -> None:
        """Another node appends an update, of which this one has not heard yet."""
        head = at_once(self.stores.log.head(KEY))
        at_once(self.stores.log.append(KEY, epoch=FIRST_EPOCH, after=head, updates=[update]))

    def compact(self) -> None:
        """Fold the log into a snapshot, as the compactor does."""
        limits = CompactionLimits(generations=2)
        outcome = at_once(compact(self.stores, NAME, _merge, limits=limits))
        assert outcome.status is not CompactionStatus.LOST

    # Sessions ---------------------------------------------------------------------------------

    def join(self, subject: str, role: Role, wire: Wire) -> SessionId:
        """A client connects."""
        self._sessions += 1
        session_id = SessionId(f"s{self._sessions}")
        prefix = b"\x07machine" if wire is Wire.HOCUSPOCUS else b""
        self.seats[session_id] = Seat(prefix)
        self.fanout.holds_all(session_id)
        self.run(self.room.join(Session(session_id, claims_of(subject, role), wire)))
        return session_id

    def leave(self, session_id: SessionId) -> None:
        """A client's connection is gone."""
        if self.seats.pop(session_id, None) is not None:
            self.fanout.left(session_id)
            self.run(self.room.leave(session_id, Milliseconds(self.now_ms)))

    def set_role(self, session_id: SessionId, subject: str, role: Role) -> None:
        """A client's role changes in place."""
        claims = claims_of(subject, role)
        self.run(self.room.set_claims(session_id, claims, Milliseconds(self.now_ms)))

    def receive(self, session_id: SessionId, frame: bytes, *, in_steps: bool) -> None:
        """A frame arrives."""
        seat = self.seats[session_id]
        try:
            for message in self._decode(seat, frame):
                self._take(session_id, message, in_steps=in_steps)
        except PeerError as error:
            raise AssertionError(f"an honest client was refused: {error!r}") from error

    def taken(self, session_id: SessionId) -> bytes:
        """Take the next frame for a client out of its outbox."""
        seat = self.seats[session_id]
        frame = seat.outbox.popleft()
        if seat.refused and not seat.outbox:
            seat.refused = False
            self.run(self.room.caught_up(session_id))
        return frame

    def pass_time(self, span_ms: int) -> None:
        """Let time pass."""
        self.now_ms += span_ms
        self.end_window()
        self.end_tick()
        self.run(self.room.tick(Milliseconds(self.now_ms)))

    def end_window(self) -> bool:
        """Send what waits for the window's end; returns whether anything did."""
        sent = self.fanout.end_window(len(self.seats), self.now_ms)
        self._deliver(sent)
        return sent is not None

    def end_tick(self) -> bool:
        """Send the states that wait; returns whether any did."""
        sent = self.presence.end_tick(len(self.seats), self.now_ms)
        self._deliver(sent)
        return sent is not None

    def run(self, effects: Iterable[Effect]) -> None:
        """Carry out effects, in order."""
        for effect in effects:
            match effect:
                case Send():
                    self._send(effect)
                case Broadcast():
                    self._broadcast(effect)
                case Announce():
                    states = self.presence.note(effect, len(self.seats), self.now_ms)
                    self._deliver(states)
                case Persist(update, ticket):
                    self.unsaved.append((ticket, update))
                case Close(session_id, code):
                    self.seats[session_id].closed = code
                case _:
                    pass

    def _send(self, effect: Send) -> None:
        if effect.pending is Pending.FIRST:
            self._deliver(self.fanout.flush())
        elif effect.pending is Pending.HELD:
            self.fanout.holds_all(effect.session_id)
        seat = self.seats[effect.session_id]
        seat.outbox.append(seat.prefix + effect.body)

    def _broadcast(self, effect: Broadcast) -> None:
        receivers = len(self.seats) - (effect.skip in self.seats)
        self._deliver(self.fanout.take(effect, receivers, self.now_ms))

    def _deliver(self, sent: Round | None) -> None:
        for session_id, seat in self.seats.items() if sent is not None else ():
            assert sent is not None
            parcel = sent.parcel_of(session_id)
            for body in parcel.bodies:
                if seat.refused or len(seat.outbox) > OUTBOX_FRAMES_MAX:
                    seat.refused = True
                    self.fell_behind += 1
                    rewind = self.fanout.rewind_of(session_id) | parcel.rewind
                    self.room.fell_behind(session_id, rewind)
                    break
                seat.outbox.append(seat.prefix + body)

    def _take(self, session_id: SessionId, message: RoomMessage, *, in_steps: bool) -> None:
        now_ms = Milliseconds(self.now_ms)
        if not isinstance(message, SyncStep2 | SyncUpdate):
            self.run(self.room.receive(session_id, message, now_ms))
            return
        admitted = self.room.admit(session_id, message, scan_update(message.update), now_ms)
        if not isinstance(admitted, Admitted):
            self.run(admitted)
        elif not in_steps:
            self.run(self.room.apply(admitted))
        else:
            steps = self.room.apply_in_steps(admitted)
            while True:
                try:
                    next(steps)
                except StopIteration as done:
                    self.run(done.value)
                    break
                # Other nodes do not wait for this one.
                self.read_peers()

    def _decode(self, seat: Seat, frame: bytes) -> tuple[RoomMessage, ...]:
        if not seat.prefix:
            return y_sync.decode(frame)
        decoded = hocuspocus.decode(frame)
        assert isinstance(decoded, hocuspocus.HocuspocusFrame)
        assert decoded.document_name == "machine"
        message: Any = decoded.message
        return (message,)


async def _merge(updates: SequenceOf[bytes]) -> bytes:
    return merge(updates)
