"""Comments over HTTP at a real server, with live readers beside it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pycrdt import Doc, Map

from tests.support.access import mint, ticket
from tests.support.api import append, text_of, text_update
from tests.support.comments import comment, comments_path, reply, threads_of
from tests.support.http import request, room_path, stored_update
from tests.support.nodes import metric
from tests.support.server import Server, running_server, serving
from tests.support.stored import legible
from tests.support.ws_client import PROTOCOLS, hocuspocus, y_websocket

SECRET = "the cellos drag"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("comments")
    with serving(home, auth="token", args=["--rate-limits", "off"]) as running:
        yield running


@pytest.fixture
def owner(server: Server) -> str:
    return mint(server, {"**": "owner"}, subject="u-olga", name="Olga")


async def a_score(server: Server, room: str, token: str) -> None:
    """A room with two notes in one measure."""
    doc: Doc[Any] = Doc(client_id=7)
    doc["measures"] = Map({"m1": {"order": "a0", "number": "1"}})
    doc["parts"] = Map({"p1": {"order": "a0", "name": "Violin", "staves": 1}})
    cell = {"part": "p1", "measure": "m1", "kind": "note", "duration": [1, 1]}
    doc["ev"] = Map(
        {
            "n1": {**cell, "onset": [0, 1], "voice": 1, "staff": 1},
            "n2": {**cell, "onset": [3, 2], "voice": 1, "staff": 1},
        }
    )
    assert (await append(server, room, doc.get_update(), token)).is_success


async def remove(server: Server, room: str, note: str, token: str) -> None:
    """Delete a note as an editor would."""
    doc: Doc[Any] = Doc()
    doc.apply_update(await stored_update(server, room, token=token))
    before = doc.get_state()
    del doc.get("ev", type=Map)[note]
    assert (await append(server, room, doc.get_update(before), token)).is_success


async def test_a_thread_has_its_authors_by_their_tokens(server: Server, owner: str) -> None:
    """CMT-3, CMT-4: Whatever a client says; with mentions, replies, and a settled end."""
    room = "comments/threads"
    await a_score(server, room, owner)
    ann = mint(server, {"comments/*": "commenter"}, subject="u-ann", name="Ann")
    begun = await comment(server, room, "Too loud?", token=ann, mentions=["u-ben", "u-ben"])
    assert begun.status_code == 201
    thread = begun.json()["thread_id"]
    forged = {"text": "x", "author": "u-olga"}
    path = comments_path(room, thread, "messages")
    assert (await request(server, "POST", path, token=ann, json=forged)).status_code == 400
    told = (await reply(server, room, thread, "Yes", token=owner)).json()
    said = f"{path}/{told['messages'][1]['message_id']}"
    other = {"text": "Yes \U0001d10f", "mentions": ["u-ann", "u-ann"]}
    told = (await request(server, "PATCH", said, token=owner, json=other)).json()
    assert [
        (one["author"], one["name"], one["text"], one["mentions"]) for one in told["messages"]
    ] == [
        ("u-ann", "Ann", "Too loud?", ["u-ben"]),
        ("u-olga", "Olga", "Yes \U0001d10f", ["u-ann"]),
    ]
    settled = await request(
        server, "PATCH", comments_path(room, thread), token=owner, json={"is_resolved": True}
    )
    assert settled.json()["resolved"]["by"] == "u-olga"
    assert await threads_of(server, room, token=ann) == [settled.json()]
    alone = await request(server, "GET", comments_path(room, thread), token=ann)
    assert alone.json() == settled.json()


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("owner", {"read", "begin", "reply", "resolve", "edit own", "delete other", "delete own"}),
        ("editor", {"read", "begin", "reply", "resolve", "edit own", "delete own"}),
        ("commenter", {"read", "begin", "reply", "resolve", "edit own", "delete own"}),
        ("viewer", {"read"}),
    ],
)
async def test_each_role_does_with_comments_what_its_row_says(
    server: Server, owner: str, role: str, may: set[str]
) -> None:
    """CMT-3: And never edits what somebody else said, nor the score by commenting."""
    room = f"comments/roles-{role}"
    await a_score(server, room, owner)
    before = await stored_update(server, room, token=owner)
    theirs = (await comment(server, room, "first", token=owner)).json()["thread_id"]
    token = mint(server, {room: role}, subject="u-1")
    stranger = mint(server, {"elsewhere": "owner"})
    own = await reply(server, room, theirs, "mine", token=token)
    mine = own.json()["messages"][-1]["message_id"] if own.is_success else "c" + "0" * 32
    message = comments_path(room, theirs, "messages")
    deeds: dict[str, tuple[str, str, object]] = {
        "read": ("GET", comments_path(room), None),
        "begin": ("POST", comments_path(room), {"text": "x"}),
        "reply": ("POST", message, {"text": "x"}),
        "resolve": ("PATCH", comments_path(room, theirs), {"is_resolved": True}),
        "edit other": ("PATCH", f"{message}/{theirs}", {"text": "x"}),
        "edit own": ("PATCH", f"{message}/{mine}", {"text": "x"}),
        "delete own": ("DELETE", f"{message}/{mine}", None),
        "delete other": ("DELETE", f"{message}/{theirs}", None),
    }
    for deed, (method, path, body) in deeds.items():
        refused = await request(server, method, path, token=stranger, json=body)
        assert refused.status_code == 403, deed
        answer = await request(server, method, path, token=token, json=body)
        assert answer.is_success == (deed in may), (deed, answer.text)
        assert answer.is_success or answer.status_code == 403, deed
    assert await stored_update(server, room, token=owner) == before


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("role", ["owner", "viewer"])
async def test_comments_are_seen_live_and_written_by_nobody(
    server: Server, owner: str, protocol: str, role: str
) -> None:
    """CMT-1: An owner's frames are refused like a viewer's; nothing of them is stored."""
    room = f"comments/live-{protocol}-{role}"
    comments = f"{room}/~comments"
    await a_score(server, room, owner)
    token = mint(server, {room: role})
    y = protocol == "y-websocket"
    joined = (
        y_websocket(server.collab_url, comments, ticket=await ticket(server, comments, token))
        if y
        else hocuspocus(server.hocuspocus_url, comments, token=token)
    )
    async with joined as reader:
        await reader.until(lambda: reader.synced)
        forged = await reader.edit(
            lambda it: it.doc.get("threads", type=Map).update({"x": {"at_ms": 1}})
        )
        thread = (await comment(server, room, "Louder", token=owner)).json()["thread_id"]
        messages = reader.doc.get("messages", type=Map)
        await reader.until(lambda: thread in messages)
        assert messages[thread]["text"] == "Louder"
        assert forged not in reader.acknowledged
        assert reader.ended is None
    assert [one["thread_id"] for one in await threads_of(server, room, token=owner)] == [thread]
    stored: Doc[Any] = Doc()
    stored.apply_update(await stored_update(server, comments, token=token))
    assert list(stored.get("threads", type=Map)) == [thread]


async def test_no_way_over_http_writes_comments_but_their_own(server: Server, owner: str) -> None:
    """CMT-1, CMT-11: No update, no version and no fork, and no comments on comments."""
    room = "comments/ways"
    await a_score(server, room, owner)
    await comment(server, room, "first", token=owner)
    comments = f"{room}/~comments"
    update = text_update("forged")
    assert (await append(server, comments, update, owner)).status_code == 403
    path = f"{room_path(comments)}/versions"
    assert (await request(server, "POST", path, token=owner, json={"name": "v"})).status_code == 403
    assert (await request(server, "GET", path, token=owner)).status_code == 403
    path = f"{room_path(room)}/versions"
    made = await request(server, "POST", path, token=owner, json={"name": "v"})
    fork = f"{path}/{made.json()['version_id']}/fork"
    target = {"room": "comments/ways-2/~comments"}
    assert (await request(server, "POST", fork, token=owner, json=target)).status_code == 403
    assert (await comment(server, comments, "meta", token=owner)).status_code == 403
    assert (await comment(server, "x" * 246, "long", token=owner)).status_code == 404
    assert (await append(server, "x" * 246, update, owner)).is_success
    assert (await comment(server, "x" * 246, "long", token=owner)).status_code == 400


async def test_who_is_revoked_in_a_room_is_so_in_its_comments(server: Server, owner: str) -> None:
    """CMT-3: At once, live as well; and in the comments alone nobody is, which is told."""
    room = "comments/revoked"
    await a_score(server, room, owner)
    await comment(server, room, "first", token=owner)
    token = mint(server, {"comments/*": "commenter"}, subject="u-gone")
    comments = f"{room}/~comments"
    async with hocuspocus(server.hocuspocus_url, comments, token=token) as reader:
        await reader.until(lambda: reader.synced)
        ruling = {"subject": "u-gone", "room": comments}
        refused = await request(server, "POST", "/v1/revocations", token=owner, json=ruling)
        assert refused.status_code == 409, refused.text
        ruling = {"subject": "u-gone", "room": room}
        told = await request(server, "POST", "/v1/revocations", token=owner, json=ruling)
        assert told.is_success, told.text
        await reader.until(lambda: bool(reader.left))
    assert (await comment(server, room, "x", token=token)).status_code == 403
    assert (await request(server, "GET", comments_path(room), token=token)).status_code == 403


async def test_a_comment_stays_when_its_note_goes(server: Server, owner: str) -> None:
    """CMT-5: Marked as detached, at the measure and onset where the note stood."""
    room = "comments/anchors"
    await a_score(server, room, owner)
    wrong = {"element": "n2", "measure": "m9", "onset": [7, 1]}
    begun = (await comment(server, room, "flat", token=owner, place=wrong)).json()
    place = {key: begun[key] for key in ("element", "anchor", "part", "measure", "onset")}
    expected = {"element": "n2", "part": "p1", "measure": "m1", "onset": [3, 2]}
    assert place == expected | {"anchor": "attached"}
    await remove(server, room, "n2", owner)
    (left,) = await threads_of(server, room, token=owner)
    assert (left["anchor"], left["is_detached"]) == ("detached", True)
    assert {key: left[key] for key in expected} == expected
    missing = await comment(server, room, "x", token=owner, place={"element": "n9"})
    assert missing.status_code == 409
    early = {"element": "n9", "measure": "m1", "onset": [1, 1]}
    assert (await comment(server, room, "x", token=owner, place=early)).json()["is_detached"]
    only = f"{comments_path(room)}?element=n2&is_resolved=false"
    found = (await request(server, "GET", only, token=owner)).json()
    assert [one["thread_id"] for one in found["threads"]] == [begun["thread_id"]]


async def test_a_request_sent_again_makes_no_second_comment(server: Server, owner: str) -> None:
    """CMT-7: Also at the same time, and for each person their own keys."""
    room = "comments/again"
    await a_score(server, room, owner)
    ann = mint(server, {"comments/*": "commenter"}, subject="u-ann")
    key = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    answers = await asyncio.gather(
        *(comment(server, room, "once", token=ann, key=key) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {201}
    (thread,) = {answer.json()["thread_id"] for answer in answers}
    assert (await comment(server, room, "other", token=ann, key=key)).status_code == 409
    other = await comment(server, room, "once", token=owner, key=key)
    assert other.json()["thread_id"] != thread
    replies = [await reply(server, room, thread, "too", token=ann, key="2") for _ in range(2)]
    assert [len(one.json()["messages"]) for one in replies] == [2, 2]
    assert len(await threads_of(server, room, token=ann)) == 2
    for bad in ("", "k" * 256, "a b"):
        refused = await comment(server, room, "x", token=ann, key=bad)
        assert refused.status_code == 400, bad
    assert (await comment(server, room, "x", token=ann, key="k" * 255)).status_code == 201


async def test_who_reads_comments_cannot_try_out_what_was_deleted(
    server: Server, owner: str
) -> None:
    """CMT-6: What is kept of a request differs with its key, and there is nothing without one."""
    room = "comments/digests"
    await a_score(server, room, owner)
    begun = (await comment(server, room, "first", token=owner)).json()["thread_id"]
    for key in ("8e03978e", "40d543dd"):
        await reply(server, room, begun, "same", token=owner, key=key)
    stored: Doc[Any] = Doc()
    stored.apply_update(await stored_update(server, f"{room}/~comments", token=owner))
    messages = stored.get("messages", type=Map).to_py()
    assert messages is not None
    requests = [entry["request"] for entry in messages.values()]
    assert len(set(requests)) == 3
    assert messages[begun]["request"] == ""


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"text": "x" * 4_000}, 201),
        ({"text": "x" * 4_001}, 400),
        ({"text": ""}, 400),
        ({"text": "x", "mentions": [f"u-{n}" for n in range(20)]}, 201),
        ({"text": "x", "mentions": [f"u-{n}" for n in range(21)]}, 400),
        ({"text": "x", "mentions": ["u" * 256]}, 400),
        ({"text": "x", "place": {"onset": [0, 0]}}, 400),
        ({"text": "x", "place": {"onset": [-1, 1]}}, 400),
    ],
)
async def test_what_is_said_has_its_lengths(
    server: Server, owner: str, told: dict[str, Any], status: int
) -> None:
    """CMT-8: At the edge."""
    room = "comments/lengths"
    await a_score(server, room, owner)
    path = comments_path(room)
    assert (await request(server, "POST", path, token=owner, json=told)).status_code == status


async def test_an_answered_comment_survives_the_process(tmp_path: Path) -> None:
    """CMT-2: Killed right after the answer; and commenting goes on where it was."""
    async with running_server(tmp_path) as server:
        await append(server, "kept", text_update("Kyrie"), "")
        begun = (await comment(server, "kept", "first")).json()
        server.kill()
        await server.start()
        assert await threads_of(server, "kept") == [begun]
        told = await reply(server, "kept", begun["thread_id"], "second")
        server.kill()
        await server.start()
        assert await threads_of(server, "kept") == [told.json()]


async def erase(server: Server, room: str, mode: str) -> httpx.Response:
    return await request(server, "POST", f"{room_path(room)}/erasure?mode={mode}")


@pytest.mark.parametrize("mode", ["history", "everything"])
async def test_erasing_a_room_erases_its_comments(tmp_path: Path, mode: str) -> None:
    """CMT-11: What was deleted is found nowhere, or nothing is left; and one may comment again."""
    async with running_server(tmp_path) as server:
        await append(server, "suite", text_update("Allemande"), "")
        thread = (await comment(server, "suite", SECRET)).json()["thread_id"]
        kept = (await reply(server, "suite", thread, "stays")).json()["messages"][1]
        path = comments_path("suite", thread, "messages", thread)
        assert (await request(server, "DELETE", path)).status_code == 204
        assert (await erase(server, "suite", mode)).is_success
        left = await threads_of(server, "suite")
        if mode == "history":
            assert [one["messages"][1] for one in left] == [kept]
        else:
            assert left == []
            await append(server, "suite", text_update("Courante", client_id=9), "")
        assert (await comment(server, "suite", "afterwards")).status_code == 201
        server.kill()
        files = [path for path in server.data.rglob("*") if path.is_file()]
        assert not [path for path in files if SECRET.encode() in legible(path.read_bytes())]


async def test_a_person_is_taken_out_of_the_comments(tmp_path: Path) -> None:
    """CMT-10: For owners; nowhere on the disk is the name found, and what they said is there."""
    async with running_server(tmp_path, auth="token") as server:
        owner = mint(server, {"**": "owner"}, subject="u-olga")
        token = mint(server, {"suite": "commenter"}, subject="u-clara-w", name="Clara Wieck")
        await append(server, "suite", text_update("Allemande"), owner)
        path = comments_path("suite", "erasure")
        told = {"subject": "u-clara-w"}
        missing = await request(server, "POST", path, token=owner, json=told)
        assert missing.status_code == 404
        begun = await comment(server, "suite", "slower", token=token)
        thread = begun.json()["thread_id"]
        await comment(server, "suite", "as said", token=owner, mentions=["u-clara-w"])
        settle = {"is_resolved": True}
        await request(server, "PATCH", comments_path("suite", thread), token=token, json=settle)
        assert (await request(server, "POST", path, token=token, json=told)).status_code == 403
        done = await request(server, "POST", path, token=owner, json=told)
        assert (done.status_code, done.json()["notes"]) == (200, [])
        first, second = await threads_of(server, "suite", token=owner)
        assert (first["messages"][0]["text"], first["messages"][0]["author"]) == ("slower", "")
        assert first["resolved"]["by"] == ""
        assert second["messages"][0]["mentions"] == []
        assert text_of(await stored_update(server, "suite", token=owner)) == "Allemande"
        server.kill()
        stored = [legible(path.read_bytes()) for path in server.data.rglob("*") if path.is_file()]
        for name in (b"u-clara-w", b"Clara Wieck"):
            assert not any(name in data for data in stored)


async def test_no_version_of_comments_is_made(tmp_path: Path) -> None:
    """CMT-11: However much is said; of the rooms themselves there are."""
    quick = {"BANDPRO_VERSION_INTERVAL_MS": "0", "BANDPRO_VERSION_EDITS": "1"}
    async with running_server(tmp_path, env=quick, args=["--demo", "off"]) as server:
        for room in ("first", "second"):
            await append(server, room, text_update("Allemande"), "")
            await comment(server, room, "slower")
            path = f"{room_path(room)}/versions"
            async with asyncio.timeout(20):
                while not (await request(server, "GET", path)).json()["versions"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        # The comments on the first were looked at before the second was written.
        assert await metric(server, "bandpro_versions_made_total") == 2
