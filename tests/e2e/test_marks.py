"""Articulations, fermatas and hairpins in the web editor: drawn, written, taken back."""

from typing import Final
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.e2e.browsing import Browsing, Visitor, browsing
from tests.support.http import request
from tests.support.musicxml_markup import chord, first, measure, notations, note, score
from tests.support.score_api import score_path, written
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

ROOM: Final = "e2e/marks"
WEDGE: Final = '<direction><direction-type><wedge type="{}"/></direction-type></direction>'


def button(visitor: Visitor, name: str) -> Locator:
    """A button of the palette."""
    return visitor.page.get_by_role("button", name=name, exact=True)


async def opened(visits: Browsing) -> Visitor:
    """Somebody at the score, with all of it drawn."""
    visitor = await visits.open(f"/#/{quote(ROOM, safe='')}")
    await expect(visitor.part("sheet").locator(".note")).to_have_count(8)
    return visitor


async def see(
    visitors: tuple[Visitor, ...], articulations: int, fermatas: int, hairpins: int
) -> None:
    """All of them have so many of each drawn."""
    for visitor in visitors:
        sheet = visitor.part("sheet")
        await expect(sheet.locator(".artic")).to_have_count(articulations)
        await expect(sheet.locator(".fermata")).to_have_count(fermatas)
        await expect(sheet.locator(".hairpin")).to_have_count(hairpins)


async def test_marks_are_drawn_for_all_written_into_the_file_and_taken_back(
    server: Server, browser: Browser
) -> None:
    """By keys and by buttons, over a barline and on a chord, beside those that a file has.

    Bears EDITOR-19 and EDITOR-20.
    """
    staccato = notations("<articulations><staccato/></articulations>")
    music = score(
        first(
            chord("C4", "E4")
            + note("D4", behind=staccato)
            + WEDGE.format("diminuendo")
            + note("E4")
            + note("F4")
            + WEDGE.format("stop")
        ),
        measure(note("G4", 8, "half") + note("A4") + note("B4"), "2"),
    )
    async with browsing(server, browser) as visits:
        answer = await request(server, "POST", f"{score_path(ROOM)}/file", content=music)
        assert answer.is_success, answer.text
        both = anna, _ = await opened(visits), await opened(visits)
        await see(both, 1, 0, 1)
        line = anna.part("sheet").locator(".hairpin polyline")
        await expect(line).not_to_have_css("stroke", "none")
        notes, surface = anna.part("sheet").locator(".note"), anna.part("surface")
        await notes.first.click()
        await surface.press("Shift+ArrowRight")
        await expect(button(anna, "Staccato")).to_have_attribute("aria-pressed", "false")
        await surface.press("Shift+S")
        await see(both, 2, 0, 1)
        await expect(button(anna, "Staccato")).to_have_attribute("aria-pressed", "true")
        await notes.nth(5).click()
        await button(anna, "Fermata").click()
        await button(anna, "Strong accent (marcato)").click()
        await see(both, 3, 1, 1)
        # From the hairpin of the file, which it takes the place of, over the barline.
        await notes.nth(4).click()
        await expect(button(anna, "Diminuendo")).to_have_attribute("aria-pressed", "true")
        await surface.press("Shift+ArrowRight")
        await surface.press("<")
        await see(both, 3, 1, 1)
        await expect(button(anna, "Crescendo")).to_have_attribute("aria-pressed", "true")
        await anna.expect_saved()
        file = await written(server, ROOM)
        assert [
            (
                each.getparent().getparent().findtext("pitch/step"),
                each.tag,
                *[mark.tag for mark in each],
            )
            for each in file.iterfind(".//notations/*")
        ] == [
            ("C", "articulations", "staccato"),
            ("D", "articulations", "staccato"),
            ("G", "articulations", "strong-accent"),
            ("G", "fermata"),
        ]
        assert [each.get("type") for each in file.iterfind(".//wedge")] == ["crescendo", "stop"]
        for count in ((3, 1, 1), (2, 1, 1), (2, 0, 1), (1, 0, 1)):
            await button(anna, "Undo").click()
            await see(both, *count)
        await notes.nth(4).click()
        await button(anna, "Diminuendo").click()
        await see(both, 1, 0, 0)
