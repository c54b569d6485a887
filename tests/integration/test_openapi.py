"""The API does what its description says: generated requests against a real server.

Schemathesis makes valid and invalid requests out of ``/openapi.json``, and checks that each answer
has a documented status, content type and shape, that what the schema forbids is refused, that
methods which are not served are 405, and that no request fails inside.
"""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.schemas import BaseSchema as Schema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gateway.api.openapi import openapi_document
from gateway.api.routes import api_endpoints
from gateway.server_version import server_version
from tests.support.access import mint
from tests.support.api import append, text_update
from tests.support.counts import repeats
from tests.support.http import NO_CERTIFICATES
from tests.support.server import Server, serving

ONLY_DESCRIBED: Final[Any] = None  # the handlers are never called


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("openapi")
    with serving(home, auth="token", args=["--rate-limits", "off"]) as running:
        yield running
        assert running.alive
        assert running.ready()


@pytest.fixture(scope="module")
def description() -> Schema:
    """Made from the code; that the server serves the same is tested below."""
    return schemathesis.openapi.from_dict(
        openapi_document(api_endpoints(ONLY_DESCRIBED), version=server_version())
    )


@pytest.fixture
def described(description: Schema, request: pytest.FixtureRequest) -> Schema:
    # Where schemathesis looks for, and says meanwhile, which operation is at work; pytest has not
    # set it since its version 9.2.
    request.node._nodeid = request.node.nodeid
    return description


# One test for all of them: pytest knows tests that are made of a schema by the function's name
# alone, and of those that share a name one is run where several processes share the work.
schema = schemathesis.pytest.from_fixture("described")


@pytest.mark.prove
@pytest.mark.timeout(repeats(300, proof=7200), method="thread")
@schema.parametrize()
@settings(
    max_examples=repeats(5, proof=500),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_is_as_described(case: Case[Any], server: Server) -> None:
    """API-1: Statuses, content types, bodies, refusals, methods; and nothing fails inside."""
    token = mint(server, {"**": "owner"}, subject="generator")
    sent = {"Authorization": f"Bearer {token}"}
    answer = case.call(base_url=server.url, headers=sent)
    if answer.status_code == 400 and answer.text == "Invalid HTTP request received.":
        return  # an address of more than 64 KiB ends in the HTTP parser, before the API
    case.validate_response(
        answer,
        headers=sent,
        # No schema can say which bytes are an update, or count a name in bytes: what is accepted
        # is proved by the tests of each operation.
        excluded_checks=[positive_data_acceptance],
    )


def test_the_description_is_valid_openapi_and_is_what_is_served(
    server: Server, description: Schema
) -> None:
    """API-1: By the specification's own schema, version 3.1, with every operation of the API."""
    description.validate()
    raw = httpx.get(f"{server.url}/openapi.json", verify=NO_CERTIFICATES).json()
    assert raw == description.raw_schema
    assert raw["openapi"].startswith("3.1")
    assert {path.removeprefix("/v1") for path in raw["paths"]} == {
        "/rooms",
        "/rooms/{room}",
        "/rooms/{room}/release",
        "/rooms/{room}/erasure",
        "/rooms/{room}/sessions",
        "/rooms/{room}/sessions/{session}",
        "/rooms/{room}/update",
        "/rooms/{room}/state-vector",
        "/rooms/{room}/updates",
        "/rooms/{room}/versions",
        "/rooms/{room}/versions/{version}",
        "/rooms/{room}/versions/{version}/update",
        "/rooms/{room}/versions/{version}/content",
        "/rooms/{room}/versions/{version}/compare",
        "/rooms/{room}/versions/{version}/restore",
        "/rooms/{room}/versions/{version}/fork",
        "/rooms/{room}/comments",
        "/rooms/{room}/comments/erasure",
        "/rooms/{room}/comments/{thread}",
        "/rooms/{room}/comments/{thread}/messages",
        "/rooms/{room}/comments/{thread}/messages/{message}",
        "/scores",
        "/scores/{room}",
        "/scores/{room}/copy",
        "/scores/{room}/edits",
        "/scores/{room}/exports",
        "/scores/{room}/file",
        "/scores/{room}/imports",
        "/jobs",
        "/jobs/{job}",
        "/jobs/{job}/cancel",
        "/jobs/{job}/events",
        "/me/notifications",
        "/notifications/confirm/{link}",
        "/notifications/unsubscribe/{link}",
        "/files/{link}",
        "/scores/{room}/shares",
        "/rooms/{room}/webhooks",
        "/rooms/{room}/webhooks/{webhook}",
        "/rooms/{room}/webhooks/{webhook}/rotation",
        "/rooms/{room}/webhooks/{webhook}/test",
        "/webhooks",
        "/webhooks/{webhook}",
        "/webhooks/{webhook}/rotation",
        "/webhooks/{webhook}/test",
        "/templates",
        "/tickets",
        "/measurements",
        "/revocations",
        "/rooms/{room}/node",
        "/nodes",
        "/nodes/rooms",
        "/nodes/{node}/drain",
        "/rebalance",
    }


async def test_the_docs_page_is_served_without_outside_assets(server: Server) -> None:
    """Read without a token, under a policy that allows nothing but its own style."""
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as client:
        page = await client.get(f"{server.url}/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<script" not in page.text


async def test_the_examples_of_the_description_work(server: Server) -> None:
    """Smoke: what a reader of the page would try first."""
    token = mint(server, {"**": "owner"})
    assert (await append(server, "first", text_update("hello"), token)).status_code == 200
