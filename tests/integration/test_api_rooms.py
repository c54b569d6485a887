"""The HTTP API against a real server: rooms, sessions and documents, and who may use what."""

import asyncio
import base64
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pycrdt import Doc, Text

from tests.support.access import mint, ticket
from tests.support.http import request, room_path
from tests.support.server import Server, serving
from tests.support.updates import Block, update
from tests.support.ws_client import hocuspocus, y_websocket

ROLES = ("owner", "editor", "commenter", "viewer", None)


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


def text_update(content: str, *, client_id: int = 1) -> bytes:
    """An update that writes a text into the root `text` of an empty document."""
    doc: Doc[Any] = Doc(client_id=client_id)
    text = doc.get("text", type=Text)
    text += content
    return doc.get_update()


def text_of(stored: bytes) -> str:
    doc: Doc[Any] = Doc()
    doc.apply_update(stored)
    return str(doc.get("text", type=Text))


async def append(server: Server, room: str, content: bytes, token: str) -> httpx.Response:
    path = f"{room_path(room)}/updates"
    return await request(server, "POST", path, token=token, content=content)


async def test_an_appended_update_is_in_the_document_and_reaches_editors(
    server: Server, owner: str, room: str
) -> None:
    """A server-side edit takes the way of every edit: fan-out, log, sequence."""
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
    """A client that did not hear the answer may repeat."""
    for _ in range(2):
        answer = await append(server, room, text_update("Kyrie"), owner)
        assert answer.status_code == 200
    stored = await request(server, "GET", f"{room_path(room)}/update", token=owner)
    assert text_of(stored.content) == "Kyrie"


async def test_an_answered_append_survives_the_process(tmp_path: Path) -> None:
    """The answer comes after the commit."""
    with serving(tmp_path, auth="token") as own:
        token = mint(own, {"**": "owner"})
        answer = await append(own, "kept", text_update("Kyrie"), token)
        assert answer.status_code == 200
        own.kill()
        await own.start()
        stored = await request(own, "GET", f"{room_path('kept')}/update", token=token)
        assert text_of(stored.content) == "Kyrie"


async def test_a_state_vector_asks_for_the_rest(server: Server, owner: str, room: str) -> None:
    """What a replica lacks, and nothing when it lacks nothing."""
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
    """The same scan as for editors; the room is not even made."""
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


@pytest.mark.parametrize(
    "name",
    ["a/b/c", "a b", "ä/楽譜/🎻", "100%", "a%2Fb", "a?b#c", "a+b&c=d", 'quo"te', "~.-_*()", "..a"],
)
async def test_every_name_is_one_room_by_either_way(server: Server, owner: str, name: str) -> None:
    """Percent-encoded in the API, as a stock client writes it in the websocket's path."""
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
    """Written as bytes on the wire, for HTTP libraries tidy paths up."""
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
    """With the terminal code, and it is gone from the list."""
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
    """Each once, in order of code points, whatever the page's size; live and stored alike."""
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
    """By exact name, by pattern, and never for viewers."""
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
    """Reading makes no rooms."""
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


@dataclass(frozen=True)
class Attempt:
    """A call, and the roles that may make it; others get 403."""

    method: str
    path: str
    allowed: tuple[str, ...]
    success: int
    json: object = None
    content: bytes | None = None


