"""What becomes of the page when a part of it fails."""

import asyncio
from typing import Final

import pytest
from playwright.async_api import Browser, Route, expect

from bandpro_client import open_score
from collab.score.intervals import WrittenPitch
from tests.e2e.browsing import WITHIN_MS, browsing
from tests.e2e.test_editor import violations
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

ROOM: Final = "demo/chorale"
ADDRESS: Final = "/#/demo%2Fchorale"
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
        anna = await visits.open(ADDRESS)
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


@pytest.mark.parametrize("name", ["worker.js", "verovio.wasm", "verovio-memory.bin"])
async def test_an_engraver_that_cannot_be_loaded_is_told_and_tried_again(
    server: Server, browser: Browser, name: str
) -> None:
    """Whoever waits for the notes hears of it in both languages; another one draws them.

    Bears EDITOR-15.
    """
    async with browsing(server, browser) as visits:
        anna = await visits.open("/")

        async def miss(route: Route) -> None:
            await route.fulfill(status=404, body="Not found")

        where = f"**/engraver/*/{name}"
        await anna.page.context.route(where, miss)
        await anna.page.goto("about:blank")
        await anna.page.goto(f"{server.url}{ADDRESS}")
        failed = anna.part("failed")
        await expect(failed).to_contain_text("The notes cannot be drawn")
        await anna.expect_saved()
        assert await violations(anna) == []
        await anna.page.get_by_role("button", name="中文").click()
        await expect(failed).to_contain_text("無法繪製音符")
        await anna.page.get_by_role("button", name="English").click()
        # It is no better yet.
        await failed.get_by_role("button", name="Try again").click()
        await expect(failed).to_be_visible()
        await anna.page.context.unroute(where)
        # By keyboard: the blank plays the score elsewhere.
        await failed.get_by_role("button", name="Try again").press("Space")
        await expect(anna.part("sheet").locator(".note").first).to_be_visible()
        await expect(failed).to_have_count(0)
        await expect(anna.part("sheet").locator(".is-playing")).to_have_count(0)
        # The browser says what was missing, and nothing is uncaught.
        assert all(f"/{name}" in text for text in visits.complaints), visits.complaints
        assert all("404" in text for text in visits.complaints), visits.complaints
        visits.complaints.clear()


async def test_an_engraver_that_ends_is_replaced(server: Server, browser: Browser) -> None:
    """What is written after that is drawn, and the console stays empty.

    Bears EDITOR-15.
    """
    async with browsing(server, browser) as visits:
        anna = await visits.open(ADDRESS)
        notes = anna.part("sheet").locator(".note")
        await notes.first.click()
        count = await notes.count()
        (worker,) = anna.page.workers
        has_ended = asyncio.Event()
        worker.on("close", lambda _: has_ended.set())
        await worker.evaluate("() => void setTimeout(() => { throw new Error('a defect'); })")
        async with asyncio.timeout(WITHIN_MS / 1000):
            await has_ended.wait()
        await anna.part("surface").press("Delete")
        await expect(notes).to_have_count(count - 1)
        await anna.part("surface").press("Control+z")
        await expect(notes).to_have_count(count)
        await anna.expect_saved()
