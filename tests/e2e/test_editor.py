"""The web editor in a real browser, against a real server."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from playwright.async_api import expect

from tests.e2e.browsing import Browsing, Visitor, browsing
from tests.support.server import Server, serving

pytestmark = pytest.mark.e2e

ROOM: Final = "e2e/tune"
AXE: Final = Path("clients/node_modules/axe-core/axe.min.js")
# What the picture holds, whatever the engraver calls its own parts of it.
DRAWN: Final = """sheet => [...sheet.querySelectorAll('.note')].map(note => note.id).sort()"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server as `make run` starts it."""
    with serving(tmp_path_factory.mktemp("editor")) as running:
        yield running


async def opened(visits: Browsing, name: str, room: str = ROOM) -> Visitor:
    """Somebody with a name at the tune, its first empty measure drawn."""
    visitor = await visits.open(f"/#/{quote(room, safe='')}")
    await visitor.part("own-name").fill(name)
    await expect(visitor.part("sheet").locator(".mRest, .note").first).to_be_visible()
    await visitor.expect_saved()
    return visitor


async def drawn(visitor: Visitor, count: int) -> list[str]:
    """Ids of the notes that are drawn, once they are so many."""
    sheet = visitor.part("sheet")
    await expect(sheet.locator(".note")).to_have_count(count)
    notes: list[str] = await sheet.evaluate(DRAWN)
    return notes


async def violations(visitor: Visitor) -> list[dict[str, Any]]:
    """What axe finds wrong with what is shown."""
    # Played in by the driver: the page's own policy would let no such script in.
    await visitor.page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = await visitor.page.evaluate(
        "async () => (await axe.run()).violations.map(each => ({id: each.id, "
        "nodes: each.nodes.map(node => node.html).slice(0, 5)}))"
    )
    return found


async def speak_of_a_note(speaker: Visitor, reader: Visitor) -> None:
    """Somebody comments on the selected note, and the other one sees that in the picture."""
    await speaker.part("sheet").locator(".note").nth(0).click()
    await speaker.part("open-comments").locator("summary").click()
    comments = speaker.part("comments")
    await comments.get_by_role("textbox", name="About the selected note").fill("So sharp?")
    await comments.get_by_role("button", name="Comment", exact=True).click()
    await expect(comments.get_by_role("listitem")).to_contain_text("So sharp?")
    await expect(reader.part("sheet").locator(".has-comment")).to_have_count(1)


async def keep_and_restore(keeper: Visitor, other: Visitor) -> None:
    """A version that one keeps is had back for both after the other one deleted a note."""
    await keeper.part("open-versions").locator("summary").click()
    versions = keeper.part("versions")
    await versions.get_by_role("textbox").fill("As sung")
    await versions.get_by_role("button", name="Keep", exact=True).click()
    kept = versions.get_by_role("listitem").filter(has_text="As sung")
    await expect(kept).to_have_count(1)
    await other.part("sheet").locator(".note").nth(3).click()
    await other.part("surface").press("Delete")
    assert await drawn(keeper, 9) == await drawn(other, 9)
    await other.expect_saved()
    await kept.get_by_role("button", name="Restore").click()
    assert await drawn(keeper, 10) == await drawn(other, 10)


async def exported(visitor: Visitor) -> int:
    """How many notes the file has that the page has made as MusicXML."""
    async with visitor.page.expect_download() as started:
        await visitor.part("export").select_option("musicxml")
    path = await (await started.value).path()
    return path.read_text(encoding="utf-8").count("<pitch>")


async def test_two_people_write_a_tune_by_keyboard(server: Server) -> None:
    """The same music is engraved for both, whatever happens in between.

    Bears EDITOR-1, EDITOR-2, EDITOR-3, EDITOR-4 and EDITOR-5.
    """
    async with browsing(server) as visits:
        maker = await visits.open("/")
        await maker.page.request.post(
            f"{server.url}/v1/scores",
            data=json.dumps({"room": ROOM, "title": "Tune", "template": "solo", "measures": 4}),
            headers={"content-type": "application/json"},
        )
        await maker.page.reload()
        await expect(maker.part("scores")).to_contain_text("Tune")
        assert await violations(maker) == []
        await maker.page.context.close()

        anna = await opened(visits, "Anna")
        ben = await opened(visits, "Ben")
        await expect(anna.part("people")).to_contain_text("Ben")
        # Anna writes the first measure as quarters, Ben the second as eighths and a half.
        await anna.part("sheet").locator(".mRest").nth(0).click()
        await anna.part("surface").press("5")
        await anna.part("surface").press_sequentially("cdef")
        await ben.part("sheet").locator(".mRest").first.click()
        await ben.part("surface").press("4")
        await ben.part("surface").press_sequentially("gagf")
        await ben.part("surface").press("6")
        await ben.part("surface").press("e")
        for visitor in (anna, ben):
            await visitor.expect_saved()
        assert await drawn(anna, 9) == await drawn(ben, 9)
        # Ben's frame with his name stands in Anna's picture.
        await expect(anna.part("sheet").locator(".peer")).to_contain_text("Ben")
        # What one person undoes is that person's own, for both.
        await anna.part("surface").press("Control+z")
        assert await drawn(anna, 8) == await drawn(ben, 8)
        await anna.part("surface").press("Control+Shift+z")
        assert await drawn(ben, 9) == await drawn(anna, 9)
        # A pitch by the arrows, a sharp, a tie into the next measure.
        await ben.part("sheet").locator(".note").nth(0).click()
        await ben.part("surface").press("ArrowUp")
        await expect(ben.part("selection")).to_contain_text(re.compile(r"D\d"))
        await ben.part("surface").press("+")
        # The D after it in the measure needs a natural now.
        await expect(anna.part("sheet").locator(".note .accid")).to_have_count(2)
        # Offline, and back: what was written meanwhile arrives.
        await anna.page.context.set_offline(True)
        await expect(anna.part("saved-state")).to_have_attribute("data-state", "offline")
        await expect(anna.page.get_by_role("alert").first).to_be_visible()
        await anna.part("sheet").locator(".mRest").first.click()
        await anna.part("surface").press("7")
        await anna.part("surface").press("c")
        await expect(anna.part("saved-state")).not_to_have_attribute("data-unsaved", "0")
        await anna.page.context.set_offline(False)
        await anna.expect_saved()
        assert await drawn(ben, 10) == await drawn(anna, 10)
        await speak_of_a_note(ben, anna)
        await keep_and_restore(ben, anna)
        for visitor in (anna, ben):
            assert await violations(visitor) == []
        assert await exported(ben) == 10
        visits.outage_expected = True
