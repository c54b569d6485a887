"""Erasures on several nodes at once, each with a store of its own over the same content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Map

from collab.errors import (
    DataKeyDestroyed,
    EpochMoved,
    HeadMoved,
    OperatingError,
    StateConflict,
    StoreUnavailable,
)
from collab.history.versions import VersionKind
from collab.ids import FIRST_EPOCH, Epoch, Sequence, UnixSeconds
from collab.ports import RecordKind
from persistence.backup.making import BackupRequest, make_backup
from persistence.backup.points import Goal
from persistence.backup.reader import Chain
from persistence.backup.restoring import RestoreRequest, restore
from persistence.backup.sealing import Sealer
from persistence.build import Stores
from persistence.compaction import CompactionStatus, compact
from persistence.erasure import Erased, ErasureMode, erase, finish_erasure
from persistence.erasure_record import ErasureRecord, discard_erasure, list_erasures
from persistence.failpoints import Failpoints
from persistence.files import FileBlobs
from persistence.loading import load_room
from persistence.memory import MemoryStore
from persistence.versions import Content, Label, add_version
from tests.contract.backends import StoreUnderTest, nodes
from tests.contract.conftest import NAME, ROOM
from tests.contract.edits import merge_here, typed
from tests.contract.erasing import EMPTY, VISIBLE, Here, document, fill, merge_of
from tests.contract.overtaking import overtaken
from tests.support.counts import repeats

ROUNDS = repeats(8, proof=60)


@pytest.fixture
async def pair(store: StoreUnderTest) -> AsyncIterator[tuple[Stores, Stores]]:
    """Two nodes."""
    async with AsyncExitStack() as stack:
        one, two = await nodes(store, stack, 2)
        yield one, two


async def erased_by(stores: Stores, mode: ErasureMode = ErasureMode.HISTORY) -> Erased:
    return await erase(stores, NAME, Here(), mode)


def left_by(mode: ErasureMode) -> dict[str, Any]:
    return VISIBLE if mode is ErasureMode.HISTORY else EMPTY


class Sleeper:
    """An erasure on a node that sleeps between its claim and its commit."""

    def __init__(self, node: Stores, mode: ErasureMode) -> None:
        self._is_prepared, self._may_go = asyncio.Event(), asyncio.Event()
        self._node = overtaken(node, "log", "begin_epoch", self._sleep)
        self._mode = mode
        self._task: asyncio.Task[Erased] | None = None

    async def _sleep(self) -> None:
        self._is_prepared.set()
        await self._may_go.wait()

    async def prepare(self) -> None:
        """Go up to the claim."""
        self._task = asyncio.create_task(erased_by(self._node, self._mode))
        await self._is_prepared.wait()

    async def wake(self) -> Erased:
        """Go on to the end."""
        assert self._task is not None
        self._may_go.set()
        return await self._task


async def assert_one_erasure_is_left(stores: Stores) -> None:
    """The room is whole, and nothing of another erasure is in the store."""
    loaded = await load_room(stores, NAME)
    assert not loaded.manifest.snapshots or loaded.problems == ()
    (erasure,) = await list_erasures(stores, ROOM)
    assert (erasure.epoch, erasure.is_done) == (loaded.manifest.epoch, True)
    assert await stores.snapshots.list(ROOM) == loaded.manifest.snapshots
    blobs = [info.key for info in await stores.blobs.list("rooms/", after=None, limit=99)]
    assert [key for key in blobs if key.endswith(erasure.retired)] == [erasure.retired]
    assert len(blobs) <= 1 + len(loaded.manifest.snapshots)


@pytest.mark.parametrize("mode", list(ErasureMode))
async def test_of_two_erasures_that_are_prepared_the_first_to_commit_wins_alone(
    pair: tuple[Stores, Stores], mode: ErasureMode
) -> None:
    """ERA-10: What is left is what the winner's owner asked for; the other one is told."""
    one, two = pair
    await fill(one)
    late = Sleeper(two, next(other for other in ErasureMode if other is not mode))
    outcome = await erased_by(overtaken(one, "log", "begin_epoch", late.prepare), mode)
    assert await document(one) == left_by(mode)
    with pytest.raises(StateConflict):
        await late.wake()
    assert await document(two) == left_by(mode)
    assert (await load_room(two, NAME)).manifest.epoch == outcome.epoch
    await assert_one_erasure_is_left(two)


