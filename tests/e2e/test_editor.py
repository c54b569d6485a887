"""The web editor in a real browser, against a real server."""

import asyncio
import json
import re
from base64 import b64encode
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from lxml import etree
from playwright.async_api import Browser, expect

from tests.e2e.browsing import Browsing, Visitor, browsing
from tests.e2e.kept import until_kept
from tests.support.nodes import metric, until_metric
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

ROOM: Final = "e2e/tune"
COUNTED: Final = "bandpro_client_seconds_count"
AXE: Final = Path("clients/node_modules/axe-core/axe.min.js")
# The hymn to joy as one types it: 3 to 7 are note values, `.` a dot, `<` and `>` change the octave.
BEGINNING: Final = "5eefg gfed ccde .e4d6d 5eefg gfed ccde .d4c6c"
END: Final = "5ddec d4ef5ec d4ef5ed cd6g< 5e>efg gfed ccde .d4c6c"
# The same as a singer counts it: pitch and length in quarter notes, measure by measure.
_LINE: Final = "E5 E5 F5 G5 | G5 F5 E5 D5 | C5 C5 D5 E5"
FIRST_HALF: Final = f"{_LINE} | E5:3/2 D5:1/2 D5:2 | {_LINE} | D5:3/2 C5:1/2 C5:2"
SECOND_HALF: Final = (
    "D5 D5 E5 C5 | D5 E5:1/2 F5:1/2 E5 C5 | D5 E5:1/2 F5:1/2 E5 D5 | C5 D5 G4:2 | "
    f"{_LINE} | D5:3/2 C5:1/2 C5:2"
)
NOTES_OF_HALF: Final = len(FIRST_HALF.replace("|", "").split())
NOTES: Final = NOTES_OF_HALF + len(SECOND_HALF.replace("|", "").split())
# A standard MIDI file: one track, 96 ticks a quarter, the quarters C4 and D4.
MIDI: Final = bytes.fromhex(
    "4d546864 00000006 0000 0001 0060 4d54726b 00000014"
    "00 903c40 60 803c00 00 903e40 60 803e00 00 ff2f00"
)
# Lets go of a file over the page, as somebody does who drags it in.
LET_GO: Final = """(target, [name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  for (const kind of ["dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer}));
  }
}"""
# What the picture holds, whatever the engraver calls its own parts of it.
DRAWN: Final = """sheet => [...sheet.querySelectorAll('.note')].map(note => note.id).sort()"""


async def make_score(visits: Browsing) -> None:
    """An empty score of sixteen measures, by the page; its policy lets no script in."""
    visitor = await visits.open("/")
    answer = await visitor.page.request.get(visits.server.url)
    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "'unsafe-eval'" not in policy
    await visitor.page.request.post(
        f"{visits.server.url}/v1/scores",
        data=json.dumps({"room": ROOM, "title": "Hymn", "template": "solo", "measures": 16}),
        headers={"content-type": "application/json"},
    )
    await visitor.page.context.close()


async def opened(
    visits: Browsing, name: str, was: Visitor | None = None, room: str = ROOM
) -> Visitor:
    """Somebody with a name at the tune, something of it drawn; in the profile that they had."""
    place = f"/#/{quote(room, safe='')}"
    visitor = await (visits.open(place) if was is None else visits.reopen(was, place))
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


async def typed(visitor: Visitor, keys: str) -> None:
    """Press keys at the score, one after the other."""
    surface = visitor.part("surface")
    named = {"<": "Control+ArrowDown", ">": "Control+ArrowUp"}
    for key in keys.replace(" ", ""):
        await surface.press(named.get(key, key))


async def violations(visitor: Visitor) -> list[dict[str, Any]]:
    """What axe finds wrong with what is shown."""
    # Played in by the driver: the page's own policy would let no such script in.
    await visitor.page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = await visitor.page.evaluate(
        "async () => (await axe.run()).violations.map(each => ({id: each.id, "
        "nodes: each.nodes.map(node => node.html).slice(0, 5)}))"
    )
    return found


async def dropped(visitor: Visitor, name: str, content: bytes) -> None:
    """Let go of a file over the list of scores."""
    file = [name, b64encode(content).decode()]
    await visitor.part("drop").evaluate(LET_GO, file)


