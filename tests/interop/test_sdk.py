"""The TypeScript SDK, built, against a real server and beside a stock client."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from pycrdt import Doc, Map

from collab.score.normalise import normalise, view_json
from tests.interop.node_processes import Conversation, conversation
from tests.interop.stock import Option, stock
from tests.interop.test_presence import sign_in
from tests.support.access import mint
from tests.support.http import request, room_path, stored_update
from tests.support.random_edits import read_facets
from tests.support.server import Server, running_server, serving
from tests.support.sources import ROOT
from tests.support.typescript import COMPILER, MODULES, SDK, build_sdk

pytestmark = pytest.mark.usefixtures("built")

STATE: Final = ("connection", "state")
SAVED: Final = ("saved", "state")
NO_LEEWAY: Final = {"BANDPRO_TOKEN_LEEWAY_S": "0"}


@pytest.fixture(scope="module")
def built() -> None:
    """What is tested is what the sources say now."""
    build_sdk()


def test_the_examples_compile(tmp_path: Path) -> None:
    """SDK-9: As modules of an application, with the types of the sources."""
    text = (ROOT / "docs" / "sdk.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```(tsx?)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 3
    for number, (kind, code) in enumerate(examples):
        (tmp_path / f"example{number}.{kind}").write_text(code, encoding="utf-8")
    sources = SDK / "src"
    options = {
        "jsx": "react-jsx",
        "typeRoots": [str(MODULES / "@types")],
        "paths": {
            "bandpro-sdk": [str(sources / "index.ts")],
            "bandpro-sdk/react": [str(sources / "react" / "index.ts")],
            "*": [str(MODULES / "@types" / "*"), str(MODULES / "*")],
        },
    }
    project = {
        "extends": str(SDK / "tsconfig.json"),
        "compilerOptions": options,
        "include": ["*"],
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps(project), encoding="utf-8")
    done = subprocess.run(
        [COMPILER, "--project", tmp_path], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with tokens for the tests of this module."""
    with serving(tmp_path_factory.mktemp("sdk"), auth="token", env=NO_LEEWAY) as running:
        yield running


class Scores:
    """Scores in a Node process."""

    def __init__(self, driver: Conversation, server: Server, room: str) -> None:
        self.driver = driver
        self.where = {"url": server.url, "room": room}

    async def do(self, op: str, **details: Any) -> Any:  # noqa: ANN401 - JSON
        """Any operation of the driver."""
        return await self.driver.call(op, **details)

    async def open(self, token: str, **details: Option) -> None:
        """Open the room under a token, and wait for the server's state."""
        await self.do("token", token=token)
        await self.do("open", **self.where, **details)
        await self.until(*STATE, name=str(details.get("name", "main")), equals="synced")

    async def part(self, part: str, **details: Any) -> Any:  # noqa: ANN401 - JSON
        """What a part of a score is now."""
        return await self.do("state", part=part, **details)

    async def until(self, part: str, *path: str, name: str = "main", **condition: Option) -> None:
        """Wait until a part of a score is as asked."""
        await self.do("until", part=part, path=path, name=name, **{"is": condition})

    async def until_saved(self, name: str = "main") -> None:
        """Wait until a score says that all is saved."""
        await self.until(*SAVED, name=name, equals="saved")

    async def note(self, step: str, onset: int = 0, name: str = "main") -> str:
        """Write a quarter note into the first measure; gives its id."""
        view = await self.part("view", name=name)
        place = {"part": view["parts"][0], "measure": view["measures"][0]["id"]}
        time_ = {"onset": [onset, 1], "duration": [1, 1]}
        operation = {"op": "InsertNote", **place, **time_, "pitch": {"step": step, "octave": 5}}
        changes = await self.do("edit", name=name, operations=[operation])
        (made,) = {key for facet, key, _value in changes["sets"] if facet == "ev"}
        return str(made)


@asynccontextmanager
async def scores(server: Server, room: str) -> AsyncIterator[Scores]:
    """A Node process for scores; nothing in it may have gone wrong unnoticed."""
    async with conversation("sdk", "sdk_driver.mjs") as driver:
        held = Scores(driver, server, room)
        yield held
        unheard = await held.part("problems")
        assert [each for each in unheard if each.startswith(("unhandled", "console"))] == []


async def make(held: Scores, token: str, **what: object) -> None:
    """Make a score for one voice, of four measures."""
    await held.do("token", token=token)
    await held.do("create", **held.where, template="solo", measures=4, **what)


