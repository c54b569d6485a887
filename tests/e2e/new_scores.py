"""New scores in the web editor, for tests in which somebody writes into them."""

from typing import Final
from urllib.parse import quote

from playwright.async_api import expect

from tests.e2e.browsing import Browsing, Visitor
from tests.support.score_api import make

MEASURES: Final = 16


async def made(
    visits: Browsing,
    room: str,
    title: str,
    *,
    template: str = "voice-and-piano",
    measures: int = MEASURES,
) -> Visitor:
    """Somebody at a new score, all of it drawn."""
    answer = await make(visits.server, room, title=title, template=template, measures=measures)
    assert answer.is_success, answer.text
    return await joined(visits, room)


async def made_for_two(
    visits: Browsing, room: str, title: str, *, template: str = "voice-and-piano", measures: int
) -> tuple[Visitor, Visitor]:
    """Two people at a new score, all of it drawn for both."""
    first = await made(visits, room, title, template=template, measures=measures)
    return first, await joined(visits, room)


async def joined(visits: Browsing, room: str) -> Visitor:
    """Somebody else at a score that has an empty measure, drawn."""
    visitor = await visits.open(f"/#/{quote(room, safe='')}")
    await expect(visitor.part("sheet").locator(".mRest").first).to_be_visible()
    return visitor
