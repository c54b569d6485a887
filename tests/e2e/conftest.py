"""One browser for all tests of a module: to start it costs more than most of them."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.e2e.browsing import chromium


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A browser without a profile; it lives on the event loop of the module's tests."""
    async with chromium() as started:
        yield started
