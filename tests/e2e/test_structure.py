"""Parts, measures in between, tempi and marks in the web editor, for two people."""

from typing import Final

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.browsing import Visitor, browsing
from tests.e2e.new_scores import made_for_two
from tests.e2e.test_editor import violations
from tests.e2e.test_writing import choice
from tests.support.score_api import written
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

# In CSS pixels: with its edges, and before a third row.
TWO_ROWS: Final = 100


async def expect_parts(visitor: Visitor, *names: str) -> None:
    """Wait until the page is engraved with these parts, from its top."""
    await expect(visitor.part("sheet").locator(".label")).to_have_text(list(names))


async def test_parts_are_added_named_moved_and_removed_for_all(
    server: Server, browser: Browser
) -> None:
    """A clarinet in B flat reads a tone higher than the violin; what is removed comes back by undo.

    Bears EDITOR-21.
    """
    room = "e2e/parts"
    async with browsing(server, browser) as visits:
        anna, ben = await made_for_two(visits, room, "Sketch", template="solo", measures=2)
        await anna.part("sheet").locator(".mRest").first.click()
        await choice(anna, "Key").select_option("2")
        await anna.part("open-parts").locator("summary").click()
        parts = anna.part("parts")
        await parts.get_by_role("combobox", name="Another part").select_option("clarinet")
        await parts.get_by_role("button", name="Add the part").click()
        await expect(anna.part("parts-told")).to_contain_text("Clarinet in B♭")
        await expect_parts(ben, "Solo", "Clarinet in B♭")
        # Two sharps for the one, four for the other, in each of its rows.
        await expect(ben.part("sheet").locator(".keySig .keyAccid")).to_have_count(2 + 4)
        await parts.get_by_test_id("part-name").last.click()
        await anna.page.keyboard.type("Klarinette in B")
        await anna.page.keyboard.press("Enter")
        await parts.get_by_role("button", name="Move “Klarinette in B” up").click()
        await expect_parts(ben, "Klarinette in B", "Solo")
        await anna.expect_saved()
        file = await written(server, room)
        assert [each.text for each in file.iterfind("part-list/score-part/part-name")] == [
            *("Klarinette in B", "Solo"),
        ]
        (clarinet, _) = file.iterfind("part")
        first = clarinet.find("measure/attributes")
        assert [first.findtext(path) for path in ("key/fifths", "clef/sign")] == ["4", "G"]
        assert [first.findtext(f"transpose/{name}") for name in ("diatonic", "chromatic")] == [
            *("-1", "-2"),
        ]
        await parts.get_by_role("button", name="Remove “Klarinette in B”").click()
        await expect(parts.get_by_role("button", name="Cancel")).to_be_focused()
        assert await violations(anna) == []
        await parts.get_by_role("button", name="Remove", exact=True).first.click()
        await expect(anna.part("parts-told")).to_contain_text("Undo takes that back")
        await expect_parts(ben, "Solo")
        await expect(parts.get_by_role("button", name="Remove “Solo”")).to_be_disabled()
        await anna.page.keyboard.press("Control+z")
        await expect_parts(ben, "Klarinette in B", "Solo")


async def test_measures_are_put_in_between_and_counted_on_for_all(
    server: Server, browser: Browser
) -> None:
    """By key and by button; the cursor is in the new one, and each is one step for undo.

    Bears EDITOR-22.
    """
    room = "e2e/between"
    async with browsing(server, browser) as visits:
        anna, ben = await made_for_two(visits, room, "Sketch", template="solo", measures=3)
        await anna.part("sheet").locator(".mRest").first.click()
        await anna.page.keyboard.type("7cde")
        for visitor in (anna, ben):
            await expect(visitor.part("sheet").locator(".note")).to_have_count(3)
        await anna.part("sheet").locator(".note").first.click()
        await anna.page.keyboard.press("Insert")
        await expect(anna.part("selection")).to_contain_text("measure 1, beat 1: empty")
        await anna.part("sheet").locator(".note").nth(1).click()
        await expect(anna.part("selection")).to_contain_text("measure 3")
        await anna.part("insert-after").click()
        await expect(anna.part("selection")).to_contain_text("measure 4, beat 1: empty")
        await anna.page.keyboard.type("f")
        for visitor in (anna, ben):
            await expect(visitor.part("sheet").locator(".note")).to_have_count(4)
            await expect(visitor.part("sheet").locator(".measure")).to_have_count(6)
        await ben.part("sheet").locator(".mRest").first.click()
        await ben.part("delete-measure").click()
        await expect(anna.part("sheet").locator(".measure")).to_have_count(5)
        await anna.expect_saved()
        await ben.expect_saved()
        file = await written(server, room)
        assert [
            (each.get("number"), each.findtext("note/pitch/step"))
            for each in file.iterfind("part/measure")
        ] == [("1", "C"), ("2", "D"), ("3", "F"), ("4", "E"), ("5", None)]
        assert file.find("part/measure/attributes/clef") is not None
        await ben.page.keyboard.press("Control+z")
        await expect(anna.part("sheet").locator(".measure")).to_have_count(6)
        assert await violations(anna) == []


