"""The inspector in a real browser, against a real server."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from pycrdt import Doc, Map

from tests.e2e.browsing import WITHIN_MS, Browsing, Visitor, browsing
from tests.interop.stock import HOCUSPOCUS, Stock, stock, update_of
from tests.support.access import mint
from tests.support.server import Server, running_server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

CHORALE: Final = "demo/chorale"
# The first notes of the soprano: B4 on the upbeat, then B4; two sharps, so a step above is C sharp.
FIRST: Final = "s0n1"
SECOND: Final = "s1n1"
POLL_S: Final = 0.05
LABELS: Final = "notes => notes.map((note) => [note.dataset.note, note.ariaLabel])"
WORDS: Final = {-1: " flat", 0: "", 1: " sharp"}


@pytest_asyncio.fixture(loop_scope="module")
async def visits(server: Server, browser: Browser) -> AsyncIterator[Browsing]:
    """A browser for this test."""
    async with browsing(server, browser) as started:
        yield started


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """A room of this test's own."""
    return f"e2e/{request.node.name}"


async def begin_text(visitor: Visitor, text: str) -> None:
    """Begin the text of an empty room."""
    await visitor.part("begin-text").click()
    await visitor.part("text-editor").fill(text)
    await visitor.expect_saved()


async def open_text(visitor: Visitor) -> None:
    """Select the text of a room in the tree."""
    await visitor.row("text").click()
    await expect(visitor.part("text-editor")).to_be_visible()


async def test_the_first_visit_shows_the_chorale_live_and_saved(visits: Browsing) -> None:
    """PAGE-1: `/inspect` opens the demo chorale: live, saved, its notes and its entries."""
    visitor = await visits.visit()
    await visitor.expect_live()
    await expect(visitor.part("room-input")).to_have_value(CHORALE)
    await expect(visitor.part("score-strip")).to_contain_text(
        "Herzliebster Jesu, was hast du verbrochen"
    )
    for part in ("Soprano", "Alto", "Tenor", "Bass"):
        await expect(visitor.page.get_by_role("row", name=part, exact=True)).to_be_visible()
    await expect(visitor.note(FIRST)).to_have_attribute(
        "aria-label", "Soprano, measure 0, beat 1, B 4, quarter note, sung “Herz”"
    )
    await expect(visitor.row("pt")).to_be_visible()
    await expect(visitor.part("people").get_by_role("listitem")).to_have_count(1)


async def test_two_visitors_write_one_text_together(visits: Browsing, room: str) -> None:
    """Letters typed at both ends at once all arrive, each where it was meant, and are saved.

    Bears PAGE-2.
    """
    anna, ben = await visits.visit(room), await visits.visit(room)
    await anna.call_oneself("Anna")
    await ben.call_oneself("Ben")
    await expect(anna.part("people")).to_contain_text("Ben")
    await expect(ben.part("people")).to_contain_text("Anna")
    await begin_text(anna, "Andante")
    await open_text(ben)
    await expect(ben.part("text-editor")).to_have_value("Andante")
    await anna.part("text-editor").press("Control+Home")
    await ben.part("text-editor").press("Control+End")
    await asyncio.gather(
        anna.part("text-editor").press_sequentially("con ", delay=10),
        ben.part("text-editor").press_sequentially(" moto", delay=10),
    )
    for visitor in (anna, ben):
        await expect(visitor.part("text-editor")).to_have_value("con Andante moto")
        await visitor.expect_saved()
    await expect(anna.part("ticker").locator('[data-local="true"]').first).to_be_visible()
    await expect(anna.part("ticker").locator('[data-local="false"]').first).to_be_visible()


async def test_a_note_moved_by_one_visitor_moves_for_the_other(
    tmp_path: Path, browser: Browser
) -> None:
    """A click and an arrow key change a pitch for everybody, who also see who is at the note.

    Bears PAGE-3.
    """
    async with running_server(tmp_path) as own, browsing(own, browser) as visits:
        anna, ben = await visits.visit(), await visits.visit()
        await anna.call_oneself("Anna")
        await anna.note(SECOND).click()
        await anna.part("score-strip").get_by_role("grid").press("ArrowUp")
        for visitor in (anna, ben):
            await expect(visitor.note(SECOND)).to_have_attribute(
                "aria-label", re.compile(r"measure 1, beat 1, C sharp 5,")
            )
        await expect(ben.part("people")).to_contain_text("C♯5, measure 1")
        await expect(ben.part("people")).to_contain_text("Anna")
        await anna.expect_saved()


