"""The first rows of a score in a browser that drew them before."""

import asyncio
import json
from typing import Final

import pytest
from playwright.async_api import Browser, Route, expect

from tests.e2e.browsing import WITHIN_MS, Browsing, Visitor, browsing
from tests.e2e.kept import PICTURES, until_kept
from tests.support.http import request, room_path
from tests.support.score_api import make
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

ROOM: Final = "e2e/again"
ADDRESS: Final = "/#/e2e%2Fagain"


async def opened(visits: Browsing, was: Visitor | None = None) -> Visitor:
    """The score, something of it drawn; in the profile of somebody who had it open."""
    visitor = await (visits.open(ADDRESS) if was is None else visits.reopen(was, ADDRESS))
    await expect(visitor.part("sheet").locator(".mRest, .note").first).to_be_visible()
    await visitor.expect_saved()
    return visitor


async def write(visitor: Visitor, steps: str, notes: int) -> None:
    """Write at the cursor, and see that so many notes are drawn."""
    await visitor.part("surface").press_sequentially(steps)
    await visitor.expect_saved()
    await expect(visitor.part("sheet").locator(".note")).to_have_count(notes)


async def until_shown_in_kept(visitor: Visitor, notes: int) -> None:
    """Wait until the pictures that are kept in this browser show so many notes."""

    def is_shown(rows: list[bytes]) -> bool:
        drawn = json.loads(rows[-1])["drawn"] if rows else []
        svg = "".join(each["picture"]["svg"] for each in drawn)
        return svg.count('class="note"') == notes

    await until_kept(visitor.page, is_shown, PICTURES)


async def erase(server: Server) -> None:
    """Erase all that was ever written into the score."""
    path = f"{room_path(ROOM)}/erasure?mode=everything"
    assert (await request(server, "POST", path)).status_code == 200


async def test_who_comes_back_sees_notes_before_the_engraver_is_there(
    server: Server, browser: Browser
) -> None:
    """They are as they were left, until others come.

    Bears EDITOR-14.
    """
    async with browsing(server, browser) as visits:
        assert (await make(server, ROOM, template="solo", measures=8)).is_success
        anna = await opened(visits)
        await anna.part("sheet").locator(".mRest").first.click()
        await write(anna, "cde", 3)
        await anna.page.goto(f"{server.url}/#/")
        await until_shown_in_kept(anna, 3)
        is_asked, is_let = asyncio.Event(), asyncio.Event()

        async def hold(route: Route) -> None:
            is_asked.set()
            await is_let.wait()
            await route.continue_()

        await anna.page.context.route("**/engraver/*/worker.js", hold)
        anna = await opened(visits, anna)
        await expect(anna.part("sheet").locator(".note")).to_have_count(3)
        await anna.part("sheet").locator(".mRest").first.click()
        await anna.part("surface").press_sequentially("f")
        await anna.expect_saved()
        # The engraver is asked for once what was kept is on the screen, and draws nothing yet.
        async with asyncio.timeout(WITHIN_MS / 1000):
            await is_asked.wait()
        await expect(anna.part("sheet").locator(".note")).to_have_count(3)
        is_let.set()
        await expect(anna.part("sheet").locator(".note")).to_have_count(4)
        # Nothing is kept of what is erased.
        await erase(server)
        await until_shown_in_kept(anna, 0)
