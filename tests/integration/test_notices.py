"""Events told to webhooks: a real server, a real receiver, and kills in between."""

import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.access import mint
from tests.support.comments import comment, comments_path, reply
from tests.support.http import request, room_path
from tests.support.http_receiver import Receiver, receiving
from tests.support.score_api import make, score_path
from tests.support.server import Server, serving
from tests.support.sources import ROOT
from tests.support.stored import legible

ARGS = ["--rate-limits", "off", "--webhook-hosts", "127.0.0.1"]

_PAGE = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")
(DOCUMENTED,) = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("notices"), auth="token", args=ARGS) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


def person(server: Server, subject: str, role: str = "owner") -> str:
    return mint(server, {"**": role}, subject=subject, name=subject.title())


async def made_room(server: Server, room: str, token: str) -> str:
    answer = await make(server, room, token, template="lead-sheet")
    assert answer.status_code == 201, answer.text
    return room


async def hook(server: Server, token: str, url: str, path: str, **told: object) -> httpx.Response:
    return await request(server, "POST", path, token=token, json={"url": url, **told})


async def made_hook(
    server: Server, token: str, url: str, path: str, **told: object
) -> dict[str, Any]:
    answer = await hook(server, token, url, path, **told)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def post(server: Server, token: str, path: str, told: object = None) -> httpx.Response:
    return await request(server, "POST", path, token=token, json=told)


async def test_every_kind_of_event_is_told_once_signed_and_without_what_was_said(
    server: Server, receiver: Receiver
) -> None:
    """NOTE-1, NOTE-3, NOTE-5: Also to a webhook of all rooms; one of other kinds hears nothing."""
    ann, bob = person(server, "ann"), person(server, "bob", "commenter")
    room = await made_room(server, "notices/song", ann)
    hooks = f"{room_path(room)}/webhooks"
    secret = (await made_hook(server, ann, receiver.url("/hook"), hooks))["secret"]
    everywhere = await made_hook(server, ann, receiver.url("/all"), "/v1/webhooks", kinds=["share"])

    said = await comment(server, room, "sotto voce", token=bob, mentions=["cleo"])
    thread = said.json()["thread_id"]
    path = comments_path(room, thread, "messages", thread)
    edit = {"text": "piano", "mentions": ["cleo", "dora"]}
    assert (await request(server, "PATCH", path, token=bob, json=edit)).status_code == 200
    kept = await post(server, ann, f"{room_path(room)}/versions", {"name": "First", "message": ""})
    assert kept.status_code == 201, kept.text
    export = await post(server, ann, f"{score_path(room)}/exports", {"format": "mxl"})
    assert export.status_code == 202, export.text
    share = await post(
        server, ann, f"{score_path(room)}/shares", {"subject": "eva", "role": "viewer"}
    )
    assert share.status_code == 202, share.text

    came = await receiver.until_told(lambda each: each.path == "/hook", 6)
    (wide,) = await receiver.until_told(lambda each: each.path == "/all")
    told = sorted(
        (each.told["type"], each.told["data"]["actor"]["subject"], each.told["data"]["recipients"])
        for each in came
    )
    assert told == [
        ("comment", "bob", ["ann"]),
        ("export-ready", "ann", ["ann"]),
        ("mention", "bob", ["cleo"]),
        ("mention", "bob", ["dora"]),
        ("share", "ann", ["eva"]),
        ("version-named", "ann", []),
    ]
    assert all(each.is_signed(secret) for each in came)
    documented: dict[str, Any] = {}
    exec(DOCUMENTED, documented)  # noqa: S102 - what receivers copy
    assert all(documented["is_genuine"](secret, each.headers, each.body) for each in came)
    assert not documented["is_genuine"](secret, came[0].headers, came[1].body)
    assert len({each.event_id for each in came}) == 6
    assert not any(b"sotto" in each.body or b"First" in each.body for each in came)
    assert wide.is_signed(everywhere["secret"])
    assert wide.event_id == share.json()["event_id"]
    assert {each.told["data"]["room"] for each in came} == {room}


