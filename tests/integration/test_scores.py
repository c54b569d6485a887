"""Scores over HTTP at a real server: made, listed, renamed, archived and copied."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import fromstring

import httpx
import pytest
from pycrdt import Doc, Map

from collab.score.chorale import chorale_facets
from collab.score.musicxml.reading import read_musicxml
from collab.score.musicxml.writing import write_musicxml
from tests.support.access import mint, ticket
from tests.support.api import append, text_update
from tests.support.command import bandpro
from tests.support.comments import comment
from tests.support.http import request, room_path, stored_update
from tests.support.musicxml import canonical
from tests.support.musicxml_samples import SAMPLES
from tests.support.random_edits import read_facets
from tests.support.score_api import change, make, score_path
from tests.support.server import Server, running_server, serving
from tests.support.stored import legible
from tests.support.ws_client import PROTOCOLS, hocuspocus, join, y_websocket


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("scores")
    with serving(home, auth="token", args=["--rate-limits", "off"]) as running:
        yield running


@pytest.fixture
def owner(server: Server) -> str:
    return mint(server, {"**": "owner"}, subject="u-olga", name="Olga")


async def listed(server: Server, token: str, query: str = "") -> list[str]:
    """The rooms of all pages of the list."""
    found: list[str] = []
    after = ""
    while True:
        path = f"/v1/scores?limit=2{query}{after}"
        page = (await request(server, "GET", path, token=token)).json()
        found += [score["room"] for score in page["scores"]]
        if page["next"] is None:
            return found
        after = f"&after={quote(page['next'], safe='')}"


async def roots(server: Server, room: str, token: str | None = None) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    doc.apply_update(await stored_update(server, room, token=token))
    return doc


async def test_a_score_begins_with_a_template(server: Server, owner: str) -> None:
    """SCO-1, SCO-2: With its players, title, key and metre; live for everybody at once."""
    room = "scores/quartet"
    told = {"template": "string-quartet", "title": "Erste Skizze", "composer": "C. W."}
    made = await make(server, room, owner, **told, measures=8, fifths=-3, beats=3)
    assert made.status_code == 201, made.text
    assert made.json()["origin"] == "template:string-quartet"
    assert made.json()["created_by"] == "u-olga"
    described = (await request(server, "GET", score_path(room), token=owner)).json()
    assert described["title"] == "Erste Skizze"
    assert described["people"] == {"composer": "C. W."}
    assert [part["name"] for part in described["parts"]] == [
        *("Violin I", "Violin II", "Viola", "Violoncello")
    ]
    assert (described["measures"], described["notes"]) == (8, 0)
    doc = await roots(server, room, owner)
    attr = doc.get("attr", type=Map).to_py()
    assert attr["time|m1|*|0/1"] == {"beats": [3], "unit": 4}
    assert attr["key|m1|p1|0/1"] == {"fifths": -3}
    names = (await request(server, "GET", "/v1/templates", token=owner)).json()["templates"]
    assert {"lead-sheet", "satb", "string-quartet", "big-band", "piano", "wind-quintet"} <= {
        each["template"] for each in names
    }


async def test_a_score_begins_with_facets_or_empty(server: Server, owner: str) -> None:
    """SCO-1: The whole chorale, or nothing but a title; what is not sound is refused."""
    facets = chorale_facets()
    made = await make(server, "scores/chorale", owner, facets=facets)
    assert (made.status_code, made.json()["title"]) == (201, facets["meta"]["title"]), made.text
    doc = await roots(server, "scores/chorale", owner)
    for facet, entries in facets.items():
        assert doc.get(facet, type=Map).to_py() == entries, facet
    assert (await make(server, "scores/empty", owner, title="Leer")).status_code == 201
    assert (await roots(server, "scores/empty", owner)).get("meta", type=Map).to_py() == {
        "title": "Leer",
        "schema": "2",
    }
    wrong: dict[str, Any] = {"ev": {"n1": {"part": "p1"}}}
    refused = await make(server, "scores/wrong", owner, facets=wrong)
    assert (refused.status_code, "ev: n1" in refused.json()["detail"]) == (400, True)
    others: list[dict[str, Any]] = [
        {"facets": {"no-facet": {}}},
        {"template": "kazoo-choir"},
        {"measures": 3},
        {"template": "piano", "facets": {}},
        {"template": "piano", "measures": 1_001},
        {"title": "x" * 1_001},
    ]
    for told in others:
        assert (await make(server, "scores/wrong", owner, **told)).status_code == 400, told
    path = f"{room_path('scores/wrong')}/update"
    assert (await request(server, "GET", path, token=owner)).status_code == 404


async def test_what_is_there_is_never_added_to(server: Server, owner: str) -> None:
    """SCO-3: A second score in one room is refused, also at the same moment."""
    room = "scores/once"
    answers = await asyncio.gather(
        *(make(server, room, owner, template=name) for name in ("piano", "satb", "solo", "guitar"))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    (origin,) = (answer.json()["origin"] for answer in answers if answer.is_success)
    before = await stored_update(server, room, token=owner)
    assert (await make(server, room, owner, template="big-band")).status_code == 409
    assert await stored_update(server, room, token=owner) == before
    described = (await request(server, "GET", score_path(room), token=owner)).json()
    assert described["origin"] == origin
    await append(server, "scores/used", text_update("Kyrie"), owner)
    assert (await make(server, "scores/used", owner, template="piano")).status_code == 409


async def test_a_request_sent_again_makes_the_score_once(server: Server, owner: str) -> None:
    """SCO-4: By its key; another request with that key, and another person with it, are refused."""
    room = "scores/again"
    answers = [await make(server, room, owner, key="k-1", template="piano") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert (await make(server, room, owner, key="k-1", template="satb")).status_code == 409
    other = mint(server, {"**": "editor"}, subject="u-2")
    assert (await make(server, room, other, key="k-1", template="piano")).status_code == 409


async def test_scores_are_listed_for_who_may_read_them(server: Server, owner: str) -> None:
    """SCO-5: In pages, those in use or the archived ones, without the comments beside them."""
    for name in ("a", "b", "c", "d"):
        await make(server, f"list/{name}", owner, title=name.upper())
    await make(server, "other/x", owner)
    await comment(server, "list/b", "nice", token=owner)
    assert (await change(server, "list/c", owner, is_archived=True)).status_code == 200
    reader = mint(server, {"list/*": "viewer"})
    assert await listed(server, reader) == ["list/a", "list/b", "list/d"]
    assert await listed(server, reader, "&is_archived=true") == ["list/c"]
    assert await listed(server, mint(server, {"list/b": "viewer"})) == ["list/b"]
    assert await listed(server, mint(server, {"nowhere": "owner"})) == []
    page = await request(server, "GET", "/v1/scores?after=list/a&limit=1", token=reader)
    assert [score["title"] for score in page.json()["scores"]] == ["B"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_rename_is_an_edit_that_everybody_sees(tmp_path: Path, protocol: str) -> None:
    """SCO-6: Merged with what is written meanwhile, and durable when answered."""
    async with running_server(tmp_path) as server:
        await make(server, "named", title="Before", template="solo")
        async with join(server, protocol, "named") as member:
            meta = member.doc.get("meta", type=Map)
            await member.edit(lambda it: it.doc.get("meta", type=Map).update({"composer": "me"}))
            told = (await change(server, "named", None, title="After")).json()
            assert told["title"] == "After"
            await member.until(lambda: meta.get("title") == "After")
            await member.until_saved()
        for title in ("After", "Later", "Latest"):
            assert (await change(server, "named", None, title=title)).status_code == 200
        server.kill()
        await server.start()
        assert (await roots(server, "named")).get("meta", type=Map).to_py() == {
            "title": "Latest",
            "composer": "me",
            "schema": "2",
        }


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_nobody_edits_an_archived_score(server: Server, owner: str, protocol: str) -> None:
    """SCO-7: Nor on the connection they have, over HTTP, by comments; afterwards all may again."""
    room = f"scores/archive-{protocol}"
    await make(server, room, owner, template="solo")
    version = await request(
        server, "POST", f"{room_path(room)}/versions", token=owner, json={"name": "v"}
    )
    y = protocol == "y-websocket"
    joined = (
        y_websocket(server.collab_url, room, ticket=await ticket(server, room, owner))
        if y
        else hocuspocus(server.hocuspocus_url, room, token=owner)
    )
    async with joined as member:
        await member.until(lambda: member.synced)
        assert (await change(server, room, owner, is_archived=True)).json()["is_archived"]
        refused = await member.edit(lambda it: it.map.update({"late": 1}))
        for told in (
            await append(server, room, text_update("late", client_id=3), owner),
            await change(server, room, owner, title="late"),
            await comment(server, room, "late", token=owner),
            await request(
                server,
                "POST",
                f"{room_path(room)}/versions/{version.json()['version_id']}/restore",
                token=owner,
            ),
        ):
            assert told.status_code == 409, told.text
        assert "late" not in (await roots(server, room, owner)).get("map", type=Map)
        assert refused not in member.acknowledged
        assert (await change(server, room, owner, is_archived=False)).status_code == 200
        # What was refused is asked for, and comes.
        async with asyncio.timeout(20):
            while "late" not in (await roots(server, room, owner)).get("map", type=Map):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert member.ended is None


async def test_a_ruling_gives_nobody_an_archived_score_back(server: Server, owner: str) -> None:
    """SCO-7: Whatever is decided about somebody who is in it, they edit it when others do again."""
    room = "scores/ruled"
    await make(server, room, owner, template="solo")
    token = mint(server, {"scores/*": "editor"}, subject="u-ruled")
    async with hocuspocus(server.hocuspocus_url, room, token=token) as member:
        await member.until(lambda: member.synced)
        await change(server, room, owner, is_archived=True)
        await member.until(lambda: member.scope == "readonly")
        ruling = {"subject": "u-ruled", "room": "scores/another", "role": "viewer"}
        told = await request(server, "POST", "/v1/revocations", token=owner, json=ruling)
        assert told.is_success, told.text
        refused = await member.edit(lambda it: it.map.update({"late": 1}))
        await member.until(lambda: member.refused > 0)
        assert refused not in member.acknowledged
        await change(server, room, owner, is_archived=False)
        await member.until(lambda: member.scope == "read-write")


async def test_a_score_stays_archived_over_a_restart(tmp_path: Path) -> None:
    """SCO-7: And whoever joins it then is a reader; its title is not told after an erasure."""
    async with running_server(tmp_path) as server:
        await make(server, "old", template="solo", title="Winterreise, first draft")
        await change(server, "old", None, is_archived=True)
        server.kill()
        await server.start()
        async with join(server, "hocuspocus", "old") as member:
            assert getattr(member, "scope", "") == "readonly"
        described = await request(server, "GET", score_path("old"))
        assert described.json()["is_archived"] is True
        path = f"{room_path('old')}/erasure?mode=everything"
        assert (await request(server, "POST", path)).is_success
        described = await request(server, "GET", score_path("old"))
        assert (described.json()["title"], described.json()["is_archived"]) == ("", False)
        server.kill()
        files = [path for path in server.data.rglob("*") if path.is_file()]
        assert not [path for path in files if b"Winterreise" in legible(path.read_bytes())]


async def test_a_copy_is_a_score_of_its_own(server: Server, owner: str) -> None:
    """SCO-8: As it is now, for whoever reads here and edits there; of an archived one too."""
    room = "scores/original"
    await make(server, room, owner, template="satb", title="Motette")
    await change(server, room, owner, is_archived=True)
    reader = mint(server, {room: "viewer", "mine/*": "editor"}, subject="u-ann")
    path = f"{score_path(room)}/copy"
    body = {"room": "mine/copy"}
    refused = await request(server, "POST", path, token=mint(server, {room: "owner"}), json=body)
    assert refused.status_code == 403
    made = await request(server, "POST", path, token=reader, json=body)
    assert made.status_code == 201, made.text
    told = {key: made.json()[key] for key in ("room", "title", "created_by", "is_archived")}
    assert told == {
        "room": "mine/copy",
        "title": "Motette",
        "created_by": "u-ann",
        "is_archived": False,
    }
    assert made.json()["origin"].startswith("copy:")
    assert (await request(server, "POST", path, token=reader, json=body)).status_code == 409
    for facet in ("meta", "parts", "measures", "attr"):
        copied = (await roots(server, "mine/copy", owner)).get(facet, type=Map).to_py()
        assert copied == (await roots(server, room, owner)).get(facet, type=Map).to_py()
    assert (await change(server, "mine/copy", reader, title="Meins")).status_code == 200
    missing = await request(server, "POST", f"{score_path('no')}/copy", token=owner, json=body)
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("owner", {"describe", "make", "rename", "archive"}),
        ("editor", {"describe", "make", "rename"}),
        ("commenter", {"describe"}),
        ("viewer", {"describe"}),
    ],
)
async def test_each_role_does_with_scores_what_its_row_says(
    server: Server, owner: str, role: str, may: set[str]
) -> None:
    """SCO-9: And nobody anything without a grant."""
    room = f"scores/roles-{role}"
    await make(server, room, owner, title="Untouched")
    token = mint(server, {f"{room}*": role})
    stranger = mint(server, {"elsewhere": "owner"})
    deeds: dict[str, tuple[str, str, object]] = {
        "describe": ("GET", score_path(room), None),
        "make": ("POST", "/v1/scores", {"room": f"{room}-new", "template": "solo"}),
        "rename": ("PATCH", score_path(room), {"title": "Touched"}),
        "archive": ("PATCH", score_path(room), {"is_archived": True}),
    }
    for deed, (method, path, body) in deeds.items():
        refused = await request(server, method, path, token=stranger, json=body)
        assert refused.status_code == 403, deed
        answer = await request(server, method, path, token=token, json=body)
        assert answer.is_success == (deed in may), (deed, answer.text)
        assert answer.is_success or answer.status_code == 403, deed


async def test_comments_are_no_score(server: Server, owner: str) -> None:
    """SCO-9: They are neither made, described, written, renamed, archived nor copied as one."""
    room = "scores/commented"
    await make(server, room, owner, title="x")
    await comment(server, room, "first", token=owner)
    comments = f"{room}/~comments"
    assert (await make(server, f"{comments}", owner)).status_code == 403
    assert (await change(server, comments, owner, is_archived=True)).status_code == 403
    for path in (score_path(comments), f"{score_path(comments)}/file"):
        assert (await request(server, "GET", path, token=owner)).status_code == 403, path
    path = f"{score_path(comments)}/copy"
    body = {"room": "scores/copied-comments"}
    assert (await request(server, "POST", path, token=owner, json=body)).status_code == 403


async def test_versions_of_a_score_are_compared_by_measures(server: Server, owner: str) -> None:
    """VER-17: Over HTTP and at the command line, against the present or another version."""
    room = "scores/compared"
    await make(server, room, owner, facets=chorale_facets())
    path = f"{room_path(room)}/versions"
    made = await request(server, "POST", path, token=owner, json={"name": "as printed"})
    old = made.json()["version_id"]
    doc = await roots(server, room, owner)
    before = doc.get_state()
    doc.get("pt", type=Map)["s0n1"] = {"step": "C", "octave": 5, "alter": 1}
    doc.get("lay", type=Map)["m2"] = {"page": True}
    assert (await append(server, room, doc.get_update(before), owner)).is_success
    told = await request(server, "GET", f"{path}/{old}/compare?view=score", token=owner)
    assert told.status_code == 200, told.text
    assert told.json()["counts"] == {"added": 1, "removed": 0, "changed": 1}
    assert [piece["number"] for piece in told.json()["measures"]] == ["0", "2"]
    (change,) = told.json()["measures"][0]["changes"]
    assert (change["element"], change["aspects"]) == ("s0n1", ["pitch"])
    assert (change["old"], change["new"]) == ('B4 quarter "Herz"', 'C#5 quarter "Herz"')
    given = ("versions", "compare", room, old, "--score", "--url", server.url)
    shown = bandpro(*given, env={"BANDPRO_CLI_TOKEN": owner})
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines() == [
        "measure 0",
        '  ~ soprano at 0  B4 quarter "Herz" → C#5 quarter "Herz"  pitch',
        "measure 2",
        "  + all at 0  page break",
    ]


async def upload(
    server: Server, room: str, file: bytes, token: str, key: str | None = None
) -> httpx.Response:
    """Make a score of a file."""
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"{score_path(room)}/file"
    return await request(server, "POST", path, token=token, content=file, headers=headers)


@pytest.mark.parametrize("name", ["two parts of different length", "timewise", "chords"])
async def test_a_score_begins_with_a_file_and_gives_it_back(
    server: Server, owner: str, name: str
) -> None:
    """SCO-12: Through a live room, canonically equal; a second import of it is refused."""
    file = SAMPLES[name]
    room = f"scores/file-{name}"
    made = await upload(server, room, file, owner)
    assert (made.status_code, made.json()["origin"]) == (201, "musicxml"), made.text
    doc = await roots(server, room, owner)
    partwise = canonical(write_musicxml(read_musicxml(file).facets))
    assert canonical(write_musicxml(read_facets(doc))) == partwise
    if name != "timewise":
        assert partwise == canonical(file)
    described = (await request(server, "GET", score_path(room), token=owner)).json()
    assert len(described["parts"]) == (1 if name == "chords" else 2)
    before = await stored_update(server, room, token=owner)
    assert (await upload(server, room, file, owner)).status_code == 409
    assert (await upload(server, room, file, owner, key="k")).status_code == 409
    assert await stored_update(server, room, token=owner) == before


async def test_a_file_sent_again_is_imported_once_and_no_score_is_refused(
    server: Server, owner: str
) -> None:
    """SCO-12: By its key; with the line where something is wrong, and nothing written."""
    room = "scores/file-again"
    answers = [await upload(server, room, SAMPLES["chords"], owner, key="k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    other = await upload(server, room, SAMPLES["pitches"], owner, key="k")
    assert other.status_code == 409
    refused = await upload(server, "scores/no-file", b"<score-partwise>\n<part</x>", owner)
    assert (refused.status_code, "line 2" in refused.json()["detail"]) == (400, True), refused.text
    assert (await upload(server, "scores/no-file", b"", owner)).status_code == 400
    reader = mint(server, {"scores/*": "commenter"})
    assert (await upload(server, "scores/no-file", SAMPLES["chords"], reader)).status_code == 403
    path = f"{room_path('scores/no-file')}/update"
    assert (await request(server, "GET", path, token=owner)).status_code == 404


async def export(server: Server, room: str, token: str, query: str = "") -> httpx.Response:
    return await request(server, "GET", f"{score_path(room)}/file{query}", token=token)


async def test_a_score_and_its_parts_are_written_as_files(server: Server, owner: str) -> None:
    """SCO-11, SCO-12: As it is now, for whoever reads; a part as another instrument reads it."""
    file = SAMPLES["two parts of different length"]
    room = "scores/export"
    await upload(server, room, file, owner)
    reader = mint(server, {"scores/*": "viewer"})
    whole = await export(server, room, reader)
    assert whole.headers["content-type"] == "application/vnd.recordare.musicxml+xml"
    assert canonical(whole.content) == canonical(file)
    for query, transpose, fifths, pitches in (
        ("?part=P2", None, "0", ["C4", "D4", "E4", "F4"]),
        ("?part=P2&diatonic=-4&chromatic=-7", "-7", "1", ["G4", "A4", "B4", "C5"]),  # a horn in F
    ):
        part = fromstring((await export(server, room, reader, query)).content)  # noqa: S314 - ours
        assert [each.findtext("part-name") for each in part.iter("score-part")] == ["Horn"]
        assert part.findtext(".//fifths") == fifths
        assert part.findtext(".//transpose/chromatic") == transpose
        assert [
            f"{pitch.findtext('step')}{pitch.findtext('octave')}" for pitch in part.iter("pitch")
        ] == pitches
    assert (await export(server, room, reader, "?part=P9")).status_code == 404
    assert (await export(server, room, reader, "?diatonic=1&chromatic=2")).status_code == 400
    assert (await export(server, room, reader, "?part=P2&diatonic=1")).status_code == 400
    assert (await export(server, "scores/nowhere", reader)).status_code == 404
    assert (await export(server, room, mint(server, {"other": "owner"}))).status_code == 403
    await append(server, "scores/words", text_update("Kyrie"), owner)
    assert (await export(server, "scores/words", reader)).status_code == 409
