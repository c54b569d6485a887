"""One server in open mode and one that asks for tokens, shared by all interop tests."""

from collections.abc import Iterator

import pytest

from tests.support.server import Server, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder talks to real clients."""
    for item in items:
        if "interop" in item.path.parts:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets everybody in."""
    with serving(tmp_path_factory.mktemp("open")) as running:
        yield running


@pytest.fixture(scope="session")
def token_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks for tokens and takes their expiry to the second."""
    home = tmp_path_factory.mktemp("token")
    with serving(home, auth="token", env={"BANDPRO_TOKEN_LEEWAY_S": "0"}) as running:
        yield running


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """A room of this test's own."""
    name: str = request.node.name
    return "test/" + "".join(letter if letter.isalnum() else "-" for letter in name)
