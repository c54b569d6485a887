"""Ten writers, each with a store of its own, race for one room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

import pytest

from collab.errors import HeadMoved, ManifestMoved, RecordMoved, StoreUnavailable
from collab.ids import FIRST_EPOCH, RecordId, Sequence
from collab.ports import Manifest, Record, RecordKind
from persistence.compaction import CompactionOutcome, CompactionStatus, compact
from persistence.loading import load_room
from tests.contract.backends import StoreUnderTest, nodes
from tests.contract.conftest import NAME, ROOM
from tests.contract.edits import merge_here, text_of, typed
from tests.support.counts import repeats

WRITERS: Final = 10
ROUNDS: Final = repeats(20, proof=200)
COMPACTIONS: Final = repeats(5, proof=40)


@pytest.mark.prove
@pytest.mark.timeout(1200)
async def test_each_round_of_racing_appends_has_one_winner_and_no_gap(
    store: StoreUnderTest, record_property: Callable[[str, object], None]
) -> None:
    """Of ten writers behind one head exactly one appends, and the log has no gap.

    Bears STO-22.
    """
    async with AsyncExitStack() as stack:
        opened = await nodes(store, stack, WRITERS)
        won: list[bytes] = []
        for number in range(ROUNDS):
            offered = [b"%d by %d" % (number, writer) for writer in range(WRITERS)]
            results = await asyncio.gather(
                *(
                    stores.log.append(
                        ROOM, epoch=FIRST_EPOCH, after=Sequence(number), updates=[update]
                    )
                    for stores, update in zip(opened, offered, strict=True)
                ),
                return_exceptions=True,
            )
            assert sum(isinstance(result, HeadMoved) for result in results) == WRITERS - 1, results
            won += [
                update
                for update, result in zip(offered, results, strict=True)
                if result == number + 1
            ]
        tail = await opened[-1].log.read(ROOM, after=Sequence(0))
        assert [(row.sequence, row.update) for row in tail.rows] == list(enumerate(won, start=1))
    record_property("rounds", ROUNDS)


@pytest.mark.prove
@pytest.mark.timeout(1200)
async def test_each_round_of_racing_compare_and_sets_has_one_winner(
    store: StoreUnderTest, record_property: Callable[[str, object], None]
) -> None:
    """Of ten changes of one manifest or record exactly one is stored in each round.

    Bears STO-22.
    """
    async with AsyncExitStack() as stack:
        opened = await nodes(store, stack, WRITERS)
        manifest = Manifest(name=NAME, epoch=FIRST_EPOCH, revision=0)
        record = Record(RecordId("race"), 0, b"")
        for _ in range(ROUNDS):
            manifests = await asyncio.gather(
                *(
                    stores.manifests.compare_and_set(
                        ROOM, manifest=replace(manifest, open_attempts=writer)
                    )
                    for writer, stores in enumerate(opened)
                ),
                return_exceptions=True,
            )
            records = await asyncio.gather(
                *(
                    stores.records.compare_and_set(
                        RecordKind.VERSION, ROOM, replace(record, value=b"%d" % writer)
                    )
                    for writer, stores in enumerate(opened)
                ),
                return_exceptions=True,
            )
            (manifest,) = [found for found in manifests if isinstance(found, Manifest)]
            (record,) = [found for found in records if isinstance(found, Record)]
            assert sum(isinstance(found, ManifestMoved) for found in manifests) == WRITERS - 1
            assert sum(isinstance(found, RecordMoved) for found in records) == WRITERS - 1
            assert await opened[-1].manifests.get(ROOM) == manifest
    record_property("rounds", ROUNDS)


@pytest.mark.prove
@pytest.mark.timeout(1200)
async def test_two_nodes_that_compact_one_room_lose_no_update(
    store: StoreUnderTest, record_property: Callable[[str, object], None]
) -> None:
    """A compactor that is overtaken never wins, and what both wrote meanwhile is there.

    Bears STO-10.
    """
    words = [f"{number} " for number in range(COMPACTIONS * 10)]
    updates = typed(words)
    overtaken = 0
    async with AsyncExitStack() as stack:
        one, two = await nodes(store, stack, 2)
        for number in range(COMPACTIONS):
            head = number * 10
            await one.log.append(
                ROOM, epoch=FIRST_EPOCH, after=Sequence(head), updates=updates[head : head + 5]
            )
            *compactions, appended = await asyncio.gather(
                compact(one, NAME, merge_here),
                compact(two, NAME, merge_here),
                one.log.append(
                    ROOM,
                    epoch=FIRST_EPOCH,
                    after=Sequence(head + 5),
                    updates=updates[head + 5 : head + 10],
                ),
                return_exceptions=True,
            )
            assert appended == head + 10
            ends = [_end(outcome) for outcome in compactions]
            assert CompactionStatus.DONE in ends
            overtaken += ends.count(CompactionStatus.LOST)
            for stores in (one, two):
                loaded = await load_room(stores, NAME)
                assert text_of(loaded.updates) == "".join(words[: head + 10])
                assert not loaded.problems
    record_property("compactions by two", COMPACTIONS)
    record_property("overtaken", overtaken)


def _end(outcome: object) -> object:
    """How one ended; the winner may clear a snapshot away before its maker reads it back."""
    if isinstance(outcome, StoreUnavailable):
        return CompactionStatus.LOST
    assert isinstance(outcome, CompactionOutcome), outcome
    return outcome.status