@pytest.mark.parametrize("wakes", ["before", "after"])
async def test_a_claim_that_slept_through_two_erasures_takes_nothing_from_the_second(
    pair: tuple[Stores, Stores], wakes: str
) -> None:
    """ERA-10: The second one has the epoch that the sleeping claim was given, and lost."""
    one, two = pair
    await fill(one)
    late = Sleeper(two, ErasureMode.EVERYTHING)

    async def wake_the_other() -> None:
        with pytest.raises(StateConflict):
            await late.wake()

    first = await erased_by(overtaken(one, "log", "begin_epoch", late.prepare))
    second = await erased_by(
        overtaken(one, "log", "begin_epoch", wake_the_other) if wakes == "before" else one
    )
    assert second.epoch == first.epoch + 1, "the number of the claim that sleeps"
    if wakes == "after":
        await wake_the_other()
    assert await document(two) == VISIBLE
    await assert_one_erasure_is_left(two)


async def test_a_claim_that_is_discarded_late_does_not_take_the_next_one_of_its_epoch_along(
    pair: tuple[Stores, Stores],
) -> None:
    """ERA-10: Somebody else discards it first, and a second erasure claims its epoch anew."""
    one, two = pair
    await fill(one)
    late = Sleeper(two, ErasureMode.EVERYTHING)
    claims: list[ErasureRecord] = []
    second: list[Erased] = []

    async def prepare_the_other() -> None:
        await late.prepare()
        claims.extend(await list_erasures(two, ROOM))

    async def claim_anew() -> None:
        second.append(await erased_by(one))

    await erased_by(overtaken(one, "log", "begin_epoch", prepare_the_other))
    _, dead = claims
    await discard_erasure(overtaken(two, "records", "compare_and_set", claim_anew), ROOM, dead)
    assert [each.epoch for each in second] == [dead.epoch]
    with pytest.raises(StateConflict):
        await late.wake()
    assert await document(two) == VISIBLE
    await assert_one_erasure_is_left(two)


async def test_claims_that_come_to_nothing_because_of_writers_do_not_pile_up(
    pair: tuple[Stores, Stores],
) -> None:
    """ERA-10."""
    one, two = pair
    await fill(one)

    async def write() -> None:
        loaded = await load_room(two, NAME)
        epoch, after = loaded.manifest.epoch, loaded.head
        update = keyed(str(epoch), client=100 + epoch)
        await two.log.append(ROOM, epoch=epoch, after=after, updates=[update])

    for epoch in (2, 3, 4):
        outcome = await erased_by(overtaken(one, "log", "begin_epoch", write))
        records = await one.records.list(RecordKind.ERASURE, ROOM, after=None, limit=9)
        assert (outcome.epoch, len(records)) == (epoch, 1)
    assert (await document(two))["map"] == {"title": "Sonata"} | dict.fromkeys("123", "saved")
    await assert_one_erasure_is_left(two)


async def test_an_erasure_that_was_overtaken_by_a_whole_one_changes_nothing(
    pair: tuple[Stores, Stores],
) -> None:
    """ERA-10."""
    one, two = pair
    await fill(one)
    slow = overtaken(one, "log", "begin_epoch", lambda: erased_by(two, ErasureMode.EVERYTHING))
    with pytest.raises(StateConflict):
        await erased_by(slow)
    assert await document(one) == EMPTY
    await assert_one_erasure_is_left(one)


async def test_a_commit_is_completed_with_what_was_prepared_for_it_whoever_prepared_last(
    pair: tuple[Stores, Stores],
) -> None:
    """ERA-10, ERA-6: Its node ends at the commit, with the claim of another one beside its own."""
    one, two = pair
    await fill(one)

    async def prepare_and_end() -> None:
        with pytest.raises(StoreUnavailable):
            await erased_by(replace(two, failpoints=Failpoints.parse("erasure.after_record=error")))

    ending = replace(one, failpoints=Failpoints.parse("erasure.after_epoch=error"))
    with pytest.raises(StoreUnavailable):
        await erased_by(
            overtaken(ending, "log", "begin_epoch", prepare_and_end), ErasureMode.EVERYTHING
        )
    assert len(await list_erasures(two, ROOM)) == 2
    assert await document(two) == EMPTY
    await assert_one_erasure_is_left(two)


