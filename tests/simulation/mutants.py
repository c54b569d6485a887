"""Clusters with one defect each, to show that the simulation would find it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Sequence as SequenceOf
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

from pycrdt import merge_updates

from collab.access import Claims, Grant, Role
from collab.cluster.envelope import Content, Envelope, Updates
from collab.errors import BandProError, StoreUnavailable
from collab.ids import Epoch, RoomKey, Sequence, UnixSeconds
from collab.ports import Manifest
from collab.room.room import RoomState
from gateway.auth.tokens import TokenVerifier
from gateway.cluster.cluster import Cluster
from gateway.transport.sweeper import Sweeper
from tests.simulation.node import Build
from tests.support.store_passage import PassedLog, PassedManifests

_T = TypeVar("_T")


class _Through:
    """A ``Passage`` that nothing happens on: the ports themselves deviate."""

    async def through(self, call: str, work: Callable[[], Awaitable[_T]]) -> _T:
        return await work()


class _EagerLog(PassedLog):
    """Says that it has appended, and then does."""

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        async def later() -> None:
            with suppress(BandProError):
                await self._log.append(room, epoch=epoch, after=after, updates=updates)

        asyncio.create_task(later()).add_done_callback(lambda _: None)
        return Sequence(after + len(updates))


class _OptimisticLog(PassedLog):
    """Takes a failed append for one that worked."""

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        try:
            return await self._log.append(room, epoch=epoch, after=after, updates=updates)
        except StoreUnavailable:
            return Sequence(after + len(updates))


class _ForcefulLog(PassedLog):
    """Appends after whatever is there, without having read it."""

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        head = await self._log.head(room)
        return await self._log.append(room, epoch=epoch, after=head, updates=updates)


class _HauntedLog(PassedLog):
    """Appends in whatever epoch the log has come to."""

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        tail = await self._log.read(room, after=after)
        return await self._log.append(room, epoch=tail.epoch, after=after, updates=updates)


class _ForgetfulLog(PassedLog):
    """Deletes all rows that there are, not only those that a snapshot holds."""

    async def trim(self, room: RoomKey, *, through: Sequence) -> int:
        return await self._log.trim(room, through=await self._log.head(room))


class _LastWriterWins(PassedManifests):
    """Replaces a manifest whatever it has become meanwhile."""

    async def compare_and_set(self, room: RoomKey, *, manifest: Manifest) -> Manifest:
        current = await self._manifests.get(room)
        revision = 0 if current is None else current.revision
        return await self._manifests.compare_and_set(
            room, manifest=replace(manifest, revision=revision)
        )


class _Trusting(Cluster):
    """Takes whatever rows it is told of for the next ones."""

    def delivered(self, envelope: Envelope) -> None:
        link = self._links.get(envelope.room)
        content = envelope.content
        is_live = link is not None and link._runner.room.state is RoomState.LIVE
        if link is not None and is_live and isinstance(content, Updates) and content.updates:
            head = link._runner.appender.head
            last = Sequence(head + len(content.updates))
            envelope = replace(envelope, first=Sequence(head + 1), last=last)
        super().delivered(envelope)


class _Forward(Cluster):
    """Tells others of rows that may never be stored."""

    def publish(
        self, room: RoomKey, content: Content, epoch: Epoch, first: Sequence, last: Sequence
    ) -> None:
        super().publish(room, content, epoch, first, Sequence(last + isinstance(content, Updates)))


class _Deaf(Cluster):
    """Neither listens to the bus nor looks at the log."""

    def delivered(self, envelope: Envelope) -> None:
        return

    def listening(self, room: RoomKey) -> None:
        return

    def tick(self) -> None:
        return


class _Generous(TokenVerifier):
    """Makes everybody an editor."""

    async def verify(self, token: str, now: UnixSeconds) -> Claims:
        claims = await super().verify(token, now)
        return replace(claims, grants=(Grant("**", Role.EDITOR),))


class _Blind(Sweeper):
    """Never looks whether a connection lives."""

    async def sweep(self) -> None:
        return


def _careless_merge(updates: SequenceOf[bytes]) -> bytes:
    """Leaves out what came last."""
    return merge_updates(*updates[:-1]) if len(updates) > 1 else updates[0]


def _with_log(kind: type[PassedLog]) -> Build:
    return Build(stores=lambda stores: replace(stores, log=kind(stores.log, _Through())))


def _with_manifests(kind: type[PassedManifests]) -> Build:
    return Build(
        stores=lambda stores: replace(stores, manifests=kind(stores.manifests, _Through()))
    )


MUTANTS: Final[Mapping[str, Build]] = {
    "acknowledges before the append": _with_log(_EagerLog),
    "acknowledges what failed": _with_log(_OptimisticLog),
    "deletes rows that no snapshot holds": _with_log(_ForgetfulLog),
    "appends to what was erased meanwhile": _with_log(_HauntedLog),
    "appends without having read what others did": _with_log(_ForcefulLog),
    "compacts without compare-and-set": _with_manifests(_LastWriterWins),
    "compacts without the last row": Build(merge=_careless_merge),
    "takes rows without looking for a gap": Build(cluster=_Trusting),
    "tells of rows before they are stored": Build(cluster=_Forward),
    "hears of no other node": Build(cluster=_Deaf),
    "lets everybody edit": Build(verifier=_Generous),
    "forgets revocations": Build(keeps_revocations=False),
    "keeps who has gone": Build(sweeper=_Blind),
}
