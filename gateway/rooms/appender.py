"""Carries a room's updates into its log: one append in flight, all that arrives meanwhile next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import structlog

from collab.errors import EpochMoved, HeadMoved, ManifestMoved, RoomQuarantined, StoreUnavailable
from collab.ids import NO_SEQUENCE, Epoch, RoomKey, Sequence
from collab.ports import Manifest
from collab.protocol.close_codes import CloseCode
from gateway.observe.metrics import Metrics
from gateway.rooms.commit_pace import CommitPace
from gateway.rooms.neighbours import PeerLink
from persistence.loading import load_room
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)
_RETRY_FIRST_MS: Final = 20
_RACES_MAX: Final = 1000  # lost compare-and-appends in a row; each one means others made progress
# A node whose appends follow each other at once would win every race: those of others expect a head
# that it has moved before they arrive. So it waits for longer than an append takes by now: who came
# too late has to read what came first, and to append.
_TURN_FOR_OTHERS: Final = 1.5
_TURN_FOR_OTHERS_S_MAX: Final = 1.0
# One append that takes much longer than those before says little of those to come: it may have been
# held up by what a killed node had begun.
_USUAL_TIMES_MAX: Final = 4.0
_USUAL_S_FIRST: Final = 0.25


@dataclass(frozen=True, slots=True)
class AppendLimits:
    """How long a failing append is tried, and how much may wait for it.

    Attributes:
        attempts_max: tries of one append.
        retry_ms_max: time over which they are spread.
        unsaved_bytes_max: above it, senders are not read from until the store has caught up.
    """

    attempts_max: int
    retry_ms_max: int
    unsaved_bytes_max: int


class _Unsaved(NamedTuple):
    ticket: int
    update: bytes
    since_s: float


class AppendOwner(Protocol):
    """Whose updates are appended, and who is told what became of them."""

    def appended(self, ticket: int) -> None:
        """All up to a ticket is durable."""

    async def peer_updates(self, updates: SequenceOf[bytes]) -> None:
        """Other writers stored these before ours are tried again."""

    def append_failed(self, code: CloseCode, detail: str) -> None:
        """What waits will not be stored, and nothing is tried after that.

        Args:
            code: what to tell the sessions: RELOAD where the log was begun anew, INTERNAL_ERROR
                where the bounds are used up.
            detail: the same in words.
        """


@dataclass(slots=True, eq=False)
class Appender:
    """The only writer of one room's log in this process.

    Attributes:
        stores: where to.
        key: the room's key.
        manifest: the room's record; stored with the first append if it never was.
        epoch: the one of what was loaded; nothing is stored in another.
        head: sequence of the newest row known.
        limits: bounds on retries and waiting bytes.
        metrics: what is counted.
        pace: when to append.
        owner: told of what became durable, of others' updates, and of failure, once.
        unsaved_bytes: of updates that wait or are in flight.
        first_head: the head when the room was loaded.
        link: told of what was appended, where there are other nodes.
    """

    stores: Stores
    key: RoomKey
    manifest: Manifest
    epoch: Epoch
    head: Sequence
    limits: AppendLimits
    metrics: Metrics
    pace: CommitPace
    owner: AppendOwner
    first_head: Sequence = field(default=NO_SEQUENCE, init=False)
    unsaved_bytes: int = field(default=0, init=False)
    link: PeerLink | None = field(default=None, init=False)
    _waiting: list[_Unsaved] | None = field(default=None, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _room_to_wait: asyncio.Event | None = field(default=None, init=False)  # too much is unsaved
    _taken: int = field(default=0, init=False)
    _durable: int = field(default=0, init=False)
    _progress: asyncio.Event | None = field(default=None, init=False)  # somebody waits for it
    _others_until_s: float = field(default=0.0, init=False)
    _usual_s: float = field(default=0.0, init=False)  # that an append takes
    _held: asyncio.Event | None = field(default=None, init=False)  # others' rows are being read
    _taking: asyncio.Lock | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.first_head = self.head

    def persist(self, ticket: int, update: bytes) -> None:
        """Take an update for the next append."""
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(_Unsaved(ticket, update, asyncio.get_running_loop().time()))
        self.unsaved_bytes += len(update)
        self._taken = ticket
        if self.unsaved_bytes > self.limits.unsaved_bytes_max and self._room_to_wait is None:
            self._room_to_wait = asyncio.Event()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    @property
    def is_idle(self) -> bool:
        """Whether nothing is waiting and nothing is in flight."""
        return self._task is None

    @property
    def has_room(self) -> bool:
        """Whether nobody has to wait."""
        return self._room_to_wait is None

    async def wait_for_room(self) -> None:
        """Wait while too many bytes are unsaved: what holds back a sender's socket."""
        while self._room_to_wait is not None:
            await self._room_to_wait.wait()

    def _let_in(self) -> None:
        if self._room_to_wait is not None:
            self._room_to_wait.set()
            self._room_to_wait = None

    async def drain(self) -> None:
        """Wait until all that was taken by now is durable, or has failed.

        What is taken meanwhile is not waited for: in a busy room that would never end.
        """
        taken = self._taken
        while self._task is not None and self._durable < taken:
            await self.progress()

    async def progress(self) -> None:
        """Wait until the append under way, if there is one, has come to something."""
        if self._task is not None:
            if self._progress is None:
                self._progress = asyncio.Event()
            await self._progress.wait()

    def _tell_progress(self) -> None:
        if self._progress is not None:
            self._progress.set()
            self._progress = None

    def stop(self) -> None:
        """Forget what is not durable; an append in flight may still succeed."""
        self._waiting = None
        self._let_in()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self.pace.turn()
                await self._let_others_append()
                if self._held is not None:
                    await self._held.wait()
                batch, self._waiting = self._waiting, None
                first = await self._append(batch)
                self.unsaved_bytes -= sum(len(unsaved.update) for unsaved in batch)
                if self.unsaved_bytes <= self.limits.unsaved_bytes_max:
                    self._let_in()
                self._durable = batch[-1].ticket
                self.owner.appended(self._durable)
                if self.link is not None:
                    self.link.appended(first, [unsaved.update for unsaved in batch])
                self._count(batch)
                self._tell_progress()
        except EpochMoved:
            self.outdated()
        except StoreUnavailable as error:
            _log.error("room.append_failed", room=self.key[:12], error=str(error))
            self._give_up()
        except Exception:  # noqa: BLE001 - whatever it was, the batch may not be in the log
            _log.exception("room.append_broke", room=self.key[:12])
            self._give_up()
        finally:
            self._task = None
            self._tell_progress()

    async def _let_others_append(self) -> None:
        """Leave the log alone for a while after an append, if other nodes may write the room."""
        left_s = self._others_until_s - asyncio.get_running_loop().time()
        if left_s > 0 and self.link is not None and self.link.is_shared:
            await asyncio.sleep(left_s)

    def outdated(self) -> None:
        """The log was begun anew: nothing of what is here may be stored."""
        self._let_in()
        self.owner.append_failed(CloseCode.RELOAD, "the document was replaced")

    def _give_up(self) -> None:
        self._let_in()
        self.metrics.appends_failed.inc()
        self.owner.append_failed(CloseCode.INTERNAL_ERROR, "the store failed")

    def _count(self, batch: list[_Unsaved]) -> None:
        now_s = asyncio.get_running_loop().time()
        self.metrics.appends.inc()
        for unsaved in batch:
            self.metrics.ack_seconds.observe(now_s - unsaved.since_s)

    async def _append(self, batch: list[_Unsaved]) -> Sequence:
        """Append until it has succeeded; returns the sequence of the first, 0 where not known."""
        updates = [unsaved.update for unsaved in batch]
        loop = asyncio.get_running_loop()
        begun_s = tried_s = loop.time()
        failures = races = 0
        is_behind = False
        while True:
            try:
                if is_behind:
                    if _contains(await self.read_peer_updates(), updates):
                        return NO_SEQUENCE  # an append that seemed to fail had succeeded
                    is_behind = False
                tried_s = loop.time()
                await self._append_once(updates)
            except HeadMoved as error:
                races += 1
                if races > _RACES_MAX:
                    raise StoreUnavailable("other writers won every race for the head") from None
                # The bus may have brought what came first; not where some of it may be ours.
                is_behind = failures > 0 or error.actual != self.head
            except StoreUnavailable as error:
                failures += 1
                waited_ms = (loop.time() - begun_s) * 1000
                if failures >= self.limits.attempts_max or waited_ms > self.limits.retry_ms_max:
                    raise
                _log.warning("room.append_retried", room=self.key[:12], error=str(error))
                await asyncio.sleep(self._pause_ms(failures) / 1000)
            else:
                now_s = loop.time()
                self.metrics.append_seconds.observe(now_s - begun_s)
                self._others_until_s = now_s + self._turn_for_others_s(now_s - tried_s)
                return Sequence(self.head - len(updates) + 1)

    def _turn_for_others_s(self, took_s: float) -> float:
        """For how long to leave the log alone after an append that took so long."""
        counted_s = min(took_s, max(_USUAL_TIMES_MAX * self._usual_s, _USUAL_S_FIRST))
        self._usual_s = (self._usual_s + counted_s) / 2
        return min(_TURN_FOR_OTHERS * self._usual_s, _TURN_FOR_OTHERS_S_MAX)

    async def _append_once(self, updates: list[bytes]) -> None:
        # The manifest only adds the name to a log that is complete without it, so both may share
        # one commit; a crash in between loses nothing.
        append = self.stores.log.append(
            self.key, epoch=self.epoch, after=self.head, updates=updates
        )
        if self.manifest.revision:
            self.head = await append
            return
        appended, created = await asyncio.gather(append, self._create(), return_exceptions=True)
        if isinstance(appended, BaseException):
            raise appended
        self.head = appended
        if isinstance(created, BaseException):
            _log.warning("room.manifest_not_stored", room=self.key[:12], error=str(created))

    async def _create(self) -> None:
        try:
            stored = await self.stores.manifests.compare_and_set(self.key, manifest=self.manifest)
        except ManifestMoved:
            stored = await self.stores.manifests.get(self.key) or self.manifest
        self.manifest = stored

    # Others' rows --------------------------------------------------------------------------------

    async def take(self, after: Sequence, updates: SequenceOf[bytes]) -> bool:
        """Take in rows that others are known to have stored right after a sequence.

        An append under way does not matter: it expects the first of these places for itself, so
        it has failed, and will find out.

        Returns:
            Whether that sequence is our head; if not, nothing happened.
        """
        async with self._alone:
            if self.head != after:
                return False
            await self.owner.peer_updates(updates)
            self.head = Sequence(after + len(updates))
        return True

    async def read_on(self) -> None:
        """Take in what others stored since our head, while nothing is under way.

        Nothing is appended meanwhile: an append whose outcome is unknown finds its own rows by
        itself, and must not be overtaken by somebody who takes them for others'.

        Raises:
            EpochMoved: the log was begun anew.
            StoreUnavailable: it cannot be read.
        """
        assert self._task is None, "an append is under way"
        held = self._held = asyncio.Event()
        try:
            await self.read_peer_updates()
        finally:
            self._held = None
            held.set()

    @property
    def _alone(self) -> asyncio.Lock:
        """Held while others' rows are taken in, so that the head moves with them; made late."""
        if self._taking is None:
            self._taking = asyncio.Lock()
        return self._taking

    async def read_peer_updates(self) -> SequenceOf[bytes]:
        """Read what others stored since our head, and hand it over.

        Raises:
            EpochMoved: the log was begun anew.
            StoreUnavailable: it cannot be read.
        """
        async with self._alone:
            return await self._read_peer_updates()

    async def _read_peer_updates(self) -> SequenceOf[bytes]:
        tail = await self.stores.log.read(self.key, after=self.head)
        self._check_epoch(tail.epoch)
        updates: SequenceOf[bytes] = tuple(row.update for row in tail.rows)
        head = tail.head
        if head - self.head > len(updates) + len(tail.quarantined):
            # Others have folded into a snapshot, and deleted, what was not read here yet.
            updates, head = await self._read_whole()
        await self.owner.peer_updates(updates)
        self.head = head
        self.metrics.peer_rows.labels(via="log").inc(len(updates))
        return updates

    async def _read_whole(self) -> tuple[SequenceOf[bytes], Sequence]:
        try:
            loaded = await load_room(self.stores, self.manifest.name)
        except RoomQuarantined as error:
            raise StoreUnavailable("the room was taken out of service") from error
        self._check_epoch(loaded.manifest.epoch)
        self.manifest = loaded.manifest
        return loaded.updates, loaded.head

    def _check_epoch(self, actual: Epoch) -> None:
        if actual != self.epoch:
            raise EpochMoved(expected=self.epoch, actual=actual)

    def _pause_ms(self, failures: int) -> float:
        return min(_RETRY_FIRST_MS * 2.0**failures, self.limits.retry_ms_max / 4)


def _contains(rows: SequenceOf[bytes], updates: list[bytes]) -> bool:
    wanted = tuple(updates)
    return any(tuple(rows[at : at + len(wanted)]) == wanted for at in range(len(rows)))
