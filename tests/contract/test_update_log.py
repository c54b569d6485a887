"""What every update log promises."""

from __future__ import annotations

import asyncio
import random

import pytest

from collab.errors import HeadMoved, InvariantViolated
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, RoomKey, Sequence
from persistence.build import Stores
from tests.contract.backends import StoreUnderTest
from tests.contract.conftest import OTHER, ROOM


async def append(stores: Stores, after: int, *updates: bytes, room: RoomKey = ROOM) -> int:
    return await stores.log.append(room, epoch=FIRST_EPOCH, after=Sequence(after), updates=updates)


async def content(stores: Stores, after: int = 0, room: RoomKey = ROOM) -> list[tuple[int, bytes]]:
    tail = await stores.log.read(room, after=Sequence(after))
    return [(row.sequence, row.update) for row in tail.rows]


async def test_log_of_an_unknown_room_is_empty(stores: Stores) -> None:
    tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
    assert (tail.rows, tail.head, tail.quarantined) == ((), 0, ())
    assert tail.epoch == FIRST_EPOCH
    assert await stores.log.head(ROOM) == 0


async def test_rows_come_back_byte_for_byte_in_order(stores: Stores) -> None:
    """STO-1."""
    updates = [bytes(range(256)), b"\x00", b"x" * 1_000_000, b"\xff" * 5]
    assert await append(stores, 0, *updates) == 4
    assert await content(stores) == list(enumerate(updates, start=1))


async def test_sequences_go_on_over_appends_without_a_gap(stores: Stores) -> None:
    """STO-1."""
    assert await append(stores, 0, b"a") == 1
    assert await append(stores, 1, b"b", b"c") == 3
    assert await append(stores, 3, b"d") == 4
    assert await content(stores) == [(1, b"a"), (2, b"b"), (3, b"c"), (4, b"d")]
    assert await stores.log.head(ROOM) == 4


async def test_read_gives_only_rows_after_the_sequence(stores: Stores) -> None:
    await append(stores, 0, b"a", b"b", b"c")
    assert await content(stores, after=2) == [(3, b"c")]
    tail = await stores.log.read(ROOM, after=Sequence(3))
    assert (tail.rows, tail.head) == ((), 3)


async def test_rooms_do_not_see_each_other(stores: Stores) -> None:
    await append(stores, 0, b"mine")
    await append(stores, 0, b"theirs", b"too", room=OTHER)
    assert await content(stores) == [(1, b"mine")]
    assert await stores.log.head(OTHER) == 2


@pytest.mark.parametrize("after", [0, 1, 3, 1000])
async def test_append_behind_another_head_writes_nothing(stores: Stores, after: int) -> None:
    """STO-2."""
    await append(stores, 0, b"a", b"b")
    with pytest.raises(HeadMoved) as caught:
        await append(stores, after, b"c", b"d")
    assert (caught.value.expected, caught.value.actual) == (after, 2)
    assert await content(stores) == [(1, b"a"), (2, b"b")]


async def test_append_to_an_unknown_room_must_begin_at_the_beginning(stores: Stores) -> None:
    with pytest.raises(HeadMoved) as caught:
        await append(stores, 7, b"a")
    assert caught.value.actual == 0
    assert await stores.log.head(ROOM) == 0


@pytest.mark.parametrize("updates", [(), (b"",), (b"a", b"")])
async def test_append_of_nothing_is_our_own_mistake(
    stores: Stores, updates: tuple[bytes, ...]
) -> None:
    with pytest.raises(InvariantViolated):
        await append(stores, 0, *updates)
    assert await stores.log.head(ROOM) == 0


async def test_of_appends_behind_one_head_exactly_one_wins(stores: Stores) -> None:
    """STO-2."""
    results = await asyncio.gather(
        *(append(stores, 0, b"writer %d" % number) for number in range(50)), return_exceptions=True
    )
    assert results.count(1) == 1
    assert sum(isinstance(result, HeadMoved) for result in results) == 49
    winner = results.index(1)
    assert await content(stores) == [(1, b"writer %d" % winner)]


async def test_racing_writers_that_retry_leave_a_log_without_gap_or_loss(stores: Stores) -> None:
    async def writer(number: int) -> list[tuple[int, bytes]]:
        draw = random.Random(number)
        written: list[tuple[int, bytes]] = []
        head = 0
        while len(written) < 20:
            batch = [b"%d:%d" % (number, len(written) + i) for i in range(draw.randint(1, 4))]
            try:
                head = await append(stores, head, *batch)
            except HeadMoved as moved:
                head = moved.actual
                await asyncio.sleep(0)
            else:
                written += list(enumerate(batch, start=head - len(batch) + 1))
        return written

    written = [row for rows in await asyncio.gather(*map(writer, range(8))) for row in rows]
    assert await content(stores) == sorted(written)
    assert [sequence for sequence, _ in sorted(written)] == list(range(1, len(written) + 1))


async def test_a_lost_race_in_one_room_fails_no_append_of_another(stores: Stores) -> None:
    await append(stores, 0, b"first")
    stale = asyncio.gather(*(append(stores, 0, b"stale") for _ in range(5)), return_exceptions=True)
    good = asyncio.gather(
        *(append(stores, 0, b"good", room=RoomKey(f"{number:064x}")) for number in range(5))
    )
    assert await good == [1] * 5
    assert all(isinstance(result, HeadMoved) for result in await stale)


async def test_rows_survive_closing_and_opening(store: StoreUnderTest) -> None:
    """STO-3."""
    async with await store.open() as stores:
        await append(stores, 0, b"a", b"b")
    async with await store.open() as stores:
        assert await content(stores) == [(1, b"a"), (2, b"b")]
        assert await append(stores, 2, b"c") == 3


