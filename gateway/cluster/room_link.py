"""One live room's end of the bus: what it tells, and what it does with what it is told.

What is told is collected until the end of the loop's turn, then said in one envelope. What arrives
waits in an inbox; one task, while there is anything to do, takes it in or reads the log.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

import structlog

from collab.awareness import Publisher
from collab.cluster.envelope import Content, Envelope, Hello, Sender, SharedState, States, Updates
from collab.cluster.following import Step, next_step
from collab.cluster.heads import LogPlace
from collab.errors import EpochMoved, RoomUnavailable, StoreUnavailable
from collab.ids import NO_SEQUENCE, Epoch, RoomKey, Sequence, SessionId
from collab.limits import BUS_INBOX_BYTES_MAX, BUS_STATES_MS, BUS_UPDATES_BYTES_MAX
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import AwarenessEntry
from collab.room.effects import Announce
from collab.room.returning import own_clocks
from collab.room.room import RoomState
from gateway.observe.metrics import Metrics
from gateway.rooms.clock import now_ms
from gateway.rooms.runner import RoomRunner

_log = structlog.stdlib.get_logger(__name__)
_ENVELOPE_BYTES: Final = 500  # about what one takes beside its rows


class Look(StrEnum):
    """Why the log is read."""

    GAP = "gap"  # rows were missed, or came without their bytes
    LISTENING = "listening"  # the room is heard from now on, or again
    PEER = "peer"  # a node that was in the room has come anew, or is gone
    TIMER = "timer"


class Office(Protocol):
    """What the rooms of a node share."""

    metrics: Metrics
    looks: asyncio.Semaphore

    def looked(self, why: Look) -> None:
        """A log is read."""

    @property
    def is_up(self) -> bool:
        """Whether publishing makes sense."""

    def mark(self, link: RoomLink) -> None:
        """Have :meth:`RoomLink.send` called at the end of the turn."""

    def ask(self, link: RoomLink, why: Look) -> None:
        """Have :meth:`RoomLink.compare` called with where the log stands, soon."""

    def publish(
        self, room: RoomKey, content: Content, epoch: Epoch, first: Sequence, last: Sequence
    ) -> None:
        """Say something to the other nodes."""


@dataclass(slots=True)
class _Run:
    """Rows that follow each other, as far as they were appended here without others between.

    Attributes:
        first: the sequence of the first.
        last: of the last one.
        updates: the rows; fewer where only the log knows some of them.
    """

    first: Sequence
    last: Sequence
    updates: list[bytes]

    def extend(self, updates: SequenceOf[bytes]) -> None:
        """The rows after that."""
        self.updates += updates
        self.last = Sequence(self.last + len(updates))

    @property
    def content(self) -> Updates:
        """What is said of them: all, or nothing, so that others read the log."""
        is_whole = len(self.updates) == self.last - self.first + 1
        is_small = sum(map(len, self.updates)) <= BUS_UPDATES_BYTES_MAX
        return Updates(tuple(self.updates) if is_whole and is_small else ())


class RoomLink:
    """A ``PeerLink``; lives as long as the room does.

    Args:
        runner: the room's.
        office: what the rooms of this node share.
    """

    def __init__(self, runner: RoomRunner, office: Office) -> None:
        self.key = runner.key
        self.look_due_ms = 0.0
        self._runner = runner
        self._office = office
        self._runs: list[_Run] = []
        self._changed: set[int] = set()
        self._states_due_ms = 0
        self._states_timer: asyncio.TimerHandle | None = None
        self._inbox: deque[Envelope] = deque()
        self._inbox_bytes = 0
        self._wanted: Look | None = None
        self._numbers: dict[Sender, int] = {}
        self._worker: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def _is_live(self) -> bool:
        return not self._is_closed and self._runner.room.state is RoomState.LIVE

    def close(self) -> None:
        """The room is not live any more."""
        self._is_closed = True
        if self._worker is not None:
            self._worker.cancel()
        if self._states_timer is not None:
            self._states_timer.cancel()

    @property
    def is_shared(self) -> bool:
        """See ``PeerLink``; who is not heard may do anything."""
        return bool(self._numbers) or not self._office.is_up

    # What is told ---------------------------------------------------------------------------------

    def appended(self, first: Sequence, updates: SequenceOf[bytes]) -> None:
        """See ``PeerLink``."""
        if not self._office.is_up:
            return
        runs = self._runs
        if first == NO_SEQUENCE:
            # They are somewhere up to the head.
            head = self._runner.appender.head
            runs.append(_Run(head, head, []))
        elif runs and runs[-1].last + 1 == first:
            runs[-1].extend(updates)
        else:
            runs.append(_Run(first, Sequence(first + len(updates) - 1), list(updates)))
        self._office.mark(self)

    def announced(self, entries: SequenceOf[AwarenessEntry]) -> None:
        """See ``PeerLink``."""
        self._changed.update(entry.client_id for entry in entries)
        self._send_states_soon()

    def send(self) -> None:
        """Say what was collected; called at the end of a turn."""
        runs, self._runs = self._runs, []
        if not self._is_live:
            return
        epoch = self._runner.appender.epoch
        for run in runs:
            self._office.publish(self.key, run.content, epoch, run.first, run.last)
        if self._changed and self._states_timer is None and self._office.is_up:
            self._send_states()

    def _send_states_soon(self) -> None:
        if self._states_timer is not None or not self._office.is_up:
            return
        wait_ms = self._states_due_ms - now_ms()
        if wait_ms <= 0:
            self._office.mark(self)
        else:
            loop = asyncio.get_running_loop()
            self._states_timer = loop.call_later(wait_ms / 1000, self._states_are_due)

    def _states_are_due(self) -> None:
        self._states_timer = None
        self._office.mark(self)

    def _send_states(self) -> None:
        changed, self._changed = self._changed, set()
        found = self._runner.room.awareness.of_this_node(changed)
        self._states_due_ms = now_ms() + BUS_STATES_MS
        if found:
            states = States(tuple(_shared(*each) for each in found))
            epoch = self._runner.appender.epoch
            self._office.publish(self.key, states, epoch, NO_SEQUENCE, NO_SEQUENCE)

    def _tell_all_states(self) -> None:
        found = self._runner.room.awareness.of_this_node()
        self._changed.update(entry.client_id for entry, _, _ in found)
        if found:
            self._send_states_soon()

    # What arrives ---------------------------------------------------------------------------------

    def listening(self) -> None:
        """The bus carries from now on what is said about the room; before, things were missed."""
        if not self._is_live:
            return
        appender = self._runner.appender
        self._office.publish(self.key, Hello(), appender.epoch, NO_SEQUENCE, appender.head)
        self._tell_all_states()
        self._office.ask(self, Look.LISTENING)

    def delivered(self, envelope: Envelope) -> None:
        """Something was said about the room."""
        if not self._is_live:
            return
        content, sender = envelope.content, envelope.sender
        newest = self._numbers.get(sender, -1)
        self._numbers[sender] = max(envelope.number, newest)
        if isinstance(content, States):
            if envelope.number > newest:
                self._show(sender, content.states)
            return
        if isinstance(content, Hello):
            self._tell_all_states()
        self._put(envelope)

    def gone(self, sender: Sender) -> None:
        """A run of another node has ended; rows of it may never have been told of."""
        if self._numbers.pop(sender, None) is None:
            return
        if self._is_live:
            self._tell(self._runner.room.awareness.node_gone(str(sender), now_ms()))
            self._tell_all_states()  # as where a session ends
            self._office.ask(self, Look.PEER)

    def compare(self, place: LogPlace, why: Look) -> None:
        """Look at the log if it is not where it is known to be.

        A busy room finds out by itself: an append expects the head that it knows.
        """
        if self._is_live and self._runner.appender.is_idle:
            appender = self._runner.appender
            if place.epoch != appender.epoch or place.head > appender.head:
                self.look(why)

    def look(self, why: Look) -> None:
        """Read the log, in the room's turn."""
        if self._wanted is None:
            self._wanted = why
        self._work()

    def _put(self, envelope: Envelope) -> None:
        size_bytes = _size_bytes(envelope)
        if self._inbox_bytes + size_bytes > BUS_INBOX_BYTES_MAX:
            self._office.metrics.bus_dropped.labels(reason="inbox").inc(len(self._inbox))
            self._inbox.clear()
            self._inbox_bytes = 0
            self.look(Look.GAP)
            return
        self._inbox.append(envelope)
        self._inbox_bytes += size_bytes
        self._work()

    def _work(self) -> None:
        if self._worker is None:
            self._worker = asyncio.create_task(self._take_all())

    async def _take_all(self) -> None:
        try:
            while True:
                if self._inbox:
                    envelope = self._inbox.popleft()
                    self._inbox_bytes -= _size_bytes(envelope)
                    await self._take(envelope)
                elif self._wanted is not None:
                    why, self._wanted = self._wanted, None
                    await self._look(why)
                else:
                    return
        except RoomUnavailable:
            pass  # it was discarded meanwhile
        except EpochMoved:
            self._runner.appender.outdated()
        except StoreUnavailable as error:
            # Another look comes with the timer.
            _log.warning("room.log_not_read", room=self.key[:12], error=str(error))
        except Exception:  # noqa: BLE001 - whatever it was, the document may lack what is stored
            _log.exception("room.following_broke", room=self.key[:12])
            self._runner.discard(CloseCode.INTERNAL_ERROR)
        finally:
            self._inbox.clear()
            self._inbox_bytes = 0
            self._wanted = None
            self._worker = None

    async def _take(self, envelope: Envelope) -> None:
        """Take in the rows that an envelope speaks of, from it or from the log."""
        while True:
            appender = self._runner.appender
            head = appender.head
            step, updates = next_step(envelope, appender.epoch, head)
            if step is Step.IGNORE:
                return
            if step is Step.APPLY:
                if await appender.take(head, updates):
                    self._office.metrics.peer_rows.labels(via="bus").inc(len(updates))
                    return
            elif appender.is_idle:
                await self._read(Look.GAP)
                return
            else:
                # Our own append comes first: where it succeeds the head moves, where it does not
                # it reads what it has missed.
                await appender.progress()

    async def _look(self, why: Look) -> None:
        async with self._office.looks:
            # A busy room looks by itself: an append expects the head that it knows.
            await self._runner.appender.progress()
            if self._runner.appender.is_idle:
                await self._read(why)

    async def _read(self, why: Look) -> None:
        self._office.looked(why)
        await self._runner.appender.read_on()

    def _show(self, sender: Sender, states: Iterable[SharedState]) -> None:
        awareness = self._runner.room.awareness
        at_ms, tag = now_ms(), str(sender)
        changed = []
        for state in states:
            publisher = Publisher(
                SessionId(f"{tag}:{state.session_id}"),
                state.subject,
                stamped=state.is_stamped,
                node=tag,
            )
            entry = AwarenessEntry(state.client_id, state.clock, state.state)
            news = awareness.receive_peer(publisher, entry, state.heard, at_ms)
            if news is not None:
                changed.append(news)
            owner = awareness.owner_of(state.client_id) if state.state is None else None
            if owner is not None and not owner.node:
                # Its old session has ended there; others may have known it by that alone.
                self._changed.add(state.client_id)
                self._send_states_soon()
        self._tell(changed)

    def _tell(self, entries: SequenceOf[AwarenessEntry]) -> None:
        if entries:
            room = self._runner.room
            own = own_clocks(room.awareness, room.persons, entries)
            self._runner.announce(Announce(tuple(entries), own))


def _size_bytes(envelope: Envelope) -> int:
    content = envelope.content
    rows_bytes = sum(map(len, content.updates)) if isinstance(content, Updates) else 0
    return _ENVELOPE_BYTES + rows_bytes


def _shared(entry: AwarenessEntry, heard: int, owner: Publisher | None) -> SharedState:
    if owner is None:
        return SharedState(entry.client_id, entry.clock, heard, entry.state)
    return SharedState(
        entry.client_id,
        entry.clock,
        heard,
        entry.state,
        owner.session_id,
        owner.subject,
        owner.stamped,
    )
