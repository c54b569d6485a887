"""One run of one node: what `gateway.main` puts together, over simulated ways out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from websockets.utils import apply_mask

from collab.access import Claims
from collab.cluster.envelope import BootEpoch, NodeId, Sender
from collab.errors import StoreUnavailable, Unauthenticated
from collab.history.compaction import CompactionLimits
from collab.ids import Milliseconds, SessionId, Subject, UnixSeconds
from collab.protocol.websocket_frames import FrameReader
from collab.room.room import RoomLimits
from gateway.auth.authenticator import Authenticator, Clocks
from gateway.auth.build import AuthParts
from gateway.auth.origins import Origins
from gateway.auth.revocation_file import Revocation
from gateway.auth.revocations import Revocations
from gateway.auth.shared_revocations import RevocationFollower, SharedRevocations
from gateway.auth.tickets import Tickets
from gateway.auth.tokens import SecretKey, TokenRules, TokenVerifier
from gateway.cluster.cluster import Cluster
from gateway.cluster.joining import Place
from gateway.cluster.membership import Membership
from gateway.cluster.no_bus import NoBus
from gateway.cluster.nodes import ClusterNodes, SelfPortrait
from gateway.cluster.turns import Turns
from gateway.observe.metrics import Metrics
from gateway.rooms.appender import AppendLimits
from gateway.rooms.commit_pace import CommitPace
from gateway.rooms.compactor import Compactor, WalkPace
from gateway.rooms.node_load import NodeLoad
from gateway.rooms.once_only import OnceOnly
from gateway.rooms.registry import RoomRegistry
from gateway.rooms.runner_settings import RunnerClocks, RunnerSettings
from gateway.rooms.services import RoomServices
from gateway.rooms.versions import VersionServices
from gateway.setting_types import TokenAlgorithm
from gateway.transport.connection import ConnectionLimits
from gateway.transport.doors import Doors
from gateway.transport.endpoint import Endpoint
from gateway.transport.gate import Gate, GateLimits
from gateway.transport.hocuspocus import HocuspocusEndpoint
from gateway.transport.opening import Opening
from gateway.transport.raw_socket import RawSocket
from gateway.transport.sweeper import Sweeper
from gateway.transport.y_websocket import YWebSocketEndpoint
from persistence.stores import Stores
from tests.simulation.bus import Broker, BusEnd
from tests.simulation.loop import Process, Simulation
from tests.simulation.network import Connection
from tests.simulation.workers import Workers
from tests.support.tokens import SECRET
from workers.merge import merge

TOKEN_LIFETIME_S: Final = 3600
SILENCE_S: Final = 6.0
_FRAME_BYTES_MAX: Final = 1 << 20
_UPDATE_BYTES_MAX: Final = 1 << 19
_METRICS: Final = Metrics()  # nothing is decided by them, and making them anew takes milliseconds

LIMITS: Final = ConnectionLimits(
    frame_before_auth_bytes_max=1 << 16,
    frame_bytes_max=_FRAME_BYTES_MAX,
    outbox_bytes_max=3000,
    heartbeat_ms=5_000,
    auth_timeout_ms=10_000,
    idle_timeout_ms=10_000,
    messages_per_s=1_000,
    messages_burst=1_000,
    bytes_per_s=1 << 20,
    bytes_burst=1 << 20,
    rate_limits=False,
)
COMPACTION: Final = CompactionLimits(tail_updates=12, tail_age_s=20, aged_updates_min=4)


def _as_they_are(stores: Stores) -> Stores:
    return stores


@dataclass(frozen=True, slots=True)
class Build:
    """How nodes are put together; with other parts than these, a run must fail.

    Attributes:
        stores: what nodes see of theirs.
        merge: what compaction makes of updates.
        verifier: reads tokens.
        sweeper: looks after connections.
        cluster: joins rooms to those of other nodes.
        turns: keep nodes from doing the same.
        versions: makes and restores them.
        keeps_revocations: whether they are in force.
    """

    stores: Callable[[Stores], Stores] = _as_they_are
    merge: Callable[[SequenceOf[bytes]], bytes] = merge
    verifier: type[TokenVerifier] = TokenVerifier
    sweeper: type[Sweeper] = Sweeper
    cluster: type[Cluster] = Cluster
    turns: type[Turns] = Turns
    versions: type[VersionServices] = VersionServices
    keeps_revocations: bool = True


SOUND: Final = Build()


@dataclass(frozen=True, slots=True)
class NodeParts:
    """What a node is given from outside.

    Attributes:
        loop: the simulation's.
        process: its own.
        stores: as it reaches them.
        random: where the speed of its workers comes from.
        broker: between the nodes; None where they meet through the log alone.
        place: its number.
        watch: makes the turns in which nodes do what is to be done once; None where each does it
            whenever it is due: leases must guard nothing.
        build: how to put it together.
    """

    loop: Simulation
    process: Process
    stores: Stores
    random: Random
    broker: Broker | None
    place: int
    watch: Callable[[Turns], OnceOnly] | None
    build: Build = SOUND


class Node:
    """A node that serves.

    Args:
        parts: what it is given.

    Attributes:
        registry: its rooms.
        services: what its HTTP API may ask of them.
        versions: the same, of their versions.
        end: its end of the bus, if there is one.
        place: its place among the others.
        is_ready: whether it lets anybody in.
    """

    def __init__(self, parts: NodeParts) -> None:
        self.parts = parts
        self.process = parts.process
        loop, build = parts.loop, parts.build
        stores = build.stores(parts.stores)
        load = NodeLoad(lambda: sum(runner.unsaved_bytes for runner in self.registry.live()))
        self.end, self.cluster = self._join_cluster(stores)
        membership, self.place = _place(stores, self.cluster, load, loop)
        turns = build.turns(membership, stores.leases, _METRICS)
        workers = Workers(parts.random, build.merge)
        compactor = Compactor(
            stores,
            workers.merge,
            COMPACTION,
            _METRICS,
            load,
            wall=loop.wall_s,
            once_only=None if parts.watch is None else parts.watch(turns),
        )
        clocks = Clocks(
            wall=lambda: UnixSeconds(int(loop.wall_s())),
            monotonic=lambda: Milliseconds(int(loop.time() * 1000)),
        )
        self.registry = RoomRegistry(
            stores,
            _settings(loop),
            _METRICS,
            compactor.compact,
            workers.merge,
            neighbours=self.cluster,
        )
        self.place.settle(self.registry)
        self.services = RoomServices(self.registry, _UPDATE_BYTES_MAX, workers)
        self.versions = build.versions(
            self.registry, workers, _METRICS, clocks.wall, draw=parts.random.randrange
        )
        self.auth = self._auth(clocks)
        sweeper = build.sweeper()
        doors = Doors(
            registry=self.registry,
            auth=self.auth,
            gate=Gate(GateLimits(1000, 1000, 1000, 1000, per_address=False)),
            limits=LIMITS,
            metrics=_METRICS,
            clocks=clocks,
            update_bytes_max=_UPDATE_BYTES_MAX,
            document_bytes_max=1 << 20,
            queue_before_auth_bytes_max=1 << 17,
            queue_before_auth_messages_max=100,
            documents_per_socket_max=4,
            trusted_proxies=(),
            sweeper=sweeper,
            new_session_id=lambda: SessionId(f"{parts.random.getrandbits(64):016x}"),
        )
        self._endpoints: list[Endpoint] = [YWebSocketEndpoint(doors), HocuspocusEndpoint(doors)]
        self._sockets: set[asyncio.Protocol] = set()
        walk = WalkPace(room_s=0.05, round_s=5.0)
        self.is_ready = False
        self._duties = [
            self.registry.run,
            sweeper.run,
            self.cluster.run,
            lambda: compactor.walk(self.registry.is_here, walk),
        ]
        self._tasks = [asyncio.create_task(self._begin(stores, clocks))]

    async def _begin(self, stores: Stores, clocks: Clocks) -> None:
        """Know first what was revoked, as a supervisor would try it again and again; then serve."""
        shared = SharedRevocations(stores.records)
        revocations = self.auth.revocations
        if self.parts.build.keeps_revocations:
            while True:
                try:
                    await revocations.share(shared, now=clocks.wall(), told=self.cluster.tell_news)
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.5)
            self.place.follower = RevocationFollower(revocations, shared, clocks.wall, lambda: None)
        for duty in (*self._duties, *self.place.duties):
            self._tasks.append(asyncio.create_task(duty()))
        self.is_ready = True

    async def shut_down(self) -> None:
        """End in good order."""
        leaving = asyncio.create_task(self.place.leave())
        await self.registry.drain(4.0)
        await leaving

    def accept(self, connection: Connection, opening: Opening) -> None:
        """Take in a connection, or let it know that nobody is let in here."""
        if not all(endpoint.welcomes(opening) for endpoint in self._endpoints):
            connection.abort()
            return
        socket = RawSocket(
            connection,
            FrameReader(_FRAME_BYTES_MAX, apply_mask),
            silence_s_max=SILENCE_S,
            peers=self._sockets,
            clock_s=self.parts.loop.time,
        )
        connection.start(socket)
        for endpoint in self._endpoints:
            if endpoint.serves(opening.raw_path):
                rest = endpoint.enter(socket, opening)
                if rest is not None:
                    task = asyncio.create_task(rest)
                    self._tasks.append(task)
                return
        raise AssertionError("no endpoint serves this path")

    def _join_cluster(self, stores: Stores) -> tuple[BusEnd | None, Cluster]:
        parts = self.parts
        boot = BootEpoch(int(parts.loop.wall_s() * 1000))
        sender = Sender(NodeId(f"n{parts.place}"), boot)
        cluster = parts.build.cluster(sender, _METRICS, stores.heads, parts.random.random)
        if parts.broker is None:
            cluster.bus = NoBus()
            return None, cluster
        end = BusEnd(parts.broker, parts.process, sender, cluster)
        cluster.bus = end
        return end, cluster

    def _auth(self, clocks: Clocks) -> AuthParts:
        revocations = Revocations([], file=None, lifetime_s=TOKEN_LIFETIME_S)
        revocations.observe(partial(self._review, revocations))
        tickets = Tickets()
        verifier = self.parts.build.verifier(TokenRules((TokenAlgorithm.HS256,)), SecretKey(SECRET))
        authenticator = Authenticator(
            verifier=verifier, tickets=tickets, revocations=revocations, clocks=clocks
        )
        return AuthParts(authenticator, tickets, revocations, Origins((), loopback_only=False))

    def knows(self, subject: Subject) -> bool:
        """Whether it knows that something was taken away from somebody."""
        return subject in self.auth.revocations._by_subject

    def _review(self, revocations: Revocations, revocation: Revocation) -> None:
        def judge(claims: Claims) -> Claims | None:
            try:
                return revocations.effective_claims(claims)
            except Unauthenticated:
                return None

        self.registry.review(revocation.subject, judge)


def _place(
    stores: Stores, cluster: Cluster, load: NodeLoad, loop: Simulation
) -> tuple[Membership, Place]:
    """As `gateway.cluster.joining.take_place` does, without settings."""
    portrait = SelfPortrait(
        cluster.sender, "", 1.0, load, clock_s=loop.time, processor_s=_Strides()
    )
    membership = Membership(stores, cluster.sender, portrait, _METRICS)
    portrait.members = lambda: membership.members
    nodes = ClusterNodes(membership, cluster.tell_news)
    place = Place(nodes, Turns(membership, stores.leases, _METRICS), portrait, membership)
    cluster.on_news = place.look_soon
    return membership, place


class _Strides:
    """A processor's clock: every look at it finds that some time has passed."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def __call__(self) -> float:
        self._now_s += 0.001
        return self._now_s


def _settings(loop: Simulation) -> RunnerSettings:
    return RunnerSettings(
        room=RoomLimits(),
        append=AppendLimits(attempts_max=5, retry_ms_max=3_000, unsaved_bytes_max=2_000),
        unload_after_ms=3_000,
        compaction=COMPACTION,
        loads_at_once_max=2,
        pace=CommitPace(5),
        clocks=RunnerClocks(
            wall=lambda: UnixSeconds(int(loop.wall_s())),
            monotonic_s=loop.time,
            processor_s=_Strides(),
        ),
    )
