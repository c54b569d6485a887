"""The one place that names a concrete bus."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import NamedTuple

from collab.cluster.envelope import BootEpoch, NodeId, Sender
from gateway.cluster.cluster import Cluster
from gateway.cluster.no_bus import NoBus
from gateway.node_name import node_name
from gateway.observe.metrics import Metrics
from gateway.setting_types import BusKind
from gateway.settings import Settings
from persistence.store_id import store_id
from persistence.stores import Stores


class Clustered(NamedTuple):
    """A node among others, and what has to run for it; no cluster for a node by itself.

    Attributes:
        sender: this node and its run.
        cluster: its rooms' way to the others.
        duties: what has to run for that.
    """

    sender: Sender
    cluster: Cluster | None = None
    duties: tuple[Callable[[], Coroutine[None, None, None]], ...] = ()


def build_cluster(settings: Settings, metrics: Metrics, stores: Stores) -> Clustered:
    """Join this node to others, where there are any."""
    sender = Sender(NodeId(node_name(settings)), BootEpoch(time.time_ns() // 1_000_000))
    if settings.bus.kind is BusKind.OFF:
        return Clustered(sender)
    cluster = Cluster(sender, metrics, stores.heads)
    if settings.bus.kind is BusKind.LOG:
        bus = cluster.bus = NoBus()
        return Clustered(sender, cluster, (cluster.run, bus.run))
    # A node by itself does not load the client of Redis.
    from gateway.cluster.redis_bus import RedisBus  # noqa: PLC0415
    from gateway.cluster.redis_places import places  # noqa: PLC0415

    assert settings.bus_key is not None, "the settings were checked"
    key = settings.bus_key.get_secret_value().encode()
    scope = partial(store_id, stores)
    redis = RedisBus(places(settings.bus.url), key, scope, sender, metrics, cluster)
    cluster.bus = redis
    return Clustered(sender, cluster, (cluster.run, redis.run))
