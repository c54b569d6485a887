"""A cluster of a hundred nodes, on paper: what was measured here, multiplied out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from collab.limits import BUS_BEAT_MS, FOLLOW_ALONE_MS, FOLLOW_MS

_PAUSE_SHARE: Final = 0.85
"""Pauses between looks are drawn from 0.7 to 1 of the longest, less what a look takes."""

_SLACK_MS: Final = 300


@dataclass(frozen=True, slots=True)
class Assumed:
    """Who is there and what they do.

    Attributes:
        nodes: of the cluster.
        connections: to all of them.
        room_clients: in each room.
        active: share of rooms in which somebody writes at the moment.
        updates_per_s: in each of those.
    """

    nodes: int = 100
    connections: int = 1_000_000
    room_clients: int = 5
    active: float = 0.1
    updates_per_s: float = 2.0

    @property
    def rooms(self) -> float:
        """Open rooms."""
        return self.connections / self.room_clients

    @property
    def updates(self) -> float:
        """Updates a second, in all."""
        return self.rooms * self.active * self.updates_per_s

    @property
    def deliveries(self) -> float:
        """Edits a second that reach another session, in all."""
        return self.updates * (self.room_clients - 1)

    @property
    def scattered(self) -> float:
        """On how many nodes a room is open, on average, where clients connect at random."""
        return self.nodes * (1 - (1 - 1 / self.nodes) ** self.room_clients)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the model rests on, in microseconds of a processor and in KiB.

    Attributes:
        delivery_us: of a node for each delivery, its clients all with it.
        scattered_us: of all nodes for each, clients spread over four of them.
        publish_us: of Redis for a message that nobody hears.
        hear_us: of Redis for each subscriber who does.
        look_us: of a node for each log that is compared with what is known.
        store_look_us: of the store for each.
        connection_kib: of a node for each connection, its share of the room included.
    """

    delivery_us: float
    scattered_us: float
    publish_us: float
    hear_us: float
    look_us: float
    store_look_us: float
    connection_kib: float


def measured(data: Mapping[str, Any], scenes: Mapping[str, float], kib: float) -> Measured:
    """Take from the results what the model needs.

    Args:
        data: the results.
        scenes: medians of processor time for each delivery, by name of scene.
        kib: for each idle connection.
    """
    by_count = {each["subscribers"]: each["redis_us"] for each in data["publish"]}
    most = max(by_count)
    standing = data["standing"]["mongodb"]
    return Measured(
        delivery_us=scenes["cost/many-rooms/bandpro-1/spread/sqlite"],
        scattered_us=scenes["cost/many-rooms/bandpro-4/spread/sqlite"],
        publish_us=by_count[0],
        hear_us=(by_count[most] - by_count[0]) / most,
        look_us=standing["node_us"],
        store_look_us=standing["store_us"],
        connection_kib=kib,
    )


def rows(has: Measured, given: Assumed) -> Sequence[tuple[str, str, str]]:
    """The model's table: what, with clients brought home, and with clients scattered."""
    nodes = given.nodes

    def both(text: str, found: Sequence[float], form: str) -> tuple[str, str, str]:
        at_home, scattered = found
        return text, form.format(at_home), form.format(scattered)

    beats_s = 1000 / BUS_BEAT_MS * nodes * (has.publish_us + has.hear_us * nodes) / 1e6
    redis = [
        given.updates * (has.publish_us + has.hear_us * open_on) / 1e6 + beats_s
        for open_on in (1.0, given.scattered)
    ]
    looks = [given.rooms * open_on / pause_s(FOLLOW_MS) for open_on in (1.0, given.scattered)]
    alone = [given.rooms * open_on / pause_s(FOLLOW_ALONE_MS) for open_on in (1.0, given.scattered)]
    delivery_us = (has.delivery_us, has.scattered_us)
    writing = [given.deliveries * each / 1e6 / nodes for each in delivery_us]
    looking = [each * has.look_us / 1e6 / nodes for each in looks]
    store = [each * has.store_look_us / 1e6 for each in looks]
    gib = given.connections / nodes * has.connection_kib / 2**20
    return (
        both("nodes on which a room is open", (1, given.scattered), "{:.1f}"),
        both("processors of each node for edits", writing, "{:.2f}"),
        both("processors of each node for comparing logs", looking, "{:.2f}"),
        both("memory of each node for connections, GiB", (gib, gib), "{:.2f}"),
        both("processors of Redis in all", redis, "{:.2f}"),
        both("appends a second at the store", (given.updates, given.updates), "{:,.0f}"),
        both("logs compared a second, with Redis", looks, "{:,.0f}"),
        both("the same without Redis", alone, "{:,.0f}"),
        both("processors of the store for that, with Redis", store, "{:.1f}"),
    )


def pause_s(most_ms: int) -> float:
    """Between two looks at one room's log, on average."""
    return (most_ms - _SLACK_MS) * _PAUSE_SHARE / 1000
