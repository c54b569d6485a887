"""The TypeScript SDK in a real browser: where it keeps scores, and pages that use it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, Page, Route, expect
from pycrdt import Doc, Map

from tests.e2e.browsing import OUTAGE, chromium
from tests.e2e.kept import kept_updates
from tests.support.http import request, stored_update
from tests.support.nodes import metric, until_metric
from tests.support.server import Server, running_server
from tests.support.typescript import CLIENTS, MODULES, SDK, build_sdk

ROOM: Final = "e2e/examples"
COUNTED: Final = "bandpro_client_seconds_count"
# What was asked to be done after the next frame is done.
FRAME: Final = """() => new Promise((resolve) => {
  requestAnimationFrame(() => setTimeout(resolve));
})"""

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


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """What is tested is what the sources say now."""
    build_sdk()


@pytest.fixture
def module() -> str:
    """The storage as browsers load it; it imports nothing."""
    return (SDK / "dist" / MODULE[1:]).read_text(encoding="utf-8")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin that has the pages of the examples, built and served as applications do it."""
    built = tmp_path_factory.mktemp("pages")
    vite = [MODULES / ".bin" / "vite", "build", "--logLevel", "error", "--outDir", built]
    subprocess.run(list(map(str, vite)), cwd=CLIENTS / "examples", check=True, timeout=60)
    (built / "favicon.ico").touch()  # browsers ask for it
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=built)) as own:
        thread = Thread(target=own.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{own.server_port}"
        own.shutdown()
        thread.join()


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


async def test_pages_of_the_examples_keep_what_was_written_offline(
    pages: str, tmp_path: Path
) -> None:
    """SDK-8, SDK-12: A page without a framework and one of Next.js write one score, also offline.

    What was written while the server is away outlives the page, and is merged when both are back.
    """
    complaints: list[str] = []
    args = ["--allowed-origins", pages]
    async with running_server(tmp_path, args=args) as server, chromium() as browser:
        plain = await example(browser, server, f"{pages}/vanilla/index.html", complaints)
        react = await example(browser, server, f"{pages}/test/next.html", complaints)
        for page in (plain, react):
            await expect(page.get_by_text("saved")).to_be_visible()
            await page.get_by_text("Add a measure").click()
        for page in (plain, react):
            await expect(page.get_by_text("2 measures")).to_be_visible()
        await plain.get_by_text("Undo").click()
        for page in (plain, react):
            await expect(page.get_by_text("1 measures")).to_be_visible()
            await expect(page.get_by_text("saved")).to_be_visible()

        server.kill()
        for page in (plain, react):
            await page.get_by_text("Add a measure").click()
            await expect(page.get_by_text("offline: 1")).to_be_visible()
            await kept_updates(page)  # its writing comes before this reading
            await page.reload()
            await expect(page.get_by_text("2 measures")).to_be_visible()
        await server.start()
        for page in (plain, react):
            await expect(page.get_by_text("3 measures")).to_be_visible()
            await expect(page.get_by_text("saved")).to_be_visible()
        stored: Doc[Map[object]] = Doc()
        stored.apply_update(await stored_update(server, ROOM))
        assert len(stored.get("measures", type=Map)) == 3
    assert [each for each in complaints if not OUTAGE.search(each)] == []


async def test_measures_are_reported_with_consent_when_a_page_is_left(
    pages: str, tmp_path: Path
) -> None:
    """SDK-13, OPS-36: Of the page where it was agreed to, and no faster than one address may."""
    complaints: list[str] = []
    args = ["--allowed-origins", pages]
    async with running_server(tmp_path, args=args) as server, chromium() as browser:
        for consent in ("no", "yes"):
            address = f"{pages}/test/measured.html"
            page = await example(browser, server, address, complaints, consent=consent)
            await expect(page.get_by_text("saved")).to_be_visible()
            await page.get_by_text("Add a measure").click()
            await page.evaluate(FRAME)
            await expect(page.get_by_text("saved")).to_be_visible()
            await page.goto("about:blank")
        for kind in ("opened", "edit_shown", "edit_saved", "first_paint", "largest_paint"):
            await until_metric(server, COUNTED, 1, kind=kind)
            assert (kind, await metric(server, COUNTED, kind=kind)) == (kind, 1)
        assert await metric(server, "bandpro_client_layout_shift_count") == 1
        statuses: set[int] = set()
        while 429 not in statuses and statuses <= {204}:
            answer = await request(server, "POST", "/v1/measurements", json={})
            statuses.add(answer.status_code)
        assert statuses == {204, 429}
    assert complaints == []


async def example(
    browser: Browser, server: Server, address: str, complaints: list[str], **query: str
) -> Page:
    """A page of the examples that uses a server, in a browser profile of its own."""
    context = await browser.new_context()
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None,
    )
    asked = {"server": server.url, "room": ROOM} | query
    await page.goto(f"{address}?{urlencode(asked)}")
    return page


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