INSPECTORS = ("owner", "editor")
READERS = ("owner", "editor", "commenter", "viewer")
MATRIX = {
    "describe": Attempt("GET", "/v1/rooms/matrix", INSPECTORS, 200),
    "sessions": Attempt("GET", "/v1/rooms/matrix/sessions", INSPECTORS, 200),
    "close": Attempt("DELETE", "/v1/rooms/matrix/sessions/none", ("owner",), 404),
    "release": Attempt("POST", "/v1/rooms/matrix/release", ("owner",), 409),
    "update": Attempt("GET", "/v1/rooms/matrix/update", READERS, 200),
    "state-vector": Attempt("GET", "/v1/rooms/matrix/state-vector", READERS, 200),
    "append": Attempt(
        "POST", "/v1/rooms/matrix/updates", INSPECTORS, 200, content=text_update("x")
    ),
    "ticket": Attempt("POST", "/v1/tickets", READERS, 201, json={"room": "matrix"}),
    "revoke in room": Attempt(
        "POST", "/v1/revocations", ("owner",), 200, json={"subject": "x", "room": "matrix"}
    ),
    "revoke everywhere": Attempt("POST", "/v1/revocations", (), 200, json={"subject": "x"}),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("attempt", MATRIX.values(), ids=MATRIX)
async def test_each_role_may_do_exactly_what_its_row_says(
    server: Server, owner: str, role: str | None, attempt: Attempt
) -> None:
    """Roles by routes; and without a token or with a bad one it is 401 for all."""
    await append(server, "matrix", text_update("x"), owner)
    rooms = {"elsewhere": "owner"} | ({} if role is None else {"matrix": role})

    async def call(token: str | None) -> httpx.Response:
        return await request(
            server,
            attempt.method,
            attempt.path,
            token=token,
            json=attempt.json,
            content=attempt.content,
        )

    answer = await call(mint(server, rooms, subject="somebody"))
    expected = attempt.success if role in attempt.allowed else 403
    assert answer.status_code == expected, answer.text
    if expected == 403:
        assert answer.json()["type"] == "urn:bandpro:problem:access-denied"
    for bad, reason in (
        (None, "missing"),
        ("x", "invalid"),
        (mint(server, rooms, lifetime_s=1, issued_s_ago=3_600), "expired"),
        (mint(server, rooms, secret="another secret, of more than 32 bytes"), "invalid"),
    ):
        refused = await call(bad)
        assert (refused.status_code, refused.json()["reason"]) == (401, reason)


async def test_an_owner_of_everything_may_revoke_everywhere(server: Server, owner: str) -> None:
    """A grant for ** is what it takes."""
    answer = await request(server, "POST", "/v1/revocations", token=owner, json={"subject": "gone"})
    assert answer.status_code == 200
    assert answer.json()["subject"] == "gone"
    assert (answer.json()["room"], answer.json()["role"]) == (None, None)


async def test_foreign_pages_are_refused_and_listed_ones_get_cors(tmp_path: Path) -> None:
    """Origin allow-list, preflight included; same origin needs no listing."""
    args = ["--allowed-origins", "https://app.example"]
    with serving(tmp_path, auth="token", args=args) as own:
        token = mint(own, {"**": "owner"})
        async with httpx.AsyncClient(base_url=own.url) as client:

            async def get(origin: str | None) -> httpx.Response:
                headers = {"Authorization": f"Bearer {token}"}
                return await client.get(
                    "/v1/rooms", headers=headers | ({"Origin": origin} if origin else {})
                )

            assert (await get(None)).status_code == 200
            assert (await get(own.url)).status_code == 200
            listed = await get("https://app.example")
            assert listed.status_code == 200
            assert listed.headers["access-control-allow-origin"] == "https://app.example"
            foreign = await get("https://evil.example")
            assert foreign.status_code == 403
            assert foreign.json()["type"] == "urn:bandpro:problem:origin-refused"
            assert "access-control-allow-origin" not in foreign.headers
            rebound = await client.get("/v1/rooms", headers={"Host": "evil.example"})
            assert rebound.status_code == 403
            ask = {"Access-Control-Request-Method": "POST", "Origin": "https://app.example"}
            preflight = await client.options("/v1/tickets", headers=ask)
            assert preflight.status_code == 200
            assert preflight.headers["access-control-allow-origin"] == "https://app.example"
            ask["Origin"] = "https://evil.example"
            assert (await client.options("/v1/tickets", headers=ask)).status_code == 400


async def test_an_address_that_asks_too_fast_is_told_to_wait(tmp_path: Path) -> None:
    """429 with Retry-After; health is not concerned."""
    args = ["--requests-per-s", "1", "--requests-burst", "5"]
    with serving(tmp_path, args=args) as own:
        async with httpx.AsyncClient(base_url=own.url) as client:
            answers = [await client.get("/v1/rooms") for _ in range(10)]
            codes = [answer.status_code for answer in answers]
            assert codes[:5] == [200] * 5
            assert codes[-1] == 429
            assert answers[-1].json()["limit"] == "requests_per_s"
            assert int(answers[-1].headers["retry-after"]) >= 1
            assert (await client.get("/healthz")).status_code == 200


async def test_errors_outside_the_api_are_problems_too(server: Server) -> None:
    """An unknown path, and a method that is not served."""
    unknown = await request(server, "GET", "/nothing/here")
    assert (unknown.status_code, unknown.headers["content-type"]) == (
        404,
        "application/problem+json",
    )
    wrong = await request(server, "PUT", "/v1/rooms")
    assert wrong.status_code == 405
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_health_is_told_on_both_ports(server: Server) -> None:
    """Alive and ready; metrics on the admin port alone, without a word of rooms or people."""
    async with httpx.AsyncClient() as client:
        for base in (server.url, server.admin_url):
            assert (await client.get(f"{base}/healthz")).json() == {"status": "alive"}
            ready = await client.get(f"{base}/readyz")
            assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        metrics = (await client.get(f"{server.admin_url}/metrics")).text
        assert 'bandpro_http_requests_total{method="GET",route="/rooms/{room}"' in metrics
        assert not any(word in metrics for word in ("matrix", "Clara", "singer", "paged"))
        assert (await client.get(f"{server.url}/metrics")).status_code == 404
