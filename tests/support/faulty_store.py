"""Real stores whose calls fail, or wait, when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from collections.abc import Sequence as SequenceOf
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from collab.errors import StoreUnavailable
from collab.ids import Epoch, RoomKey, RoomName, Sequence
from collab.ports import (
    LogTail,
    Manifest,
    RoomManifests,
    SnapshotRef,
    SnapshotStore,
    UpdateLog,
)
from persistence.stores import Stores


@dataclass(slots=True)
class _Failure:
    call: str | None
    countdown: int
    times: int
    after: bool


@dataclass(slots=True)
class Faults:
    """What goes wrong, and when.

    Attributes:
        calls: names of all calls made so far, such as ``log.append``, in order.
        gates: calls of these names wait for the event before they do anything.
    """

    calls: list[str] = field(default_factory=list)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    _failures: list[_Failure] = field(default_factory=list)

    def fail(
        self, call: str | None = None, *, nth: int = 1, times: int = 1, after: bool = False
    ) -> None:
        """Let calls end in StoreUnavailable.

        Args:
            call: the call's name; None for any call.
            nth: the first one to fail, counted from now.
            times: how many fail in a row from there.
            after: fail once the work was done, as when the answer is lost on its way back.
        """
        self._failures.append(_Failure(call, nth, times, after))

    def heal(self) -> None:
        """Let everything work again."""
        self._failures.clear()
        for gate in self.gates.values():
            gate.set()
        self.gates.clear()

    @asynccontextmanager
    async def around(self, call: str) -> AsyncIterator[None]:
        """Pass through one call."""
        self.calls.append(call)
        failure = self._due(call)
        gate = self.gates.get(call)
        if gate is not None:
            await gate.wait()
        if failure is not None and not failure.after:
            raise StoreUnavailable(f"{call} was made to fail before its work")
        yield
        if failure is not None:
            raise StoreUnavailable(f"{call} was made to fail after its work")

    def _due(self, call: str) -> _Failure | None:
        due = None
        for failure in self._failures:
            if failure.call in (None, call):
                failure.countdown -= 1
                if -failure.times < failure.countdown <= 0:
                    due = failure
        return due


def faulty(stores: Stores, faults: Faults) -> Stores:
    """The same stores, with every call of a port going through the faults."""
    return replace(
        stores,
        log=_FaultyLog(stores.log, faults),
        snapshots=_FaultySnapshots(stores.snapshots, faults),
        manifests=_FaultyManifests(stores.manifests, faults),
    )


class _FaultyLog:
    def __init__(self, log: UpdateLog, faults: Faults) -> None:
        self._log = log
        self._faults = faults

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        async with self._faults.around("log.append"):
            return await self._log.append(room, epoch=epoch, after=after, updates=updates)

    async def begin_epoch(self, room: RoomKey, *, of: Epoch, epoch: Epoch, after: Sequence) -> None:
        async with self._faults.around("log.begin_epoch"):
            await self._log.begin_epoch(room, of=of, epoch=epoch, after=after)

    async def skip_to(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, head: Sequence
    ) -> None:
        async with self._faults.around("log.skip_to"):
            await self._log.skip_to(room, epoch=epoch, after=after, head=head)

    async def read(self, room: RoomKey, *, after: Sequence) -> LogTail:
        async with self._faults.around("log.read"):
            return await self._log.read(room, after=after)

    async def head(self, room: RoomKey) -> Sequence:
        async with self._faults.around("log.head"):
            return await self._log.head(room)

    async def trim(self, room: RoomKey, *, through: Sequence) -> int:
        async with self._faults.around("log.trim"):
            return await self._log.trim(room, through=through)


class _FaultySnapshots:
    def __init__(self, snapshots: SnapshotStore, faults: Faults) -> None:
        self._snapshots = snapshots
        self._faults = faults

    async def put(
        self, room: RoomKey, *, epoch: Epoch, sequence: Sequence, update: bytes
    ) -> SnapshotRef:
        async with self._faults.around("snapshots.put"):
            return await self._snapshots.put(room, epoch=epoch, sequence=sequence, update=update)

    async def get(self, room: RoomKey, ref: SnapshotRef) -> bytes | None:
        async with self._faults.around("snapshots.get"):
            return await self._snapshots.get(room, ref)

    async def list(self, room: RoomKey) -> tuple[SnapshotRef, ...]:
        async with self._faults.around("snapshots.list"):
            return await self._snapshots.list(room)

    async def delete(self, room: RoomKey, ref: SnapshotRef) -> None:
        async with self._faults.around("snapshots.delete"):
            await self._snapshots.delete(room, ref)


class _FaultyManifests:
    def __init__(self, manifests: RoomManifests, faults: Faults) -> None:
        self._manifests = manifests
        self._faults = faults

    async def get(self, room: RoomKey) -> Manifest | None:
        async with self._faults.around("manifests.get"):
            return await self._manifests.get(room)

    async def compare_and_set(self, room: RoomKey, *, manifest: Manifest) -> Manifest:
        async with self._faults.around("manifests.compare_and_set"):
            return await self._manifests.compare_and_set(room, manifest=manifest)

    async def list(self, *, after: RoomName | None, limit: int) -> tuple[Manifest, ...]:
        async with self._faults.around("manifests.list"):
            return await self._manifests.list(after=after, limit=limit)
