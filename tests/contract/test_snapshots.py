"""What every snapshot store promises."""

from __future__ import annotations

import asyncio
import hashlib
import random

import pytest

from collab.ids import FIRST_EPOCH, Sequence
from persistence.build import Stores
from tests.contract.backends import StoreUnderTest
from tests.contract.conftest import OTHER, ROOM

PART = 256 * 1024


@pytest.mark.parametrize("size", [1, PART - 1, PART, PART + 1, 3 * PART, 5_000_000])
async def test_snapshot_of_any_size_comes_back_whole(stores: Stores, size: int) -> None:
    update = random.Random(size).randbytes(size)
    ref = await stores.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=Sequence(7), update=update)
    stored = await stores.raw.snapshots.get(ROOM, ref)
    assert stored is not None
    assert (ref.sequence, ref.size_bytes) == (7, len(stored))
    assert ref.checksum == hashlib.sha256(stored).hexdigest()
    assert await stores.snapshots.get(ROOM, ref) == update


async def test_same_snapshot_twice_gets_two_ids_and_both_stay(stores: Stores) -> None:
    one = await stores.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=Sequence(7), update=b"same")
    two = await stores.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=Sequence(7), update=b"same")
    assert one.snapshot_id != two.snapshot_id
    await stores.snapshots.delete(ROOM, one)
    assert await stores.snapshots.get(ROOM, two) == b"same"


async def test_list_names_every_snapshot_of_the_room_newest_first(stores: Stores) -> None:
    refs = [
        await stores.snapshots.put(
            ROOM, epoch=FIRST_EPOCH, sequence=Sequence(sequence), update=b"x"
        )
        for sequence in (5, 20, 10)
    ]
    await stores.snapshots.put(OTHER, epoch=FIRST_EPOCH, sequence=Sequence(99), update=b"x")
    assert await stores.snapshots.list(ROOM) == (refs[1], refs[2], refs[0])


async def test_deleted_snapshot_is_gone_and_deleting_twice_is_no_error(stores: Stores) -> None:
    ref = await stores.snapshots.put(
        ROOM, epoch=FIRST_EPOCH, sequence=Sequence(1), update=b"x" * 3_000_000
    )
    await stores.snapshots.delete(ROOM, ref)
    await stores.snapshots.delete(ROOM, ref)
    assert await stores.snapshots.get(ROOM, ref) is None
    assert await stores.snapshots.list(ROOM) == ()


async def test_damaged_snapshot_is_moved_aside_and_stays_so(
    store: StoreUnderTest, stores: Stores
) -> None:
    ref = await stores.snapshots.put(
        ROOM, epoch=FIRST_EPOCH, sequence=Sequence(1), update=b"x" * 600_000
    )
    other = await stores.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=Sequence(2), update=b"y")
    store.damage_snapshot(ROOM, ref)
    assert await stores.snapshots.get(ROOM, ref) is None
    assert await stores.snapshots.get(ROOM, ref) is None
    assert await stores.snapshots.list(ROOM) == (other,)
    assert store.quarantined_snapshots() == [ref.snapshot_id]


async def test_snapshots_survive_closing_and_opening(store: StoreUnderTest) -> None:
    """STO-3."""
    async with await store.open() as stores:
        ref = await stores.snapshots.put(
            ROOM, epoch=FIRST_EPOCH, sequence=Sequence(3), update=b"z" * 700_000
        )
    async with await store.open() as stores:
        assert await stores.snapshots.get(ROOM, ref) == b"z" * 700_000


async def test_appends_go_on_while_a_large_snapshot_is_stored(stores: Stores) -> None:
    """The append is not made to wait until the snapshot is done."""
    update = random.Random(0).randbytes(20_000_000)  # nothing that packing would make small
    put = asyncio.create_task(
        stores.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=Sequence(1), update=update)
    )
    head = Sequence(0)
    while not put.done():
        head = await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=head, updates=[b"edit"])
        await asyncio.sleep(0)
    assert (await put).size_bytes >= 20_000_000
    assert await stores.log.head(ROOM) == head > 0
