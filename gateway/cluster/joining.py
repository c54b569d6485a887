"""Gives a node its place: by itself, or among others by what the store says of them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Final

from collab.ids import NO_ROOM, UnixSeconds
from gateway.api.node_services import Nodes
from gateway.auth.build import SYSTEM_CLOCKS, AuthParts, revocation_lifetime_s
from gateway.auth.shared_revocations import RevocationFollower, SharedRevocations
from gateway.cluster.build import Clustered
from gateway.cluster.membership import Membership
from gateway.cluster.moving import Mover
from gateway.cluster.nodes import ClusterNodes, OneNode, SelfPortrait
from gateway.cluster.turns import Turns
from gateway.observe.health import STORE, Readiness, store_check
from gateway.observe.metrics import Metrics
from gateway.rooms.node_load import NodeLoad
from gateway.rooms.once_only import Alone, OnceOnly
from gateway.rooms.registry import RoomRegistry
from gateway.settings import Settings
from persistence.stores import Stores

_STORE_LOOK_S: Final = 10.0
"""A look is a small write, and a question to the place of blobs, which a bucket bills."""

_ANY_ADDRESS = ("0.0.0.0", "::", "[::]")  # noqa: S104 - what nobody can be sent to


@dataclass(slots=True)
class Place:
    """A node's place, alone or among others.

    Attributes:
        nodes: what the API works with.
        once_only: whose turn it is.
        portrait: what the node says of itself.
        membership: among others; None for a node by itself.
        mover: the same, once its rooms are known.
        follower: the same, once it shares its revocations.
    """

    nodes: Nodes
    once_only: OnceOnly
    portrait: SelfPortrait
    membership: Membership | None = None
    mover: Mover | None = None
    follower: RevocationFollower | None = None

    def settle(self, registry: RoomRegistry) -> None:
        """These are the node's rooms."""
        self.portrait.of(registry)
        if self.membership is not None:
            self.mover = mover = Mover(self.membership, registry)
            self.portrait.is_draining = lambda: mover.is_draining
            self.portrait.is_drained = lambda: mover.is_drained

    @property
    def is_draining(self) -> bool:
        """Whether an operator wants this node to be empty."""
        return self.mover is not None and self.mover.is_draining

    @property
    def duties(self) -> tuple[Callable[[], Coroutine[None, None, None]], ...]:
        """What has to run."""
        if self.membership is None:
            return ()
        running = (self.membership, self.portrait, self.follower)
        return tuple(each.run for each in running if each is not None)

    def look_soon(self) -> None:
        """Another node says that something has changed for all."""
        for each in (self.membership, self.follower):
            if each is not None:
                each.look_soon()

    async def leave(self) -> None:
        """Have others take over at once; the node is shutting down."""
        if self.mover is not None:
            self.mover.stop()
        if self.membership is not None:
            await self.membership.leave()


def take_place(
    settings: Settings, stores: Stores, clustered: Clustered, load: NodeLoad, metrics: Metrics
) -> Place:
    """Give a node its place."""
    sender, cluster = clustered.sender, clustered.cluster
    portrait = SelfPortrait(sender, _address(settings), settings.node_weight, load)
    portrait.health = Readiness({STORE: store_check(stores)}, _STORE_LOOK_S)
    if cluster is None:
        return Place(OneNode(portrait), Alone(), portrait)
    membership = Membership(stores, sender, portrait, metrics)
    portrait.members = lambda: membership.members
    portrait.bus = lambda: cluster.report(settings.bus.kind.value)
    nodes = ClusterNodes(membership, cluster.tell_news)
    place = Place(nodes, Turns(membership, stores.leases, metrics), portrait, membership)
    cluster.on_news = place.look_soon
    return place


async def share_revocations(
    settings: Settings, stores: Stores, clustered: Clustered, place: Place, auth: AuthParts
) -> None:
    """Take over what other nodes have revoked, also what is left of a cluster that was.

    Raises:
        StoreUnavailable: that cannot be read or stored.
    """
    shared = SharedRevocations(stores.records)
    cluster, wall = clustered.cluster, SYSTEM_CLOCKS.wall
    told = None if cluster is None else cluster.tell_news
    await auth.revocations.share(shared, now=wall(), told=told)
    if cluster is None:
        return

    def expired_before() -> UnixSeconds | None:
        is_home = not place.once_only.patience_s(NO_ROOM)
        return UnixSeconds(wall() - revocation_lifetime_s(settings)) if is_home else None

    place.follower = RevocationFollower(auth.revocations, shared, wall, expired_before)


def _address(settings: Settings) -> str:
    if settings.node_address is not None:
        return str(settings.node_address).rstrip("/")
    if settings.host in _ANY_ADDRESS or not settings.port:
        return ""
    return f"http://{settings.host}:{settings.port}"
