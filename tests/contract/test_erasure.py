"""Erasing rooms over every store: what is left, what is gone, and crashes in between."""

from __future__ import annotations

import random
from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from collab.errors import (
    EpochMoved,
    OperatingError,
    RoomQuarantined,
    StateConflict,
    StoreUnavailable,
)
from collab.history.retired import RetiredClients
from collab.history.versions import VersionKind
from collab.ids import FIRST_EPOCH, Epoch, Sequence, UnixSeconds
from collab.ports import RecordKind
from collab.protocol.update_scan import scan_update
from persistence.build import Stores
from persistence.compaction import compact
from persistence.erasure import (
    ErasureMode,
    erase,
    finish_erasure,
    load_after_erasure,
)
from persistence.erasure_record import ErasureRecord, list_erasures, put_erasure
from persistence.failpoints import Failpoints
from persistence.loading import load_room
from persistence.manifests import quarantine, read_manifest
from persistence.versions import Content, Label, add_version, list_versions
from tests.contract.backends import StoreUnderTest
from tests.contract.conftest import NAME, OTHER, ROOM
from tests.contract.edits import merge_here, text_of, typed
from tests.contract.erasing import (
    EMPTY,
    SECRET,
    VISIBLE,
    Here,
    document,
    erased,
    fill,
    merge_of,
    with_secret,
)
from tests.support.faulty_store import Faults, faulty


async def test_history_goes_and_the_document_stays_under_a_new_author(stores: Stores) -> None:
    """ERA-1, ERA-2."""
    head = await fill(stores)
    outcome = await erased(stores)
    assert (outcome.epoch, outcome.clients_retired, outcome.notes) == (2, 1, ())
    assert await document(stores) == VISIBLE
    loaded, retired = await load_after_erasure(stores, NAME)
    assert (loaded.manifest.epoch, loaded.head, loaded.problems) == (2, head, ())
    assert 7 in retired
    used = {span.client for update in loaded.updates for span in scan_update(update).ranges}
    assert len(used) == 1
    assert 7 not in used
    assert await list_versions(stores, NAME) == ()
    assert SECRET.encode() not in b"".join(loaded.updates)


async def test_everything_goes_on_request(stores: Stores) -> None:
    """ERA-1."""
    await fill(stores)
    await erased(stores, ErasureMode.EVERYTHING)
    assert await document(stores) == EMPTY
    assert await stores.snapshots.list(ROOM) == ()
    loaded, retired = await load_after_erasure(stores, NAME)
    assert (loaded.updates, 7 in retired) == ((), True)
    assert loaded.problems == (), "what was erased is not missing"
    await stores.log.append(
        ROOM, epoch=Epoch(2), after=loaded.head, updates=typed(["new"], client=9)
    )
    assert (await load_room(stores, NAME)).problems == ()


async def test_an_erased_room_is_edited_compacted_and_erased_again(stores: Stores) -> None:
    """ERA-2: The ids of all erasures stay retired."""
    head = await fill(stores)
    await erased(stores)
    more = typed(["new ", "words"], client=9)
    await stores.log.append(ROOM, epoch=Epoch(2), after=head, updates=more)
    await compact(stores, NAME, merge_here)
    assert (await document(stores))["map"] == VISIBLE["map"]
    outcome = await erased(stores)
    assert outcome.epoch == 3
    _, retired = await load_after_erasure(stores, NAME)
    assert 7 in retired
    assert len(retired) >= 3, "the first author, the one of the rewrite, and the later one"
    with pytest.raises(EpochMoved):
        await stores.log.append(ROOM, epoch=Epoch(2), after=Sequence(head + 2), updates=more)


async def test_other_rooms_are_left_alone(stores: Stores) -> None:
    await fill(stores)
    updates = typed(["la ", "mer"])
    await stores.log.append(OTHER, epoch=FIRST_EPOCH, after=Sequence(0), updates=updates)
    ref = await stores.snapshots.put(
        OTHER, epoch=FIRST_EPOCH, sequence=Sequence(2), update=merge_of(updates)
    )
    await erased(stores, ErasureMode.EVERYTHING)
    tail = await stores.log.read(OTHER, after=Sequence(0))
    assert text_of([row.update for row in tail.rows]) == "la mer"
    assert await stores.snapshots.list(OTHER) == (ref,)
    assert await stores.snapshots.get(OTHER, ref) is not None


