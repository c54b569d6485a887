"""Runs one room: carries out its effects, feeds it messages in order, loads and saves it.

The room decides and this does; nothing here looks into an update or compares roles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from collections.abc import Sequence as SequenceOf

import structlog

from collab.access import Claims
from collab.errors import BandProError, InvariantViolated, RoomUnavailable
from collab.ids import Milliseconds, RoomName, Sequence, SessionId, room_key
from collab.ports import Manifest
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import RoomMessage, SyncStep1, SyncStep2, SyncUpdate
from collab.protocol.update_scan import scan_update
from collab.room.effects import Announce, Broadcast, Close, Effect, Persist, Refused, Send
from collab.room.room import Admitted, Room, RoomState
from collab.room.session import Session
from gateway.observe.metrics import Metrics
from gateway.rooms.appender import Appender
from gateway.rooms.applying import INLINE_BYTES_MAX, is_small
from gateway.rooms.clock import now_ms
from gateway.rooms.fanout import Post, Seat
from gateway.rooms.joins import LARGE_ANSWER_BYTES, Joins
from gateway.rooms.neighbours import PeerLink
from gateway.rooms.runner_settings import MARK, RunnerSettings
from gateway.rooms.tail import Tail
from persistence.crash_guard import opening
from persistence.erasure import load_after_erasure
from persistence.loading import LoadedRoom, LoadProblem
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)
_Admit = Callable[[], Admitted | list[Effect]]


class RoomRunner:
    """One live room on this node."""

    def __init__(
        self,
        name: RoomName,
        stores: Stores,
        settings: RunnerSettings,
        metrics: Metrics,
        joins: Joins,
    ) -> None:
        self.name = name
        self.key = room_key(name)
        self.room = Room(name, settings.room)
        self.seats: dict[SessionId, Seat] = {}
        self.problems: tuple[LoadProblem, ...] = ()
        self.tail = Tail()
        self.empty_since_ms: Milliseconds | None = None
        self.busy = 0
        self.marks = 0  # left by others in the log; see ``MARK``
        self._applying: asyncio.Lock | None = None
        self._joins = joins
        self._slices = joins.slices
        self._stores = stores
        self._settings = settings
        self._metrics = metrics
        self._post: Post | None = None  # while anybody is here
        self._appender: Appender | None = None
        self.link: PeerLink | None = None  # to the same room on other nodes

    # Life -------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Read the room from the store and begin to serve it.

        Raises:
            RoomQuarantined: an operator must release it first.
            StoreUnavailable: it cannot be read now; nothing is known about it.
            RoomUnavailable: its stored bytes cannot be applied.
        """
        loaded, retired = await load_after_erasure(self._stores, self.name)
        async with opening(self._stores, loaded) as opened:
            try:
                for update in loaded.updates:
                    await self._slices.apply_stored(self.room.doc, update)
            except BandProError as error:
                raise RoomUnavailable("a stored update cannot be applied") from error
        self._adopt(loaded)
        self._appender = Appender(
            stores=self._stores,
            key=self.key,
            manifest=opened.manifest,
            epoch=loaded.manifest.epoch,
            head=loaded.head,
            limits=self._settings.append,
            metrics=self._metrics,
            pace=self._settings.pace,
            owner=self,
        )
        self.run(self.room.loaded(retired or None))
        told = {"head": loaded.head, "updates": len(loaded.updates), "problems": len(self.problems)}
        self._log.info("room.opened", **told, bytes=self.room.doc.size_bytes)

    def discard(self, code: CloseCode, detail: str = "") -> None:
        """End the room here and now; sessions are closed, what is not durable is forgotten."""
        if self._appender is not None:
            self._appender.stop()
        self.run(self.room.discard(code, detail))

    def part(self) -> None:
        """Let go of the appender when the room is live no more.

        They hold each other: only a search of all that lives would free them otherwise.
        """
        self._appender = self.link = None

    async def drain(self) -> None:
        """Wait until all that was accepted is durable, or the room was discarded."""
        if self._appender is not None:
            await self._appender.drain()

    @property
    def appender(self) -> Appender:
        """The room's way to its log.

        Raises:
            RoomUnavailable: the room is not loaded.
        """
        if self._appender is None or self.room.state is not RoomState.LIVE:
            raise RoomUnavailable("the room is not open")
        return self._appender

    @property
    def can_unload(self) -> bool:
        """Whether nobody is here and the log holds everything."""
        is_idle = self._appender is None or self._appender.is_idle
        return is_idle and not self.seats and not self.busy and self.room.is_saved

    @property
    def is_due_for_compaction(self) -> bool:
        """Whether the log's tail has passed one of its bounds."""
        appender = self._appender
        if appender is None or self.room.state is not RoomState.LIVE:
            return False
        return self.tail.is_due(appender.manifest, appender.head, self._settings.compaction)

    @property
    def unsaved_bytes(self) -> int:
        """Of updates that wait for their commit."""
        return 0 if self._appender is None else self._appender.unsaved_bytes

    def compacted(
        self, manifest: Manifest, rows_merged: int, bytes_merged: int, begun_ms: Milliseconds
    ) -> None:
        """A snapshot now covers part of the tail."""
        self.tail.fold(rows_merged, bytes_merged, begun_ms)
        if self._appender is not None:
            self._appender.manifest = manifest

    @property
    def _log(self) -> structlog.stdlib.BoundLogger:
        return _log.bind(room=self.key[:12])

    # Sessions ---------------------------------------------------------------------------------

    def check_join(self) -> None:
        """Refuse a join that could not succeed.

        Raises:
            RoomUnavailable: the room was discarded meanwhile.
            LimitExceeded: it is full.
        """
        if self.room.state is RoomState.CLOSED:
            raise RoomUnavailable("the room was closed")
        self.room.check_join()

    def join(self, session: Session, seat: Seat) -> None:
        """Seat a session in the room.

        Raises:
            RoomUnavailable: the room was discarded meanwhile.
            LimitExceeded: it is full.
        """
        self.check_join()
        # The seat first: the greeting goes there.
        self.seats[session.session_id] = seat
        if self._post is None:
            self._post = Post(self.room, self.seats, self._metrics)
        self._post.joined(session.session_id)
        self.run(self.room.join(session))
        self.empty_since_ms = None
        self._metrics.sessions.inc()

    def leave(self, session_id: SessionId) -> None:
        """A session's connection is gone, or it left the room by itself."""
        self._take_seat(session_id)
        self.run(self.room.leave(session_id, now_ms()))
        if not self.seats and self.empty_since_ms is None:
            self.empty_since_ms = now_ms()

    def set_claims(self, session_id: SessionId, claims: Claims) -> None:
        """New claims for a live session: refreshed, revoked or changed."""
        self.run(self.room.set_claims(session_id, claims, now_ms()))

    def expel(self, session_id: SessionId, code: CloseCode, detail: str) -> bool:
        """Close one session; False when it is not here."""
        seat = self.seats.get(session_id)
        if seat is None:
            return False
        self.leave(session_id)
        self._metrics.closes.labels(code=str(int(code))).inc()
        seat.close(code, detail)
        return True

    def tick(self) -> None:
        """Let time pass."""
        if self.room.state is RoomState.LIVE:
            self.run(self.room.tick(now_ms()))
        try:
            self.room.doc.tidy()
        except InvariantViolated:
            self._break()

    def forget_unused(self) -> None:
        """Drop what is kept ready for newcomers if none came since the last call."""
        self.room.doc.forget_unused()
        if self._post is not None:
            self._post.forget_unused()

    def caught_up(self, session_id: SessionId) -> None:
        """A slow session's outbox has drained."""
        self.run(self.room.caught_up(session_id))

    # Messages ---------------------------------------------------------------------------------

    def try_receive(self, session_id: SessionId, message: RoomMessage) -> bool:
        """Give a session's message to the room if nothing has to be waited for.

        Returns:
            Whether it was given; if not, nothing happened, and it is for :meth:`receive`.

        Raises:
            PeerError: as there.
        """
        if isinstance(message, SyncStep1):
            lacking_bytes = self.room.doc.lacking_bytes(message.state_vector)
            if lacking_bytes > LARGE_ANSWER_BYTES:
                return False
        if not isinstance(message, SyncUpdate | SyncStep2):
            self.run(self.room.receive(session_id, message, now_ms()))
            return True
        is_applying = self._applying is not None and self._applying.locked()
        has_room = self._appender is None or self._appender.has_room
        if len(message.update) > INLINE_BYTES_MAX or is_applying or not has_room:
            return False
        scanned = scan_update(message.update)
        if not is_small(message.update, scanned):
            return False
        self._apply_at_once(self.room.admit(session_id, message, scanned, now_ms()))
        return True

    async def receive(self, session_id: SessionId, message: RoomMessage) -> None:
        """Give a session's message to the room.

        Raises:
            PeerError: the message ends the connection; the session still has to leave.
        """
        if isinstance(message, SyncStep1):
            await self._answer(session_id, message)
            return
        if not isinstance(message, SyncUpdate | SyncStep2):
            self.run(self.room.receive(session_id, message, now_ms()))
            return
        if self._appender is not None:
            await self._appender.wait_for_room()
        scanned = await self._slices.scan(message.update)
        await self._apply_alone(
            lambda: self.room.admit(session_id, message, scanned, now_ms()),
            at_once=is_small(message.update, scanned),
            sender=session_id,
        )

    async def append(self, update: bytes) -> Sequence:
        """An edit by the server itself, or through the API; returns once it is durable.

        Raises:
            PeerError: it is refused.
            RoomUnavailable: it could not be stored.
        """
        self.busy += 1
        try:
            await self.appender.wait_for_room()
            scanned = await self._slices.scan(update)
            await self._apply_alone(
                lambda: self.room.admit_server_edit(update, scanned),
                at_once=is_small(update, scanned),
            )
            ticket = self.room.last_ticket
            await self.drain()
            if self.room.durable_ticket < ticket:
                raise RoomUnavailable("the update could not be stored; repeating it is safe")
            return self.appender.head
        finally:
            self.busy -= 1

    # Effects ----------------------------------------------------------------------------------

    def run(self, effects: Iterable[Effect]) -> None:
        """Carry out effects, in order."""
        for effect in effects:
            match effect:
                case Send() | Broadcast() | Announce():
                    if self._post is not None:
                        self._post.carry(effect)
                    if self.link is not None and isinstance(effect, Announce):
                        self.link.announced(effect.entries)
                case Persist(update, ticket):
                    self._metrics.updates.inc()
                    self.tail.grow(len(update))
                    self.appender.persist(ticket, update)
                case Close(session_id, code, detail):
                    seat = self._take_seat(session_id)
                    if seat is not None:
                        seat.close(code, detail)
                case Refused(_, reason):
                    self._metrics.refused.labels(reason=reason).inc()

    def announce(self, change: Announce) -> None:
        """Tell the sessions here, and no other node, of changed awareness states."""
        if self._post is not None:
            self._post.carry(change)

    def _take_seat(self, session_id: SessionId) -> Seat | None:
        seat = self.seats.pop(session_id, None)
        if seat is not None:
            self._metrics.sessions.dec()
            if self._post is not None:
                self._post.left(session_id)
            if not self.seats:
                self._post = None
                self.seats.clear()  # gives back what an emptied dict keeps
        return seat

    # Inside -----------------------------------------------------------------------------------

    async def _answer(self, session_id: SessionId, message: SyncStep1) -> None:
        doc = self.room.doc
        seat = self.seats.get(session_id)
        lacking_bytes = doc.lacking_bytes(message.state_vector)
        if seat is None or lacking_bytes <= LARGE_ANSWER_BYTES:
            self.run(self.room.receive(session_id, message, now_ms()))
            return
        self.busy += 1
        post = self._post
        if post is not None:
            post.hold(session_id)
        try:
            if doc.answers.needs_encoding:
                await self._joins.encode(self.room)
            async with self._joins.bucket.turn(lacking_bytes, seat):
                self.run(self.room.receive(session_id, message, now_ms()))
        finally:
            if post is not None:
                post.release(session_id)
            self.busy -= 1

    async def _apply_alone(
        self, admit: _Admit, *, at_once: bool, sender: SessionId | None = None
    ) -> None:
        """Admit and apply an update while no other is being applied.

        Raises:
            PeerError: it is refused.
        """
        if at_once:
            async with self._alone:
                self._apply_at_once(admit())
            return
        self._slices.check_sender(sender)
        # What has begun goes on to its end, even if the sender's connection ends meanwhile: else
        # the document would hold what is not in the log.
        await asyncio.shield(asyncio.create_task(self._apply_in_steps(admit, sender)))

    @property
    def _alone(self) -> asyncio.Lock:
        """Held while an update is applied; made for the first that has to wait or be waited for."""
        if self._applying is None:
            self._applying = asyncio.Lock()
        return self._applying

    def _apply_at_once(self, admitted: Admitted | list[Effect]) -> None:
        try:
            self.run(self.room.apply(admitted) if isinstance(admitted, Admitted) else admitted)
        except InvariantViolated:
            self._break()

    async def _apply_in_steps(self, admit: _Admit, sender: SessionId | None) -> None:
        self.busy += 1
        try:
            await self._slices.hold(room=self.key, sender=sender)  # nobody waits along yet
            async with self._alone:
                admitted = admit()
                if isinstance(admitted, Admitted):
                    steps = self.room.apply_in_steps(admitted)
                    self.run(await self._slices.run(steps, room=self.key, sender=sender))
                else:
                    self.run(admitted)
        except InvariantViolated:
            self._break()
        finally:
            self.busy -= 1

    def _break(self) -> None:
        self._log.exception("room.document_broken")
        self.discard(CloseCode.INTERNAL_ERROR)

    def _adopt(self, loaded: LoadedRoom) -> None:
        self.problems = loaded.problems
        now, since = self._settings.clocks.wall(), loaded.tail_since
        age_s = max(0, now - since) if since else 0  # not known, so it counts from now on
        self.tail.adopt(loaded.tail_count, loaded.tail_bytes, age_s)
        for problem in loaded.problems:
            self._log.error("room.damaged", problem=problem.code, sequence=problem.sequence)

    def appended(self, ticket: int) -> None:
        """The log holds all up to a ticket; see ``AppendOwner``."""
        self._settings.failpoints.hit("acknowledge.before_send")
        self.run(self.room.appended(ticket))
        self._settings.failpoints.hit("acknowledge.after_send")

    async def peer_updates(self, updates: SequenceOf[bytes]) -> None:
        """Another writer stored these; see ``AppendOwner``."""
        self.marks += updates.count(MARK)
        try:
            for update in updates:
                scanned = await self._slices.scan(update, stored=True)
                async with self._alone:
                    if is_small(update, scanned):
                        self.run(self.room.peer_update(update, scanned))
                        continue
                    steps = self.room.peer_update_in_steps(update, scanned)
                    self.run(await self._slices.run(steps))
        except InvariantViolated:
            self._break()

    def append_failed(self, code: CloseCode, detail: str) -> None:
        """Nothing more can be stored; see ``AppendOwner``."""
        self._log.error("room.discarded", unsaved=self.room.last_ticket - self.room.durable_ticket)
        self.discard(code, detail)