async def test_what_is_written_offline_arrives_afterwards(visits: Browsing, room: str) -> None:
    """PAGE-4: Edits of both sides during one's absence are together when it ends, and are saved."""
    anna, ben = await visits.visit(room), await visits.visit(room)
    await begin_text(anna, "sung")
    await open_text(ben)
    await expect(ben.part("text-editor")).to_have_value("sung")
    await anna.go_offline()
    await anna.part("text-editor").press("Control+Home")
    await anna.part("text-editor").press_sequentially("softly ")
    await expect(anna.part("saved-state")).to_have_attribute("data-state", "offline")
    await expect(anna.part("saved-state")).not_to_have_attribute("data-unsaved", "0")
    await ben.part("text-editor").press("Control+End")
    await ben.part("text-editor").press_sequentially(" by all")
    await ben.expect_saved()
    await expect(ben.part("text-editor")).to_have_value("sung by all")
    await anna.go_online()
    for visitor in (anna, ben):
        await expect(visitor.part("text-editor")).to_have_value("softly sung by all")
        await visitor.expect_saved()


async def test_the_page_recovers_when_the_server_is_killed_under_it(
    tmp_path: Path, room: str, browser: Browser
) -> None:
    """A server killed while somebody writes comes back, the page with it, and nothing is lost.

    Bears PAGE-5.
    """
    async with running_server(tmp_path) as own, browsing(own, browser) as visits:
        visits.outage_expected = True
        anna = await visits.visit(room)
        await begin_text(anna, "before")
        editor = anna.part("text-editor")
        await editor.press("Control+End")
        typing = asyncio.create_task(editor.press_sequentially(", during", delay=20))
        await expect(editor).to_have_value(re.compile("before, d"))
        own.kill()
        await typing
        await expect(anna.part("saved-state")).to_have_attribute("data-state", "offline")
        await editor.press_sequentially(", after")
        await own.start()
        await anna.expect_live()
        await expect(editor).to_have_value("before, during, after")
        late = await visits.visit(room)
        await open_text(late)
        await expect(late.part("text-editor")).to_have_value("before, during, after")


async def test_a_viewer_sees_the_room_and_is_told_to_be_reading(
    tmp_path: Path, browser: Browser
) -> None:
    """Without a token the page says so; with a viewer's, all is shown and nothing editable.

    Bears PAGE-6.
    """
    demo = {"BANDPRO_DEMO": "on"}
    async with (
        running_server(tmp_path, auth="token", env=demo) as own,
        browsing(own, browser) as visits,
    ):
        viewer = await visits.visit(CHORALE, state="closed")
        await expect(viewer.part("close-notice")).to_have_attribute("data-code", "4401")
        await viewer.part("access-button").click()
        token = mint(own, {CHORALE: "viewer"}, name="Clara")
        await viewer.part("access-input").fill(token)
        await viewer.part("access-submit").click()
        await viewer.expect_live()
        await expect(viewer.part("readonly-notice")).to_be_visible()
        await expect(viewer.part("people")).to_contain_text("Clara")
        await expect(viewer.note(SECOND)).to_have_attribute("aria-label", re.compile(", B 4,"))
        await viewer.note(SECOND).click()
        await viewer.part("score-strip").get_by_role("grid").press("ArrowUp")
        await expect(viewer.page.get_by_text("Your role lets you read only.")).to_be_visible()
        await expect(viewer.note(SECOND)).to_have_attribute("aria-label", re.compile(", B 4,"))
        assert not [url for url in visits.requests if token in url]


async def test_the_keyboard_alone_reaches_the_score_and_the_help(visits: Browsing) -> None:
    """Tab leads into the score, whose first note the arrows then find; "?" opens the help.

    Bears PAGE-7.
    """
    visitor = await visits.visit()
    await visitor.expect_live()
    keyboard = visitor.page.keyboard
    focused = "document.activeElement.id"
    for _ in range(40):
        await keyboard.press("Tab")
        if await visitor.page.evaluate(focused) == "score-grid":
            break
    assert await visitor.page.evaluate(focused) == "score-grid"
    await keyboard.press("ArrowRight")
    await expect(visitor.note(FIRST)).to_have_attribute("aria-selected", "true")
    await keyboard.press("?")
    await expect(visitor.part("help-dialog")).to_be_visible()
    await keyboard.press("Escape")
    await expect(visitor.part("help-dialog")).to_have_count(0)


