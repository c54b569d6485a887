"""What must hold whatever happens, checked at each commit and at the end.

The oracle sees what the store commits, in the moment of the commit, and keeps every row for good.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from typing import Any, Final

from pycrdt import Doc, Map, Text

from collab.cluster.envelope import Envelope, Updates
from collab.cluster.leases import FencingToken, Lease, LeaseHolder, LeaseName
from collab.ids import FIRST_EPOCH, Epoch, RoomKey, Sequence
from collab.ports import Manifest, SnapshotRef
from collab.protocol.scanned import ScannedUpdate
from collab.protocol.update_scan import scan_update
from collab.room.doc import RoomDoc
from persistence.memory import MemoryStore
from persistence.memory.leases import MemoryLeases
from persistence.memory.store import MemoryLog, MemoryManifests
from tests.simulation.store import at_once
from tests.support.providers import clocks_of
from tests.support.wire import EMPTY_STATE_VECTOR

Content = tuple[str, object]


def content_of(doc: Doc[Any]) -> Content:
    """What a person sees in a replica."""
    return str(doc.get("text", type=Text)), doc.get("map", type=Map).to_py()


TURN_LATE_S: Final = 0.15
"""What a node's clock may lose on the store's in the time of a lease, with some to spare."""

Replica = tuple[dict[int, int], Content]
"""Clocks and content: equal ones have met."""


def replica_of(doc: RoomDoc) -> Replica:
    """What a server's replica holds, without what waits for something else.

    The CRDT library itself must not be given what waits: it shows a part of it.
    """
    integrated: Doc[Any] = Doc()
    integrated.apply_update(doc._doc.get_update(EMPTY_STATE_VECTOR))
    return clocks_of(doc.state_vector()), content_of(integrated)


def opened(updates: SequenceOf[bytes]) -> RoomDoc:
    """A fresh replica with these updates."""
    doc = RoomDoc()
    for update in updates:
        apply(doc, update)
    return doc


def apply(doc: RoomDoc, update: bytes) -> ScannedUpdate:
    """Apply what a store holds, and say what that is."""
    scanned = scan_update(update, stored=True)
    doc.apply(update, scanned, stored=True)
    return scanned


class Oracle:
    """Everything that was ever committed.

    Args:
        now_s: the clock of the store.

    Attributes:
        violations: what did not hold, in sentences.
        promises: what callers of the API were told is saved: clocks by client id.
        allowed: the highest clock that a client id may reach in the log; without one, any.
        commits: how many appends there were.
        erasures: how many epochs were begun.
        compactions: how many snapshots were named.
        may_erase: whether anybody ever wanted that something is erased.
        turn: the token of the lease under which the store is called just now; 0 under none.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self.violations: list[str] = []
        self.promises: dict[int, int] = {}
        self.allowed: dict[int, int] = {}
        self.commits = self.compactions = 0
        self.erasures = self.turn = 0
        self._rows: dict[RoomKey, list[bytes]] = defaultdict(list)
        self._docs: dict[RoomKey, RoomDoc] = defaultdict(RoomDoc)
        self._named: dict[RoomKey, set[int]] = defaultdict(set)
        self._begins: dict[RoomKey, int] = defaultdict(int)
        self._epochs: dict[RoomKey, Epoch] = defaultdict(lambda: FIRST_EPOCH)
        self.may_erase = False
        self._retired: dict[int, int] = {}
        self._clocks: dict[RoomKey, dict[int, dict[int, int]]] = defaultdict(dict)
        self._turns: dict[RoomKey, int] = defaultdict(int)
        self._turn_ends_s: dict[tuple[LeaseName, FencingToken], float] = {}

    def blame(self, rule: str) -> None:
        """Note what did not hold."""
        if rule not in self.violations:
            self.violations.append(rule)

    def doc(self, room: RoomKey) -> RoomDoc:
        """All rows, integrated."""
        return self._docs[room]

    def clocks(self, room: RoomKey) -> dict[int, int]:
        """How much of each client is in the log, and can be integrated."""
        return clocks_of(self._docs[room].state_vector())

    def saved(self, room: RoomKey, client: int) -> int:
        """How much of a client is in the log, or was erased with it."""
        return max(self._retired.get(client, 0), self.clocks(room).get(client, 0))

    def is_retired(self, client: int) -> bool:
        """Whether a client's edits were erased."""
        return client in self._retired

    def moment(self, room: RoomKey) -> tuple[Epoch, int]:
        """The epoch that a room is in, and how many rows its log has."""
        return self._epochs[room], len(self._rows[room])

    def rows(self, room: RoomKey, through: Sequence) -> list[bytes]:
        """Those of this epoch, up to and with one."""
        return self._rows[room][self._begins[room] : through]

    def holds(self, room: RoomKey, update: bytes) -> bool:
        """Whether an update was committed as it is."""
        return update in self._rows[room]

    def appended(self, room: RoomKey, updates: SequenceOf[bytes], head: Sequence) -> None:
        """Rows were committed, the last of them at `head`."""
        rows, doc = self._rows[room], self._docs[room]
        self.commits += 1
        rows += updates
        for update in updates:
            for span in apply(doc, update).ranges:
                if span.end > self.allowed.get(span.client, span.end):
                    self.blame(f"client {span.client} was not allowed to edit up to {span.end}")
        self._clocks[room][head] = self.clocks(room)
        if len(rows) != head:
            self.blame(f"the head is {head} after {len(rows)} rows")

    def begun(self, room: RoomKey, epoch: Epoch, after: Sequence) -> None:
        """A new epoch was committed: all that was there is erased, and whoever wrote it."""
        if not self.may_erase:
            self.blame("a log began anew, and nobody erased it")
        self.erasures += 1
        for update in self._rows[room][self._begins[room] :]:
            scanned = scan_update(update, stored=True)
            for client in {*(span.client for span in scanned.ranges), *self.clocks(room)}:
                self._retired[client] = self.saved(room, client)
                self.allowed[client] = 0
        self._docs[room] = RoomDoc()
        self._begins[room] = after
        self._epochs[room] = epoch
        self._named[room].clear()
        self._clocks[room].clear()

    def published(self, envelope: Envelope) -> None:
        """A node tells others of rows: they have to be durable by then."""
        content = envelope.content
        if not isinstance(content, Updates):
            return
        rows = self._rows[envelope.room]
        if envelope.last > len(rows):
            self.blame(f"a row {envelope.last} was told of before it was durable")
        elif content.updates and tuple(rows[envelope.first - 1 : envelope.last]) != content.updates:
            self.blame(f"others were told of other rows than {envelope.first} to {envelope.last}")

    def counted(self, room: RoomKey, epoch: Epoch, head: Sequence, doc: RoomDoc) -> None:
        """A node counts rows up to one as read: its replica holds them."""
        if epoch == self._epochs[room] and (clocks := self._clocks[room].get(head)):
            have = clocks_of(doc.state_vector())
            if any(have.get(client, 0) < clock for client, clock in clocks.items()):
                self.blame("a node lacks rows that it counts as read")

    def named(self, room: RoomKey, new: Manifest, old: Manifest | None, store: MemoryStore) -> None:
        """A manifest was stored."""
        if new.epoch != self._epochs[room]:
            return  # a committed erasure will replace this manifest before anybody reads it
        before = old.snapshots if old and old.epoch == new.epoch else ()
        for ref in new.snapshots:
            if ref in before:
                continue
            self.compactions += 1
            if ref.sequence in self._named[room]:
                self.blame(f"two compactions won at {ref.sequence}")
            if before and ref.sequence <= before[0].sequence:
                self.blame(f"a snapshot of {ref.sequence} came after {before[0].sequence}")
            self._named[room].add(ref.sequence)
            self._check_turn(room)
            self.check_snapshot(room, ref, store)

    def _check_turn(self, room: RoomKey) -> None:
        """Of two who had the turn, the earlier one commits nothing after the later one."""
        if self.turn and self.turn < self._turns[room]:
            self.blame(f"turn {self.turn} committed after turn {self._turns[room]}")
        self._turns[room] = max(self.turn, self._turns[room])

    def leased(self, lease: Lease, ttl_ms: int) -> None:
        """A lease was given, or is held for longer."""
        self._turn_ends_s[lease.name, lease.token] = self._now_s() + ttl_ms / 1000

    def goes_on(self, lease: Lease) -> None:
        """A node goes on with work for which it had a lease."""
        late_s = self._now_s() - self._turn_ends_s[lease.name, lease.token]
        if late_s > TURN_LATE_S:
            self.blame("work went on in a turn that was over")

    def check_snapshot(self, room: RoomKey, ref: SnapshotRef, store: MemoryStore) -> None:
        """A snapshot holds what the rows up to its sequence hold."""
        update = at_once(store.snapshots.get(room, ref))
        if update is None:
            self.blame(f"the snapshot of {ref.sequence} cannot be read")
            return
        rows = opened(self._rows[room][self._begins[room] : ref.sequence])
        if replica_of(opened([update])) != replica_of(rows):
            self.blame(f"the snapshot of {ref.sequence} is not what the rows make")

    def trimmed(self, room: RoomKey, through: Sequence, manifest: Manifest | None) -> None:
        """Rows are about to be deleted."""
        kept = min((ref.sequence for ref in manifest.snapshots), default=0) if manifest else 0
        kept = max(kept, self._begins[room])
        if through > kept:
            self.blame(f"rows up to {through} were deleted, and the oldest snapshot holds {kept}")


