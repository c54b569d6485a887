"""What every store of blobs promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from contextlib import AsyncExitStack
from typing import Final

import pytest

from collab.errors import BlobMoved, InvariantViolated
from collab.ids import BlobTag
from persistence.blob_keys import blob_key
from persistence.build import Stores
from tests.contract.backends import StoreUnderTest, nodes
from tests.support.counts import repeats

KEY = blob_key("rooms", "ab" * 32, "1", "versions", "v-1.bin")
LARGE = bytes(range(256)) * 40_000
WRITERS: Final = 10
ROUNDS: Final = repeats(5, proof=200)


async def test_blob_comes_back_after_closing_and_opening(store: StoreUnderTest) -> None:
    """STO-3."""
    async with await store.open() as stores:
        await stores.blobs.create(KEY, LARGE)
    async with await store.open() as stores:
        found = await stores.blobs.read(KEY)
        assert found is not None
        assert found.data == LARGE


async def test_blob_is_made_once(stores: Stores) -> None:
    """STO-18."""
    results = await asyncio.gather(
        *(stores.blobs.create(KEY, b"%d" % number) for number in range(10)), return_exceptions=True
    )
    made = [result for result in results if not isinstance(result, BaseException)]
    assert len(made) == 1
    assert sum(isinstance(result, BlobMoved) for result in results) == 9
    found = await stores.blobs.read(KEY)
    assert found is not None
    assert found.tag == made[0]


async def test_of_racing_replacements_exactly_one_wins(stores: Stores) -> None:
    """STO-18."""
    tag = await stores.blobs.create(KEY, b"first")
    results = await asyncio.gather(
        *(stores.blobs.replace(KEY, b"by %d" % number, tag=tag) for number in range(10)),
        return_exceptions=True,
    )
    winners = [n for n, result in enumerate(results) if not isinstance(result, BaseException)]
    assert len(winners) == 1
    assert sum(isinstance(result, BlobMoved) for result in results) == 9
    found = await stores.blobs.read(KEY)
    assert found is not None
    assert found.data == b"by %d" % winners[0]


@pytest.mark.prove
@pytest.mark.timeout(1200)
async def test_each_round_of_racing_writes_of_a_blob_has_one_winner(
    store: StoreUnderTest, record_property: Callable[[str, object], None]
) -> None:
    """Of ten writers that make, then replace, one blob exactly one wins in each round.

    Bears STO-22.
    """
    async with AsyncExitStack() as stack:
        opened = await nodes(store, stack, WRITERS)
        for number in range(ROUNDS):
            key = blob_key("rooms", "ab" * 32, "1", "versions", f"v-{number}.bin")
            tag, _ = _winner(
                await asyncio.gather(
                    *(stores.blobs.create(key, b"%d" % n) for n, stores in enumerate(opened)),
                    return_exceptions=True,
                )
            )
            replacements = (
                stores.blobs.replace(key, b"by %d" % n, tag=tag) for n, stores in enumerate(opened)
            )
            tag, winner = _winner(await asyncio.gather(*replacements, return_exceptions=True))
            found = await opened[-1].blobs.read(key)
            assert found is not None
            assert (found.data, found.tag) == (b"by %d" % winner, tag)
    record_property("rounds", ROUNDS)


def _winner(results: SequenceOf[BlobTag | BaseException]) -> tuple[BlobTag, int]:
    """The new tag, and who wrote it; all others were told."""
    ((winner, tag),) = [
        (n, result) for n, result in enumerate(results) if not isinstance(result, BaseException)
    ]
    assert sum(isinstance(result, BlobMoved) for result in results) == WRITERS - 1, results
    return tag, winner


async def test_what_is_not_there_cannot_be_replaced_and_is_read_as_none(stores: Stores) -> None:
    with pytest.raises(BlobMoved):
        await stores.blobs.replace(KEY, b"x", tag=BlobTag("0"))
    assert await stores.blobs.read(KEY) is None


async def test_deleted_blob_is_gone_and_may_be_made_again(stores: Stores) -> None:
    await stores.blobs.create(KEY, b"one")
    await stores.blobs.delete(KEY)
    await stores.blobs.delete(KEY)
    assert await stores.blobs.read(KEY) is None
    await stores.blobs.create(KEY, b"two")


async def test_list_is_by_prefix_in_order_and_pages_without_overlap(stores: Stores) -> None:
    spelled = ["a/1", "a/10", "a/2", "a-b/1", "b/1/x", "b/2"]
    for text in spelled:
        await stores.blobs.create(blob_key(*text.split("/")), text.encode())
    listed = await stores.blobs.list("a/", after=None, limit=10)
    assert [(info.key, info.size_bytes) for info in listed] == [("a/1", 3), ("a/10", 4), ("a/2", 3)]
    paged: list[str] = []
    while page := await stores.blobs.list(
        "", after=blob_key(*paged[-1].split("/")) if paged else None, limit=2
    ):
        paged += [info.key for info in page]
    assert paged == ["a-b/1", "a/1", "a/10", "a/2", "b/1/x", "b/2"]
    assert await stores.blobs.list("c", after=None, limit=10) == ()


@pytest.mark.parametrize("spelled", ["", "/a", "a//b", "a/../b", ".a", "a b", "é", "a/" * 16 + "a"])
def test_key_that_some_store_could_not_keep_is_refused(spelled: str) -> None:
    with pytest.raises(InvariantViolated):
        blob_key(*spelled.split("/"))
