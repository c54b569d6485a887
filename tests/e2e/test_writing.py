"""Writing in the web editor: whose keys are whose, words under notes, and a phone without keys."""

from typing import Final
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.e2e.browsing import Visitor, browsing
from tests.e2e.new_scores import MEASURES, made
from tests.support.http import request
from tests.support.score_api import score_path
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

STAVES: Final = 3
PHONE: Final = 390
LONG: Final = "Donaudampfschifffahrtsgesellschaftskapitaensmuetzenmarsch"
SYLLABLES: Final = """sheet => [...sheet.querySelectorAll('.syl')]
  .map(each => each.textContent.replace(/\\s+/g, ''))"""
HYPHENS: Final = ".syl rect"
WIDER: Final = "() => document.documentElement.scrollWidth - innerWidth"


def choice(visitor: Visitor, name: str) -> Locator:
    """A choice of the palette."""
    label = visitor.page.locator("label.choice").filter(has_text=name)
    return label.locator("select")


async def test_a_new_score_is_all_there(server: Server, browser: Browser) -> None:
    """Its last row as well, in which nothing is written; and nothing is wider than the window."""
    async with browsing(server, browser) as visits:
        visitor = await made(visits, "e2e/new", "New")
        await expect(visitor.part("sheet").locator(".mRest")).to_have_count(STAVES * MEASURES)
        assert await visitor.page.evaluate(WIDER) == 0


async def test_keys_are_the_scores_after_a_choice_or_a_click_beside_it(
    server: Server, browser: Browser
) -> None:
    """And those of whoever walks through the choices by keyboard are the choice's."""
    async with browsing(server, browser) as visits:
        visitor = await made(visits, "e2e/keys", "Keys")
        keys, surface = visitor.page.keyboard, visitor.part("surface")
        await visitor.part("sheet").locator(".mRest").first.click()
        key = choice(visitor, "Key")
        await key.dispatch_event("pointerdown")
        await key.focus()
        await key.select_option("2")
        await expect(surface).to_be_focused()
        await visitor.page.get_by_title("Add a measure").click()
        await keys.press("f")
        await expect(visitor.part("sheet").locator(".note")).to_have_count(1)
        await expect(key).to_have_value("2")
        # Beside the page, where nothing takes keys.
        await visitor.page.mouse.click(8, 400)
        await expect(surface).not_to_be_focused()
        await keys.press("ArrowLeft")
        await expect(visitor.part("selection")).to_contain_text("F♯")
        await key.focus()
        await keys.press("ArrowDown")
        await expect(key).to_be_focused()
        await keys.press("Escape")
        await expect(surface).to_be_focused()


async def test_another_metre_bars_the_music_anew_for_all(server: Server, browser: Browser) -> None:
    """Three measures of four quarters, the last one empty, are four of three until undo.

    Bears EDITOR-18.
    """
    async with browsing(server, browser) as visits:
        visitor = await made(visits, "e2e/metre", "Metre", measures=2)
        other = await visits.open(f"/#/{quote('e2e/metre', safe='')}")
        sheets = [each.part("sheet") for each in (visitor, other)]
        await sheets[0].locator(".mRest").first.click()
        await visitor.page.keyboard.type("6ce7g")
        for sheet in sheets:
            await expect(sheet.locator(".note")).to_have_count(3)
        await sheets[0].locator(".note").first.click()
        time = choice(visitor, "Time")
        await time.dispatch_event("pointerdown")
        await time.select_option("3/4")
        for sheet in sheets:
            # A half, a quarter and one more tied to it, a half and one more tied to it.
            await expect(sheet.locator(".measure")).to_have_count(4)
            await expect(sheet.locator(".note")).to_have_count(5)
            await expect(sheet.locator(".tie")).to_have_count(2)
        await expect(visitor.part("selection")).to_contain_text("C")
        await expect(visitor.part("surface")).to_be_focused()
        await visitor.page.keyboard.press("Control+z")
        for sheet in sheets:
            await expect(sheet.locator(".measure")).to_have_count(3)
            await expect(sheet.locator(".note")).to_have_count(3)
            await expect(sheet.locator(".tie")).to_have_count(0)
        await expect(time).to_have_value("4/4")


async def test_a_metre_that_cannot_bar_the_music_anew_is_written_and_that_is_said(
    server: Server, browser: Browser
) -> None:
    """A thousand measures of four quarters would be 1,667 more of three eighths.

    Bears EDITOR-18.
    """
    async with browsing(server, browser) as visits:
        visitor = await made(visits, "e2e/many", "Many", measures=1000)
        await visitor.part("sheet").locator(".mRest").first.click()
        await visitor.page.keyboard.press("c")
        await expect(visitor.part("sheet").locator(".note")).to_have_count(1)
        time = choice(visitor, "Time")
        await time.select_option("3/8")
        await expect(visitor.part("selection")).to_contain_text("could not be made to fit")
        await expect(time).to_have_value("3/8")


