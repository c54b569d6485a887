"""Titles of scores in the web editor and in its list, in a real browser, at a real server."""

import asyncio
from typing import Final

import pytest
from playwright.async_api import Browser, Locator, Route, expect

from tests.e2e.browsing import Browsing, Visitor, browsing
from tests.e2e.test_editor import opened, violations
from tests.support.score_api import change, make
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

ROOM: Final = "e2e/title"


async def make_score(visits: Browsing, room: str, title: str) -> None:
    """An empty score with a title."""
    answer = await make(visits.server, room, title=title, template="solo", measures=4)
    assert answer.is_success


def heading(visitor: Visitor) -> Locator:
    """The title over the score."""
    return visitor.page.get_by_role("heading", level=1)


async def write_a_title(anna: Visitor, ben: Visitor) -> None:
    """Enter, and going elsewhere, keep what was written; Escape does not; undo takes it back."""
    await anna.part("title").click()
    field = anna.part("title-field")
    await expect(field).to_have_accessible_name("Title")
    await expect(field).to_be_focused()
    assert await violations(anna) == []
    await anna.page.keyboard.type("Ave verum, 短歌")  # over what was there
    await anna.page.keyboard.press("Enter")
    for visitor in (anna, ben):
        await expect(heading(visitor)).to_have_text("Ave verum, 短歌")
        await expect(visitor.page).to_have_title("Ave verum, 短歌 – BandPro")
        await expect(visitor.part("opened")).to_contain_text("Ave verum, 短歌")
    await expect(anna.part("surface")).to_be_focused()
    await anna.page.keyboard.press("Control+z")
    await expect(heading(ben)).to_have_text("Hymn")
    await anna.page.keyboard.press("Control+Shift+z")
    await expect(heading(ben)).to_have_text("Ave verum, 短歌")
    await ben.part("title").press("Enter")
    await ben.page.keyboard.type("Not this one")
    await ben.page.keyboard.press("Escape")
    await expect(heading(ben)).to_have_text("Ave verum, 短歌")
    await ben.part("title").press("Enter")
    await ben.page.keyboard.type("Av")
    # Another window takes the focus and gives it back: what is half written is no title.
    await ben.page.evaluate(
        "() => { document.hasFocus = () => false; document.activeElement.blur(); }"
    )
    await ben.page.evaluate("() => { delete document.hasFocus; }")
    await expect(heading(ben)).to_have_text("Ave verum, 短歌")
    await ben.part("title-field").focus()
    await ben.page.keyboard.press("End")
    await ben.page.keyboard.type("e")
    await ben.part("saved-state").click()
    await expect(heading(anna)).to_have_text("Ave")
    # None of it was taken for notes.
    for visitor in (anna, ben):
        await expect(visitor.part("sheet").locator(".note")).to_have_count(0)


async def write_too_much_and_nothing(anna: Visitor, ben: Visitor) -> None:
    """The field says where a title ends; without one a score is untitled."""
    await anna.part("title").click()
    await anna.page.keyboard.insert_text("x" * 300)
    await expect(anna.page.get_by_text("A title has at most 200 characters.")).to_be_visible()
    await anna.page.keyboard.press("Enter")
    await expect(heading(ben)).to_have_text("x" * 200)
    await anna.part("title").click()
    await anna.page.keyboard.press("Delete")
    await anna.page.keyboard.press("Enter")
    await expect(heading(ben)).to_have_text("Untitled")
    await anna.part("title").click()
    await anna.page.keyboard.type("Ave verum")
    await anna.page.keyboard.press("Enter")
    await anna.expect_saved()


