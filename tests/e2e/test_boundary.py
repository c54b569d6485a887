"""What becomes of the page when a part of it fails."""

import asyncio
from typing import Final

import pytest
from playwright.async_api import Browser, expect

from bandpro_client import open_score
from collab.score.intervals import WrittenPitch
from tests.e2e.browsing import WITHIN_MS, browsing
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

ROOM: Final = "demo/chorale"
# The rows of the score put their pictures in by this.
BREAK: Final = """() => {
  const { replaceChildren } = Element.prototype;
  Element.prototype.replaceChildren = () => { throw new Error("a defect"); };
  window.mend = () => { Element.prototype.replaceChildren = replaceChildren; };
}"""


async def test_a_part_that_fails_takes_neither_the_page_nor_the_score_with_it(
    server: Server, browser: Browser
) -> None:
    """What was written is saved, the rest of the page works, and trying again brings it back.

    Bears EDITOR-15.
    """
    async with browsing(server, browser) as visits, open_score(server.url, ROOM) as score:

        def pitches() -> dict[str, WrittenPitch]:
            return {note.id: note.pitch for note in score.notes()}

        before = pitches()
        anna = await visits.open("/#/demo%2Fchorale")
        note = anna.part("sheet").locator(".note").first
        await note.click()
        name = await note.get_attribute("id")
        await anna.expect_saved()
        await anna.page.evaluate(BREAK)
        await anna.part("surface").press("ArrowUp")
        failed = anna.part("failed")
        await expect(failed).to_contain_text("a defect")
        await expect(anna.part("sheet")).to_have_count(0)
        # Whoever else is there has what she wrote before it failed.
        async with asyncio.timeout(WITHIN_MS / 1000):
            await score.until(lambda: pitches() != before)
        after = pitches()
        assert {key for key in after if after[key] != before[key]} == {name}
        # The browser and React say so on the console, and nothing else is said there.
        assert visits.complaints
        assert all("a defect" in text for text in visits.complaints), visits.complaints
        visits.complaints.clear()
        await anna.part("own-name").fill("Anna")
        await anna.page.evaluate("() => window.mend()")
        await failed.get_by_role("button", name="Try again").click()
        await expect(anna.part("sheet").locator(f'[id="{name}"]')).to_be_visible()
        await expect(failed).to_have_count(0)
        await anna.expect_saved()
