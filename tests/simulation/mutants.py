"""Clusters with one defect each, to show that the simulation would find it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from collections.abc import Sequence as SequenceOf
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from pycrdt import merge_updates

from collab.access import Claims, Grant, Role
from collab.cluster.envelope import Content, Envelope, Updates
from collab.errors import BandProError, StoreUnavailable
from collab.history.versions import Restored, Version
from collab.ids import Epoch, RoomKey, RoomName, Sequence, UnixSeconds
from collab.ports import Manifest
from collab.room.room import RoomState
from gateway.auth.tokens import TokenVerifier
from gateway.cluster.cluster import Cluster
from gateway.cluster.turns import Turns
from gateway.rooms.once_only import Turn
from gateway.rooms.versions import VersionServices
from gateway.transport.sweeper import Sweeper
from persistence.erasure import ErasureMode, erase
from persistence.versions import Content as Kept
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


class _Stubborn(Turns):
    """Goes on with what it does, whoever has the turn by then."""

    @asynccontextmanager
    async def turn(self, room: RoomKey) -> AsyncIterator[Turn]:
        async with super().turn(room) as held:
            setattr(held, "check", lambda: None)  # noqa: B010 - a method
            yield held


class _Hasty(VersionServices):
    """Keeps what was there when it looked first."""

    async def _present(self, name: RoomName) -> Kept:
        seen: dict[RoomName, Kept] = self.__dict__.setdefault("seen", {})
        if name not in seen:
            seen[name] = await super()._present(name)
        return seen[name]


class _Replacing(VersionServices):
    """Puts a version in the place of the document, instead of editing it."""

    async def restore(self, name: RoomName, version: Version, claims: Claims) -> Restored:
        async with self._registry.closed(name):
            await erase(self._stores, name, self._offload, ErasureMode.EVERYTHING)
        return await super().restore(name, version, claims)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A defect, and what it breaks.

    Attributes:
        build: with the defect.
        breaks: a pattern of what must be found not to hold; that something crashed is not enough.
    """

    build: Build
    breaks: str


_SAVED = r"\w+ was told that \d+ is saved.*|an edit through the API (is not saved|was lost)"
_NOT_ALLOWED = r"client \d+ was not allowed to edit up to \d+"
_DIFFERS = r"(node\d|u\d|reader) (differs from the log|lacks something)"

MUTANTS: Final[Mapping[str, Mutant]] = {
    "acknowledges before the append": Mutant(_with_log(_EagerLog), _SAVED),
    "acknowledges what failed": Mutant(_with_log(_OptimisticLog), _SAVED),
    "deletes rows that no snapshot holds": Mutant(
        _with_log(_ForgetfulLog), r"rows up to \d+ were deleted, .*"
    ),
    "appends to what was erased meanwhile": Mutant(_with_log(_HauntedLog), _NOT_ALLOWED),
    "appends without having read what others did": Mutant(_with_log(_ForcefulLog), _DIFFERS),
    "compacts without compare-and-set": Mutant(
        _with_manifests(_LastWriterWins), r"two compactions won .*|a snapshot of \d+ came after .*"
    ),
    "compacts without the last row": Mutant(
        Build(merge=_careless_merge), r"the snapshot of \d+ is not what the rows make"
    ),
    "takes rows without looking for a gap": Mutant(
        Build(cluster=_Trusting), "a node lacks rows that it counts as read"
    ),
    "tells of rows before they are stored": Mutant(
        Build(cluster=_Forward), r"a row \d+ was told of before it was durable"
    ),
    "hears of no other node": Mutant(Build(cluster=_Deaf), _DIFFERS),
    "lets everybody edit": Mutant(Build(verifier=_Generous), _NOT_ALLOWED),
    "forgets revocations": Mutant(
        Build(keeps_revocations=False), r"node\d has not heard of the revocation"
    ),
    "keeps who has gone": Mutant(Build(sweeper=_Blind), r"node\d shows \d+ clients in \d+"),
    "goes on when its turn is over": Mutant(
        Build(turns=_Stubborn), "work went on in a turn that was over"
    ),
    "commits although others had the turn": Mutant(
        replace(_with_manifests(_LastWriterWins), turns=_Stubborn),
        r"turn \d+ committed after turn \d+",
    ),
    "makes versions of what it saw before": Mutant(
        Build(versions=_Hasty), "a version lacks what was saved before"
    ),
    "restores by replacing": Mutant(
        Build(versions=_Replacing), "a log began anew, and nobody erased it"
    ),
}
