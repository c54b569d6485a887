"""Versions over every store: kept whole, found again, and gone without a trace."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from typing import Any

import pytest
import zstandard
from pycrdt import Doc, Map, Text

from collab.errors import RoomUnavailable, StoreUnavailable
from collab.history.versions import VersionKind, VersionSource
from collab.ids import FIRST_EPOCH, Epoch, Sequence, Subject, UnixSeconds, VersionId, room_name
from collab.ports import Manifest, RecordKind
from persistence.blob_keys import blob_key
from persistence.build import Stores
from persistence.failpoints import Failpoints
from persistence.versions import (
    Content,
    Label,
    add_version,
    delete_unnamed_version,
    delete_version,
    get_version,
    list_versions,
    name_version,
    read_version,
    take_content,
)
from tests.contract.backends import StoreUnderTest
from tests.contract.conftest import NAME, OTHER, ROOM
from workers.merge import state


async def stateful(updates: SequenceOf[bytes]) -> bytes:
    """In this process, where a failure would be seen."""
    return state(updates)


def content(text: str = "Kyrie", sequence: int = 1) -> Content:
    doc: Doc[Any] = Doc(client_id=1)
    doc.get("text", type=Text).insert(0, text)
    return Content(FIRST_EPOCH, Sequence(sequence), doc.get_update())


def label(created_at: int = 1_000, title: str = "") -> Label:
    kind = VersionKind.NAMED if title else VersionKind.AUTOMATIC
    return Label(kind, UnixSeconds(created_at), name=title)


async def blobs_of(stores: Stores) -> int:
    return len(await stores.blobs.list(f"rooms/{ROOM}/", after=None, limit=100))


async def test_a_version_is_there_after_closing_and_opening(store: StoreUnderTest) -> None:
    """VER-3: With all that is told about it, and its content byte for byte."""
    kept = content()
    full = Label(
        VersionKind.NAMED,
        UnixSeconds(1_795_867_200),
        name="Größe \U0001d11e",
        message="first\nread-through",
        author=Subject("u-1"),
        author_name="Clara",
        source=VersionSource(room_name("band/a"), VersionId("0")),
    )
    async with await store.open() as stores:
        made = await add_version(stores, NAME, kept, full)
    assert (made.epoch, made.sequence, made.size_bytes) == (1, 1, len(kept.update))
    assert (made.name, made.author, made.source) == (full.name, "u-1", full.source)
    if store.__class__.__name__ == "MemoryUnderTest":
        return
    async with await store.open() as stores:
        assert await list_versions(stores, NAME) == (made,)
        assert await get_version(stores, NAME, made.version_id) == made
        assert await read_version(stores, NAME, made) == kept.update


async def test_versions_are_listed_newest_first_and_by_room(stores: Stores) -> None:
    """Also beyond one page of the record store."""
    for number in range(260):
        await add_version(stores, NAME, content(sequence=number + 1), label(1_000 + number // 2))
    found = await list_versions(stores, NAME)
    assert [version.sequence for version in found] == list(range(260, 0, -1))
    assert await list_versions(stores, room_name("band/other")) == ()
    assert len(await stores.records.list(RecordKind.VERSION, OTHER, after=None, limit=9)) == 0


async def test_a_deleted_version_leaves_nothing(stores: Stores) -> None:
    """VER-8: Neither the record nor the content; deleting twice is no error."""
    gone = await add_version(stores, NAME, content(), label())
    kept = await add_version(stores, NAME, content("Gloria", 2), label(1_001))
    for _ in range(2):
        await delete_version(stores, NAME, gone)
    assert await list_versions(stores, NAME) == (kept,)
    assert await get_version(stores, NAME, gone.version_id) is None
    assert await blobs_of(stores) == 1


async def test_a_name_makes_an_automatic_version_a_named_one(stores: Stores) -> None:
    """VER-4: And a message alone does not; what is not there is not made."""
    made = await add_version(stores, NAME, content(), label())
    noted = await name_version(stores, NAME, made.version_id, title=None, message="before bar 9")
    assert noted == replace(made, message="before bar 9")
    named = await name_version(stores, NAME, made.version_id, title="Draft", message=None)
    assert named == replace(made, kind=VersionKind.NAMED, name="Draft", message="before bar 9")
    assert await list_versions(stores, NAME) == (named,)
    assert await name_version(stores, NAME, VersionId("0"), title="x", message=None) is None


async def test_damaged_or_missing_content_is_told_and_not_passed_off(stores: Stores) -> None:
    """VER-3."""
    made = await add_version(stores, NAME, content(), label())
    key = blob_key("rooms", ROOM, "1", "versions", made.version_id)
    blob = await stores.blobs.read(key)
    assert blob is not None
    for damaged in (
        blob.data[:-1],
        b"",
        b"no frame at all",
        zstandard.compress(b"x" * made.size_bytes),
        zstandard.compress(b"x" * (made.size_bytes + 1)),
    ):
        tag = (await stores.blobs.read(key) or blob).tag
        await stores.blobs.replace(key, damaged, tag=tag)
        with pytest.raises(StoreUnavailable, match="content of a version"):
            await read_version(stores, NAME, made)
    await stores.blobs.delete(key)
    with pytest.raises(StoreUnavailable, match="missing"):
        await read_version(stores, NAME, made)


async def test_a_version_taken_before_an_erasure_is_not_kept_after_it(stores: Stores) -> None:
    """VER-10: Whoever erases may have looked before it came."""
    await stores.manifests.compare_and_set(ROOM, manifest=Manifest(NAME, Epoch(2), 0))
    with pytest.raises(RoomUnavailable):
        await add_version(stores, NAME, content(), label())
    assert await list_versions(stores, NAME) == ()
    assert await blobs_of(stores) == 0


async def test_a_failure_between_content_and_record_leaves_no_version(stores: Stores) -> None:
    """VER-7: At worst a blob that no record names, below the room's own prefix."""
    failing = replace(stores, failpoints=Failpoints.parse("version.after_blob=error"))
    with pytest.raises(StoreUnavailable):
        await add_version(failing, NAME, content(), label())
    assert await list_versions(stores, NAME) == ()
    (orphan,) = await stores.blobs.list(f"rooms/{ROOM}/1/versions/", after=None, limit=9)
    assert orphan.size_bytes > 0