async def committed(stores: Stores) -> None:
    """A room whose erasure is committed, and not completed."""
    await fill(stores)
    ending = replace(stores, failpoints=Failpoints.parse("erasure.after_epoch=error"))
    with pytest.raises(StoreUnavailable):
        await erased_by(ending)


async def edited_and_compacted(stores: Stores) -> None:
    """Whoever completes an erasure lets people edit, and folds what they write."""
    await finish_erasure(stores, NAME)
    for number in range(4):  # of which the first ones are trimmed
        loaded = await load_room(stores, NAME)
        await stores.log.append(
            ROOM,
            epoch=loaded.manifest.epoch,
            after=loaded.head,
            updates=[keyed(str(number), client=100 + number)],
        )
        outcome = await compact(stores, NAME, merge_here)
        assert outcome.status is CompactionStatus.DONE


def keyed(key: str, client: int) -> bytes:
    doc: Doc[Any] = Doc(client_id=client)
    doc.get("map", type=Map)[key] = "saved"
    update: bytes = doc.get_update()
    return update


EDITED = {"title": "Sonata"} | dict.fromkeys("0123", "saved")


@pytest.mark.parametrize(
    ("port", "call"),
    [("manifests", "compare_and_set"), ("snapshots", "list"), ("records", "compare_and_set")],
)
async def test_two_nodes_complete_one_erasure_and_nothing_written_since_is_lost(
    pair: tuple[Stores, Stores], port: str, call: str
) -> None:
    """ERA-10: The slower one comes to each of its steps when others edit and compact already."""
    one, two = pair
    await committed(one)
    await finish_erasure(overtaken(one, port, call, lambda: edited_and_compacted(two)), NAME)
    found = await document(one)
    assert found["map"] == EDITED
    loaded = await load_room(two, NAME)
    assert loaded.problems == ()


async def test_a_slow_completion_leaves_the_next_erasure_of_the_room_alone(
    pair: tuple[Stores, Stores],
) -> None:
    """ERA-10: Nothing was written in between, so that both are at one head."""
    one, two = pair
    await committed(one)
    await finish_erasure(overtaken(one, "snapshots", "list", lambda: erased_by(two)), NAME)
    assert await document(one) == VISIBLE
    await assert_one_erasure_is_left(one)


async def test_a_slow_compaction_clears_nothing_away_that_an_erasure_made(
    pair: tuple[Stores, Stores],
) -> None:
    """ERA-4, ERA-10."""
    one, two = pair
    head = await fill(one)
    await one.log.append(ROOM, epoch=FIRST_EPOCH, after=head, updates=typed(["x"], client=9))
    slow = overtaken(one, "snapshots", "list", lambda: erased_by(two))
    assert (await compact(slow, NAME, merge_here)).status is CompactionStatus.DONE
    assert (await document(one))["map"] == VISIBLE["map"]
    await assert_one_erasure_is_left(one)


async def test_a_writer_of_another_node_is_told_wherever_it_believes_the_head_to_be(
    pair: tuple[Stores, Stores],
) -> None:
    """ERA-10, STO-20."""
    one, two = pair
    head = await fill(one)
    outcome = await erased_by(one)
    for after in (0, head - 1, head, head + 1):
        with pytest.raises(EpochMoved):
            await two.log.append(
                ROOM, epoch=FIRST_EPOCH, after=Sequence(after), updates=[keyed("stale", 11)]
            )
    after = await two.log.append(
        ROOM, epoch=outcome.epoch, after=Sequence(head), updates=[keyed("new", 12)]
    )
    assert after == head + 1
    assert (await document(one))["map"] == {"title": "Sonata", "new": "saved"}


