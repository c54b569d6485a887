"""What every update log promises about its epochs."""

from __future__ import annotations

import asyncio

import pytest

from collab.errors import EpochMoved, HeadMoved
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, Epoch, RoomKey, Sequence
from persistence.build import Stores
from tests.contract.backends import StoreUnderTest
from tests.contract.conftest import OTHER, ROOM


async def append(stores: Stores, after: int, *updates: bytes, room: RoomKey = ROOM) -> int:
    return await append_in(stores, FIRST_EPOCH, after, *updates, room=room)


async def append_in(
    stores: Stores, epoch: int, after: int, *updates: bytes, room: RoomKey = ROOM
) -> int:
    return await stores.log.append(room, epoch=Epoch(epoch), after=Sequence(after), updates=updates)


async def begin(
    stores: Stores, epoch: int, after: int, room: RoomKey = ROOM, *, of: int = FIRST_EPOCH
) -> None:
    await stores.log.begin_epoch(room, of=Epoch(of), epoch=Epoch(epoch), after=Sequence(after))


async def content(stores: Stores, after: int = 0, room: RoomKey = ROOM) -> list[tuple[int, bytes]]:
    tail = await stores.log.read(room, after=Sequence(after))
    return [(row.sequence, row.update) for row in tail.rows]


async def test_new_epoch_begins_without_rows_and_goes_on_counting(stores: Stores) -> None:
    """STO-19."""
    await append(stores, 0, b"a", b"b", b"c")
    await begin(stores, 2, 3)
    tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
    assert (tail.rows, tail.head, tail.epoch, tail.quarantined) == ((), 3, 2, ())
    assert await append_in(stores, 2, 3, b"d") == 4
    assert await content(stores) == [(4, b"d")]


@pytest.mark.parametrize("after", [0, 2, 3])
@pytest.mark.parametrize("epoch", [1, 3])
async def test_append_of_another_epoch_writes_nothing_wherever_the_head_is(
    stores: Stores, epoch: int, after: int
) -> None:
    """STO-20."""
    await append(stores, 0, b"a", b"b")
    await begin(stores, 2, 2)
    with pytest.raises(EpochMoved) as caught:
        await append_in(stores, epoch, after, b"stale")
    assert (caught.value.expected, caught.value.actual) == (epoch, 2)
    assert await content(stores) == []
    assert await stores.log.head(ROOM) == 2


async def test_an_unknown_room_is_in_the_first_epoch(stores: Stores) -> None:
    """STO-20."""
    with pytest.raises(EpochMoved) as caught:
        await append_in(stores, 2, 0, b"a")
    assert (caught.value.expected, caught.value.actual) == (2, 1)
    assert await append(stores, 0, b"a") == 1


async def test_room_without_rows_may_begin_any_later_epoch(stores: Stores) -> None:
    await begin(stores, 7, 0)
    with pytest.raises(EpochMoved):
        await append(stores, 0, b"stale")
    assert await append_in(stores, 7, 0, b"a", b"b") == 2
    assert await content(stores) == [(1, b"a"), (2, b"b")]


@pytest.mark.parametrize("epoch", [1, 2, 3])
async def test_epoch_that_is_not_later_is_not_begun(stores: Stores, epoch: int) -> None:
    await append(stores, 0, b"a")
    await begin(stores, 3, 1)
    await append_in(stores, 3, 1, b"b")
    with pytest.raises(EpochMoved) as caught:
        await begin(stores, epoch, 2, of=3)
    assert (caught.value.expected, caught.value.actual) == (3, 3)
    assert await content(stores) == [(2, b"b")]


@pytest.mark.parametrize("of", [1, 2, 4])
async def test_epoch_of_another_one_is_not_begun_behind_the_same_head(
    stores: Stores, of: int
) -> None:
    """STO-19: What was made from an epoch that another one has replaced since comes too late."""
    await append(stores, 0, b"a")
    await begin(stores, 3, 1)
    with pytest.raises(EpochMoved) as caught:
        await begin(stores, 5, 1, of=of)
    assert (caught.value.expected, caught.value.actual) == (of, 3)
    await begin(stores, 5, 1, of=3)
    assert await append_in(stores, 5, 1, b"b") == 2


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_epoch_behind_another_head_is_not_begun(stores: Stores, after: int) -> None:
    """STO-19."""
    await append(stores, 0, b"a", b"b")
    with pytest.raises(HeadMoved) as caught:
        await begin(stores, 2, after)
    assert (caught.value.expected, caught.value.actual) == (after, 2)
    assert await content(stores) == [(1, b"a"), (2, b"b")]
    assert await append(stores, 2, b"c") == 3


