"""`bandpro import` and `bandpro export` as a person runs them, at a server and in a folder."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from bandpro_client import open_score
from collab.score.musicxml.container import packed
from tests.support.command import bandpro
from tests.support.http import stored_update
from tests.support.musicxml import canonical
from tests.support.musicxml_samples import SAMPLES
from tests.support.server import Server, serving
from tests.support.sheet import score
from tests.support.ws_client import join

SONG = SAMPLES["credits and defaults"]
DUET = SAMPLES["two parts of different length"]
TUNE = "X:1\nT:Reel\nM:2/4\nL:1/8\nK:D\nD2 FA|d4|]\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("score-commands")) as running:
        yield running


async def test_a_file_goes_through_a_live_room_and_comes_out_as_it_was(
    server: Server, tmp_path: Path
) -> None:
    """SCO-17, SCO-18: Whoever is in the room has it; a second import changes nothing."""
    (tmp_path / "Duet.musicxml").write_bytes(DUET)
    at = ("--url", server.url)
    order = ("import", "Duet.musicxml", *at)
    async with join(server, "y-websocket", "Duet") as early:
        done = await asyncio.to_thread(bandpro, *order, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["room"] == "Duet"
        assert (await early.until_closed()).code == 1012  # come back, and find the score
    async with open_score(server.url, "Duet") as duet:
        assert len(duet.facets["parts"]) == 2
        before = await stored_update(server, "Duet")
        again = await asyncio.to_thread(bandpro, *order, cwd=tmp_path)
        assert (again.returncode, again.stdout) == (2, "")
        assert "there is something in the room already" in again.stderr
        assert "Nothing was changed" in again.stderr
        assert await stored_update(server, "Duet") == before
        out = ("export", "Duet", "out.musicxml", *at)
        done = await asyncio.to_thread(bandpro, *out, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert canonical((tmp_path / "out.musicxml").read_bytes()) == canonical(DUET)
        part = await asyncio.to_thread(
            bandpro, "export", "Duet", "part.musicxml", "--part", "P2", *at, cwd=tmp_path
        )
        assert part.returncode == 0, part.stderr
        tree = etree.fromstring((tmp_path / "part.musicxml").read_bytes())
        assert [element.get("id") for element in tree.findall("part")] == ["P2"]
        # Beside the server its folder is read, and not written.
        beside = ("--data", str(server.data))
        (tmp_path / "out.musicxml").unlink()
        done = await asyncio.to_thread(
            bandpro, "export", "Duet", "out.musicxml", *beside, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        assert canonical((tmp_path / "out.musicxml").read_bytes()) == canonical(DUET)
        refused = await asyncio.to_thread(
            bandpro, "import", "Duet.musicxml", "--room", "other", *beside, cwd=tmp_path
        )
        assert refused.returncode == 2
        assert "--url" in refused.stderr


def test_a_folder_that_nobody_serves_takes_every_form_and_gives_every_form(tmp_path: Path) -> None:
    """SCO-17, SCO-18: Packed or a tune; what is there is neither added to nor replaced."""
    (tmp_path / "data").mkdir()
    (tmp_path / "song.mxl").write_bytes(packed(SONG))
    (tmp_path / "[red]reel.abc").write_text(TUNE)  # no markup is read in names
    made = bandpro("import", "song.mxl", cwd=tmp_path)
    assert (made.returncode, made.stdout) == (0, "Imported into the room song\n"), made.stderr
    tune = bandpro("import", "[red]reel.abc", "--room", "[/reel]", "--json", cwd=tmp_path)
    told = {"room": "[/reel]", "title": "Reel", "findings": []}
    assert (tune.returncode, json.loads(tune.stdout)) == (0, told)
    assert "[red]reel.abc" in tune.stderr
    other = bandpro("import", "[red]reel.abc", "--room", "song", cwd=tmp_path)
    assert (other.returncode, other.stdout) == (2, "")
    assert "there is something in the room already\nNothing was changed" in other.stderr
    done = bandpro("export", "song", "again.musicxml", cwd=tmp_path)
    assert "Wrote again.musicxml" in done.stderr
    assert canonical((tmp_path / "again.musicxml").read_bytes()) == canonical(SONG)
    page = bandpro("export", "[/reel]", "reel.pdf", "--json", cwd=tmp_path)
    content = (tmp_path / "reel.pdf").read_bytes()
    file = {"name": "reel.pdf", "size_bytes": len(content)}
    assert json.loads(page.stdout) == {"room": "[/reel]", "format": "pdf", "files": [file]}
    assert content.startswith(b"%PDF-")
    there = bandpro("export", "song", "reel.pdf", cwd=tmp_path)
    assert there.returncode == 2
    assert "reel.pdf is there already" in there.stderr
    assert (tmp_path / "reel.pdf").read_bytes() == content


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("import song.doc", "song.doc: no suffix of a file that is read"),
        ("import gone.xml", "gone.xml cannot be read: No such file"),
        ("import torn.xml", "line 2: not well-formed XML"),
        ("import ...xml", "no empty, '.' or '..' segments\nName the room with --room"),
        ("import song.xml --room song/~comments", "comments are no score"),
        ("export song song.abc", "song.abc: no suffix of a file that is written"),
        ("export song song.pdf --part Viola", "there is no such part\nParts are P1 \\(Voice\\)"),
        ("export nowhere song.pdf", "nothing was ever written in this room"),
    ],
)
def test_what_cannot_be_done_is_said_in_plain_words(folder: Path, command: str, said: str) -> None:
    """SCO-17, SCO-18: With the line, where there is one; and no file is written."""
    done = bandpro(*command.split(), cwd=folder)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert "Traceback" not in done.stderr
    assert re.search(said, done.stderr), done.stderr
    assert not (folder / "song.pdf").exists()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a score in a store, and files."""
    path = tmp_path_factory.mktemp("scores")
    (path / "data").mkdir()
    (path / "song.xml").write_text(score())
    (path / "torn.xml").write_text("<score-partwise>\n<part")
    (path / "...xml").write_text(score())
    assert bandpro("import", "song.xml", cwd=path).returncode == 0
    return path