async def bring_files(visits: Browsing) -> None:
    """What is no music is told with what to do; a MIDI file becomes a score."""
    visitor = await visits.open("/")
    await expect(visitor.part("scores")).to_contain_text("Hymn")
    await visitor.page.get_by_role("searchbox").fill("was hast du")
    await expect(visitor.part("scores").get_by_role("link")).to_have_text(
        ["Herzliebster Jesu, was hast du verbrochendemo/chorale"]
    )
    told = visitor.part("import-state")
    await dropped(visitor, "programme.pdf", b"%PDF-1.7")
    await expect(told).to_contain_text("Take MusicXML")
    await dropped(visitor, "broken.mid", b"MThd and nothing behind it")
    await expect(told).to_contain_text("broken.mid could not be read")
    await expect(told).to_contain_text("save it as MusicXML")
    assert await violations(visitor) == []
    # Nothing is left of it.
    await visitor.page.reload()
    await expect(visitor.part("scores")).to_contain_text("Hymn")
    await expect(visitor.part("scores")).not_to_contain_text("broken")
    await dropped(visitor, "two notes.mid", MIDI)
    await drawn(visitor, 2)
    # It says no title, so it is called as its file is.
    await expect(visitor.part("opened")).to_contain_text(
        re.compile(r"^two notes scores/two-notes-")
    )
    await expect(visitor.page).to_have_title("two notes – BandPro")
    await visitor.part("surface").focus()
    await expect(visitor.part("selection")).to_contain_text("C4")
    # A second voice under it.
    await visitor.part("surface").press("Control+Alt+Digit2")
    await expect(visitor.part("selection")).to_contain_text("Voice 2")
    await typed(visitor, "6e")
    await drawn(visitor, 3)
    await visitor.page.context.close()


async def write_at_once(anna: Visitor, ben: Visitor) -> None:
    """Each writes a half of the tune while the other writes; the measure too many goes again."""
    await anna.part("sheet").locator(".mRest").nth(0).click()
    await ben.part("sheet").locator(".mRest").nth(8).click()
    await asyncio.gather(typed(anna, BEGINNING), typed(ben, END))
    await ben.part("delete-measure").click()
    for visitor in (anna, ben):
        await visitor.expect_saved()
        await expect(visitor.part("sheet").locator(".mRest")).to_have_count(0)
    assert await drawn(anna, NOTES) == await drawn(ben, NOTES)


async def change_and_undo(anna: Visitor, ben: Visitor) -> None:
    """What one person undoes is that person's own, for both."""
    await anna.part("surface").press("Control+z")
    assert await drawn(anna, NOTES - 1) == await drawn(ben, NOTES - 1)
    await anna.part("surface").press("Control+Shift+z")
    assert await drawn(ben, NOTES) == await drawn(anna, NOTES)
    await ben.part("sheet").locator(".note").nth(0).click()
    # Ben's frame with his name stands in Anna's picture.
    await expect(anna.part("sheet").locator(".peer")).to_contain_text("Ben")
    await ben.part("surface").press("ArrowUp")
    await expect(ben.part("selection")).to_contain_text("F5")
    await ben.part("surface").press("+")
    # The F after it in the measure needs a natural now.
    await expect(anna.part("sheet").locator(".note .accid")).to_have_count(2)
    await ben.part("surface").press("Control+z")
    await ben.part("surface").press("Control+z")
    await expect(anna.part("sheet").locator(".note .accid")).to_have_count(0)


async def write_offline(visits: Browsing, anna: Visitor, ben: Visitor) -> Visitor:
    """What both wrote while one of them had no connection is there for both afterwards.

    Though that one closed the page before the connection was back.
    """
    await visits.cut_off(anna)
    await expect(anna.part("saved-state")).to_have_attribute("data-state", "offline")
    await expect(anna.page.get_by_role("alert").first).to_be_visible()
    await anna.part("sheet").locator(".note").nth(NOTES_OF_HALF - 1).click()
    kept = await until_kept(anna.page, lambda rows: len(rows) > 0)
    await anna.part("surface").press("Delete")
    deleted = await until_kept(anna.page, lambda rows: len(rows) > len(kept))
    await drawn(anna, NOTES - 1)
    await typed(anna, "6c")
    await expect(anna.part("saved-state")).not_to_have_attribute("data-unsaved", "0")
    await until_kept(anna.page, lambda rows: len(rows) > len(deleted))
    (new,) = set(await drawn(anna, NOTES)) - set(await drawn(ben, NOTES))
    await ben.part("sheet").locator(".note").nth(NOTES - 1).click()
    await ben.part("surface").press("ArrowUp")
    anna = await opened(visits, "Anna", was=anna)
    await expect(ben.part("sheet").locator(f'[id="{new}"]')).to_be_visible()
    assert await drawn(ben, NOTES) == await drawn(anna, NOTES)
    await anna.part("sheet").locator(".note").nth(NOTES - 1).click()
    await expect(anna.part("selection")).to_contain_text("D5")
    await ben.part("surface").press("Control+z")
    await expect(anna.part("selection")).to_contain_text("C5")
    return anna