class _WatchedLog(MemoryLog):
    def __init__(self, wall: Callable[[], float], oracle: Oracle, store: MemoryStore) -> None:
        super().__init__(wall)
        self._oracle = oracle
        self._store = store

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        head = await super().append(room, epoch=epoch, after=after, updates=updates)
        self._oracle.appended(room, updates, head)
        return head

    async def begin_epoch(self, room: RoomKey, *, of: Epoch, epoch: Epoch, after: Sequence) -> None:
        await super().begin_epoch(room, of=of, epoch=epoch, after=after)
        self._oracle.begun(room, epoch, after)

    async def trim(self, room: RoomKey, *, through: Sequence) -> int:
        self._oracle.trimmed(room, through, self._store.manifests.stored.get(room))
        return await super().trim(room, through=through)


class _WatchedLeases(MemoryLeases):
    def __init__(self, wall: Callable[[], float], oracle: Oracle) -> None:
        super().__init__(wall)
        self._oracle = oracle

    async def acquire(
        self, name: LeaseName, holder: LeaseHolder, *, ttl_ms: int, value: bytes = b""
    ) -> Lease | None:
        lease = await super().acquire(name, holder, ttl_ms=ttl_ms, value=value)
        if lease is not None:
            self._oracle.leased(lease, ttl_ms)
        return lease

    async def renew(self, lease: Lease, *, ttl_ms: int, value: bytes = b"") -> Lease:
        renewed = await super().renew(lease, ttl_ms=ttl_ms, value=value)
        self._oracle.leased(renewed, ttl_ms)
        return renewed


class _WatchedManifests(MemoryManifests):
    def __init__(self, oracle: Oracle, store: MemoryStore) -> None:
        super().__init__()
        self._oracle = oracle
        self._store = store

    async def compare_and_set(self, room: RoomKey, *, manifest: Manifest) -> Manifest:
        old = self.stored.get(room)
        stored = await super().compare_and_set(room, manifest=manifest)
        self._oracle.named(room, stored, old, self._store)
        return stored


def watched_store(wall: Callable[[], float], oracle: Oracle) -> MemoryStore:
    """The reference store, of whose every commit the oracle hears."""
    store = MemoryStore(wall)
    store.log = _WatchedLog(wall, oracle, store)
    store.manifests = _WatchedManifests(oracle, store)
    store.leases = _WatchedLeases(wall, oracle)
    return store
