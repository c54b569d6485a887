"""The HTTP API against a real server: rooms by any name, lists and sessions."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.access import mint, ticket
from tests.support.api import append, text_update
from tests.support.http import request, room_path
from tests.support.server import Server, serving
from tests.support.ws_client import hocuspocus, y_websocket


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("api")
    with serving(home, auth="token", args=["--rate-limits", "off"]) as running:
        yield running


@pytest.fixture
def owner(server: Server) -> str:
    return mint(server, {"**": "owner"}, subject="owner", name="Olga")


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    name: str = request.node.name
    return "api/" + "".join(letter if letter.isalnum() else "-" for letter in name)[:200]


@pytest.mark.parametrize(
    "name",
    ["a/b/c", "a b", "ä/楽譜/🎻", "100%", "a%2Fb", "a?b#c", "a+b&c=d", 'quo"te', "~.-_*()", "..a"],
)
async def test_every_name_is_one_room_by_either_way(server: Server, owner: str, name: str) -> None:
    """ROOM-3: Percent-encoded in the API, as a stock client writes it in the websocket's path."""
    answer = await append(server, name, text_update("Kyrie"), owner)
    assert answer.status_code == 200
    async with hocuspocus(server.hocuspocus_url, name, token=owner) as editor:
        await editor.until(lambda: str(editor.text) == "Kyrie")
        described = await request(server, "GET", room_path(name), token=owner)
        assert described.json()["name"] == name
        assert [each["protocol"] for each in described.json()["sessions"]] == ["hocuspocus"]


@pytest.mark.parametrize(
    "segment",
    ["%2E%2E", "a%2F%2Fb", "a%2F..%2Fb", "%00", "%0A", "%FF", "a%2F", "%C2%85", "x" * 256],
)
async def test_what_names_no_room_is_a_bad_request(
    server: Server, owner: str, segment: str
) -> None:
    """ROOM-2: Written as bytes on the wire, for HTTP libraries tidy paths up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        f"GET /v1/rooms/{segment} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {owner}\r\nConnection: close\r\n\r\n".encode()
    )
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 "), answer[:200]
    assert b"urn:bandpro:problem:invalid-room-name" in answer


async def test_a_room_is_described_with_who_is_in_it(server: Server, owner: str, room: str) -> None:
    """State, watermarks, size, and each session with its verified subject."""
    singer = mint(server, {"api/*": "commenter"}, subject="singer", name="Clara")
    before = int(time.time())
    async with (
        y_websocket(
            server.collab_url, room, ticket=await ticket(server, room, singer), client_id=77
        ) as first,
        hocuspocus(server.hocuspocus_url, room, token=owner) as second,
    ):
        await first.until(lambda: first.synced)
        await second.edit(lambda member: member.text.insert(0, "Kyrie"))
        await second.until_saved()
        await first.set_state({"cursor": 1})
        await second.until(lambda: 77 in second.present())
        described = (await request(server, "GET", room_path(room), token=owner)).json()
        listed = await request(server, "GET", f"{room_path(room)}/sessions", token=owner)
    assert described["state"] == "live"
    assert described["head"] == described["saved"] >= 1
    assert described["size_bytes"] > 0
    assert described["epoch"] == 1
    assert listed.json() == {"sessions": described["sessions"]}
    told = {each["subject"]: each for each in described["sessions"]}
    assert (told["singer"]["role"], told["singer"]["protocol"]) == ("commenter", "y-websocket")
    assert told["singer"]["client_ids"] == [77]
    assert (told["owner"]["role"], told["owner"]["protocol"]) == ("owner", "hocuspocus")
    assert all(before <= each["joined_at"] <= time.time() for each in told.values())
    assert len({each["session_id"] for each in told.values()}) == 2


async def test_a_session_is_closed(server: Server, owner: str, room: str) -> None:
    """API-6: With the terminal code, and it is gone from the list."""
    async with y_websocket(
        server.collab_url, room, ticket=await ticket(server, room, owner)
    ) as editor:
        await editor.until(lambda: editor.synced)
        sessions = f"{room_path(room)}/sessions"
        (session,) = (await request(server, "GET", sessions, token=owner)).json()["sessions"]
        path = f"{sessions}/{session['session_id']}"
        assert (await request(server, "DELETE", path, token=owner)).status_code == 204
        assert (await editor.until_closed()).code == 4403
        assert (await request(server, "DELETE", path, token=owner)).status_code == 404
        left = await request(server, "GET", sessions, token=owner)
        assert left.json() == {"sessions": []}


async def test_rooms_are_listed_in_pages_by_name(server: Server, owner: str) -> None:
    """Each once, in order of code points, whatever the page's size; live and stored alike.

    Bears API-5.
    """
    names = sorted(f"paged/{letter}" for letter in ["a", "B", "ä", "楽", "c", "zz", "z"])
    for name in names:
        await append(server, name, text_update("x"), owner)
    token = mint(server, {"paged/*": "editor"})
    for limit in (1, 2, 3, 100):
        found: list[str] = []
        after: str | None = None
        while True:
            query = {"limit": str(limit)} | ({} if after is None else {"after": after})
            path = f"/v1/rooms?{httpx.QueryParams(query)}"
            page = (await request(server, "GET", path, token=token)).json()
            assert len(page["rooms"]) <= limit
            found += [line["name"] for line in page["rooms"]]
            after = page["next"]
            if after is None:
                break
        assert found == names


async def test_only_rooms_that_may_be_inspected_are_listed(server: Server, owner: str) -> None:
    """API-5: By exact name, by pattern, and never for viewers."""
    for name in ("seen/a", "seen/b/c", "unseen/a", "zeen"):
        await append(server, name, text_update("x"), owner)

    async def listed(rooms: dict[str, str]) -> set[str]:
        answer = await request(server, "GET", "/v1/rooms?limit=500", token=mint(server, rooms))
        return {line["name"] for line in answer.json()["rooms"]} & {
            "seen/a",
            "seen/b/c",
            "unseen/a",
            "zeen",
        }

    assert await listed({"seen/*": "editor"}) == {"seen/a"}
    assert await listed({"seen/**": "owner"}) == {"seen/a", "seen/b/c"}
    assert await listed({"zeen": "editor", "seen/a": "editor"}) == {"zeen", "seen/a"}
    assert await listed({"*een": "editor"}) == {"zeen"}
    assert await listed({"**": "viewer", "seen/*": "editor"}) == {"seen/a"}
    assert await listed({"**": "viewer"}) == set()
    assert await listed({}) == set()


async def test_an_unknown_room_is_not_found_and_not_made(
    server: Server, owner: str, room: str
) -> None:
    """ROOM-7: Reading makes no rooms."""
    for path in ("", "/sessions", "/update", "/state-vector"):
        answer = await request(server, "GET", room_path(room) + path, token=owner)
        assert (answer.status_code, answer.json()["type"]) == (
            404,
            "urn:bandpro:problem:not-found",
        )
    released = await request(server, "POST", f"{room_path(room)}/release", token=owner)
    assert released.status_code == 404


async def test_a_room_in_good_order_cannot_be_released(
    server: Server, owner: str, room: str
) -> None:
    """There is nothing to release."""
    await append(server, room, text_update("x"), owner)
    released = await request(server, "POST", f"{room_path(room)}/release", token=owner)
    assert (released.status_code, released.json()["type"]) == (409, "urn:bandpro:problem:conflict")