async def seen_by_the_server(server: Server, room: str, token: str) -> Mapping[str, Any]:
    """The view that the server's own language has of what is stored."""
    doc: Doc[Any] = Doc()
    doc.apply_update(await stored_update(server, room, token=token))
    return view_json(normalise(read_facets(doc)))


async def sessions(server: Server, room: str, token: str) -> int:
    """How many sessions a room has."""
    answer = await request(server, "GET", f"{room_path(room)}/sessions", token=token)
    return len(answer.json()["sessions"])


async def test_edits_meet_those_of_a_stock_client(own_server: Server, room: str) -> None:
    """SDK-1, SDK-2: By operations, undone and redone, saved once the server has them."""
    token = mint(own_server, {room: "editor"}, subject="u-ada", name="Ada")
    options = await sign_in(own_server, "y-websocket-3", room, token)
    async with scores(own_server, room) as held:
        await make(held, token, title="Air")
        await held.open(token)
        async with stock(own_server, "y-websocket-3", room, **options) as other:
            await other.until_synced()
            first, second = await held.note("C"), await held.note("E", onset=1)
            assert await held.do("undo")
            assert await held.do("undo")
            assert await held.do("redo")
            await held.until_saved()
            assert await held.part("history") == {"canUndo": True, "canRedo": True}
            theirs: Doc[Any] = Doc()
            theirs.apply_update(base64.b64decode(await other.part("update")))
            events = theirs.get("ev", type=Map)
            assert first in events
            assert second not in events
            before = theirs.get_state()
            theirs.get("meta", type=Map)["title"] = "Aria"
            await other.do("apply", update=base64.b64encode(theirs.get_update(before)).decode())
            await held.until("title", equals="Aria")
        tie = [{"op": "Tie", "start": first, "end": "nobody"}]
        refused = await held.do("refused", of="edit", operations=tie)
        assert refused == ["EditRefused", "unknown-element", None]
        await held.until_saved()
        assert await held.part("view") == await seen_by_the_server(own_server, room, token)


async def test_people_comments_versions_and_jobs(own_server: Server, room: str) -> None:
    """SDK-3: Names are the token's; comments are live; versions come back; jobs tell how far."""
    ada = mint(own_server, {room: "editor"}, subject="u-ada", name="Ada")
    ben = mint(own_server, {room: "viewer"}, subject="u-ben", name="Ben")
    async with scores(own_server, room) as held:
        await make(held, ada)
        await held.open(ada)
        await held.open(ben, name="ben")
        await held.do("show", part={"color": "#a00000", "name": "Nobody", "selection": ["e1"]})
        await held.until("people", "0", "selection", name="ben", equals=["e1"])
        (shown,) = await held.part("people", name="ben")
        assert (shown["id"], shown["name"], shown["color"]) == ("u-ada", "Ada", "#a00000")
        edit = [{"op": "NumberMeasures"}]
        refused = await held.do("refused", name="ben", of="edit", operations=edit)
        assert refused == ["ScoreError", "read-only", None]
        refused = await held.do("refused", name="ben", of="begin", text="No")
        assert refused == ["ApiError", "http", 403]

        note = await held.note("G")
        await held.until_saved()
        await held.do("watchComments", name="ben")
        await held.until("threads", name="ben", equals=[])
        thread = await held.do("begin", text="Breathe", place={"element": note})
        await held.until("threads", "0", "anchor", name="ben", equals="attached")
        kept = (await held.do("keep", title="Before"))["id"]
        await held.do("undo")
        await held.until("threads", "0", "anchor", name="ben", equals="detached")
        reply = await held.do("reply", thread=thread, text="Gone")
        await held.until("threads", "0", "messages", "1", "id", name="ben", equals=reply)
        assert await held.part("sockets") == 2, "comments share the connection of their score"
        await held.until_saved()
        assert (await held.do("restore", version=kept))["notes"] == []
        await held.until("view", equals=await held.do("versionView", version=kept))
        await held.until("threads", "0", "anchor", name="ben", equals="attached")
        made = await held.do("export", format="musicxml")
        assert made["states"][-1] == "done"
        assert "<step>G</step>" in made["file"]