@pytest.mark.parametrize("system", ["light", "dark"])
async def test_the_look_is_the_systems_until_changed(visits: Browsing, system: str) -> None:
    """Light and dark follow the system; the switch turns to the other, and that is remembered."""
    visitor = await visits.visit(scheme=system)
    html = visitor.page.locator("html")
    painted = "element => getComputedStyle(element).backgroundColor"
    assert (brightness(await html.evaluate(painted)) > 128) is (system == "light")
    other = "dark" if system == "light" else "light"
    await visitor.part("theme-toggle").click()
    await expect(html).to_have_attribute("data-theme", other)
    assert (brightness(await html.evaluate(painted)) > 128) is (other == "light")
    await visitor.page.reload()
    await expect(html).to_have_attribute("data-theme", other)
    assert (brightness(await html.evaluate(painted)) > 128) is (other == "light")
    await visitor.part("theme-toggle").click()
    await expect(html).not_to_have_attribute("data-theme", re.compile(".*"))


def brightness(color: str) -> float:
    """The mean of red, green and blue of a computed colour such as `rgb(1, 2, 3)`."""
    assert color.startswith("rgb("), f"{color} is not opaque"
    parts = [float(part) for part in re.findall(r"[\d.]+", color)]
    return sum(parts) / 3


# All of them meet in one room in tests/interop.
@pytest.mark.parametrize("kind", HOCUSPOCUS[-1:])
async def test_hocuspocus_and_the_page_edit_the_chorale_together(
    tmp_path: Path, kind: str, browser: Browser
) -> None:
    """A stock Hocuspocus provider and the page move notes of one score, and end with the same.

    Bears SYNC-1.
    """
    async with (
        running_server(tmp_path) as own,
        browsing(own, browser) as visits,
        stock(own, kind, CHORALE) as peer,
    ):
        await peer.until_synced()
        page = await visits.visit()
        await page.expect_live()
        await page.note(SECOND).click()
        grid = page.part("score-strip").get_by_role("grid")
        await asyncio.gather(
            move(peer, FIRST, {"step": "E", "octave": 5}),
            grid.press("ArrowUp"),
        )
        await expect(page.note(FIRST)).to_have_attribute("aria-label", re.compile(", E 5,"))
        await page.expect_saved()
        await peer.until_saved()
        await until_pitch(peer, SECOND, {"step": "C", "alter": 1, "octave": 5})
        # Both move one note at the same time: one of them wins, and for both the same.
        await asyncio.gather(
            move(peer, SECOND, {"step": "D", "octave": 4}),
            grid.press("Shift+ArrowUp"),
        )
        await page.expect_saved()
        await peer.until_saved()
        await expect_same_score(page, peer)


async def pitches_of(peer: Stock) -> dict[str, dict[str, Any]]:
    """The written pitches in a stock client's document, as pycrdt reads them."""
    doc: Doc[Any] = Doc()
    doc.apply_update(await update_of(peer))
    found: dict[str, dict[str, Any]] = doc.get("pt", type=Map).to_py() or {}
    return found


async def move(peer: Stock, note: str, pitch: dict[str, object]) -> None:
    """Put a pitch into the score of a stock client, which then sends it itself."""
    doc: Doc[Any] = Doc()
    doc.apply_update(await update_of(peer))
    before = doc.get_state()
    doc.get("pt", type=Map)[note] = pitch
    await peer.do("apply", update=base64.b64encode(doc.get_update(before)).decode())


async def until_pitch(peer: Stock, note: str, pitch: dict[str, object]) -> None:
    """Wait until a stock client has a pitch."""
    async with asyncio.timeout(WITHIN_MS / 1000):
        while True:
            if (await pitches_of(peer))[note] == pitch:
                return
            await asyncio.sleep(POLL_S)


async def expect_same_score(page: Visitor, peer: Stock) -> None:
    """Wait until every note on show has the pitch that a stock client's document says."""
    async with asyncio.timeout(WITHIN_MS / 1000):
        while True:
            shown = dict(await page.page.locator("[data-note]").evaluate_all(LABELS))
            written = await pitches_of(peer)
            wrong = [name for name, label in shown.items() if spoken(written[name]) not in label]
            if not wrong:
                break
            await asyncio.sleep(POLL_S)
    assert len(shown) > 40, "the strip shows several measures"
    assert {FIRST, SECOND} <= set(shown)


def spoken(pitch: dict[str, Any]) -> str:
    """How a note's label says a pitch."""
    if "step" not in pitch:
        return ", rest,"
    sign = WORDS[int(pitch.get("alter", 0))]
    return f", {pitch['step']}{sign} {int(pitch['octave'])},"
