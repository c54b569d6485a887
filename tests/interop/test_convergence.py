"""Stock clients of every kind in one room at once end with the same document."""

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pycrdt import Map, Text

from bandpro_client import open_score
from tests.interop.pycrdt_client import pycrdt_provider
from tests.interop.stock import (
    ALL_CLIENTS,
    HOCUSPOCUS,
    Edit,
    Stock,
    address,
    assert_converged,
    rendered,
    stock,
    stock_driver,
    update_of,
    view,
)
from tests.support.http import stored_update
from tests.support.server import Server

NAMES = ["partitura/größe/楽譜", "café ☕ & 100%", "a/b/c/d", "weird?name#1+2"]


async def everybody(stack: AsyncExitStack, server: Server, room: str) -> list[Stock]:
    """One client of each kind, all in sync with the room."""
    members = [await stack.enter_async_context(stock(server, kind, room)) for kind in ALL_CLIENTS]
    for member in members:
        await member.until_synced()
    return members


async def test_clients_of_every_kind_converge_in_one_room(server: Server, room: str) -> None:
    """SYNC-1: Edits of seven stock providers, pycrdt's and the Python client's reach everybody."""
    async with AsyncExitStack() as stack:
        members = await everybody(stack, server, room)
        doc = await stack.enter_async_context(pycrdt_provider(server.collab_url, room))
        score = await stack.enter_async_context(open_score(server.url, room))
        for index, member in enumerate(members):
            await member.set(member.driver.kind, {"number": index, "umlaut": ["ä", None, True]})
            await member.insert(f"<{index}é𝄞>")
            await member.do("insertItems", index=0, values=[index, {"by": member.driver.kind}])
        doc.get("map", type=Map)["pycrdt"] = "ß"
        score.doc.get("map", type=Map)["bandpro_client"] = "楽譜"
        text = doc.get("text", type=Text)
        text += "<p>"
        for member in members:
            await member.until("map", "pycrdt", equals="ß")
            await member.until("map", "bandpro_client", equals="楽譜")
        await assert_converged(members)
        shown = await view(members[0])
        assert set(shown["map"]) == {*ALL_CLIENTS, "pycrdt", "bandpro_client"}  # type: ignore[call-overload]
        assert all(f"<{index}é𝄞>" in str(shown["text"]) for index in range(len(members)))
        assert len(shown["list"]) == 2 * len(members)  # type: ignore[arg-type]
        assert rendered(await stored_update(server, room)) == shown
        assert rendered(doc.get_update()) == shown
        await score.until(lambda: rendered(score.doc.get_update()) == shown)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_random_interleavings_converge(server: Server, room: str, seed: int) -> None:
    """Insertions, deletions and overwritten keys of all clients at once leave one document.

    Bears SYNC-1.
    """
    draw = random.Random(seed)
    async with AsyncExitStack() as stack:
        members = await everybody(stack, server, room)
        for _ in range(4):
            await asyncio.gather(
                *(member.edits(random_edits(draw, 12), at=draw.choice(["once", "scattered"]))
                  for member in members)
            )  # fmt: skip
        await assert_converged(members)
        assert rendered(await stored_update(server, room)) == await view(members[0])


def random_edits(draw: random.Random, number: int) -> list[Edit]:
    """Edits that any state of the document allows."""
    made: list[Edit] = [{"op": "insert", "index": 0, "text": "seed"}]
    made.append({"op": "insertItems", "index": 0, "values": [draw.random(), "x"]})
    for _ in range(number):
        key = f"k{draw.randrange(5)}"
        at = draw.randrange(4)
        word = "".join(draw.choices("abcdefg", k=draw.randint(1, 9)))
        made.append(
            draw.choice(
                [
                    {"op": "set", "key": key, "value": {"n": draw.randrange(99)}},
                    {"op": "remove", "key": key},
                    {"op": "insert", "index": draw.randrange(60), "text": word},
                    {"op": "erase", "index": at, "length": 1},
                    {"op": "insertItems", "index": 1, "values": [draw.randrange(99), None]},
                    {"op": "eraseItems", "index": 0, "length": 1},
                ]
            )
        )
    return made


@pytest.mark.parametrize("name", NAMES)
async def test_one_name_is_one_room_over_both_protocols(server: Server, name: str) -> None:
    """ROOM-3: Names in any script, with slashes, lead to the same room from both protocols."""
    collab = name.replace("%", "%25").replace("?", "%3F").replace("#", "%23")
    async with (
        stock(server, "y-websocket-3", collab) as one,
        stock(server, "hocuspocus-4", name) as other,
    ):
        await one.set("from", "y-websocket")
        await other.until("map", "from", equals="y-websocket")
        await other.set("back", "hocuspocus")
        await one.until("map", "back", equals="hocuspocus")
        assert (rendered(await stored_update(server, name)))["map"] == {
            "from": "y-websocket",
            "back": "hocuspocus",
        }