async def follow_and_listen(anna: Visitor, ben: Visitor) -> None:
    """Where somebody goes whom one follows, the page goes too, until one scrolls; notes sound."""
    await anna.page.set_viewport_size({"width": 700, "height": 600})
    await ben.part("sheet").locator(".note").nth(0).click()
    follow = anna.part("people").get_by_role("button", name="Ben")
    await follow.click()
    await ben.part("sheet").locator(".note").nth(NOTES - 1).click()
    await expect(anna.part("sheet").locator(".peer").first).to_be_in_viewport()
    await expect(follow).to_have_attribute("aria-pressed", "true")
    await anna.page.mouse.wheel(0, -5_000)
    await expect(follow).to_have_attribute("aria-pressed", "false")
    await anna.page.set_viewport_size({"width": 1400, "height": 900})
    await anna.part("surface").press("Space")
    await expect(anna.part("sheet").locator(".is-playing")).to_have_count(1)
    await anna.part("surface").press("Space")
    await expect(anna.part("sheet").locator(".is-playing")).to_have_count(0)


async def speak_of_a_note(speaker: Visitor, reader: Visitor) -> None:
    """Somebody comments on the selected note, and the other one sees that in the picture."""
    await speaker.part("sheet").locator(".note").nth(0).click()
    await speaker.part("open-comments").locator("summary").click()
    comments = speaker.part("comments")
    await comments.get_by_role("textbox", name="About the selected note").fill("So high?")
    await comments.get_by_role("button", name="Comment", exact=True).click()
    await expect(comments.get_by_role("listitem")).to_contain_text("So high?")
    await expect(reader.part("sheet").locator(".has-comment")).to_have_count(1)
    await settle_and_reopen(speaker, reader)


async def settle_and_reopen(speaker: Visitor, reader: Visitor) -> None:
    """What is settled goes for both, is found by either on demand, and comes back the same way."""
    threads = speaker.part("comments").get_by_role("listitem")
    await threads.get_by_role("button", name="Resolve").click()
    await expect(reader.part("sheet").locator(".has-comment")).to_have_count(0)
    await expect(threads).to_have_count(0)  # nobody has asked for it
    await reader.part("open-comments").locator("summary").click()
    resolved = reader.part("resolved")
    await reader.page.get_by_role("button", name="中文").click()
    await expect(resolved.locator("summary")).to_have_text("已解決（1）")
    await reader.page.get_by_role("button", name="English").click()
    await expect(resolved.locator("summary")).to_have_text("Resolved (1)")
    await expect(resolved.get_by_role("listitem")).to_have_count(0)
    await resolved.locator("summary").press("Enter")
    await expect(resolved.get_by_role("listitem")).to_contain_text("So high?")
    await expect(resolved.get_by_role("listitem")).to_contain_text("Resolved by Somebody")
    assert await violations(reader) == []
    await resolved.get_by_role("button", name="Reopen").click()
    await expect(resolved).to_have_count(0)
    await expect(threads).to_contain_text("So high?")
    await expect(reader.part("sheet").locator(".has-comment")).to_have_count(1)
    await reader.part("open-comments").locator("summary").click()


async def keep_and_restore(keeper: Visitor, other: Visitor) -> None:
    """What the other one deleted is shown beside a version that was kept, and had back by it."""
    await keeper.part("open-versions").locator("summary").click()
    versions = keeper.part("versions")
    await versions.get_by_role("textbox").fill("As sung")
    await versions.get_by_role("button", name="Keep", exact=True).click()
    kept = versions.get_by_role("listitem").filter(has_text="As sung")
    await expect(kept).to_have_count(1)
    await other.part("sheet").locator(".note").nth(3).click()
    await other.part("surface").press("Delete")
    assert await drawn(keeper, NOTES - 1) == await drawn(other, NOTES - 1)
    await other.expect_saved()
    await kept.get_by_role("button", name="Compare").click()
    differences = versions.get_by_test_id("differences")
    await expect(differences.get_by_role("listitem").first).to_contain_text("Measure 1")
    await expect(differences).to_contain_text("Removed G5 quarter")
    await differences.get_by_role("button", name="Before").click()
    await expect(keeper.part("sheet").locator(".is-removed")).to_have_count(1)
    # Nothing is written while the score is shown as it was.
    await expect(keeper.page.locator(".palette[inert]")).to_be_visible()
    assert await violations(keeper) == []
    await kept.get_by_role("button", name="Restore").click()
    await expect(differences).to_have_count(0)
    assert await drawn(keeper, NOTES) == await drawn(other, NOTES)


async def exported(visitor: Visitor, form: str) -> bytes:
    """The file that the page has made of the score."""
    async with visitor.page.expect_download() as started:
        await visitor.part("export").select_option(form)
    path = await (await started.value).path()
    return path.read_bytes()


