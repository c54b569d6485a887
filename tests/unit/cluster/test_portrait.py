"""What a node says of itself, over real rooms."""

from __future__ import annotations

from collab.cluster.envelope import BootEpoch, NodeId, Sender
from collab.cluster.members import BusyRoom, NodeReport
from collab.errors import StoreUnavailable
from collab.ids import RoomName
from gateway.cluster.nodes import OneNode, SelfPortrait
from gateway.observe.health import STORE, Readiness
from gateway.rooms.node_load import NodeLoad
from tests.unit.rooms.rig import NAME, Rig, rig


def portrait(node: Rig, health: Readiness) -> SelfPortrait:
    made = SelfPortrait(Sender(NodeId("ann"), BootEpoch(1)), "", 1.0, NodeLoad(lambda: 0))
    made.health = health
    made.of(node.registry)
    return made


async def asked(made: SelfPortrait) -> NodeReport:
    return (await OneNode(made).roll()).here


async def test_node_by_itself_names_its_busiest_rooms_and_its_trouble_when_asked() -> None:
    """NODE-16, NODE-17."""
    node = rig()
    await node.registry.open(RoomName("empty"))
    await node.join("one")
    await node.join("two")
    wrong: list[str | Exception] = ["only 3 MiB are free on the disk"]

    async def check() -> str | None:
        outcome = wrong.pop()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome or None

    made = portrait(node, Readiness({STORE: check}, kept_for_s=0.0))
    told = await asked(made)
    assert told.busiest == (BusyRoom(NAME, 2), BusyRoom(RoomName("empty"), 0))
    assert (told.rooms, told.sessions, told.names_all) == (2, 2, True)
    assert told.store_problem == "only 3 MiB are free on the disk"
    assert told.bus is not None
    assert (told.bus.kind, told.bus.is_up) == ("off", False)
    wrong += ["x" * 500, StoreUnavailable("mongodb://secret"), ""]
    assert (await asked(made)).store_problem == ""
    assert (await asked(made)).store_problem == "StoreUnavailable"
    assert (await asked(made)).store_problem == "x" * 200
    later = await asked(portrait(node, Readiness({})))
    assert later.uptime_ms >= 1
    assert (await asked(made)).uptime_ms >= later.uptime_ms


async def test_store_is_not_asked_anew_with_every_beat() -> None:
    """NODE-16."""
    asked_times = []

    async def check() -> str | None:
        asked_times.append(1)
        return None

    made = portrait(rig(), Readiness({STORE: check}, kept_for_s=10.0))
    for _ in range(5):
        await made.look()
    assert len(asked_times) == 1
