"""The MusicXML files of music21's package through a live room of a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from bandpro_client import open_score
from collab.score.musicxml import write_musicxml
from tests.support.counts import proving
from tests.support.http import request
from tests.support.musicxml import canonical
from tests.support.score_api import score_path
from tests.support.score_corpus import EXCEPTIONS, corpus, corpus_name, plain
from tests.support.server import Server, running_server

EVERY = 60
SMALL_BYTES = 40_000
"""In `make test` a few small files are tried, spread over the corpus."""

IN_PROOFS = pytest.mark.skipif(not proving(), reason="the whole corpus is tried in `make prove`")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with running_server(tmp_path, args=["--rate-limits", "off"]) as running:
        yield running


async def through_rooms(server: Server, paths: Sequence[Path]) -> int:
    """Import files, receive them over a websocket, and export them; count their notes."""
    notes = 0
    for path in paths:
        room = name = corpus_name(path)
        at = f"{score_path(room)}/file"
        made = await request(server, "POST", at, content=path.read_bytes(), within_s=120)
        assert made.status_code == 201, (name, made.text)
        async with open_score(server.url, room) as score:
            facets = score.facets
            exported = await request(server, "GET", at, within_s=120)
        assert exported.status_code == 200, (name, exported.text)
        same = canonical(exported.content) == canonical(plain(path))
        assert same or name in EXCEPTIONS, name
        assert write_musicxml(facets) == exported.content, name
        notes += len(facets["ev"])
    return notes


async def test_mxl_8_small_files_go_through_a_live_room_as_they_are(server: Server) -> None:
    small = [path for path in corpus() if path.stat().st_size < SMALL_BYTES]
    assert await through_rooms(server, small[::EVERY]) > 500


@pytest.mark.prove
@pytest.mark.timeout(3600)
@IN_PROOFS
async def test_mxl_8_all_of_the_corpus_goes_through_a_live_room(
    server: Server, record_property: Callable[[str, object], None]
) -> None:
    """MXL-8: Imported over HTTP, received over a websocket, exported: canonically the same XML."""
    record_property("notes", await through_rooms(server, corpus()))
    record_property("files", len(corpus()))
    record_property("with a reason", len(EXCEPTIONS))