async def test_content_is_the_integrated_document_without_what_was_deleted(
    stores: Stores,
) -> None:
    """VER-3: What a newcomer would be sent; words that were deleted are not kept."""
    doc: Doc[Any] = Doc(client_id=7)
    text = doc.get("text", type=Text)
    states = [doc.get_state()]
    for deed in ("write", "delete", "set"):
        if deed == "write":
            text.insert(0, "secret words")
        elif deed == "delete":
            del text[0:7]
        else:
            doc.get("map", type=Map)["k"] = 1
        states.append(doc.get_state())
        update = doc.get_update(states[-2])
        await stores.log.append(
            ROOM, epoch=FIRST_EPOCH, after=Sequence(len(states) - 2), updates=[update]
        )
    waits: Doc[Any] = Doc(client_id=8)
    other = waits.get("text", type=Text)
    other.insert(0, "a")
    vector = waits.get_state()
    other.insert(1, "b")
    await stores.log.append(
        ROOM, epoch=FIRST_EPOCH, after=Sequence(3), updates=[waits.get_update(vector)]
    )
    taken = await take_content(stores, NAME, stateful)
    assert taken.sequence == 4
    assert b"secret" not in taken.update
    replica: Doc[Any] = Doc()
    replica.apply_update(taken.update)
    assert str(replica.get("text", type=Text)) == "words"
    assert replica.get("map", type=Map).to_py() == {"k": 1}
    nothing = await take_content(stores, room_name("band/never"), stateful)
    assert (nothing.sequence, nothing.update) == (0, b"")


async def test_version_that_was_given_a_name_after_the_look_is_not_thinned(stores: Stores) -> None:
    """NODE-11."""
    plain = await add_version(stores, NAME, content(), label(1_000))
    other = await add_version(stores, NAME, content(), label(2_000))
    await name_version(stores, NAME, other.version_id, title="First performance", message=None)
    assert await delete_unnamed_version(stores, NAME, plain)
    assert not await delete_unnamed_version(stores, NAME, other)
    assert not await delete_unnamed_version(stores, NAME, plain)
    assert [each.name for each in await list_versions(stores, NAME)] == ["First performance"]
    assert await read_version(stores, NAME, other) == content().update