async def test_a_tempo_and_marks_are_written_over_the_staff_for_all(
    server: Server, browser: Browser
) -> None:
    """They are in the file as well; undo takes them back.

    Bears EDITOR-22.
    """
    room = "e2e/tempo"
    async with browsing(server, browser) as visits:
        anna, ben = await made_for_two(visits, room, "Sketch", template="solo", measures=2)
        await anna.part("sheet").locator(".mRest").nth(1).click()
        await expect(anna.part("tempo")).to_contain_text("none")
        # The palette takes two rows of a small laptop's window, whatever is selected.
        await anna.page.set_viewport_size({"width": 1265, "height": 800})
        palette = anna.page.get_by_role("toolbar")
        rows = await palette.bounding_box()
        assert rows is not None
        assert rows["height"] < TWO_ROWS
        await anna.part("tempo").click()
        asking = anna.part("asking")
        await asking.get_by_label("Note value").select_option("Dotted quarter")
        await asking.get_by_label("In a minute").fill("92")
        await asking.get_by_label("Words before it").fill("Allegro")
        assert await violations(anna) == []
        await anna.page.keyboard.press("Enter")
        await expect(ben.part("sheet").locator(".tempo")).to_contain_text("Allegro (♩. = 92)")
        await expect(anna.part("tempo")).to_have_accessible_name(
            "Tempo Allegro Dotted quarter = 92"
        )
        assert await palette.bounding_box() == rows
        await expect(anna.part("surface")).to_be_focused()
        await anna.part("text-rehearsal").click()
        await anna.page.keyboard.press("Enter")
        await expect(ben.part("sheet").locator(".reh")).to_contain_text("A")
        await anna.part("text-words").click()
        await anna.page.keyboard.type("dolce")
        await anna.page.keyboard.press("Enter")
        await expect(ben.part("sheet").locator(".dir")).to_contain_text("dolce")
        await anna.expect_saved()
        first, second = (await written(server, room)).iterfind("part/measure")
        assert first.find("direction") is None
        assert second.find("direction/sound").get("tempo") == "138"
        found = [each.text for each in second.iterfind("direction/direction-type/*")]
        assert {"Allegro", "A", "dolce"} <= set(found)
        metronome = second.find(".//metronome")
        assert [each.tag for each in metronome] == ["beat-unit", "beat-unit-dot", "per-minute"]
        await anna.part("tempo").click()
        await asking.get_by_role("button", name="Remove").click()
        await expect(ben.part("sheet").locator(".tempo")).to_have_count(0)
        await anna.page.keyboard.press("Control+z")
        await expect(ben.part("sheet").locator(".tempo")).to_have_count(1)
        # What was asked for one measure is not written into another when that goes.
        await anna.part("text-words").click()
        await ben.part("sheet").locator(".mRest").nth(1).click()
        await ben.part("delete-measure").click()
        await expect(anna.part("sheet").locator(".mRest")).to_have_count(1)
        await anna.page.keyboard.type("morendo")
        await anna.page.keyboard.press("Enter")
        await expect(anna.part("selection")).to_contain_text("does not allow")
        await expect(anna.part("sheet").locator(".dir")).to_have_count(0)
