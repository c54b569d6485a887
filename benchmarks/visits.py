"""Visits of the editor by a browser that nobody steers meanwhile.

What steers a browser in tests puts scripts of its own into each page and has every request told:
a tenth of what a first visit takes. So it is only told where to go, and asked afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

_BEGINS_WITHIN_S: Final = 10.0
_LISTENS: Final = re.compile(r"DevTools listening on (ws://\S+)")
_STILL_S: Final = 0.3
"""After a window was made."""
_VISIT_S: Final = 6.0
"""By then, the page has drawn, and has kept what it drew first."""
_FIRST: Final = """
new MutationObserver((_, observer) => {
  if (!document.querySelector('g.note')) return;
  observer.disconnect();
  // After the frame that shows it: a message comes when it has been painted.
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { window.first = performance.now(); };
    channel.port2.postMessage(null);
  });
}).observe(document, { subtree: true, childList: true });
"""


class NothingSeen(RuntimeError):
    """A browser did not begin, or a page showed no note in the time that it had."""


@dataclass(frozen=True, slots=True)
class Visited:
    """Seconds from the request for the page to the painted frame with the first notes.

    Attributes:
        first: of the first visit in each profile.
        second: of the next one in the same.
    """

    first: list[float]
    second: list[float]


async def visit(program: str, arguments: Sequence[str], address: str, visits: int) -> Visited:
    """Open a score in new profiles, and once more in each.

    Args:
        program: Chromium.
        arguments: how it is started.
        address: of the score.
        visits: how many profiles.

    Raises:
        NothingSeen: no note was drawn in time.
    """
    visited = Visited([], [])
    async with _browser(program, arguments) as browser:
        for _ in range(visits):
            profile = (await browser.call("Target.createBrowserContext", {}))["browserContextId"]
            for found in (visited.first, visited.second):
                found.append(await _visited(browser, profile, address))
            await browser.call("Target.disposeBrowserContext", {"browserContextId": profile})
    return visited


async def _visited(browser: _Browser, profile: str, address: str) -> float:
    window = {"url": "about:blank", "browserContextId": profile, "width": 1400, "height": 900}
    made = await browser.call("Target.createTarget", window)
    target = made["targetId"]
    attached = await browser.call("Target.attachToTarget", {"targetId": target, "flatten": True})
    page = attached["sessionId"]
    await browser.call("Page.enable", {}, page)
    await browser.call("Page.addScriptToEvaluateOnNewDocument", {"source": _FIRST}, page)
    await asyncio.sleep(_STILL_S)
    await browser.call("Page.navigate", {"url": address}, page)
    await asyncio.sleep(_VISIT_S)
    answer = await browser.call("Runtime.evaluate", {"expression": "window.first"}, page)
    await browser.call("Target.closeTarget", {"targetId": target})
    milliseconds = answer["result"].get("value")
    if milliseconds is None:
        raise NothingSeen(f"No note of {address} was drawn within {_VISIT_S:.0f} s.")
    return float(milliseconds) / 1000


class _Browser:
    """Calls of the DevTools protocol, one at a time; what happens meanwhile is passed over."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._calls = 0

    async def call(
        self, method: str, params: Mapping[str, object], session: str | None = None
    ) -> dict[str, Any]:
        self._calls += 1
        within = {} if session is None else {"sessionId": session}
        call = {"id": self._calls, "method": method, "params": params, **within}
        await self._connection.send(json.dumps(call))
        while True:
            answer = json.loads(await self._connection.recv())
            if answer.get("id") == self._calls:
                result: dict[str, Any] = answer["result"]
                return result


@asynccontextmanager
async def _browser(program: str, arguments: Sequence[str]) -> AsyncIterator[_Browser]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        own = [f"--user-data-dir={home}", "--remote-debugging-port=0", "about:blank"]
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            *own,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stderr is not None
        try:
            address = await _address(process.stderr)
            async with connect(address, max_size=None) as connection:
                yield _Browser(connection)
        finally:
            # All of it: some systems start it by a script, which would go alone.
            os.killpg(process.pid, signal.SIGTERM)
            await process.communicate()


async def _address(told: asyncio.StreamReader) -> str:
    """Where a browser that begins says that it takes calls."""
    async with asyncio.timeout(_BEGINS_WITHIN_S):
        async for line in told:
            if found := _LISTENS.search(line.decode()):
                return found[1]
    raise NothingSeen("The browser ended before it took calls.")