def sung(musicxml: bytes) -> str:
    """The notes of a file with one voice, in the form of the halves above."""
    root = etree.fromstring(musicxml)
    divisions = Fraction(root.findtext(".//divisions") or "1")
    measures = []
    for measure in root.iter("measure"):
        notes = []
        for note in measure.iter("note"):
            pitch = f"{note.findtext('pitch/step')}{note.findtext('pitch/octave')}"
            length = Fraction(note.findtext("duration") or "0") / divisions
            notes.append(pitch if length == 1 else f"{pitch}:{length}")
        measures.append(" ".join(notes))
    return " | ".join(measures)


async def take_files(visitor: Visitor) -> None:
    """The files hold the tune; who leaves before one is there does not want it any more."""
    assert sung(await exported(visitor, "musicxml")) == f"{FIRST_HALF} | {SECOND_HALF}"
    pdf = await exported(visitor, "pdf")
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    async with visitor.page.expect_response(re.compile(r"/exports$")):
        await visitor.part("export").select_option("wav")
    async with visitor.page.expect_response(re.compile(r"/cancel$")) as told:
        await visitor.page.get_by_role("link", name="BandPro").click()
    assert (await told.value).ok
    await expect(visitor.part("scores")).to_be_visible()


async def allow_measures(server: Server, anna: Visitor, ben: Visitor) -> None:
    """Of two pages, both of them opened and edited, one reports: the edit that comes after."""
    await ben.part("open-measuring").locator("summary").click()
    await expect(ben.part("measuring")).not_to_be_checked()
    await expect(ben.part("open-measuring")).to_contain_text("no content, no names")
    assert await violations(ben) == []
    await ben.part("measuring").check()
    await ben.part("surface").press("f")
    await drawn(ben, 4)
    await ben.expect_saved()
    for visitor in (anna, ben):
        await visitor.page.goto("about:blank")
    for kind in ("edit_shown", "edit_saved"):
        await until_metric(server, COUNTED, 1, kind=kind)
        assert (kind, await metric(server, COUNTED, kind=kind)) == (kind, 1)
    assert await metric(server, COUNTED, kind="opened") == 0


async def test_two_people_write_a_tune_by_keyboard(server: Server, browser: Browser) -> None:
    """The same music is engraved for both, whatever happens in between.

    Bears EDITOR-1, EDITOR-2, EDITOR-3, EDITOR-4, EDITOR-5, EDITOR-6, EDITOR-7
    and EDITOR-8.
    """
    async with browsing(server, browser) as visits:
        await make_score(visits)
        await bring_files(visits)
        anna = await opened(visits, "Anna")
        ben = await opened(visits, "Ben")
        await expect(anna.part("people")).to_contain_text("Ben")
        await write_at_once(anna, ben)
        await change_and_undo(anna, ben)
        anna = await write_offline(visits, anna, ben)
        await follow_and_listen(anna, ben)
        await speak_of_a_note(ben, anna)
        await keep_and_restore(ben, anna)
        for visitor in (anna, ben):
            assert await violations(visitor) == []
        await take_files(ben)


async def test_a_long_score_is_drawn_where_it_is_looked_at(
    server: Server, browser: Browser
) -> None:
    """Rows out of sight are not drawn; what somebody writes at the end is seen by both.

    Bears EDITOR-9 and, with what was edited before, EDITOR-11.
    """
    room = "e2e/long"
    async with browsing(server, browser) as visits:
        maker = await visits.open("/")
        await maker.page.request.post(
            f"{server.url}/v1/scores",
            data=json.dumps({"room": room, "template": "string-quartet", "measures": 120}),
            headers={"content-type": "application/json"},
        )
        await maker.page.context.close()
        anna = await opened(visits, "Anna", room=room)
        ben = await opened(visits, "Ben", room=room)
        for visitor in (anna, ben):
            rows = visitor.part("sheet").locator("[data-row]")
            last = rows.last
            assert await rows.count() > 8
            await expect(rows.first.locator("> svg")).to_be_visible()
            await expect(last.locator("> svg")).to_have_count(0)
            await last.scroll_into_view_if_needed()
            await expect(last.locator("> svg")).to_be_visible()
            await expect(rows.first.locator("> svg")).to_have_count(0)
        await ben.part("sheet").locator("[data-row]").last.locator(".mRest").last.click()
        await ben.part("surface").press("5")
        await ben.part("surface").press_sequentially("cde")
        assert await drawn(anna, 3) == await drawn(ben, 3)
        await expect(anna.part("sheet").locator("[data-row]").last.locator(".peer")).to_have_count(
            1
        )
        # Nothing is left of the notes that were shown before they were engraved.
        await expect(ben.part("sheet").locator(".entered")).to_have_count(0)
        await allow_measures(server, anna, ben)