async def test_document_of_five_megabytes_reaches_newcomers_of_every_kind(
    server: Server, room: str
) -> None:
    """SYNC-2: A large first synchronisation is complete for each stock client."""
    chars = 5_000_000
    async with stock(server, "hocuspocus-4", room) as author:
        await author.do("grow", chars=chars, piece=250_000)
        await author.until_saved()
    for kind in ALL_CLIENTS:
        async with stock(server, kind, room) as newcomer:
            await newcomer.until_synced()
            await newcomer.until("textLength", equals=chars, within_s=60)


@pytest.mark.parametrize("kind", ALL_CLIENTS)
async def test_long_offline_session_is_taken_in_one_step_2(
    server: Server, room: str, kind: str
) -> None:
    """SYNC-3: Over 1 MiB written offline comes back in one frame, larger than an update may be."""
    chars = 3 * 2**20
    async with stock(server, kind, room) as writer, stock(server, "y-websocket-3", room) as reader:
        await writer.insert("before ")
        await reader.until("textLength", equals=7)
        await writer.go_offline()
        await writer.do("grow", chars=chars, piece=2**18)
        await reader.insert("meanwhile ")
        await writer.go_online()
        await reader.until("textLength", equals=17 + chars, within_s=60)
        await assert_converged([writer, reader])
        if kind in HOCUSPOCUS:
            await writer.until_saved()


@pytest.mark.parametrize("kind", ALL_CLIENTS)
async def test_provider_made_twice_for_one_document_works(
    server: Server, room: str, kind: str
) -> None:
    """React's Strict Mode makes a provider, destroys it and makes another in the same turn.

    Bears SYNC-7.
    """
    async with stock(server, kind, room) as strict, stock(server, "y-websocket-3", room) as other:
        await strict.do("reopen", room=room, options={})
        await strict.until_synced()
        await strict.insert("strict ")
        await other.until("text", equals="strict ")
        await other.insert("other ")
        await assert_converged([strict, other])
        await strict.do("setState", state={"cursor": 3})
        await other.until("awareness", str(strict.client_id), equals={"cursor": 3})


@pytest.mark.parametrize("kind", ["hocuspocus-3", "hocuspocus-4"])
async def test_document_reopened_on_its_shared_socket_works(
    server: Server, room: str, kind: str
) -> None:
    """SYNC-7: The same document detached and attached again at once on one socket goes on."""
    shared: dict[str, Any] = {"shared": True}
    async with (
        stock(server, kind, room, **shared) as strict,
        stock(server, "y-websocket-3", room) as other,
    ):
        await strict.until_synced()
        await strict.do("reopen", room=room, options=shared)
        await strict.insert("again ")
        await other.until("text", equals="again ")
        await strict.until_saved()
        await other.insert("other ")
        await assert_converged([strict, other])


@pytest.mark.parametrize("kind", HOCUSPOCUS)
async def test_many_documents_share_one_socket(server: Server, room: str, kind: str) -> None:
    """SYNC-6: Each document's edits stay in its room; one that closes leaves the others at work."""
    async with stock_driver(kind, address(server, kind)) as driver:
        documents = [
            await driver.open(f"{room}/{number}", doc=str(number), shared=True)
            for number in range(10)
        ]
        for number, document in enumerate(documents):
            await document.until_synced()
            await document.set("number", number)
            await document.until_saved()
        await documents[0].do("destroy")
        async with stock(server, "y-websocket-3", f"{room}/5") as other:
            await other.until("map", equals={"number": 5})
            await other.set("back", "yes")
            await documents[5].until("map", "back", equals="yes")
        for number, document in enumerate(documents[1:], start=1):
            shown = await view(document)
            expected = {"number": number} | ({"back": "yes"} if number == 5 else {})
            assert shown["map"] == expected
        assert rendered(await stored_update(server, f"{room}/0"))["map"] == {"number": 0}


async def test_same_document_twice_on_one_socket_is_told_apart(server: Server, room: str) -> None:
    """SYNC-6: Version 4 may open one document in two places over one socket, by session."""
    async with stock_driver("hocuspocus-4", server.hocuspocus_url) as driver:
        options: dict[str, Any] = {"shared": True, "sessionAwareness": True}
        left = await driver.open(room, doc="left", **options)
        right = await driver.open(room, doc="right", **options)
        await left.until_synced()
        await right.until_synced()
        await left.insert("left ")
        await right.until("text", equals="left ")
        await right.insert("right ")
        await assert_converged([left, right])
        await left.until_saved()
        await right.until_saved()
        await left.do("destroy")
        await right.insert("still ")
        await right.until_saved()
        assert rendered(await stored_update(server, room)) == rendered(await update_of(right))