async def test_words_are_kept_when_one_points_elsewhere(server: Server, browser: Browser) -> None:
    """And a word that is written again still goes on to its next syllable."""
    async with browsing(server, browser) as visits:
        visitor = await made(visits, "e2e/words", "Words")
        keys, sheet = visitor.page.keyboard, visitor.part("sheet")
        # Without a note there is nothing to write under.
        await visitor.page.get_by_role("button", name="Lyrics").click()
        await sheet.locator(".mRest").first.click()
        await keys.type("cdef")
        await expect(sheet.locator(".note")).to_have_count(4)
        await expect(visitor.part("lyric")).to_have_count(0)
        await sheet.locator(".note").nth(0).click()
        await keys.press("l")
        await keys.type("Sun-set is")
        # Words that are drawn move the notes.
        await expect(sheet.locator(".syl")).to_have_count(2)
        await sheet.locator(".note").nth(3).click()
        await expect(visitor.part("lyric")).to_have_count(0)
        await expect(visitor.part("selection")).to_contain_text("F5")
        await expect(sheet.locator(".syl")).to_have_count(3)
        assert await sheet.evaluate(SYLLABLES) == ["Sun", "set", "is"]
        await expect(sheet.locator(HYPHENS)).to_have_count(1)
        await sheet.locator(".note").nth(0).click()
        await keys.press("l")
        await expect(visitor.part("lyric")).to_have_value("Sun")
        await keys.type("Moon")
        await keys.press("Enter")
        await expect(visitor.part("surface")).to_be_focused()
        await expect(sheet.locator(".syl").first).to_contain_text("Moon")
        assert await sheet.evaluate(SYLLABLES) == ["Moon", "set", "is"]
        await expect(sheet.locator(HYPHENS)).to_have_count(1)
        # The field goes with its note, and does not come back at another one.
        await sheet.locator(".note").nth(3).click()
        await keys.press("l")
        await expect(visitor.part("lyric")).to_be_focused()
        last = await sheet.locator(".note").nth(3).get_attribute("id")
        edit = {"version": 1, "operations": [{"op": "DeleteElements", "elements": [last]}]}
        answer = await request(server, "POST", f"{score_path('e2e/words')}/edits", json=edit)
        assert answer.is_success, answer.text
        await expect(sheet.locator(".note")).to_have_count(3)
        await sheet.locator(".note").nth(1).click()
        await expect(visitor.part("selection")).to_contain_text("D5")
        await expect(visitor.part("lyric")).to_have_count(0)


async def test_a_phone_writes_notes_and_long_titles_stay_in_its_lists(
    server: Server, browser: Browser
) -> None:
    """Where there is no keyboard, the letters are buttons."""
    async with browsing(server, browser) as visits:
        wide = await made(visits, "e2e/phone", LONG)
        letter = wide.page.get_by_role("button", name="G", exact=True)
        await expect(letter).to_be_hidden()
        context = await browser.new_context(
            viewport={"width": PHONE, "height": 844}, has_touch=True, is_mobile=True
        )
        visits.profiles.append(context)
        page = await context.new_page()
        await page.goto(server.url)
        await expect(page.get_by_test_id("scores")).to_contain_text(LONG)
        assert await page.evaluate(WIDER) == 0
        await page.goto(f"{server.url}/#/{quote('e2e/phone', safe='')}")
        await page.get_by_test_id("sheet").locator(".mRest").first.tap()
        for name in ("C", "B", "Sixteenth", "Rest"):
            button = page.get_by_role("button", name=name, exact=True)
            await expect(button).to_be_in_viewport(ratio=1)
        await page.get_by_role("button", name="G", exact=True).tap()
        await expect(page.get_by_test_id("sheet").locator(".note")).to_have_count(1)
        assert await page.evaluate(WIDER) == 0
        # On a tablet the palette leaves as much of the score in sight.
        rows = await page.get_by_role("toolbar").bounding_box()
        await page.set_viewport_size({"width": 820, "height": 1100})
        wide_rows = await page.get_by_role("toolbar").bounding_box()
        assert rows is not None
        assert wide_rows is not None
        assert wide_rows["height"] <= rows["height"]
        assert await page.evaluate(WIDER) == 0


async def test_a_comment_is_answered_with_a_button_and_says_who_wrote_it(
    server: Server, browser: Browser
) -> None:
    """Where the server asks nobody who they are, that is somebody."""
    async with browsing(server, browser) as visits:
        visitor = await made(visits, "e2e/comments", "Comments")
        await visitor.part("open-comments").locator("summary").click()
        comments = visitor.part("comments")
        await comments.get_by_role("textbox", name="About the score").fill("Slower?")
        await comments.get_by_role("button", name="Comment", exact=True).click()
        await comments.get_by_role("textbox", name="Reply").fill("Yes.")
        await comments.get_by_role("button", name="Reply").click()
        await expect(comments.get_by_role("listitem").locator("p")).to_have_text(
            ["Somebody Slower?", "Somebody Yes."]
        )
