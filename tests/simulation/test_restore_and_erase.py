"""A node restores a version while another one erases the room."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

import pytest

from collab.errors import RoomUnavailable
from collab.ids import RoomName, Sequence, room_key
from persistence.erasure import ErasureMode
from tests.contract.edits import typed
from tests.simulation.cluster import PROGRAM, Cluster
from tests.simulation.loop import new_simulation
from tests.simulation.node import Build
from tests.support.store_passage import Gate, PassedBlobs

ROOM = RoomName("hall")
PRIVATE, NEW = typed(["address"])[0], typed(["afresh"], client=8)[0]
QUIET_S = 20.0  # nodes are ready after it, and rooms unloaded


async def restore_around_an_erasure(cluster: Cluster, gate: Gate, afresh: list[bytes]) -> None:
    """The room is erased on one node when the other has read what it is to restore.

    Args:
        cluster: two nodes.
        gate: holds the restore up.
        afresh: what is written in the room after the erasure.
    """
    for place in (0, 1):
        cluster.start(place)
    await asyncio.sleep(QUIET_S)
    one, other = cluster.nodes[0], cluster.nodes[1]

    async def keep() -> None:
        await one.services.append(ROOM, PRIVATE, PROGRAM)
        await one.versions.create(ROOM, "kept", "", PROGRAM)

    async def restore() -> None:
        (version,) = await one.versions.list(ROOM)
        await one.versions.restore(ROOM, version, PROGRAM)

    async def erase() -> None:
        await other.services.erase(ROOM, ErasureMode.EVERYTHING, accept_loss=False)
        for update in afresh:
            await other.services.append(ROOM, update, PROGRAM)

    loop = cluster.loop
    await loop.spawn(one.process, keep())
    await asyncio.sleep(QUIET_S)
    gate.is_shut = True
    restoring = loop.spawn(one.process, restore())
    await gate.reached.wait()
    cluster.oracle.may_erase = True
    await loop.spawn(other.process, erase())
    gate.opens.set()
    with pytest.raises(RoomUnavailable):
        await restoring


@pytest.mark.parametrize("afresh", [[NEW], []], ids=["in use again", "still empty"])
def test_what_was_erased_is_not_restored(afresh: list[bytes]) -> None:
    """VER-10: However far the restore had come; and who asked is told to come again."""
    gate = Gate("blobs.read")
    build = Build(stores=lambda stores: replace(stores, blobs=PassedBlobs(stores.blobs, gate)))
    loop = new_simulation(Random("restore"))
    cluster = Cluster(loop, 0, build)
    try:
        loop.run(restore_around_an_erasure(cluster, gate, afresh))
    finally:
        loop.close()
    assert not cluster.oracle.violations
    assert cluster.oracle.rows(room_key(ROOM), Sequence(1_000)) == afresh
