"""One browser and one server for all tests of a module: to start them costs more than a test."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.e2e.browsing import chromium
from tests.support.server import Server, serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A browser without a profile; it lives on the event loop of the module's tests."""
    async with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server as `make run` starts it."""
    with serving(tmp_path_factory.mktemp("e2e")) as running:
        yield running