async def test_what_a_node_makes_of_the_old_room_and_then_ends_goes_with_the_next_open(
    pair: tuple[Stores, Stores],
) -> None:
    """ERA-10, ERA-3: A snapshot, and a version, that were under way on another node."""
    one, two = pair
    head = await fill(one)
    old = (await load_room(two, NAME)).updates
    await erased_by(one, ErasureMode.EVERYTHING)
    ending = replace(two, failpoints=Failpoints.parse("version.after_record=error"))
    with suppress(DataKeyDestroyed):  # with encryption it comes too late for anything
        await two.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=head, update=merge_of(list(old)))
    content = Content(FIRST_EPOCH, head, merge_of(list(old)))
    with pytest.raises(StoreUnavailable):
        await add_version(ending, NAME, content, Label(VersionKind.NAMED, UnixSeconds(1)))
    if two.data_keys is None:
        assert await one.snapshots.list(ROOM) != ()
        assert await one.raw.records.list(RecordKind.VERSION, ROOM, after=None, limit=9) != ()
    assert await document(one) == EMPTY
    assert await one.snapshots.list(ROOM) == ()
    assert await one.raw.records.list(RecordKind.VERSION, ROOM, after=None, limit=9) == ()
    blobs = await one.blobs.list("rooms/", after=None, limit=9)
    assert [info.key for info in blobs] == [(await list_erasures(one, ROOM))[0].retired]


async def test_an_erasure_that_never_was_does_not_befall_a_room_that_is_restored(
    stores: Stores, tmp_path: Path
) -> None:
    """ERA-6, BAK-6: The restored room begins the very epoch that the erasure had claimed."""
    await fill(stores)
    ending = replace(stores, failpoints=Failpoints.parse("erasure.after_record=error"))
    with pytest.raises(StoreUnavailable):
        await erased_by(ending, ErasureMode.EVERYTHING)
    (claim,) = await list_erasures(stores, ROOM)
    place, sealer = FileBlobs(tmp_path / "kept"), Sealer(None)
    made = await make_backup(stores, place, sealer, BackupRequest(), lambda: UnixSeconds(2**31))
    chain = await Chain.open(place, sealer, made.manifest.backup_id)
    fresh = MemoryStore().stores()
    await restore(chain, fresh, RestoreRequest(NAME, Goal(), next_epoch=True))
    assert await document(fresh) == VISIBLE
    assert (await load_room(fresh, NAME)).manifest.epoch == claim.epoch


@pytest.mark.prove
@pytest.mark.timeout(1200)
async def test_what_was_acknowledged_is_there_after_races_of_erasures_edits_and_compactions(
    pair: tuple[Stores, Stores], record_property: Callable[[str, object], None]
) -> None:
    """ERA-4, ERA-10: Two nodes erase a room's history, write in it and compact it, all at once."""
    one, _ = pair
    await fill(one)
    saved: set[str] = set()
    won = told = 0

    async def write(stores: Stores, key: str, client: int) -> None:
        epoch, head = Epoch(FIRST_EPOCH), Sequence(0)
        while key not in saved:
            try:
                await stores.log.append(ROOM, epoch=epoch, after=head, updates=[keyed(key, client)])
            except HeadMoved as moved:
                head = Sequence(moved.actual)
            except EpochMoved as moved:
                epoch = Epoch(moved.actual)
            else:
                saved.add(key)

    for number in range(ROUNDS):
        writers = (
            write(stores, f"{number} at {node}", 1_000 + 2 * number + node)
            for node, stores in enumerate(pair)
        )
        *outcomes, _, _, _, _ = await asyncio.gather(
            *(erased_by(stores) for stores in pair),
            *writers,
            *(compact(stores, NAME, merge_here) for stores in pair),
            return_exceptions=True,
        )
        for outcome in outcomes:
            assert isinstance(outcome, Erased | StateConflict | OperatingError), outcome
            won += isinstance(outcome, Erased)
            told += not isinstance(outcome, Erased)
        for stores in pair:
            found = await document(stores)
            assert found["map"] == {"title": "Sonata"} | dict.fromkeys(saved, "saved")
            assert found["text"] == VISIBLE["text"]
        assert (await load_room(one, NAME)).problems == ()
    assert won
    assert len(saved) == 2 * ROUNDS
    record_property("rounds", ROUNDS)
    record_property("erasures", won)
    record_property("told that another came first", told)
