"""The pointer in the web editor: selections over several staves, and notes that are pointed at."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, FloatRect, expect

from tests.e2e.browsing import Visitor, browsing
from tests.e2e.new_scores import made, made_for_two
from tests.support.access import mint
from tests.support.server import Server, running_server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

STAVES: Final = 3
LOOKS: Final = 50
LOOK_MS: Final = 200
# The lines of a staff of a measure, from the lowest, and its edges: in CSS pixels of the window.
LINES: Final = """(sheet, [measure, staff]) => {
  const found = sheet.querySelectorAll('g.measure')[measure].querySelectorAll('g.staff')[staff]
  const lines = [...found.querySelectorAll(':scope > path')].slice(0, 5)
    .map(line => line.getBoundingClientRect())
  const {left, right} = lines[0]
  return {left, right, lines: lines.map(line => line.top).sort((a, b) => b - a)}
}"""


async def point_at(
    visitor: Visitor, measure: int, staff: int, share: float, steps: float
) -> tuple[float, float]:
    """Where a staff is, in pixels.

    Args:
        visitor: with the score open.
        measure: from 0.
        staff: from 0, the highest.
        share: of the measure's width.
        steps: of the scale over the middle line.
    """
    found = await visitor.part("sheet").evaluate(LINES, [measure, staff])
    lines = found["lines"]
    step = (lines[0] - lines[4]) / 8
    return found["left"] + share * (found["right"] - found["left"]), lines[2] - steps * step


async def count(visitors: list[Visitor], notes: int) -> None:
    """Wait until so many notes are drawn for all."""
    for visitor in visitors:
        await expect(visitor.part("sheet").locator(".note")).to_have_count(notes)


async def first_head(visitor: Visitor) -> FloatRect:
    """Where the first note is, once that does not change: its row may be drawn anew."""
    head = visitor.part("sheet").locator(".note .notehead").first
    before = None
    for _ in range(LOOKS):
        now = await head.bounding_box()
        if now is not None and now == before:
            return now
        before = now
        await visitor.page.wait_for_timeout(LOOK_MS)
    raise AssertionError("the first note does not come to rest")


async def let_be(visitor: Visitor, down: float) -> None:
    """Drag the first note and leave it: it stays selected, and nothing of the ghost stays."""
    sheet, keys, mouse = visitor.part("sheet"), visitor.page.keyboard, visitor.page.mouse
    for key in ["Escape", "n"]:
        note = await first_head(visitor)
        x, y = note["x"] + note["width"] / 2, note["y"] + note["height"] / 2
        await mouse.move(x, y)
        await mouse.down()
        await mouse.move(x, y + down, steps=3)
        await expect(sheet.locator(".ghost.is-shown")).to_have_count(1)
        await keys.press(key)
        await expect(sheet.locator(".ghost.is-shown")).to_have_count(0)
        await mouse.up()
    await keys.press("n")
    await expect(sheet.locator(".ghost")).to_have_count(0)


async def test_a_selection_over_staves_is_copied_moved_and_deleted_for_all(
    server: Server, browser: Browser
) -> None:
    """Two halves on each of three staves are pasted behind themselves in one step.

    Bears EDITOR-23.
    """
    async with browsing(server, browser) as visits:
        anna, ben = await made_for_two(visits, "e2e/staves", "Pointed", measures=2)
        keys, sheet, told = anna.page.keyboard, anna.part("sheet"), anna.part("selection")
        for staff in range(STAVES):
            await anna.page.mouse.click(*await point_at(anna, 0, staff, 0.6, 0))
            await keys.type("6ce")
            await count([anna], 2 * (staff + 1))
        await count([anna, ben], 2 * STAVES)
        await sheet.locator(".note").first.click()
        await sheet.locator(".note").last.click(modifiers=["Shift"])
        await expect(told).to_have_text("3 staves selected, with 6 notes")
        await expect(sheet.locator(".note.is-selected")).to_have_count(6)
        await expect(ben.part("sheet").locator(".peer")).to_have_count(6)
        await keys.press("Control+c")
        await sheet.locator(".measure").nth(1).locator(".mRest").first.click()
        await keys.press("Control+v")
        await count([anna, ben], 4 * STAVES)
        await keys.press("Control+z")
        await count([anna, ben], 2 * STAVES)
        # From the second staff there is room for two of them, and that is said.
        await sheet.locator(".measure").nth(1).locator(".mRest").nth(1).click()
        await keys.press("Control+v")
        await expect(told).to_contain_text("some of it was not pasted")
        await count([anna, ben], 4 * STAVES - 2)
        await keys.press("Control+z")
        # A click between notes takes the measure of the staff; keys take it over staves.
        await count([anna, ben], 2 * STAVES)
        await anna.page.mouse.click(*await point_at(anna, 0, 0, 0.9, 0))
        await expect(told).to_have_text("2 selected")
        await keys.press("Shift+Alt+ArrowDown")
        await expect(told).to_have_text("2 staves selected, with 4 notes")
        await keys.press("Backspace")
        await count([anna, ben], 2)
        await keys.press("Control+z")
        await keys.press("Control+a")
        await keys.press("Control+a")
        await expect(told).to_have_text("3 staves selected, with 6 notes")


async def test_notes_are_written_where_one_points_and_dragged(
    server: Server, browser: Browser
) -> None:
    """A head goes along with the pointer, and a click writes it; Shift adds to a chord.

    Bears EDITOR-24.
    """
    async with browsing(server, browser) as visits:
        anna, ben = await made_for_two(visits, "e2e/pen", "Pointed", measures=2)
        keys, sheet, told = anna.page.keyboard, anna.part("sheet"), anna.part("selection")
        pen = anna.page.get_by_role("button", name="Write notes by pointing")
        await expect(told).to_contain_text("letters A to G write notes")
        await anna.part("surface").focus()
        await expect(told).to_contain_text("measure 1, beat 1")
        await keys.type("6n")
        await expect(pen).to_have_attribute("aria-pressed", "true")
        ghost = sheet.locator(".ghost.is-shown")
        await expect(ghost).to_have_count(0)
        # The line under the middle of the lower staff of the piano: B in the bass clef.
        place = await point_at(anna, 0, 2, 0.8, -2)
        await anna.page.mouse.move(*place)
        await expect(ghost).to_have_count(1)
        await anna.page.mouse.click(*place)
        await count([anna, ben], 1)
        # It is a half, at the third quarter.
        await keys.press("Escape")
        await expect(pen).to_have_attribute("aria-pressed", "false")
        await expect(sheet.locator(".ghost")).to_have_count(0)
        await sheet.locator(".note").click()
        await expect(told).to_contain_text("measure 1, beat 3: B2")
        await pen.click()
        head = await first_head(anna)
        x = head["x"] + head["width"] / 2
        await keys.down("Shift")
        await anna.page.mouse.click(x, (await point_at(anna, 0, 2, 0.5, 0))[1])
        await keys.up("Shift")
        await count([anna, ben], 2)
        await expect(told).to_contain_text(re.compile("B2 D3|D3 B2"))
        await keys.press("n")
        # Dragged up an octave with its chord, in one step.
        step = (await point_at(anna, 0, 2, 0.5, 0))[1] - (await point_at(anna, 0, 2, 0.5, 1))[1]
        note = await first_head(anna)
        await anna.page.mouse.move(note["x"] + note["width"] / 2, note["y"] + note["height"] / 2)
        await anna.page.mouse.down()
        await anna.page.mouse.move(x, note["y"] + note["height"] / 2 - 7 * step, steps=3)
        await expect(ghost).to_have_count(1)
        await anna.page.mouse.up()
        await expect(told).to_contain_text(re.compile("B3 D4|D4 B3"))
        await let_be(anna, 5 * step)
        await count([anna, ben], 2)
        await expect(told).to_contain_text(re.compile("B3 D4|D4 B3"))
        await keys.press("Control+z")
        await expect(told).to_contain_text(re.compile("B2 D3|D3 B2"))
        await keys.press("Control+z")
        await keys.press("Control+z")
        await count([anna, ben], 0)


async def test_a_finger_writes_at_once(server: Server, browser: Browser) -> None:
    """On a phone there is nothing that hovers.

    Bears EDITOR-24.
    """
    async with browsing(server, browser) as visits:
        wide = await made(visits, "e2e/finger", "Pointed", measures=2)
        context = await browser.new_context(
            viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
        )
        visits.profiles.append(context)
        page = await context.new_page()
        await page.goto(f"{server.url}/#/{quote('e2e/finger', safe='')}")
        phone = Visitor(page)
        await expect(phone.part("sheet").locator(".mRest").first).to_be_visible()
        await page.get_by_role("button", name="Write notes by pointing").tap()
        await page.touchscreen.tap(*await point_at(phone, 0, 0, 0.6, 2))
        await count([phone, wide], 1)
        await expect(phone.part("sheet").locator(".ghost.is-shown")).to_have_count(0)


async def test_who_only_reads_has_no_pen_and_drags_nothing(
    tmp_path: Path, browser: Browser
) -> None:
    """Nor while the network is gone, when nobody can be asked.

    Bears EDITOR-24.
    """
    demo = {"BANDPRO_DEMO": "on"}
    async with (
        running_server(tmp_path, auth="token", env=demo) as own,
        browsing(own, browser) as visits,
    ):
        visits.refusals_expected = True
        reader = await visits.open("/#/demo/chorale")
        await reader.part("sign-in").locator("input").fill(mint(own, {"demo/chorale": "viewer"}))
        await reader.part("sign-in").get_by_role("button").click()
        note = reader.part("sheet").locator(".note").nth(4)
        await note.click()
        palette, told = reader.page.get_by_role("toolbar"), reader.part("selection")
        await expect(palette).to_have_count(0)
        read = await told.text_content()
        for _ in ["in step", "cut off"]:
            head = await note.locator(".notehead").bounding_box()
            assert head is not None
            await reader.page.mouse.move(head["x"] + 3, head["y"] + 3)
            await reader.page.mouse.down()
            await reader.page.mouse.move(head["x"] + 3, head["y"] + 33, steps=3)
            await expect(reader.part("sheet").locator(".ghost")).to_have_count(0)
            await reader.page.mouse.up()
            await reader.page.keyboard.press("n")
            await expect(reader.part("sheet")).not_to_have_class(re.compile("is-pen"))
            await note.click()
            await expect(told).to_have_text(read or "")
            await visits.cut_off(reader)
            await expect(reader.part("saved-state")).to_have_attribute("data-state", "offline")
            await expect(palette).to_have_count(0)
