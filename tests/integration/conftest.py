"""What the tests against one real server process share."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.support.bystander import Bystander, bystander
from tests.support.server import Server, serving

# What a noisy machine may take; the aim is 100 ms, and the longest is recorded.
STALL_MS_MAX: Final = 1000


@pytest.fixture(scope="module")
def hostile_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without rate limits, for they would hide what is behind them."""
    with serving(tmp_path_factory.mktemp("hostile"), args=["--rate-limits", "off"]) as running:
        yield running


@pytest.fixture(scope="module")
def neighbour(hostile_server: Server) -> Iterator[Bystander]:
    """Somebody in another room of the same server."""
    with bystander(hostile_server) as watching:
        yield watching


@pytest.fixture
def unharmed(
    hostile_server: Server, neighbour: Bystander, record_property: Callable[[str, object], None]
) -> Iterator[None]:
    """After the test the process is the same, ready, and never left the neighbour waiting."""
    process = hostile_server.process.pid
    neighbour.stall()
    yield
    assert hostile_server.alive, hostile_server.log_text[-3000:]
    assert hostile_server.process.pid == process
    assert hostile_server.ready()
    stall = neighbour.stall()
    record_property("longest stall ms", round(stall.longest_ms))
    assert stall.longest_ms < STALL_MS_MAX


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """A room of this test's own."""
    name: str = request.node.name
    return "".join(letter if letter.isalnum() else "-" for letter in name)[:200]
