"""What a page keeps in its browser, read beside the page."""

import asyncio
from base64 import b64decode
from collections.abc import Callable
from typing import Final

from playwright.async_api import Page

from tests.e2e.browsing import WITHIN_MS

SCORES: Final = "bandpro"
"""The scores that were open, update by update."""
PICTURES: Final = "bandpro-pictures"
"""The first rows of scores, as they were drawn last."""

_BETWEEN_S: Final = 0.05
# A transaction comes after those that were begun before it.
_READ: Final = """async database => {
  const answered = request => new Promise((give, fail) => {
    request.onsuccess = () => give(request.result);
    request.onerror = () => fail(request.error);
  });
  const kept = await answered(indexedDB.open(database));
  const rows = await answered(kept.transaction("updates").objectStore("updates").getAll());
  kept.close();
  return rows.map(({update}) => {
    let text = "";
    for (let at = 0; at < update.length; at += 8192) {
      text += String.fromCharCode(...update.subarray(at, at + 8192));
    }
    return btoa(text);
  });
}"""


async def kept_updates(page: Page, database: str = SCORES) -> list[bytes]:
    """All that is kept there now, oldest first.

    Args:
        page: of the browser profile.
        database: one that the page has made.
    """
    rows: list[str] = await page.evaluate(_READ, database)
    return [b64decode(row) for row in rows]


async def until_kept(
    page: Page, is_enough: Callable[[list[bytes]], bool], database: str = SCORES
) -> list[bytes]:
    """What is kept once it is enough."""
    async with asyncio.timeout(WITHIN_MS / 1000):
        while True:
            rows = await kept_updates(page, database)
            if is_enough(rows):
                return rows
            await asyncio.sleep(_BETWEEN_S)