async def test_react_opens_one_connection(own_server: Server, room: str) -> None:
    """SDK-4: Three components in Strict Mode, mounted anew: one socket, and none on a server."""
    token = mint(own_server, {room: "editor"})
    async with scores(own_server, room) as held:
        await make(held, token)
        markup = await held.do("renderOnServer", **held.where)
        assert markup.count("connecting offline 0 0 0 false") == 3
        assert await held.part("sockets") == 0
        await held.do("mount", **held.where)
        synced = ["synced", "saved", 4, 0, 0, False]
        await held.until("shown", equals=[synced] * 3)
        await held.do("remount", **held.where)
        await held.until("shown", equals=[synced] * 3)
        assert await held.part("sockets") == 1
        assert await sessions(own_server, room, token) == 1
        await held.do("unmount")
        async with asyncio.timeout(20):
            while await sessions(own_server, room, token):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)


async def test_a_token_is_renewed_before_it_ends(own_server: Server, room: str) -> None:
    """SDK-5: Nobody notices: the same connection goes on under the next token."""
    lasting = mint(own_server, {room: "editor"})
    brief = mint(own_server, {room: "editor"}, lifetime_s=4)
    ends_at = time.time() + 4
    async with scores(own_server, room) as held:
        await make(held, lasting)
        await held.open(brief)
        await held.do("token", token=lasting)
        await asyncio.sleep(ends_at + 1 - time.time())
        await held.note("D")
        await held.until_saved()
        assert await held.part("sockets") == 1
        assert await held.part("problems") == []


async def test_who_is_denied_stays_out_until_asked_for(own_server: Server, room: str) -> None:
    """SDK-6: A revoked token is not tried again; another one comes in when asked for."""
    owner = mint(own_server, {"**": "owner"}, subject="u-olga")
    token = mint(own_server, {room: "editor"}, subject="u-ida")
    async with scores(own_server, room) as held:
        await make(held, owner)
        await held.open(token)
        whose = {"subject": "u-ida"}
        revoked = await request(own_server, "POST", "/v1/revocations", token=owner, json=whose)
        assert revoked.is_success, revoked.text
        await held.until(*STATE, equals="denied")
        assert (await held.part("connection"))["remedy"] == "sign-in"
        refused = await held.do("refused", of="whenSaved")
        assert refused == ["ScoreError", "denied", None]
        await asyncio.sleep(1.5)  # tries that must not come; a later second
        assert await held.part("sockets") == 1
        await held.do("token", token=mint(own_server, {room: "editor"}, subject="u-ida"))
        await held.do("retry")
        await held.until(*STATE, equals="synced")
        await held.do("token", token=mint(own_server, {"elsewhere": "editor"}))
        await held.do("open", name="foreign", **held.where)
        await held.until("connection", "remedy", name="foreign", equals="forbidden")


async def test_who_is_made_a_reader_is_told(own_server: Server, room: str) -> None:
    """SDK-11: At once and in place; edits are refused where they would be lost."""
    owner = mint(own_server, {"**": "owner"}, subject="u-olga")
    async with scores(own_server, room) as held:
        await make(held, owner)
        await held.open(mint(own_server, {room: "editor"}, subject="u-rob"))
        demoted = {"subject": "u-rob", "room": room, "role": "viewer"}
        answer = await request(own_server, "POST", "/v1/revocations", token=owner, json=demoted)
        assert answer.is_success, answer.text
        await held.until("connection", equals={"state": "synced", "canEdit": False})
        refused = await held.do("refused", of="edit", operations=[{"op": "NumberMeasures"}])
        assert refused == ["ScoreError", "read-only", None]
        assert await held.part("sockets") == 1


async def test_an_edit_is_one_that_the_server_takes(own_server: Server, room: str) -> None:
    """SDK-15: One that is just short enough is saved, a longer one is refused and not written."""
    token = mint(own_server, {room: "editor"})
    async with scores(own_server, room) as held:
        await make(held, token)
        await held.open(token)
        view = await held.part("view")
        place = {"part": view["parts"][0], "measure": view["measures"][0]["id"], "onset": [0, 1]}
        words = {"op": "AddDirection", **place, "kind": "words", "fields": {"text": "w" * 800}}
        refused = await held.do("refused", of="edit", operations=[words] * 1_200)
        assert refused == ["EditRefused", "out-of-range", None]
        assert await held.part("view") == view
        await held.do("edit", operations=[words] * 1_000)
        await held.until_saved()
        assert await held.part("view") == await seen_by_the_server(own_server, room, token)


