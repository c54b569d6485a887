"""Repeats and endings in the web editor: drawn, made, played and written into the file."""

from typing import Final
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.browsing import Browsing, Visitor, browsing
from tests.support.http import request
from tests.support.musicxml_markup import first, measure, note, score
from tests.support.score_api import score_path, written
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

WHOLE: Final = note("C5", 16, "whole")
FAST: Final = (
    "<direction><direction-type><metronome><beat-unit>quarter</beat-unit>"
    "<per-minute>240</per-minute></metronome></direction-type></direction>"
)
# The lines of endings, row by row: what stands at each, and how many strokes it has.
LINES: Final = """sheet => [...sheet.querySelectorAll('.voltaBracket')].map(line =>
  [line.textContent.trim(), line.querySelectorAll('path').length])"""
MEASURES: Final = "sheet => [...sheet.querySelectorAll('.measure')].map(each => each.id)"
# Notes each measure that sounds, from now on.
LISTEN: Final = """sheet => {
  window.heard = [];
  new MutationObserver(() => {
    const at = sheet.querySelector('.is-playing')?.closest('.measure')?.id;
    if (at && at !== window.heard.at(-1)) window.heard.push(at);
  }).observe(sheet, {subtree: true, attributes: true, attributeFilter: ['class']});
}"""


async def opened(visits: Browsing, room: str, *, width: int = 1400) -> Visitor:
    """Somebody at a score, with some of it drawn."""
    visitor = await visits.open(f"/#/{quote(room, safe='')}", width=width)
    await expect(visitor.part("sheet").locator(".note").first).to_be_visible()
    return visitor


async def take(server: Server, room: str, *measures: str) -> None:
    """Make a score of a file."""
    path = f"{score_path(room)}/file"
    answer = await request(server, "POST", path, content=score(*measures))
    assert answer.is_success, answer.text


async def press(visitor: Visitor, *names: str) -> None:
    """Press buttons of the palette."""
    for name in names:
        await visitor.page.get_by_role("button", name=name, exact=True).click()


async def test_an_ending_of_a_file_is_drawn_in_all_rows_that_it_is_in(
    server: Server, browser: Browser
) -> None:
    """On a phone its line is open where it goes on, and has its number once.

    Bears EDITOR-12.
    """
    begins = '<barline location="left"><ending number="{}" type="start"/></barline>'
    ends = '<barline location="right">{}<ending number="{}" type="{}"/>{}</barline>'
    heavy = "<bar-style>light-heavy</bar-style>"
    back = '<repeat direction="backward" times="3"/>'
    async with browsing(server, browser) as visits:
        await take(
            server,
            "e2e/endings",
            first(WHOLE),
            measure(begins.format("1, 2") + WHOLE, "2"),
            *[measure(WHOLE, str(number)) for number in range(3, 25)],
            measure(WHOLE + ends.format(heavy, "1, 2", "stop", back), "25"),
            measure(begins.format("3") + WHOLE + ends.format("", "3", "discontinue", ""), "26"),
            measure(WHOLE, "27"),
        )
        visitor = await opened(visits, "e2e/endings", width=390)
        # All of it is in sight.
        await visitor.page.set_viewport_size({"width": 390, "height": 4_000})
        await expect(visitor.part("sheet").locator(".note")).to_have_count(27)
        lines = await visitor.part("sheet").evaluate(LINES)
        (begun, *between, ended, other) = lines
        assert len(between) > 0
        assert [begun, ended, other] == [["1., 2.", 2], ["", 2], ["3.", 2]]
        assert between == [["", 1]] * len(between)


async def test_repeats_and_endings_are_made_heard_and_taken_back(
    server: Server, browser: Browser
) -> None:
    """What one makes with buttons, and by keys, is there for both, in playing and in the file.

    Bears EDITOR-12.
    """
    room = "e2e/repeats"
    async with browsing(server, browser) as visits:
        await take(
            server,
            room,
            first(FAST + WHOLE),
            *[measure(WHOLE, str(number)) for number in range(2, 5)],
        )
        anna, ben = await opened(visits, room), await opened(visits, room)
        notes = anna.part("sheet").locator(".note")
        await notes.nth(1).click()
        await press(anna, "First ending")
        await notes.nth(2).click()
        await anna.part("surface").press("Shift+V")
        for visitor in (anna, ben):
            await expect(visitor.part("sheet").locator(".ending")).to_have_count(2)
            # The first comes down, at its repeat; after the second the music only goes on.
            assert await visitor.part("sheet").evaluate(LINES) == [["1.", 3], ["2.", 2]]
        second = anna.page.get_by_role("button", name="Second ending", exact=True)
        await expect(second).to_have_attribute("aria-pressed", "true")
        await anna.expect_saved()
        file = await written(server, room)
        assert [
            (element.tag, element.getparent().getparent().get("number"), dict(element.attrib))
            for element in file.iterfind(".//barline/*")
            if element.tag in {"ending", "repeat"}
        ] == [
            ("ending", "2", {"number": "1", "type": "start"}),
            ("ending", "2", {"number": "1", "type": "stop"}),
            ("repeat", "2", {"direction": "backward"}),
            ("ending", "3", {"number": "2", "type": "start"}),
            ("ending", "3", {"number": "2", "type": "discontinue"}),
        ]
        measures: list[str] = await anna.part("sheet").evaluate(MEASURES)
        await notes.first.click()
        await anna.part("sheet").evaluate(LISTEN)
        await press(anna, "Play")
        one, two, three, four = measures
        await anna.page.wait_for_function(f"() => window.heard.at(-1) === '{four}'")
        assert await anna.page.evaluate("() => window.heard") == [one, two, one, three, four]
        await press(anna, "Undo", "Undo")
        for visitor in (anna, ben):
            await expect(visitor.part("sheet").locator(".ending")).to_have_count(0)
        await expect(anna.page.get_by_role("button", name="Repeat ends here")).to_have_attribute(
            "aria-pressed", "false"
        )
