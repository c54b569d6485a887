"""Titles in records follow those in documents, whoever writes them there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence as SequenceOf
from typing import Any, cast

import pytest
from pycrdt import Array, Doc, Map

from collab.access import ANYBODY
from collab.errors import StoreUnavailable, WorkerFailed
from collab.ids import RoomName, SessionId, UnixSeconds, comments_room, room_name
from collab.limits import SCORE_TEXT_CHARS_MAX
from collab.protocol.messages import SyncUpdate
from gateway.rooms import titles
from gateway.rooms.node_load import NodeLoad
from gateway.rooms.score_edits import ScoreEdits
from gateway.rooms.scores import ScoreServices
from gateway.rooms.services import RoomServices
from gateway.rooms.titles import TitleKeeper
from persistence.erasure import ErasureMode, erase
from persistence.memory import MemoryStore
from persistence.offload import Offload
from persistence.score_record import read_score_record
from tests.contract.erasing import Here
from tests.contract.overtaking import overtaken
from tests.unit.rooms.rig import NAME, Rig, rig
from workers.scores import set_entries
from workers.titles import title

OTHER = room_name("trio")


class Keeping:
    """A keeper over a rig, and how often it has read a document."""

    def __init__(self, node: Rig) -> None:
        self.node = node
        self.reads = 0
        self.faults: list[Exception] = []
        self.refused = ""  # a title at which each worker fails
        self.meanwhile = asyncio.Event()
        self.meanwhile.set()
        self.reading = asyncio.Event()
        self.keeper = TitleKeeper(node.stores, self._read, NodeLoad(lambda: 0))

    async def _read(self, updates: SequenceOf[bytes]) -> str:
        self.reads += 1
        if self.faults:
            raise self.faults.pop(0)
        self.reading.set()
        await self.meanwhile.wait()
        found = title(list(updates)).decode()
        if found and found == self.refused:
            raise WorkerFailed("refused")
        return found

    async def known(self, name: RoomName = NAME) -> str:
        """The title that lists have."""
        return (await read_score_record(self.node.stores, name)).title

    async def until_known(self, expected: str, name: RoomName = NAME) -> None:
        """Let ticks pass until lists have a title."""
        async with asyncio.timeout(20):
            while await self.known(name) != expected:
                self.keeper.tick(self.node.registry.live())
                await asyncio.sleep(0.01)

    async def until_read(self, times: int) -> None:
        """Let ticks pass until documents were read so often in all."""
        async with asyncio.timeout(20):
            while self.reads < times:
                self.keeper.tick(self.node.registry.live())
                await asyncio.sleep(0.01)


class Writer:
    """Somebody in a room, with a document of theirs."""

    def __init__(self, node: Rig, name: RoomName = NAME) -> None:
        self.doc: Doc[Any] = Doc()
        self._node = node
        self._name = name

    async def sets(self, value: object, key: str = "title", root: str = "meta") -> None:
        """Write an entry; None deletes it."""
        runner = self._node.registry.get(self._name)
        if runner is None:
            runner, _ = await self._node.join("writer", name=self._name)
        before = self.doc.get_state()
        entries = self.doc.get(root, type=Map)
        if value is None:
            del entries[key]
        else:
            entries[key] = value
        await runner.receive(SessionId("writer"), SyncUpdate(self.doc.get_update(before)))


async def test_a_title_that_an_editor_writes_is_told_in_lists() -> None:
    """SCO-19: As it is written, overwritten and deleted; no other edit is a reason to look."""
    node = rig()
    keeping, writer = Keeping(node), Writer(node)
    await writer.sets("Erste Skizze")
    await keeping.until_known("Erste Skizze")
    await writer.sets("  Zweite Skizze ")
    await keeping.until_known("Zweite Skizze")
    reads = keeping.reads
    for number in range(20):
        await writer.sets({"order": "a0"}, f"p{number}", "parts")
        keeping.keeper.tick(node.registry.live())
    await writer.sets(None)
    await keeping.until_known("")
    assert keeping.reads == reads + 1
    await keeping.keeper.aclose()


async def test_a_room_is_looked_at_when_it_is_edited_again() -> None:
    """SCO-19: A node that ended before it had looked leaves the title to the next edit."""
    store = MemoryStore()
    before = rig(store=store)
    writer = Writer(before)
    await writer.sets("Written too late")
    await before.registry.drain(5)
    node = rig(store=store)
    keeping, again = Keeping(node), Writer(node)
    await node.join("writer")
    keeping.keeper.tick(node.registry.live())
    assert (await keeping.known(), keeping.reads) == ("", 0)
    await again.sets({"order": "a0"}, "p1", "parts")
    await keeping.until_known("Written too late")
    await keeping.keeper.aclose()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, ""),
        ({"title": "nested"}, ""),
        ("x" * (SCORE_TEXT_CHARS_MAX + 1), "x" * SCORE_TEXT_CHARS_MAX),
        ("短歌 \U0001d11e", "短歌 \U0001d11e"),
    ],
)
def test_a_title_is_a_text_and_no_longer_than_any_may_be(value: object, expected: str) -> None:
    """SCO-19: Whatever a document has in its place, one update or several."""
    doc: Doc[Any] = Doc()
    doc.get("meta", type=Map)["title"] = "before"
    first, state = doc.get_update(), doc.get_state()
    doc.get("meta", type=Map)["title"] = value
    assert title([first, doc.get_update(state)]).decode() == expected
    assert title([doc.get_update()]).decode() == expected


def test_a_document_that_is_no_score_has_no_title() -> None:
    """SCO-19: None at all, another root, or a list under the same name."""
    assert title([]) == b""
    doc: Doc[Any] = Doc()
    doc.get("title", type=Map)["title"] = "Not this one"
    assert title([doc.get_update()]) == b""
    doc.get("meta", type=Array).append("title")
    assert title([doc.get_update()]) == b""


async def test_a_title_from_before_an_erasure_is_not_kept() -> None:
    """SCO-19: Also where it was read before, and is to be kept after."""
    node = rig()
    keeping, writer = Keeping(node), Writer(node)
    await writer.sets("Secret")
    keeping.meanwhile.clear()
    waiting = asyncio.create_task(keeping.until_known("Secret"))
    await keeping.reading.wait()
    async with node.registry.closed(NAME):
        await erase(node.stores, NAME, Here(), ErasureMode.EVERYTHING)
    keeping.meanwhile.set()
    other = Writer(node, OTHER)
    await other.sets("Open")
    waiting.cancel()
    await keeping.until_known("Open", OTHER)
    assert await keeping.known() == ""
    await keeping.keeper.aclose()


async def test_comments_have_no_title_and_what_cannot_be_read_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SCO-19: What three workers refuse is left alone; after a failing store it goes on."""
    monkeypatch.setattr(titles, "_AGAIN_S", 0.01)
    node = rig()
    keeping = Keeping(node)
    comments = comments_room(NAME)
    await Writer(node, comments).sets("A remark")
    keeping.keeper.tick(node.registry.live())
    keeping.faults = [StoreUnavailable("down")]
    keeping.refused = "Refused"
    await Writer(node, OTHER).sets("Refused")
    await Writer(node).sets("Sonata")
    await keeping.until_known("Sonata")
    await keeping.until_read(5)
    third = room_name("nonet")
    await Writer(node, third).sets("Nonet")
    await keeping.until_known("Nonet", third)
    assert (await keeping.known(OTHER), await keeping.known(comments)) == ("", "")
    assert keeping.reads == 6
    await keeping.keeper.aclose()


