"""The HTTP API against a real server: documents as updates, and appending to them."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pycrdt import Doc, Text

from tests.support.access import mint, ticket
from tests.support.api import append, text_of, text_update
from tests.support.http import request, room_path
from tests.support.server import Server, serving
from tests.support.updates import Block, update
from tests.support.ws_client import y_websocket


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


async def test_an_appended_update_is_in_the_document_and_reaches_editors(
    server: Server, owner: str, room: str
) -> None:
    """API-3: A server-side edit takes the way of every edit: fan-out, log, sequence."""
    async with y_websocket(
        server.collab_url, room, ticket=await ticket(server, room, owner)
    ) as editor:
        await editor.until(lambda: editor.synced)
        answer = await append(server, room, text_update("Kyrie"), owner)
        assert (answer.status_code, answer.json()) == (200, {"sequence": 1})
        await editor.until(lambda: str(editor.text) == "Kyrie")
    stored = await request(server, "GET", f"{room_path(room)}/update", token=owner)
    assert stored.headers["content-type"] == "application/octet-stream"
    assert text_of(stored.content) == "Kyrie"


async def test_an_update_appended_twice_is_harmless(server: Server, owner: str, room: str) -> None:
    """SYNC-11: A client that did not hear the answer may repeat."""
    for _ in range(2):
        answer = await append(server, room, text_update("Kyrie"), owner)
        assert answer.status_code == 200
    stored = await request(server, "GET", f"{room_path(room)}/update", token=owner)
    assert text_of(stored.content) == "Kyrie"


async def test_an_answered_append_survives_the_process(tmp_path: Path) -> None:
    """ACK-2, ACK-9: The answer comes after the commit."""
    with serving(tmp_path, auth="token") as own:
        token = mint(own, {"**": "owner"})
        answer = await append(own, "kept", text_update("Kyrie"), token)
        assert answer.status_code == 200
        own.kill()
        await own.start()
        stored = await request(own, "GET", f"{room_path('kept')}/update", token=token)
        assert text_of(stored.content) == "Kyrie"


async def test_a_state_vector_asks_for_the_rest(server: Server, owner: str, room: str) -> None:
    """API-4: What a replica lacks, and nothing when it lacks nothing."""
    doc: Doc[Any] = Doc(client_id=7)
    text = doc.get("text", type=Text)
    text += "Kyrie"
    await append(server, room, doc.get_update(), owner)
    before = doc.get_state()
    replica: Doc[Any] = Doc()
    replica.apply_update(doc.get_update())
    text += " eleison"
    await append(server, room, doc.get_update(before), owner)

    vector = base64.urlsafe_b64encode(replica.get_state()).decode().rstrip("=")
    rest = await request(
        server, "GET", f"{room_path(room)}/update?state_vector={vector}", token=owner
    )
    replica.apply_update(rest.content)
    assert str(replica.get("text", type=Text)) == "Kyrie eleison"
    now = await request(server, "GET", f"{room_path(room)}/state-vector", token=owner)
    assert now.content == replica.get_state() == doc.get_state()
    full = await request(server, "GET", f"{room_path(room)}/update", token=owner)
    assert len(rest.content) < len(full.content)


@pytest.mark.parametrize("vector", ["!", "AQ", "AQEA_w"])
async def test_a_bad_state_vector_is_a_bad_request(
    server: Server, owner: str, room: str, vector: str
) -> None:
    """No base64url; a count that nothing follows; bytes that follow."""
    await append(server, room, text_update("x"), owner)
    path = f"{room_path(room)}/update?state_vector={vector}"
    answer = await request(server, "GET", path, token=owner)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:bandpro:problem:malformed-request"


@pytest.mark.parametrize(
    ("content", "status", "slug"),
    [
        (b"", 400, "malformed-update"),
        (b"\xff" * 20, 400, "malformed-update"),
        (text_update("Kyrie")[:-3], 400, "malformed-update"),
        (text_update("Kyrie") + b"\x00", 400, "malformed-update"),
        (update([Block(1, 0, count=2**40)]), 400, "malformed-update"),
        (b"\x00" * (2**20 + 1), 413, "too-large"),
    ],
    ids=["empty", "noise", "cut", "trailing", "count", "large"],
)
async def test_what_is_no_update_is_refused_and_nothing_applied(
    server: Server, owner: str, room: str, content: bytes, status: int, slug: str
) -> None:
    """API-3: The same scan as for editors; the room is not even made."""
    answer = await append(server, room, content, owner)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:bandpro:problem:{slug}")
    ready = await request(server, "GET", "/readyz")
    assert ready.status_code == 200


async def test_another_content_type_is_refused(server: Server, owner: str, room: str) -> None:
    """A form that a foreign page could send without asking is no update."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{server.url}{room_path(room)}/updates",
            content=text_update("x"),
            headers={"Authorization": f"Bearer {owner}", "Content-Type": "text/plain"},
        )
    assert answer.status_code == 415
