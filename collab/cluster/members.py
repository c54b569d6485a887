"""Who is in the cluster: what nodes say of themselves, and what operators wish of them.

What nodes write is read by nodes of other versions during an upgrade: whatever is unknown is passed
over, and whatever is missing has a default.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, NamedTuple

from collab.cluster.envelope import BootEpoch, NodeId, Sender
from collab.cluster.homes import nodes_in_order
from collab.ids import RoomKey, RoomName
from collab.limits import BUSIEST_BYTES_MAX, BUSIEST_ROOMS_MAX

WEIGHT_MAX: Final = 100.0
_WEIGHT_MIN: Final = 0.01
_ORDERS_MAX: Final = 50_000
"""Kept ready; a room whose order is not is worked out in some microseconds for each node."""


class Away(NamedTuple):
    """What a node has open that is at home on another one."""

    rooms: int
    sessions: int


class BusyRoom(NamedTuple):
    """A room that a node has open."""

    name: RoomName
    sessions: int


@dataclass(frozen=True, slots=True)
class BusReport:
    """How a node hears of the others.

    Attributes:
        kind: `redis`, `log` where only the store tells, `off` for a node by itself.
        is_up: whether the others hear it at once, and it them.
        delay_ms: from saying something to hearing it back, at its last beat; None before the first,
            and where nothing can be heard.
        peers: other nodes that it hears.
        gaps: times since its start that the log held rows which the bus had not brought, although
            it was up.
        interruptions: times since its start that the bus was lost.
    """

    kind: str = "off"
    is_up: bool = False
    delay_ms: float | None = None
    peers: int = 0
    gaps: int = 0
    interruptions: int = 0


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What a node says of itself, once a second.

    Attributes:
        node: its name.
        boot: its run.
        address: where clients reach it, as a URL; empty where nobody said so.
        weight: its share of the rooms, beside those of the others.
        is_draining: it is about to be empty, and at home for nothing.
        is_drained: it is empty, and lets nobody in.
        rooms: live there.
        sessions: in them.
        cpu: processor time per second of its process, over the last second.
        lag_ms: how late its event loop ran a timer.
        away: what would move if every room were at home, by the node where it would go.
        version: of the program.
        uptime_ms: since its start, so that no two beats say the same; 0 by versions that do not
            tell.
        store_problem: what is wrong with its store, in a few words; empty where nothing is.
        bus: how it hears of the others; None by versions that do not tell.
        busiest: its rooms with the most sessions, within bounds; the most first.
        names_all: whether these were all that it had when it looked.
    """

    node: NodeId
    boot: BootEpoch
    address: str = ""
    weight: float = 1.0
    is_draining: bool = False
    is_drained: bool = False
    rooms: int = 0
    sessions: int = 0
    cpu: float = 0.0
    lag_ms: float = 0.0
    away: Mapping[NodeId, Away] = field(default_factory=dict)
    version: str = ""
    uptime_ms: int = 0
    store_problem: str = ""
    bus: BusReport | None = None
    busiest: tuple[BusyRoom, ...] = field(default=(), repr=False)
    names_all: bool = False

    @property
    def sender(self) -> Sender:
        """The run of the node."""
        return Sender(self.node, self.boot)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What operators want of nodes.

    Attributes:
        draining: runs of nodes that shall be empty; the next run of the same node need not be.
        rebalance: counts how often rooms were asked to go home.
    """

    draining: frozenset[Sender] = frozenset()
    rebalance: int = 0

    def with_drain(self, sender: Sender, *, drains: bool, alive: Iterable[Sender]) -> Wishes:
        """The same with one node more or less to drain; runs that are over are forgotten."""
        kept = (self.draining & frozenset(alive)) - {sender}
        return Wishes(kept | {sender} if drains else kept, self.rebalance)


class Members:
    """The cluster as one node knows it; never changed.

    Args:
        reports: of the nodes that live.
        wishes: of operators.
    """

    def __init__(self, reports: Iterable[NodeReport] = (), wishes: Wishes | None = None) -> None:
        self.wishes = wishes or Wishes()
        self.reports = {report.node: report for report in reports}
        self._weights = {
            report.node: report.weight
            for report in self.reports.values()
            if not self.drains(report)
        }
        self._orders: dict[RoomKey, tuple[NodeId, ...]] = {}

    def drains(self, report: NodeReport) -> bool:
        """Whether a node is to be home for nothing, by what it says or an operator wishes."""
        return report.is_draining or report.sender in self.wishes.draining

    def order(self, room: RoomKey) -> tuple[NodeId, ...]:
        """The nodes that a room may be at home on, the home first; none drains."""
        found = self._orders.get(room)
        if found is None:
            if len(self._orders) >= _ORDERS_MAX:
                self._orders.clear()
            found = self._orders[room] = nodes_in_order(room, self._weights)
        return found

    def home(self, room: RoomKey) -> NodeReport | None:
        """The node that a room is at home on; None where every node drains, or none is known."""
        order = self.order(room)
        return self.reports[order[0]] if order else None

    def share(self, report: NodeReport) -> float:
        """The part of all rooms that is at home on a node."""
        weights = self._weights
        return weights[report.node] / sum(weights.values()) if report.node in weights else 0.0

    def keeping(self, earlier: Members) -> Members:
        """The same; what was worked out before is kept where nothing has changed for it."""
        if self.same_homes(earlier):
            self._orders = earlier._orders
        return self

    def same_homes(self, other: Members) -> bool:
        """Whether every room is at home where it is there."""
        return self._weights == other._weights


def busiest_of(rooms: Iterable[BusyRoom]) -> tuple[BusyRoom, ...]:
    """Of rooms in the order of their sessions, as many of the first as a report may name."""
    found: list[BusyRoom] = []
    left_bytes = BUSIEST_BYTES_MAX
    for room in rooms:
        left_bytes -= len(json.dumps(room.name))
        if left_bytes < 0 or len(found) == BUSIEST_ROOMS_MAX:
            break
        found.append(room)
    return tuple(found)


def encode_report(report: NodeReport) -> bytes:
    """As JSON."""
    return json.dumps(_fields_of(report), default=_fields_of, separators=(",", ":")).encode()


def _fields_of(report: NodeReport | BusReport) -> dict[str, Any]:
    """What is to be written; `dataclasses.asdict` would copy all that is in it first."""
    return {each.name: getattr(report, each.name) for each in fields(report)}


def decode_report(value: bytes) -> NodeReport | None:
    """What a node said of itself; None where it cannot be understood."""
    try:
        found: dict[str, Any] = json.loads(value)
        known = {name: found[name] for name in NodeReport.__slots__ if name in found}
        known["node"] = NodeId(str(found["node"]))
        known["boot"] = BootEpoch(int(found["boot"]))
        known["weight"] = min(max(float(found.get("weight", 1.0)), _WEIGHT_MIN), WEIGHT_MAX)
        known["away"] = {
            NodeId(node): Away(*counts) for node, counts in found.get("away", {}).items()
        }
        known["bus"] = _decode_bus(found.get("bus"))
        known["busiest"] = tuple(
            BusyRoom(RoomName(str(name)), int(sessions))
            for name, sessions in found.get("busiest", ())[:BUSIEST_ROOMS_MAX]
        )
        return NodeReport(**known)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _decode_bus(said: dict[str, Any] | None) -> BusReport | None:
    if said is None:
        return None
    known = {each.name for each in fields(BusReport)}
    return BusReport(**{name: value for name, value in said.items() if name in known})


def encode_wishes(wishes: Wishes) -> bytes:
    """As JSON."""
    draining = sorted((sender.node, sender.boot) for sender in wishes.draining)
    return json.dumps({"draining": draining, "rebalance": wishes.rebalance}).encode()


def decode_wishes(value: bytes) -> Wishes:
    """What operators wished.

    Raises:
        ValueError: it cannot be understood.
    """
    found: dict[str, Any] = json.loads(value)
    draining = (Sender(NodeId(node), BootEpoch(boot)) for node, boot in found["draining"])
    return Wishes(frozenset(draining), int(found["rebalance"]))