async def test_an_erased_score_begins_anew(own_server: Server, room: str) -> None:
    """SDK-7: Who was there or away loses what was erased, on the device too, and goes on."""
    owner = mint(own_server, {room: "owner"})
    secret = "the first draft"
    async with scores(own_server, room) as held:
        await make(held, owner, title=secret)
        await held.open(owner, offline=True)
        await held.open(owner, name="there")
        await held.note("C")
        await held.until_saved()
        assert any(secret in text for text in await held.part("kept"))
        await held.do("pause")
        await held.note("D", onset=1)
        await held.until("saved", equals={"state": "offline", "unsaved": 1})
        path = f"{room_path(room)}/erasure?mode=everything"
        erased = await request(own_server, "POST", path, token=owner)
        assert erased.is_success, erased.text
        await held.until("replaced", "reason", name="there", equals="erased")
        # What the device still has is the next visit's, which is told as well.
        assert any(secret in text for text in await held.part("kept"))
        await held.do("open", name="later", offline=True, **held.where)
        await held.until("replaced", "reason", name="later", equals="erased")
        assert await held.part("kept") == []
        await held.do("retry")
        await held.until("replaced", equals={"count": 1, "reason": "erased", "lost": 1})
        for name in ("main", "there", "later"):
            await held.until(*STATE, name=name, equals="synced")
            await held.until("view", "measures", name=name, equals=[])
        part = {"op": "AddPart", "name": "New", "after": None}
        await held.do("edit", operations=[part, {"op": "InsertMeasures", "after": None}])
        await held.until_saved()
        await held.until("view", "parts", "0", name="there", present=True)
        assert secret.encode() not in await stored_update(own_server, room, token=owner)
        assert not any(secret in text for text in await held.part("kept"))
        assert await held.part("view") == await seen_by_the_server(own_server, room, owner)


async def test_a_note_that_was_changed_again_and_again_while_away_is_saved(
    own_server: Server, room: str
) -> None:
    """SDK-8: Yjs makes one struct of what was overwritten there and is kept for undo."""
    token = mint(own_server, {room: "editor"})
    async with scores(own_server, room) as held:
        await make(held, token)
        await held.open(token)
        note = await held.note("C")
        await held.until_saved()
        await held.do("pause")
        for step in "DEFG":
            change = {"op": "Repitch", "event": note, "pitch": {"step": step, "octave": 5}}
            await held.do("edit", operations=[change])
        await held.do("retry")
        await held.until_saved()
        await held.do("undo")
        await held.until_saved()
        doc: Doc[Any] = Doc()
        doc.apply_update(await stored_update(own_server, room, token=token))
        pitch = read_facets(doc)["pt"][note]
        assert isinstance(pitch, Mapping)
        assert pitch["step"] == "F"


async def test_two_who_count_measures_at_once_take_that_back(own_server: Server, room: str) -> None:
    """SDK-16: Undo of what both wrote leaves every measure, whoever's was the last."""
    token = mint(own_server, {room: "editor"})
    async with scores(own_server, room) as held:
        await make(held, token)
        await held.open(token)
        await held.open(token, name="other")
        before = [each["id"] for each in (await held.part("view"))["measures"]]
        insertion = [{"op": "InsertMeasures", "after": before[0]}, {"op": "NumberMeasures"}]
        for name in ("main", "other"):
            await held.do("pause", name=name)
            await held.do("edit", name=name, operations=insertion)
        for name in ("main", "other"):
            await held.do("retry", name=name)
            await held.until_saved(name)
        for name, left in (("main", 1), ("other", 0)):
            await held.do("undo", name=name)
            await held.until_saved(name)
            seen = (await seen_by_the_server(own_server, room, token))["measures"]
            found = [each["id"] for each in seen]
            assert [each for each in found if each in before] == before
            assert len(found) == len(before) + left


async def test_a_killed_server_costs_nothing(
    tmp_path_factory: pytest.TempPathFactory, room: str
) -> None:
    """SDK-8: Edits made while it is down are saved when it is back, also by the next visit."""
    home = tmp_path_factory.mktemp("killed")
    async with running_server(home, auth="token") as server, scores(server, room) as held:
        token = mint(server, {room: "editor"})
        await make(held, token)
        await held.open(token, offline=True)
        await held.note("C")
        await held.until_saved()
        server.kill()
        await held.until(*SAVED, equals="offline")
        await held.note("D", onset=1)
        await held.note("E", onset=2)
        await held.until("saved", "unsaved", equals=2)
        await held.do("open", name="later", offline=True, **held.where)
        await held.until("view", name="later", equals=await held.part("view"))
        await held.do("close")
        await server.start()
        await held.until_saved("later")
        shown = await held.part("view", name="later")
        assert len(shown["measures"][0]["cells"][0]["voices"][0]["items"]) == 4
        assert shown == await seen_by_the_server(server, room, token)
