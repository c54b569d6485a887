"""A real Chromium on the page that the server serves, and what it asked for and complained of."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote, urlsplit

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    async_playwright,
    expect,
)

from tests.support.server import Server

WITHIN_MS: Final = 20_000
ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# The browser itself complains of a server that is down; no page can keep it from doing so.
OUTAGE: Final = re.compile(
    r"WebSocket connection to .* failed|net::ERR_(CONNECTION_(REFUSED|RESET)|EMPTY_RESPONSE)"
)
# And of a network that is gone, at each try to come back: where is the room at home, then the room.
OFFLINE: Final = re.compile(
    r"WebSocket connection to .* failed|net::ERR_INTERNET_DISCONNECTED .*/v1/rooms/[^/]+/node'"
)
# Nor of one that refuses.
REFUSAL: Final = re.compile(r"responded with a status of 40[13]")


class Visitor:
    """One person with a browser profile of their own, in one room."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def part(self, name: str) -> Locator:
        """A part of the page by its handle for tests."""
        return self.page.get_by_test_id(name)

    def note(self, name: str) -> Locator:
        """A note of the score strip."""
        return self.page.locator(f'[data-note="{name}"]')

    def row(self, path: str) -> Locator:
        """A row of the tree."""
        return self.page.locator(f'[data-path="{path}"]')

    async def expect_state(self, state: str) -> None:
        """Wait until the connection is in a state."""
        await expect(self.part("connection-state")).to_have_attribute("data-state", state)

    async def expect_saved(self) -> None:
        """Wait until every edit of this visitor is said to be on the server's disk."""
        await expect(self.part("saved-state")).to_have_attribute("data-state", "saved")
        await expect(self.part("saved-state")).to_have_attribute("data-unsaved", "0")

    async def expect_live(self) -> None:
        """Wait until the room is open, up to date and saved."""
        await self.expect_state("live")
        await self.expect_saved()

    async def call_oneself(self, name: str) -> None:
        """Take a name."""
        await self.part("own-name").click()
        await self.part("own-name-input").fill(name)
        await self.part("own-name-input").press("Enter")
        await expect(self.part("own-name")).to_contain_text(name)

    async def go_offline(self) -> None:
        """Use the switch in the panel behind the connection's state."""
        await self.part("connection-state").click()
        await self.part("go-offline").click()
        await self.expect_state("paused")
        await self.page.keyboard.press("Escape")

    async def go_online(self) -> None:
        """Use the button of the notice that one is offline."""
        await self.page.get_by_role("button", name="Go online").click()
        await self.expect_state("live")


class Browsing:
    """Visitors to one server; notes every request, every complaint and every uncaught error."""

    def __init__(self, server: Server, browser: Browser) -> None:
        self.server = server
        self.browser = browser
        self.profiles: list[BrowserContext] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.outage_expected = False
        self.refusals_expected = False
        self._offline: set[BrowserContext] = set()

    async def visit(
        self, room: str | None = None, *, state: str = "live", scheme: str = "light"
    ) -> Visitor:
        """Open a room in a profile of its own, and wait for a state of its connection.

        Args:
            room: its name; None for the address without a room.
            state: what `connection-state` is to say.
            scheme: what the system prefers, `light` or `dark`.
        """
        visitor = await self.open(
            "/inspect" if room is None else f"/inspect#/{quote(room)}", scheme=scheme
        )
        await visitor.expect_state(state)
        return visitor

    async def open(self, place: str, *, scheme: str = "light", width: int = 1400) -> Visitor:
        """Open an address of the server in a profile of its own.

        Args:
            place: its path and what follows.
            scheme: what the system prefers, `light` or `dark`.
            width: of the window, in CSS pixels.
        """
        context = await self.browser.new_context(
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": width, "height": 900},
        )
        self.profiles.append(context)
        context.set_default_timeout(WITHIN_MS)
        return await self._at(context, place)

    async def cut_off(self, visitor: Visitor) -> None:
        """Take the network from somebody until they get it back, or `reopen`.

        That the browser complains is expected.
        """
        context = visitor.page.context
        self._offline.add(context)
        await context.set_offline(True)

    async def give_back(self, visitor: Visitor) -> None:
        """Give somebody the network back, and wait until all that was edited meanwhile is saved."""
        context = visitor.page.context
        await context.set_offline(False)
        await visitor.expect_saved()
        self._offline.discard(context)

    async def reopen(self, visitor: Visitor, place: str) -> Visitor:
        """Close somebody's page, unasked, and open an address in the same profile, online."""
        context = visitor.page.context
        await visitor.page.close()
        self._offline.discard(context)
        await context.set_offline(False)
        return await self._at(context, place)

    def assert_clean(self) -> None:
        """Require that nothing was asked of another host, and that nobody complained."""
        ours = urlsplit(self.server.url).netloc
        assert self.requests, "requests were noted"
        elsewhere = [url for url in self.requests if urlsplit(url).netloc != ours]
        assert not elsewhere, elsewhere
        expected = [OUTAGE] * self.outage_expected + [REFUSAL] * self.refusals_expected
        complaints = [
            text for text in self.complaints if not any(each.search(text) for each in expected)
        ]
        assert not complaints, complaints

    async def _at(self, context: BrowserContext, place: str) -> Visitor:
        page = await context.new_page()
        self._watch(page)
        await page.goto(self.server.url + place)
        return Visitor(page)

    def _watch(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("console", lambda message: self._note(page.context, message))

    def _note(self, context: BrowserContext, message: ConsoleMessage) -> None:
        text = f"{message.text} ({message.location})"
        is_expected = context in self._offline and OFFLINE.search(text)
        if message.type in {"error", "warning"} and not is_expected:
            self.complaints.append(text)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser for the time of an `async with` block."""
    # Each profile of a whole Chromium is a window, which takes two seconds of a processor.
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is needed; `make chromium`")
    expect.set_options(timeout=WITHIN_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def browsing(server: Server, browser: Browser) -> AsyncIterator[Browsing]:
    """Visit a server for the time of an `async with` block; at its end, `assert_clean`.

    The browser may be others' as well: whoever visits has a profile, which is gone with the block.
    """
    visits = Browsing(server, browser)
    try:
        yield visits
        visits.assert_clean()
    finally:
        for profile in visits.profiles:
            await profile.close()