async def test_the_title_is_written_over_the_score(server: Server, browser: Browser) -> None:
    """Whoever may edit writes it; all see it at once, and lists have it.

    Bears EDITOR-13 and, in a browser, SCO-19.
    """
    async with browsing(server, browser) as visits:
        await make_score(visits, ROOM, "Hymn")
        anna = await opened(visits, "Anna", room=ROOM)
        ben = await opened(visits, "Ben", room=ROOM)
        await write_a_title(anna, ben)
        await write_too_much_and_nothing(anna, ben)
        await anna.page.get_by_role("link", name="BandPro").click()
        await expect(anna.part("scores")).to_contain_text("Ave verum")
        other = await visits.open("/")
        while "Ave verum" not in await other.part("scores").inner_text():
            await other.page.reload()
            await expect(other.part("scores")).to_contain_text(ROOM)
        # Nobody edits an archived score, not even with a field that was open before.
        await ben.part("title").press("Enter")
        assert (await change(server, ROOM, None, is_archived=True)).is_success
        await expect(ben.part("title-field")).to_have_count(0)
        await expect(ben.part("title")).to_have_count(0)
        await expect(heading(ben)).to_have_text("Ave verum")
        assert (await change(server, ROOM, None, is_archived=False)).is_success
        await expect(ben.part("title")).to_have_text("Ave verum")


async def late(route: Route) -> None:
    """Give a request to the server after the page had time for what it does meanwhile."""
    await asyncio.sleep(0.5)
    await route.continue_()


async def test_the_list_renames_and_archives(server: Server, browser: Browser) -> None:
    """What is renamed is so for all who have it open; what is archived is taken back.

    Bears EDITOR-17.
    """
    room = "e2e/listed"
    async with browsing(server, browser) as visits:
        await make_score(visits, room, "Sketch")
        anna = await opened(visits, "Anna", room=room)
        # Who comes from the score: its title in the list is not the one with which it was left.
        visitor = await opened(visits, "Carl", room=room)
        await visitor.page.get_by_role("link", name="BandPro").click()
        rows = visitor.part("scores").get_by_role("listitem").filter(has_text=room)
        await visitor.page.get_by_role("button", name="Rename “Sketch”").click()
        await expect(visitor.part("title-field")).to_be_focused()
        assert await violations(visitor) == []
        await visitor.page.keyboard.type("Sonata")
        await visitor.page.keyboard.press("Enter")
        await expect(rows.get_by_role("link")).to_have_text("Sonatae2e/listed")
        await expect(heading(anna)).to_have_text("Sonata")
        archive = visitor.page.get_by_role("button", name="Archive “Sonata”")
        await expect(visitor.page.get_by_role("button", name="Rename “Sonata”")).to_be_focused()
        await archive.click()
        await expect(rows).to_have_count(0)
        await expect(anna.part("title")).to_have_count(0)
        await expect(visitor.page.get_by_role("button", name="Take back")).to_be_focused()
        assert await violations(visitor) == []
        await visitor.page.keyboard.press("Enter")
        await expect(rows).to_have_count(1)
        await expect(visitor.part("archive")).to_be_focused()
        await expect(anna.part("title")).to_have_text("Sonata")
        await expect(rows.get_by_role("link")).to_have_text("Sonatae2e/listed")
        # Who looks into the other list before the server has answered finds the score there.
        await visitor.page.route("**/v1/scores/*", late)
        await archive.click()
        await visitor.part("archive").check()
        await visitor.page.get_by_role("button", name="Take back “Sonata”").click()
        await visitor.part("archive").uncheck()
        await expect(rows.get_by_role("link")).to_have_text("Sonatae2e/listed")
        await expect(anna.part("title")).to_have_text("Sonata")
        await visitor.page.unroute_all(behavior="wait")
        # A title that is still on its way is written, and the score is archived after it.
        await visitor.page.get_by_role("button", name="Rename “Sonata”").click()
        await visitor.page.keyboard.type("Rondo")
        await archive.click()
        await expect(rows).to_have_count(0)
        await expect(heading(anna)).to_have_text("Rondo")
        await expect(anna.part("title")).to_have_count(0)
        await expect(rows).to_have_count(0)
