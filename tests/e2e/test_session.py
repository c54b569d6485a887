"""Five people in one score, in as many profiles of a browser: converged, saved, no complaint."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import pytest
from playwright.async_api import Browser

from bandpro_client import Score, open_score
from benchmarks.editor import memory_of
from benchmarks.score.works import EDITED, WORKS
from collab.score.normalise import Chord, Grace, View
from collab.score.operations.operations import InsertMeasures
from tests.e2e.browsing import Browsing, browsing
from tests.e2e.editors import Editor, state_of
from tests.support.comments import threads_of
from tests.support.counts import proving, repeats
from tests.support.http import request
from tests.support.nodes import metric
from tests.support.score_api import score_path
from tests.support.score_corpus import corpus, corpus_name
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

ROOM: Final = "e2e/session"
NAMES: Final = ("Anna", "Ben", "Cora", "Dan", "Eva")[: repeats(3, proof=5)]
SEED: Final = 5_901
SECONDS: Final = repeats(20, proof=1_200)
OFFLINE: Final = repeats(1, proof=3)
EMPTY_MEASURES: Final = repeats(6, proof=60)
QUIET_WITHIN_S: Final = 60.0
HEAP_GROWTH_MB_MAX: Final = 16.0
ACCEPTED: Final = "bandpro_updates_accepted_total"


async def make_score(server: Server) -> None:
    """A quartet of 6,770 notes, in short runs a chorale; empty measures behind it."""
    work = WORKS[EDITED if proving() else "chorale"].file
    (file,) = (path for path in corpus() if corpus_name(path).endswith(f"/{work}"))
    answer = await request(
        server, "POST", f"{score_path(ROOM)}/file", content=file.read_bytes(), within_s=60
    )
    assert answer.is_success, answer.text
    async with open_score(server.url, ROOM) as score:
        last = score.view.measures[-1].id
        score.edit(InsertMeasures(after=last, count=EMPTY_MEASURES))


async def come(visits: Browsing, name: str) -> Editor:
    """Somebody who has the score before them."""
    visitor = await visits.open(f"/#/{ROOM.replace('/', '%2F')}")
    editor = Editor(visits, visitor, name, random.Random(f"{SEED} {name}"))
    await editor.see_the_score()
    return editor


def notes_by_measure(view: View) -> dict[str, list[str]]:
    """Ids of the notes that are to be drawn."""
    return {
        measure.id: sorted(
            key
            for cell in measure.cells
            for voice in cell.voices
            for item in voice.items
            if isinstance(item, Chord | Grace)
            for key in item.ids
        )
        for measure in view.measures
    }


class Heaps:
    """What the pages hold in memory after a collection."""

    def __init__(self, editors: Sequence[Editor]) -> None:
        self._pages = [editor.visitor.page for editor in editors]

    async def now(self) -> list[float]:
        """The heap of each page, in MB."""
        sessions = [await page.context.new_cdp_session(page) for page in self._pages]
        heaps = [(await memory_of(session))[0] for session in sessions]
        for session in sessions:
            await session.detach()
        return heaps


async def converged(editor: Editor, newcomer: Score) -> None:
    """Wait until a page holds what the server has, and draws it where it is looked at."""
    await editor.visitor.expect_saved()
    expected = notes_by_measure(newcomer.view)
    facts = {name: dict(entries) for name, entries in newcomer.facets.items()}
    end_s = time.monotonic() + QUIET_WITHIN_S
    while True:
        state, held = await editor.document()
        drawn = await editor.drawn()
        as_it_is = {measure: expected.get(measure) for measure in drawn}
        if state == state_of(newcomer.doc) and held == facts and drawn and drawn == as_it_is:
            return
        if time.monotonic() > end_s:
            break
        await asyncio.sleep(0.5)
    assert state == state_of(newcomer.doc), editor.name
    assert held == facts, editor.name
    assert drawn == as_it_is, editor.name
    pytest.fail(f"nothing is drawn for {editor.name}")


async def work_together(editors: Sequence[Editor], heaps: Heaps) -> Sequence[float]:
    """Let them all work at once; gives the heaps when a third of the time is over."""
    until_s = time.monotonic() + SECONDS
    async with asyncio.TaskGroup() as group:
        for editor in editors:
            reloads = int(editor is editors[-1])
            group.create_task(editor.work(until_s, offline=OFFLINE, reloads=reloads))
        await asyncio.sleep(SECONDS / 3)
        return await heaps.now()


@pytest.mark.prove
@pytest.mark.timeout(1_650)
async def test_five_people_work_in_a_long_score(
    server: Server, browser: Browser, record_property: Callable[[str, object], None]
) -> None:
    """EDITOR-10: Five scripted editors in one score end converged, saved, without a complaint.

    They point, walk, write, change and take back; each is without a network now and then, and one
    loads the page anew. What a page keeps of the score is what a newcomer gets from the server,
    entry by entry, and so is what is drawn. That the browser itself tells of the network that is
    gone is expected while it is.

    Once a third of the time is over, a page's heap grows by 16 MB at most. By then it keeps the 64
    pictures that it may, of some 100 kB each; others in their places may be of fuller rows, twice
    as large: 6 MB. Of some 3,000 edits each stays in the document, and one's own for undo: with all
    that is kept for a note, 2 kB each, 6 MB. The rest is for what happens to be in sight. Of a
    picture kept for each edit that is seen it would be 100 MB, of a view for each edit far more.
    """
    await make_score(server)
    before = await metric(server, ACCEPTED)
    async with browsing(server, browser) as visits:
        editors = [await come(visits, name) for name in NAMES]
        heaps = Heaps(editors)
        early = await work_together(editors, heaps)
        async with open_score(server.url, ROOM) as newcomer:
            for editor in editors:
                await converged(editor, newcomer)
            notes = sum(1 for _ in newcomer.notes())
        late = await heaps.now()
    said = {
        message["text"]
        for thread in await threads_of(server, ROOM)
        for message in thread["messages"]
    }
    comments = [text for editor in editors for text in editor.comments]
    assert said == set(comments)
    done = sum((editor.done for editor in editors), Counter[str]())
    record_property("minutes", round(SECONDS / 60, 1))
    record_property("editors", len(editors))
    record_property("deeds", done.total())
    record_property("edits, none lost", round(await metric(server, ACCEPTED) - before))
    record_property("comments, none lost", len(comments))
    record_property("times_without_a_network", done["offline"])
    record_property("notes_at_the_end", notes)
    record_property("errors_on_the_console", len(visits.complaints))
    record_property("heaps_after_a_third_(MB)", " ".join(f"{each:.0f}" for each in early))
    record_property("heaps_at_the_end_(MB)", " ".join(f"{each:.0f}" for each in late))
    grown = [end - start for start, end in zip(early, late, strict=True)]
    assert max(grown) <= HEAP_GROWTH_MB_MAX, (early, late)