async def test_damaged_rows_and_snapshots_that_were_moved_aside_go_as_well(
    store: StoreUnderTest, stores: Stores
) -> None:
    """ERA-3."""
    head = await fill(stores)
    await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=head, updates=typed(["x", "y"]))
    store.damage_row(ROOM, Sequence(head + 1))
    manifest = await read_manifest(stores, NAME)
    store.damage_snapshot(ROOM, manifest.snapshots[0])
    assert (await load_room(stores, NAME)).problems
    assert store.quarantined_rows(ROOM)
    await erased(stores)
    assert store.quarantined_rows(ROOM) == {}
    assert store.quarantined_snapshots() == []


async def test_a_room_out_of_service_is_not_erased_unseen(stores: Stores) -> None:
    await fill(stores)
    with pytest.raises(RoomQuarantined):
        await quarantine(stores, await read_manifest(stores, NAME), "a test")
    with pytest.raises(RoomQuarantined):
        await erased(stores)


async def test_an_append_in_between_is_taken_in_before_the_commit(stores: Stores) -> None:
    """ERA-4."""
    head = await fill(stores)

    class Busy(Here):
        tries = 0

        async def state(self, updates: SequenceOf[bytes]) -> bytes:
            self.tries += 1
            if self.tries == 1:
                late: Doc[Any] = Doc(client_id=11)
                late.get("map", type=Map)["late"] = "saved"
                await stores.log.append(
                    ROOM, epoch=FIRST_EPOCH, after=head, updates=[late.get_update()]
                )
            return await super().state(updates)

    rewriter = Busy()
    await erase(stores, NAME, rewriter, ErasureMode.HISTORY)
    assert rewriter.tries == 2
    assert (await document(stores))["map"] == {"title": "Sonata", "late": "saved"}
    assert len(await stores.snapshots.list(ROOM)) == 1


async def test_of_two_erasures_at_once_one_wins_and_the_room_is_whole(stores: Stores) -> None:
    """ERA-4."""
    await fill(stores)

    class Rival(Here):
        async def restore(self, current: bytes, wanted: bytes, client: int) -> tuple[bytes, bytes]:
            if (await read_manifest(stores, NAME)).epoch == FIRST_EPOCH:
                await erased(stores, ErasureMode.EVERYTHING)
            return await super().restore(current, wanted, client)

    with pytest.raises(StateConflict):
        await erase(stores, NAME, Rival(), ErasureMode.HISTORY)
    assert await document(stores) == EMPTY
    assert (await read_manifest(stores, NAME)).epoch == 2


async def test_what_cannot_be_carried_over_is_told_before_anything_changes(
    stores: Stores,
) -> None:
    """ERA-5."""
    doc: Doc[Any] = Doc(client_id=7)
    doc.get("map", type=Map)["part"] = Doc()
    await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[doc.get_update()])
    with pytest.raises(StateConflict, match="subdocument"):
        await erased(stores)
    assert (await load_room(stores, NAME)).manifest.epoch == FIRST_EPOCH
    outcome = await erased(stores, accept_loss=True)
    assert outcome.notes
    assert (await load_room(stores, NAME)).manifest.epoch == 2


async def test_shared_types_of_every_kind_look_the_same_afterwards(stores: Stores) -> None:
    """ERA-1."""
    doc: Doc[Any] = Doc(client_id=7)
    text = doc.get("text", type=Text)
    text += "forte and piano"
    text.format(0, 5, {"bold": True})
    doc.get("map", type=Map)["nested"] = Map({"bars": Array([1, 2.5, "x", None, True])})
    doc.get("array", type=Array).extend([1, "two", Map({"deep": Text("words")})])
    xml = doc.get("xml", type=XmlFragment)
    xml.children.append(XmlElement("p", {"id": "1"}, [XmlText("line")]))
    await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[doc.get_update()])
    await erased(stores)
    again: Doc[Any] = Doc()
    for update in (await load_room(stores, NAME)).updates:
        again.apply_update(update)
    assert again.get("text", type=Text).diff() == text.diff()
    assert again.get("map", type=Map).to_py() == doc.get("map", type=Map).to_py()
    assert again.get("array", type=Array).to_py() == doc.get("array", type=Array).to_py()
    assert str(again.get("xml", type=XmlFragment)) == str(xml)


