"""Versions over HTTP at a real server: made, listed, opened, named and deleted."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pycrdt import Doc, Map

from tests.support.access import mint
from tests.support.api import append, text_of, text_update
from tests.support.http import request, room_path
from tests.support.server import Server, running_server, serving
from tests.support.ws_client import PROTOCOLS, Member, join

READING = ("list", "open", "read", "compare")
KEEPING = ("create", "restore", "name")
QUICK = {"BANDPRO_VERSION_INTERVAL_MS": "0", "BANDPRO_VERSION_EDITS": "1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("versions")
    args = ["--rate-limits", "off", "--automatic-versions", "off"]
    with serving(home, auth="token", args=args) as running:
        yield running


@pytest.fixture
def owner(server: Server) -> str:
    return mint(server, {"**": "owner"}, subject="u-olga", name="Olga")


async def versions_of(server: Server, room: str, token: str | None = None) -> list[dict[str, Any]]:
    answer = await request(server, "GET", f"{room_path(room)}/versions", token=token)
    found: list[dict[str, Any]] = answer.json()["versions"]
    return found


async def make(server: Server, room: str, token: str | None, **told: str) -> httpx.Response:
    return await request(server, "POST", f"{room_path(room)}/versions", token=token, json=told)


async def test_a_named_version_gives_back_the_document_of_its_moment(
    server: Server, owner: str
) -> None:
    """VER-3, VER-4: With the token's person as its author, whatever was written since."""
    room = "versions/named"
    assert (await make(server, room, owner, name="x")).status_code == 404
    await append(server, room, text_update("Kyrie"), owner)
    answer = await make(server, room, owner, name="Draft \U0001d11e", message="for Sunday")
    made = answer.json()
    assert answer.status_code == 201
    assert {key: made[key] for key in ("kind", "name", "message", "author", "author_name")} == {
        "kind": "named",
        "name": "Draft \U0001d11e",
        "message": "for Sunday",
        "author": "u-olga",
        "author_name": "Olga",
    }
    assert (made["sequence"], made["epoch"], made["source"]) == (1, 1, None)
    await append(server, room, text_update("Gloria", client_id=2), owner)
    path = f"{room_path(room)}/versions/{made['version_id']}"
    opened = await request(server, "GET", f"{path}/update", token=owner)
    assert text_of(opened.content) == "Kyrie"
    assert len(opened.content) == made["size_bytes"]
    assert (await request(server, "GET", path, token=owner)).json() == made
    server.kill()
    await server.start()
    opened = await request(server, "GET", f"{path}/update", token=owner)
    assert text_of(opened.content) == "Kyrie"


async def test_versions_are_listed_in_pages_newest_first(server: Server, owner: str) -> None:
    """VER-5."""
    room = "versions/pages"
    await append(server, room, text_update("Kyrie"), owner)
    for number in range(5):
        await append(server, room, text_update("x", client_id=10 + number), owner)
        assert (await make(server, room, owner, name=f"v{number}")).status_code == 201
    names: list[str] = []
    before = ""
    while True:
        path = f"{room_path(room)}/versions?limit=2{before}"
        page = (await request(server, "GET", path, token=owner)).json()
        names += [version["name"] for version in page["versions"]]
        if page["next"] is None:
            break
        assert len(page["versions"]) == 2
        before = f"&before={page['next']}"
    assert names == ["v4", "v3", "v2", "v1", "v0"]
    automatic = await request(
        server, "GET", f"{room_path(room)}/versions?kind=automatic", token=owner
    )
    assert automatic.json() == {"versions": [], "next": None}


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"name": "n" * 128, "message": "m" * 2_000}, 201),
        ({"name": "n" * 129}, 400),
        ({"name": ""}, 400),
        ({"name": "n", "message": "m" * 2_001}, 400),
        ({"name": "n", "author": "somebody else"}, 400),
    ],
)
async def test_names_and_messages_have_their_lengths(
    server: Server, owner: str, told: dict[str, str], status: int
) -> None:
    """VER-9: At the edge; and an author is not the client's to say."""
    room = "versions/lengths"
    await append(server, room, text_update("Kyrie"), owner)
    assert (await make(server, room, owner, **told)).status_code == status


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("owner", {*READING, *KEEPING, "delete"}),
        ("editor", {*READING, *KEEPING}),
        ("commenter", {*READING}),
        ("viewer", {*READING}),
    ],
)
async def test_each_role_may_do_with_versions_what_its_row_says(
    server: Server, owner: str, role: str, allowed: set[str]
) -> None:
    """VER-6: And nobody anything without a grant."""
    room = f"versions/roles-{role}"
    await append(server, room, text_update("Kyrie"), owner)
    made = (await make(server, room, owner, name="Draft")).json()["version_id"]
    path = f"{room_path(room)}/versions"
    deeds: dict[str, tuple[str, str, dict[str, str] | None]] = {
        "list": ("GET", path, None),
        "open": ("GET", f"{path}/{made}/update", None),
        "read": ("GET", f"{path}/{made}/content", None),
        "compare": ("GET", f"{path}/{made}/compare", None),
        "create": ("POST", path, {"name": "mine"}),
        "restore": ("POST", f"{path}/{made}/restore", None),
        "name": ("PATCH", f"{path}/{made}", {"name": "ours"}),
        "delete": ("DELETE", f"{path}/{made}", None),
    }
    token = mint(server, {room: role})
    stranger = mint(server, {"elsewhere": "owner"})
    for deed, (method, target, body) in deeds.items():
        refused = await request(server, method, target, token=stranger, json=body)
        assert refused.status_code == 403, deed
        answer = await request(server, method, target, token=token, json=body)
        assert answer.is_success == (deed in allowed), deed
        assert answer.is_success or answer.status_code == 403
    left = {version["name"] for version in await versions_of(server, room, owner)}
    assert left == {"owner": {"mine"}, "editor": {"mine", "ours"}}.get(role, {"Draft"})


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_version_is_made_by_activity(tmp_path: Path, protocol: str) -> None:
    """VER-1: After edits, with nobody's name on it; nothing is made without new ones."""
    async with running_server(tmp_path, env=QUICK) as server:
        async with join(server, protocol, "active") as member:
            await member.edit(lambda one: one.map.update({"k": 1}))
            await member.until_saved()
            async with asyncio.timeout(20):
                while not (found := await versions_of(server, "active")):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        (made,) = found
        assert (made["kind"], made["name"], made["author"]) == ("automatic", "", None)
        path = f"{room_path('active')}/versions/{made['version_id']}/update"
        replica: Doc[Any] = Doc()
        replica.apply_update((await request(server, "GET", path)).content)
        assert replica.get("map", type=Map).to_py() == {"k": 1}


