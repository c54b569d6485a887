"""Scripted editors: what somebody does to a score in a browser, drawn by lot, as fast as people."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from playwright.async_api import expect
from pycrdt import Doc

from bandpro_client.facets import LiveFacets
from collab.protocol.state_vector import decode_state_vector
from tests.e2e.browsing import Browsing, Visitor
from tests.e2e.kept import kept_updates

BETWEEN_S: Final = (1.0, 3.0)
OFFLINE_S: Final = (2.0, 6.0)
# In CSS pixels from the window's upper and lower edge: bars that stay there lie over the notes.
EDGES: Final = (130, 60)
WORDS: Final = ("la", "le", "li", "lo", "mor", "gen", "stern")
# A point on each thing of a kind that can be seen and pointed at.
IN_SIGHT: Final = """(sheet, [kind, above, below]) => [...sheet.querySelectorAll(kind)]
  .map(each => (each.querySelector('.notehead') ?? each).getBoundingClientRect())
  .map(({x, y, width, height}) => [x + width / 2, y + height / 2])
  .filter(([x, y]) => x > 0 && x < innerWidth && y > above && y < innerHeight - below)"""
# The notes of each measure that is drawn.
DRAWN: Final = """sheet => [...sheet.querySelectorAll('g.measure')].map(measure =>
  [measure.id, [...measure.querySelectorAll('.note')].map(note => note.id).sort()])"""

Facts = Mapping[str, Mapping[str, object]]
"""A document's entries: facet to key to value."""


class Editor:
    """Somebody who works in a score for a while.

    Args:
        visits: to the server.
        visitor: with the score open and drawn.
        name: theirs.
        draw: decides all that they do.

    Attributes:
        done: how often they did what.
        comments: the texts of theirs.
    """

    def __init__(self, visits: Browsing, visitor: Visitor, name: str, draw: random.Random) -> None:
        self.visitor = visitor
        self.name = name
        self.done: Counter[str] = Counter()
        self.comments: list[str] = []
        self._visits = visits
        self._draw = draw
        self._is_online = True
        self._actions: Mapping[Callable[[], Awaitable[None]], int] = {
            self._point: 20,
            self._walk: 15,
            self._change: 25,
            self._write: 20,
            self._rest: 4,
            self._tie_or_slur: 8,
            self._say_how_loud: 5,
            self._sing: 5,
            self._take_back: 10,
            self._comment: 1,
            self._leaf: 8,
        }

    async def work(self, until_s: float, *, offline: int = 0, reloads: int = 0) -> None:
        """Do one thing after the other.

        Args:
            until_s: the end, by `time.monotonic`.
            offline: how often the network goes for some seconds, spread over the time.
            reloads: how often they load the page anew.
        """
        begun_s = time.monotonic()
        turns = [self._go_without_network] * offline + [self._reload] * reloads
        self._draw.shuffle(turns)
        due = [
            (begun_s + (until_s - begun_s) * (number + 0.5) / len(turns), turn)
            for number, turn in enumerate(turns)
        ]
        while due or time.monotonic() < until_s:
            if due and time.monotonic() >= due[0][0]:
                await due.pop(0)[1]()
            await self._do_something()

    async def _do_something(self) -> None:
        await asyncio.sleep(self._draw.uniform(*BETWEEN_S))
        (action,) = self._draw.choices(list(self._actions), list(self._actions.values()))
        await action()
        self.done[action.__name__.strip("_")] += 1

    async def _press(self, *keys: str) -> None:
        for key in keys:
            await self.visitor.part("surface").press(key)

    async def _point(self, kind: str = ".note, .rest") -> None:
        places = await self.visitor.part("sheet").evaluate(IN_SIGHT, [kind, *EDGES])
        if places:
            await self.visitor.page.mouse.click(*self._draw.choice(places))

    async def _walk(self) -> None:
        await self._press(
            *[self._draw.choice(["ArrowLeft", "ArrowRight"])] * self._draw.randint(1, 4)
        )

    async def _change(self) -> None:
        await self._point(".note")
        await self._press(self._draw.choice(["ArrowUp", "ArrowDown", "+", "-", "="]))

    async def _write(self) -> None:
        """Into an empty measure, where one is in sight; otherwise it gives notes other pitches."""
        await self._point(".mRest")
        await self._press(self._draw.choice("345"))
        await self._press(*self._draw.choices("abcdefg", k=self._draw.randint(1, 4)))

    async def _rest(self) -> None:
        await self._press("0")

    async def _tie_or_slur(self) -> None:
        await self._point(".note")
        await self._press(*self._draw.choice([["t"], ["Shift+ArrowRight", "s"]]))

    async def _say_how_loud(self) -> None:
        await self._point(".note")
        choice = self.visitor.page.get_by_label("Dynamics")
        await choice.select_option(self._draw.choice(["pp", "mp", "f", "ff"]))

    async def _sing(self) -> None:
        await self._point(".note")
        await self._press("l")
        # Where nothing was to point at, there may be no note to put words under.
        field = self.visitor.part("lyric")
        if await field.count() > 0:
            await field.fill(self._draw.choice(WORDS))
            await field.press("Enter")

    async def _take_back(self) -> None:
        await self._press("Control+z")
        if self._draw.random() < 0.5:
            await self._press("Control+Shift+z")

    async def _comment(self) -> None:
        if not self._is_online:
            return
        comments = self.visitor.part("comments")
        if await comments.count() == 0:
            await self.visitor.part("open-comments").locator("summary").click()
        text = f"{self.name} asks, no. {len(self.comments) + 1:03}"
        await comments.locator("textarea").fill(text)
        await comments.get_by_role("button", name="Comment", exact=True).click()
        await expect(comments.get_by_role("listitem").filter(has_text=text)).to_have_count(1)
        self.comments.append(text)
        await self._leaf()

    async def _leaf(self) -> None:
        rows = self.visitor.part("sheet").locator("[data-row]")
        row = rows.nth(self._draw.randrange(await rows.count()))
        await row.scroll_into_view_if_needed()

    async def _go_without_network(self) -> None:
        saved = self.visitor.part("saved-state")
        await self._visits.cut_off(self.visitor)
        self._is_online = False
        await expect(saved).to_have_attribute("data-state", "offline")
        end_s = time.monotonic() + self._draw.uniform(*OFFLINE_S)
        while time.monotonic() < end_s:
            await self._do_something()
        await self._visits.give_back(self.visitor)
        self._is_online = True
        self.done["offline"] += 1

    async def _reload(self) -> None:
        await self.visitor.expect_saved()
        await self.visitor.page.reload()
        await self.see_the_score()
        self.done["reload"] += 1

    async def see_the_score(self) -> None:
        """Take a name, and wait until some of the score is drawn and all is saved."""
        await self.visitor.part("own-name").fill(self.name)
        await expect(self.visitor.part("sheet").locator(".note").first).to_be_visible()
        await self.visitor.expect_saved()

    async def document(self) -> tuple[Mapping[int, int], Facts]:
        """What the page holds, as it keeps it: clock by client, and all entries."""
        doc: Doc[Any] = Doc()
        live = LiveFacets(doc)
        for update in await kept_updates(self.visitor.page):
            doc.apply_update(update)
        return state_of(doc), {name: dict(entries) for name, entries in live.read().items()}

    async def drawn(self) -> dict[str, list[str]]:
        """Ids of the notes that are drawn, by measure."""
        return dict(await self.visitor.part("sheet").evaluate(DRAWN))


def state_of(doc: Doc[Any]) -> Mapping[int, int]:
    """How much of each client is in a document."""
    return decode_state_vector(doc.get_state())
