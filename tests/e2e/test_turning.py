"""The page turns to what is played, in a real browser, at a real server."""

import json
from itertools import pairwise
from typing import Any, Final
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.e2e.browsing import Browsing, Visitor, browsing
from tests.e2e.test_editor import opened
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

ROOM: Final = "e2e/turning"
MEASURES: Final = 80
# The fastest that is played: a measure of one quarter lasts 0.15 s, a row more than one.
BPM: Final = 400
# Everywhere that the page stood, in pixels from its head; and how far the next row was from the
# upper edge of the window.
STOOD: Final = """() => {
  window.stood = [[scrollY, 0]];
  addEventListener("scroll", () => {
    const rows = [...document.querySelectorAll("[data-row]")];
    const away = rows.map(row => Math.abs(row.getBoundingClientRect().top));
    window.stood.push([scrollY, Math.min(...away)]);
  });
}"""


async def make_score(visits: Browsing) -> None:
    """One part, a quarter in each measure, named by it."""
    visitor = await visits.open("/")
    tempo: dict[str, Any] = {"op": "ChangeSetting", "kind": "tempo", "measure": "m1"}
    tempo["value"] = {"unit": [1, 1], "bpm": BPM}
    note: dict[str, Any] = {"op": "InsertNote", "part": "p1", "onset": [0, 1], "duration": [1, 1]}
    note["pitch"] = {"step": "C", "octave": 5}
    notes = [{**note, "measure": f"m{number}"} for number in range(1, MEASURES + 1)]
    made = {"room": ROOM, "template": "solo", "measures": MEASURES, "beats": 1, "unit": 4}
    edit = {"version": 1, "id_prefix": "note", "operations": [tempo, *notes]}
    for path, body in (("", made), (f"/{quote(ROOM, safe='')}/edits", edit)):
        answer = await visitor.page.request.post(
            f"{visits.server.url}/v1/scores{path}",
            data=json.dumps(body),
            headers={"content-type": "application/json"},
        )
        assert answer.ok, await answer.text()
    await visitor.page.context.close()


def last_row(visitor: Visitor) -> Locator:
    """Where playing ends."""
    return visitor.part("sheet").locator("[data-row]").last


async def play_to_the_end(visitor: Visitor, *, wheel: bool = False) -> None:
    """From the first measure; with a turn of the wheel on the way, if one likes."""
    sounding = visitor.part("sheet").locator(".is-playing")
    button = visitor.page.get_by_role("button", name="Play")
    await visitor.page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    await expect(last_row(visitor)).not_to_be_in_viewport()
    await button.click()
    await expect(button).to_have_text("■")
    if wheel:
        await expect(sounding).not_to_have_count(0)
        await visitor.page.mouse.move(300, 250)
        await visitor.page.mouse.wheel(0, -20)
    await expect(button).to_have_text("▶")


async def test_the_page_turns_to_what_is_played(server: Server, browser: Browser) -> None:
    """Row by row to the end, until one scrolls; the next playing turns again.

    Bears EDITOR-16. Where no motion is wanted, the page is where it turns to at once.
    """
    async with browsing(server, browser) as visits:
        await make_score(visits)
        anna = await opened(visits, "Anna", room=ROOM)
        await anna.page.set_viewport_size({"width": 480, "height": 520})
        await expect(anna.part("sheet").locator("[data-row]").nth(5)).to_be_attached()
        await play_to_the_end(anna)
        await expect(last_row(anna)).to_be_in_viewport()
        await expect(anna.part("sheet").locator(f"#note{MEASURES}")).to_be_in_viewport()
        await play_to_the_end(anna, wheel=True)
        await expect(last_row(anna)).not_to_be_in_viewport()
        await anna.page.emulate_media(reduced_motion="reduce")
        await anna.page.evaluate(STOOD)
        await play_to_the_end(anna)
        await expect(last_row(anna)).to_be_in_viewport()
        stood: list[tuple[int, float]] = await anna.page.evaluate("window.stood")
        turns = [after - before for (before, _), (after, _) in pairwise(stood) if after > before]
        row = await anna.part("sheet").locator("[data-row]").nth(1).bounding_box()
        assert row is not None
        # The last one leads to the end of the page.
        assert all(turn >= row["height"] for turn in turns[:-1]), turns
        assert len(turns) > 1
        # In a low window the palette does not stay at its edge: the rows have all of it.
        assert all(away <= 2 for _, away in stood[1:-1]), stood