@pytest.mark.parametrize("point", ["version.after_blob", "version.after_record"])
async def test_a_process_killed_while_it_makes_a_version_loses_nothing(
    tmp_path: Path, point: str
) -> None:
    """VER-7: The version is there whole or not at all; the room serves, and the next is made."""
    async with running_server(tmp_path, args=["--failpoints", f"{point}=kill@1"]) as server:
        assert (await append(server, "struck", text_update("Kyrie"), "")).status_code == 200
        with pytest.raises(httpx.TransportError):
            await make(server, "struck", None, name="lost")
        await asyncio.to_thread(server.process.wait, 20)
        assert server.process.returncode == -signal.SIGKILL
        server.args = []
        await server.start()
        found = await versions_of(server, "struck")
        assert [version["name"] for version in found] == ["lost"] * (point.endswith("record"))
        assert (await make(server, "struck", None, name="kept")).status_code == 201
        for version in await versions_of(server, "struck"):
            path = f"{room_path('struck')}/versions/{version['version_id']}/update"
            assert text_of((await request(server, "GET", path)).content) == "Kyrie"


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_live_clients_see_a_restore_without_reconnecting(
    tmp_path: Path, protocol: str
) -> None:
    """VER-11, VER-12: On the connection they have; and the state before comes back as well."""
    async with running_server(tmp_path) as server, join(server, protocol, "live") as member:
        await member.edit(lambda one: one.map.update({"k": 1, "gone": 2}))
        await member.until_saved()
        made = (await make(server, "live", None, name="Draft")).json()["version_id"]
        await member.edit(lambda one: one.map.update({"k": 9, "new": 3}))

        def remove(one: Member) -> None:
            del one.map["gone"]

        await member.edit(remove)
        await member.until_saved()
        path = f"{room_path('live')}/versions"
        compared = await request(server, "GET", f"{path}/{made}/compare")
        (root,) = compared.json()["roots"]
        assert [change.get("id") for change in root["changes"]] == ["gone", "k", "new"]
        done = await request(server, "POST", f"{path}/{made}/restore")
        assert (done.status_code, done.json()["notes"]) == (200, [])
        await member.until(lambda: member.map.to_py() == {"k": 1, "gone": 2})
        undone = await request(server, "POST", f"{path}/{done.json()['undo']}/restore")
        assert undone.status_code == 200
        await member.until(lambda: member.map.to_py() == {"k": 9, "new": 3})
        assert member.ended is None


async def test_a_fork_begins_a_room_once_and_says_where_it_came_from(
    server: Server, owner: str
) -> None:
    """VER-14: With the same content; a room that holds anything is refused and stays as it was."""
    room, target = "versions/forked", "versions/fork"
    await append(server, room, text_update("Kyrie"), owner)
    made = (await make(server, room, owner, name="Draft")).json()["version_id"]
    path = f"{room_path(room)}/versions/{made}/fork"
    reader = mint(server, {room: "viewer"})
    body = {"room": target}
    assert (await request(server, "POST", path, token=reader, json=body)).status_code == 403
    forked = await request(server, "POST", path, token=owner, json=body)
    assert forked.status_code == 201
    assert forked.json()["source"] == {"room": room, "version_id": made}
    assert (await request(server, "POST", path, token=owner, json=body)).status_code == 409
    await append(server, target, text_update("Gloria", client_id=5), owner)
    for name, expected in ((room, {"Kyrie"}), (target, {"KyrieGloria", "GloriaKyrie"})):
        stored = await request(server, "GET", f"{room_path(name)}/update", token=owner)
        assert text_of(stored.content) in expected