async def test_damaged_row_is_moved_aside_and_the_rest_is_read(
    store: StoreUnderTest, stores: Stores
) -> None:
    """STO-4."""
    await append(stores, 0, b"first", b"second", b"third")
    store.damage_row(ROOM, Sequence(2))
    tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
    assert [row.update for row in tail.rows] == [b"first", b"third"]
    assert (tail.head, tail.quarantined) == (3, (2,))
    assert set(store.quarantined_rows(ROOM)) == {2}
    assert store.quarantined_rows(ROOM)[2] not in (None, b"second")


async def test_quarantine_outlives_the_process_and_its_sequence_stays_taken(
    store: StoreUnderTest,
) -> None:
    """STO-4."""
    async with await store.open() as stores:
        await append(stores, 0, b"first", b"second")
        store.damage_row(ROOM, Sequence(2))
        await stores.log.read(ROOM, after=NO_SEQUENCE)
    async with await store.open() as stores:
        tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
        assert (tail.head, tail.quarantined) == (2, (2,))
        assert await append(stores, 2, b"third") == 3
        assert await content(stores) == [(1, b"first"), (3, b"third")]


async def test_vanished_row_is_reported_as_quarantined(
    store: StoreUnderTest, stores: Stores
) -> None:
    """STO-4."""
    await append(stores, 0, b"first", b"second", b"third")
    store.remove_row(ROOM, Sequence(3))
    tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
    assert (len(tail.rows), tail.head, tail.quarantined) == (2, 3, (3,))
    assert store.quarantined_rows(ROOM) == {3: None}


async def test_rows_in_each_others_place_fail_their_checksums(
    store: StoreUnderTest, stores: Stores
) -> None:
    await append(stores, 0, b"first", b"second", b"third")
    store.swap_rows(ROOM, Sequence(1), Sequence(3))
    tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
    assert [row.update for row in tail.rows] == [b"second"]
    assert tail.quarantined == (1, 3)


async def test_quarantined_rows_before_the_start_of_a_read_are_not_named(
    store: StoreUnderTest, stores: Stores
) -> None:
    await append(stores, 0, b"first", b"second", b"third")
    store.damage_row(ROOM, Sequence(1))
    await stores.log.read(ROOM, after=NO_SEQUENCE)
    assert (await stores.log.read(ROOM, after=Sequence(1))).quarantined == ()


async def test_trim_deletes_old_rows_and_keeps_the_head(stores: Stores) -> None:
    await append(stores, 0, b"a", b"b", b"c")
    assert await stores.log.trim(ROOM, through=Sequence(2)) == 2
    assert await content(stores) == [(3, b"c")]
    assert await stores.log.trim(ROOM, through=Sequence(3)) == 1
    assert await stores.log.head(ROOM) == 3
    tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
    assert (tail.rows, tail.head, tail.quarantined) == ((), 3, ())
    assert await append(stores, 3, b"d") == 4


async def test_trim_twice_or_past_the_head_does_no_harm(stores: Stores) -> None:
    await append(stores, 0, b"a", b"b")
    assert await stores.log.trim(ROOM, through=Sequence(1)) == 1
    assert await stores.log.trim(ROOM, through=Sequence(1)) == 0
    assert await stores.log.trim(ROOM, through=Sequence(99)) == 1
    assert await stores.log.trim(OTHER, through=Sequence(5)) == 0
    assert await append(stores, 2, b"c") == 3
    assert await content(stores) == [(3, b"c")]


async def test_trim_that_comes_late_does_not_undo_a_later_one(stores: Stores) -> None:
    """Rows that were trimmed must not look lost."""
    await append(stores, 0, b"a", b"b", b"c", b"d")
    assert await stores.log.trim(ROOM, through=Sequence(3)) == 3
    assert await stores.log.trim(ROOM, through=Sequence(1)) == 0
    tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
    assert ([row.sequence for row in tail.rows], tail.quarantined) == ([4], ())


async def test_trim_of_many_rows_leaves_exactly_the_later_ones(stores: Stores) -> None:
    await append(stores, 0, *(b"%d" % number for number in range(1, 2001)))
    assert await stores.log.trim(ROOM, through=Sequence(1500)) == 1500
    assert [sequence for sequence, _ in await content(stores)] == list(range(1501, 2001))


async def test_a_reader_beside_the_writer_never_sees_a_gap_or_half_a_batch(stores: Stores) -> None:
    """STO-1."""
    is_over = asyncio.Event()

    async def write() -> None:
        head = 0
        for _ in range(100):
            head = await append(stores, head, b"x", b"y", b"z")
        is_over.set()

    async def read() -> int:
        reads = 0
        while not is_over.is_set():
            rows = await content(stores)
            assert [sequence for sequence, _ in rows] == list(range(1, len(rows) + 1))
            assert len(rows) % 3 == 0
            reads += 1
            await asyncio.sleep(0)
        return reads

    reads, _ = await asyncio.gather(read(), write())
    assert len(await content(stores)) == 300
    assert reads > 0


async def test_cancelled_caller_neither_breaks_the_store_nor_half_an_append(
    stores: Stores,
) -> None:
    task = asyncio.ensure_future(append(stores, 0, b"a", b"b"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    head = await stores.log.head(ROOM)
    while True:
        try:
            head = Sequence(await append(stores, head, b"c"))
            break
        except HeadMoved as moved:
            head = Sequence(moved.actual)
    assert [update for _, update in await content(stores)] in ([b"a", b"b", b"c"], [b"c"])