async def test_epochs_of_other_rooms_are_their_own(stores: Stores) -> None:
    await append(stores, 0, b"mine")
    await append(stores, 0, b"theirs", room=OTHER)
    await begin(stores, 2, 1)
    assert await content(stores, room=OTHER) == [(1, b"theirs")]
    assert await append(stores, 1, b"too", room=OTHER) == 2


async def test_epoch_outlives_closing_and_opening(store: StoreUnderTest) -> None:
    """STO-3."""
    async with await store.open() as stores:
        await append(stores, 0, b"a")
        await begin(stores, 2, 1)
    async with await store.open() as stores:
        with pytest.raises(EpochMoved):
            await append(stores, 1, b"stale")
        assert await append_in(stores, 2, 1, b"b") == 2


async def test_quarantined_and_trimmed_rows_are_gone_with_their_epoch(
    store: StoreUnderTest, stores: Stores
) -> None:
    """STO-19."""
    await append(stores, 0, b"first", b"second", b"third", b"fourth")
    await stores.log.trim(ROOM, through=Sequence(1))
    store.damage_row(ROOM, Sequence(3))
    assert (await stores.log.read(ROOM, after=NO_SEQUENCE)).quarantined == (3,)
    await begin(stores, 2, 4)
    assert store.quarantined_rows(ROOM) == {}
    tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
    assert (tail.rows, tail.head, tail.quarantined) == ((), 4, ())
    assert await stores.log.trim(ROOM, through=Sequence(4)) == 0


async def test_of_an_append_and_a_new_epoch_behind_one_head_exactly_one_wins(
    stores: Stores,
) -> None:
    """STO-19, STO-20."""
    for number in range(20):
        room = RoomKey(f"{number:064x}")
        await append(stores, 0, b"old", room=room)
        rivals = [append(stores, 1, b"edit", room=room), begin(stores, 2, 1, room=room)]
        if number % 2:
            rivals.reverse()
        if number < 2:  # these two do not overlap: whoever is first has won
            results = [(await asyncio.gather(rival, return_exceptions=True))[0] for rival in rivals]
            assert (results[0], type(results[1])) == (
                (None, EpochMoved) if number else (2, HeadMoved)
            )
        else:
            results = await asyncio.gather(*rivals, return_exceptions=True)
        edited, begun = results[:: -1 if number % 2 else 1]
        tail = await stores.log.read(room, after=NO_SEQUENCE)
        if edited == 2:
            assert isinstance(begun, HeadMoved)
            assert ([row.update for row in tail.rows], tail.epoch) == ([b"old", b"edit"], 1)
        else:
            assert (begun, type(edited)) == (None, EpochMoved)
            assert (tail.rows, tail.head, tail.epoch) == ((), 1, 2)


async def test_of_racing_new_epochs_exactly_one_is_begun(stores: Stores) -> None:
    """STO-19."""
    await append(stores, 0, b"a")
    results = await asyncio.gather(
        *(begin(stores, 2, 1) for _ in range(20)), return_exceptions=True
    )
    assert results.count(None) == 1
    assert sum(isinstance(result, EpochMoved) for result in results) == 19


async def test_writers_that_race_with_a_new_epoch_leave_nothing_of_the_old_one(
    stores: Stores,
) -> None:
    """STO-19, STO-20."""

    async def write(number: int) -> None:
        head = 0
        while True:
            try:
                head = await append(stores, head, b"old %d" % number)
            except HeadMoved as moved:
                head = moved.actual
            except EpochMoved:
                return
            await asyncio.sleep(0)

    async def replace() -> int:
        head = await stores.log.head(ROOM)
        while head < 50 or not await is_begun(head):
            await asyncio.sleep(0)
            head = await stores.log.head(ROOM)
        return head

    async def is_begun(head: int) -> bool:
        try:
            await begin(stores, 2, head)
        except HeadMoved:
            return False
        return True

    head, *_ = await asyncio.gather(replace(), *map(write, range(4)))
    tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
    assert (tail.rows, tail.head, tail.epoch) == ((), head, 2)