async def test_a_webhook_is_for_owners_and_shows_its_secret_once(
    server: Server, receiver: Receiver
) -> None:
    """NOTE-4: Made, listed with deliveries, tried, signed anew, off at 410, deleted; ten."""
    ann, bob = person(server, "ann"), person(server, "bob", "editor")
    room = await made_room(server, "notices/owned", ann)
    hooks = f"{room_path(room)}/webhooks"
    made = await made_hook(server, ann, receiver.url("/hook"), hooks)
    one = f"{hooks}/{made['webhook_id']}"
    assert (await hook(server, bob, receiver.url("/hook"), hooks)).status_code == 403
    assert (await request(server, "GET", hooks, token=bob)).status_code == 403
    local = mint(server, {room: "owner"}, subject="ann")
    assert (await hook(server, local, receiver.url("/hook"), "/v1/webhooks")).status_code == 403

    rotated = (await post(server, ann, f"{one}/rotation")).json()
    tried = await post(server, ann, f"{one}/test")
    (test,) = await receiver.until_told(lambda each: each.told["type"] == "test")
    assert test.event_id == tried.json()["event_id"]
    assert rotated["secret"] != made["secret"]
    assert test.is_signed(made["secret"])
    assert test.is_signed(rotated["secret"])

    receiver.answer = lambda _: b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
    gone = (await post(server, ann, f"{one}/test")).json()["event_id"]
    await receiver.until_told(lambda each: each.event_id == gone)
    while not (listed := (await request(server, "GET", hooks, token=ann)).json()["webhooks"])[0][
        "is_off"
    ]:
        pass
    assert made["secret"] not in json.dumps(listed)
    assert [each["status"] for each in listed[0]["deliveries"]] == [410, 200]

    for _ in range(9):
        await made_hook(server, ann, receiver.url("/hook"), hooks)
    refused = await hook(server, ann, receiver.url("/hook"), hooks)
    assert (refused.status_code, refused.json()["limit"]) == (429, "webhooks_max")
    assert (await request(server, "DELETE", one, token=ann)).status_code == 204
    assert (await request(server, "DELETE", one, token=ann)).status_code == 404
    for url in ("https://10.0.0.1/", "https://[::1]/", "http://example.org/", "ftp://127.0.0.1/"):
        assert (await hook(server, ann, url, hooks)).status_code == 400, url


async def test_nothing_is_lost_or_doubled_by_kills(tmp_path: Path) -> None:
    """NOTE-2, NOTE-8, KEY-1: While the other side says nothing; its secret is sealed."""
    async with receiving() as receiver:
        sealed = ["--encryption", f"file:{_master_key(tmp_path)}"]
        with serving(tmp_path, auth="token", args=ARGS + sealed) as server:
            ann = person(server, "ann")
            room = await made_room(server, "notices/killed", ann)
            await made_hook(server, ann, receiver.url("/hook"), f"{room_path(room)}/webhooks")
            receiver.answer = lambda _: None
            threads = []
            for number in range(2):
                said = await comment(server, room, "once", token=ann, key=f"k{number}")
                threads.append(said.json()["thread_id"])
                server.kill()
                await server.start()
            receiver.answer = None
            again = await comment(server, room, "once", token=ann, key="k0")
            assert again.json()["thread_id"] == threads[0]
            await reply(server, room, threads[0], "last", token=ann)

            def of(thread: str, message: str | None = None) -> Any:  # noqa: ANN401 - a predicate
                place = {"thread_id": thread, "message_id": message or thread}
                return lambda each: place.items() <= each.told["data"].items()

            ids = [
                {each.event_id for each in await receiver.until_told(of(thread))}
                for thread in threads
            ]
            assert [len(each) for each in ids] == [1, 1]
            assert len(set.union(*ids)) == 2
            await server.terminate()
            files = [path for path in server.data.rglob("*") if path.is_file()]
            assert files
            assert not [path for path in files if b"whsec_" in legible(path.read_bytes())]


def _master_key(folder: Path) -> Path:
    key = folder / "master.key"
    key.write_text(base64.b64encode(bytes(range(32))).decode())
    key.chmod(0o600)
    return key