STEPS = (
    "erasure.after_snapshot",
    "erasure.after_record",
    "erasure.after_epoch",
    "erasure.after_manifest",
    "erasure.after_deletes",
    "erasure.after_keys",
)
COMMITTED = STEPS.index("erasure.after_epoch")


@pytest.mark.parametrize("finish", ["open", "erase"])
@pytest.mark.parametrize("point", STEPS)
async def test_an_erasure_that_ends_at_any_step_did_not_happen_or_is_completed(
    stores: Stores, point: str, finish: str
) -> None:
    """ERA-6."""
    await fill(stores)
    failing = replace(stores, failpoints=Failpoints.parse(f"{point}=error"))
    with pytest.raises(StoreUnavailable):
        await erased(failing, ErasureMode.EVERYTHING)
    if finish == "erase":
        await erased(stores, ErasureMode.EVERYTHING)
    is_erased = finish == "erase" or STEPS.index(point) >= COMMITTED
    assert await document(stores) == (EMPTY if is_erased else VISIBLE)
    if is_erased:
        assert [erasure.is_done for erasure in await list_erasures(stores, ROOM)] == [True]
        assert await stores.snapshots.list(ROOM) == ()
        assert await list_versions(stores, NAME) == ()
    else:
        assert (await load_room(stores, NAME)).problems == ()


@pytest.mark.parametrize("seed", range(12))
async def test_a_store_that_fails_at_any_call_leaves_the_old_room_or_the_new_one(
    stores: Stores, seed: int
) -> None:
    """ERA-6."""
    draw = random.Random(seed)
    await fill(stores)
    faults = Faults()
    faults.fail(nth=draw.randint(1, 30), times=draw.randint(1, 3), after=draw.random() < 0.5)
    try:
        await erased(faulty(stores, faults), ErasureMode.EVERYTHING)
    except (OperatingError, StateConflict):
        assert await document(stores) in (EMPTY, VISIBLE)
    await erased(stores, ErasureMode.EVERYTHING)
    assert await document(stores) == EMPTY
    assert await stores.snapshots.list(ROOM) == ()


async def test_compaction_leaves_the_snapshot_of_an_erasure_under_way(stores: Stores) -> None:
    """ERA-4."""
    head = await fill(stores)
    content = merge_of(typed(["new"]))
    ref = await stores.snapshots.put(ROOM, epoch=Epoch(2), sequence=head, update=content)
    blob = (await stores.blobs.list("rooms/", after=None, limit=1))[0].key
    await put_erasure(stores, ROOM, ErasureRecord(FIRST_EPOCH, Epoch(2), head, ref, blob))
    await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=head, updates=typed(["x"], client=9))
    await compact(stores, NAME, merge_here)
    assert ref in await stores.snapshots.list(ROOM)


async def test_nothing_is_finished_that_was_not_committed(stores: Stores) -> None:
    await fill(stores)
    assert not await finish_erasure(stores, NAME)
    failing = replace(stores, failpoints=Failpoints.parse("erasure.after_record=error"))
    with pytest.raises(StoreUnavailable):
        await erased(failing)
    assert not await finish_erasure(stores, NAME)
    assert (await load_room(stores, NAME)).manifest.epoch == FIRST_EPOCH


async def test_versions_that_come_late_are_not_kept(stores: Stores) -> None:
    """ERA-3: A version of the old epoch whose maker was overtaken by the erasure."""
    head = await fill(stores)
    await erased(stores)
    content = Content(FIRST_EPOCH, head, merge_of(with_secret()))
    with pytest.raises(OperatingError):
        await add_version(stores, NAME, content, Label(VersionKind.NAMED, UnixSeconds(1)))
    records = await stores.raw.records.list(RecordKind.VERSION, ROOM, after=None, limit=9)
    assert records == ()


def test_retired_client_ids_survive_their_encoding() -> None:
    """ERA-2."""
    draw = random.Random(3)
    ids = {draw.randrange(2**53) for _ in range(10_000)} | {0, 2**32, 2**53 - 1}
    retired = RetiredClients.decode(RetiredClients(ids).encode())
    assert all(client in retired for client in ids)
    assert len(retired) == len(ids)
    assert sum(draw.randrange(2**53) in retired for _ in range(1_000)) == 0
    assert len(RetiredClients(ids).encode()) < 8 * len(ids)
    assert repr(retired) == f"RetiredClients({len(ids)})"