async def test_a_title_is_read_again_when_a_worker_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """SCO-19: It may have been killed for what others did; nothing else would tell of the title."""
    monkeypatch.setattr(titles, "_AGAIN_S", 0.01)
    node = rig()
    keeping, writer = Keeping(node), Writer(node)
    await writer.sets("Before")
    await keeping.until_known("Before")
    keeping.faults = [WorkerFailed("killed"), WorkerFailed("killed")]
    await writer.sets("After")
    await keeping.until_known("After")
    keeping.faults = [WorkerFailed("killed"), WorkerFailed("killed")]  # it counts anew
    await writer.sets("Long after")
    await keeping.until_known("Long after")
    await keeping.keeper.aclose()


class InProcess:
    """What a worker does for a renaming."""

    async def set_entries(self, current: bytes, entries: bytes, client: int) -> bytes:
        return set_entries(current, entries, str(client).encode())


async def test_a_title_that_is_written_during_a_renaming_is_told_in_lists() -> None:
    """SCO-19: The document has it, and it was kept before the renaming kept its own."""
    node = rig()
    keeping, writer = Keeping(node), Writer(node)
    await writer.sets("Before")
    await keeping.until_known("Before")

    async def write_another() -> None:
        runner = node.registry.get(NAME)
        assert runner is not None
        writer.doc.apply_update(runner.room.doc.full_update())
        await writer.sets("Written last")
        await keeping.until_known("Written last")

    node.registry.stores = overtaken(node.stores, "records", "compare_and_set", write_another)
    services = RoomServices(node.registry, 1 << 20)
    offload = cast("Offload", InProcess())
    unused = cast("Any", None)
    scores = ScoreServices(
        node.registry,
        services,
        ScoreEdits(node.registry, services, offload),
        unused,
        offload,
        lambda: UnixSeconds(0),
        unused,
        keeping.keeper,
    )
    await scores.rename(NAME, "Renamed", ANYBODY)
    await keeping.until_known("Written last")
    await keeping.keeper.aclose()
