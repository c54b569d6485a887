"""Scores edited by operations over HTTP, at a real server."""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pycrdt import Doc, Map

from collab.score.normalise import normalise
from tests.support.access import mint
from tests.support.http import request, stored_update
from tests.support.random_edits import first_score, read_facets
from tests.support.score_api import change, make, score_path
from tests.support.server import Server, running_server, serving
from tests.support.ws_client import hocuspocus, join

PITCH = {"step": "A", "octave": 4}
NOTE: dict[str, Any] = {
    "op": "InsertNote",
    "part": "p",
    "measure": "m3",
    "onset": [0, 1],
    "duration": [1, 1],
    "pitch": PITCH,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("edits")
    with serving(home, auth="token", args=["--rate-limits", "off"]) as running:
        yield running


@pytest.fixture
def editor(server: Server) -> str:
    return mint(server, {"**": "editor"}, subject="u-edith", name="Edith")


async def edit(
    server: Server,
    room: str,
    token: str | None,
    *operations: dict[str, Any],
    key: str | None = None,
    **told: object,
) -> httpx.Response:
    body = {"version": 1, "operations": list(operations), **told}
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"{score_path(room)}/edits"
    return await request(server, "POST", path, token=token, json=body, headers=headers)


async def document(server: Server, room: str, token: str | None) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    doc.apply_update(await stored_update(server, room, token=token))
    return doc


async def test_operations_are_one_edit_that_everybody_sees(server: Server, editor: str) -> None:
    """SCO-13: Later ones name what earlier ones made; nothing but what they are about changes."""
    room = "edits/live"
    await make(server, room, editor, facets=first_score())
    before = read_facets(await document(server, room, editor))
    async with hocuspocus(server.hocuspocus_url, room, token=editor) as member:
        await member.until(lambda: member.synced)
        heard: list[object] = []
        member.doc.observe(lambda event: heard.append(event.update))
        told = await edit(
            server,
            room,
            editor,
            NOTE,
            NOTE | {"onset": [1, 1]},
            {"op": "Tie", "start": "x1", "end": "x2"},
            {"op": "Repitch", "event": "n3", "pitch": PITCH},
            {"op": "DeleteElements", "elements": ["n0"], "with_spanners": True},
            id_prefix="x",
        )
        assert told.status_code == 200, told.text
        answer = told.json()
        assert answer["made"] == [["x1"], ["x2"], ["x3"], [], []]
        assert (answer["findings"], answer["is_repeated"]) == ([], False)
        await member.until(lambda: "x3" in member.doc.get("sp", type=Map))
        assert len(heard) == 1
    after: Any = read_facets(await document(server, room, editor))
    assert after["sp"] == {"x3": {"kind": "tie", "start": "x1", "end": "x2"}}
    touched = {"x1", "x2", "x3", "n0", "n3", "n0|1", "slur1"}
    for facet, entries in before.items():
        kept = {key: value for key, value in after[facet].items() if key not in touched}
        assert kept == {key: value for key, value in entries.items() if key not in touched}
    assert normalise(after).hidden == ()


async def test_what_is_refused_changes_nothing(server: Server, editor: str) -> None:
    """SCO-14: One that does not fit among many; no operation, with the path of the fault."""
    room = "edits/refused"
    await make(server, room, editor, facets=first_score())
    before = await stored_update(server, room, token=editor)
    taken = NOTE | {"measure": "m1", "onset": [1, 2]}
    told = await edit(server, room, editor, NOTE, taken)
    problem = told.json()
    assert (told.status_code, problem["code"], problem["operation"]) == (409, "occupied", 1)
    assert set(problem["element_ids"]) == {"n0", "n1"}
    told = await edit(server, room, editor, NOTE, id_prefix="n")
    assert (told.status_code, told.json()["element_ids"]) == (409, ["n1"])
    told = await edit(server, room, editor, NOTE, NOTE | {"pitch": PITCH | {"colour": "red"}})
    assert (told.status_code, told.json()["path"]) == (400, "operations.1.pitch.colour")
    for told in (
        await edit(server, room, editor),
        await edit(server, room, editor, *[NOTE] * 101),
        await edit(server, room, editor, NOTE, version=2),
        await edit(server, room, editor, NOTE, id_prefix="1"),
        await edit(server, room, editor, NOTE, colour="red"),
    ):
        assert told.status_code == 400, told.text
    assert (await edit(server, "edits/none", editor, NOTE)).status_code == 404
    assert (await edit(server, f"{room}/~comments", editor, NOTE)).status_code == 403
    for role in ("viewer", "commenter"):
        token = mint(server, {"**": role})
        assert (await edit(server, room, token, NOTE)).status_code == 403
    owner = mint(server, {"**": "owner"})
    await change(server, room, owner, is_archived=True)
    assert (await edit(server, room, editor, NOTE)).status_code == 409
    assert await stored_update(server, room, token=editor) == before


async def test_conflicts_are_seen_where_they_are_asked_for(server: Server, editor: str) -> None:
    """SCO-15: By the sequence that an answer told, or by a state vector; and findings tell."""
    room = "edits/base"
    await make(server, room, editor, facets=first_score())
    first = (await edit(server, room, editor, NOTE)).json()["sequence"]
    vector = base64.urlsafe_b64encode((await document(server, room, editor)).get_state()).decode()
    later = NOTE | {"onset": [1, 1]}
    assert (await edit(server, room, editor, later, sequence=first)).status_code == 200
    stale = NOTE | {"onset": [2, 1]}
    for base in ({"sequence": first}, {"state_vector": vector}):
        assert (await edit(server, room, editor, stale, **base)).status_code == 409, base
    vector = base64.urlsafe_b64encode((await document(server, room, editor)).get_state()).decode()
    assert (await edit(server, room, editor, stale, state_vector=vector)).status_code == 200
    told = (await edit(server, room, editor, {"op": "DeleteMeasures", "measures": ["m2"]})).json()
    found = [(each["facet"], each["key"], each["code"]) for each in told["findings"]]
    assert found == [("ev", "n3", "orphaned")]
    metre: dict[str, Any] = {"op": "ChangeSetting", "kind": "time", "measure": "m1"}
    metre |= {"value": {"beats": [1, 1], "unit": 4}}
    told = (await edit(server, room, editor, metre)).json()
    found = [(each["facet"], each["key"], each["code"]) for each in told["findings"]]
    assert found == [("measures", key, "overfull") for key in ("m1", "m3")]


async def test_a_request_sent_again_is_made_once(tmp_path: Path) -> None:
    """SCO-16: At the same moment, after a restart, and one that only deletes."""
    async with running_server(tmp_path) as server:
        room = "again"
        await make(server, room, facets=first_score())
        wanted = ({"op": "InsertMeasures", "after": "m3"}, NOTE)
        answers = await asyncio.gather(
            *(edit(server, room, None, *wanted, key="k-1") for _ in range(3))
        )
        assert [answer.status_code for answer in answers] == [200] * 3
        (made,) = {str(answer.json()["made"]) for answer in answers}
        assert sorted(answer.json()["is_repeated"] for answer in answers) == [False, True, True]
        gone = {"op": "DeleteElements", "elements": ["n4"]}
        assert (await edit(server, room, None, gone, key="k-2")).status_code == 200
        async with join(server, "y-websocket", room) as member:
            await member.until(lambda: "n4" not in member.doc.get("ev", type=Map))
        server.kill()
        await server.start()
        told = (await edit(server, room, None, *wanted, key="k-1")).json()
        assert (str(told["made"]), told["is_repeated"]) == (made, True)
        assert (await edit(server, room, None, gone, key="k-2")).json()["is_repeated"] is True
        assert (await edit(server, room, None, gone, key="k-3")).status_code == 409
        facets = read_facets(await document(server, room, None))
        assert (len(facets["measures"]), len(facets["ev"])) == (4, 5)
