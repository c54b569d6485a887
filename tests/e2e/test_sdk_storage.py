"""Where the TypeScript SDK keeps scores in a browser, in a real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest
from playwright.async_api import Page, Route

from tests.e2e.browsing import chromium
from tests.support.typescript import SDK, build_sdk

MODULE: Final = "/offline/indexed-db.js"
PAGE: Final = f"""<!doctype html><script type="module">
import {{ indexedDb }} from "{MODULE}";
const storage = indexedDb();
const merge = (updates) => Uint8Array.from(updates.flatMap((each) => [...each]));
window.storage = {{
  append: (key, bytes) => storage.append(key, Uint8Array.from(bytes)),
  read: async (key) => (await storage.read(key)).map((each) => [...each]),
  compact: (key) => storage.compact(key, merge),
  clear: (key) => storage.clear(key),
}};
</script>"""


@pytest.fixture
def module() -> str:
    """The storage as browsers load it; it imports nothing."""
    build_sdk()
    return (SDK / "dist" / MODULE[1:]).read_text(encoding="utf-8")


async def test_two_tabs_keep_one_score_in_a_browser(module: str) -> None:
    """SDK-10: What one appends while another compacts is kept, and a reload finds it."""
    bodies = {"/": PAGE, MODULE: module}
    async with chromium() as browser:
        context = await browser.new_context()
        await context.route("**/*", lambda route: answer(route, bodies))
        one, other = await context.new_page(), await context.new_page()
        for tab in (one, other):
            await tab.goto("http://localhost/")
            await tab.wait_for_function("window.storage")
        assert await call(one, "read", "air") == []
        for number in range(6):
            await call(one if number % 2 else other, "append", "air", [number])
        assert await call(one, "read", "air") == [[0], [1], [2], [3], [4], [5]]
        await call(one, "append", "other", [9])
        await one.evaluate("void storage.compact('air'), void storage.compact('air')")
        await call(other, "append", "air", [6])
        await one.reload()
        await one.wait_for_function("window.storage")
        found = await call(one, "read", "air")
        assert [each for update in found for each in update] == [0, 1, 2, 3, 4, 5, 6]
        await call(other, "compact", "air")
        assert await call(one, "read", "air") == [[0, 1, 2, 3, 4, 5, 6]]
        await call(other, "clear", "air")
        assert await call(one, "read", "air") == []
        assert await call(one, "read", "other") == [[9]]


async def answer(route: Route, bodies: Mapping[str, str]) -> None:
    """Serve the page and its module; there is no network behind them."""
    path = route.request.url.removeprefix("http://localhost")
    kind = "text/javascript" if path.endswith(".js") else "text/html"
    await route.fulfill(body=bodies.get(path, ""), content_type=kind)


async def call(tab: Page, name: str, key: str, *more: list[int]) -> list[list[int]]:
    """One operation of the storage, in a tab."""
    expression = "([name, key, ...more]) => window.storage[name](key, ...more)"
    found: list[list[int]] = await tab.evaluate(expression, [name, key, *more])
    return found
