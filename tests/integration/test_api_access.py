"""The HTTP API against a real server: roles by routes, origins, paces, errors and health."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.access import mint
from tests.support.api import append, text_update
from tests.support.http import request
from tests.support.nodes import metric
from tests.support.server import Server, serving

ROLES = ("owner", "editor", "commenter", "viewer", None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("api")
    with serving(home, auth="token", args=["--rate-limits", "off"]) as running:
        yield running


@pytest.fixture
def owner(server: Server) -> str:
    return mint(server, {"**": "owner"}, subject="owner", name="Olga")


@dataclass(frozen=True)
class Attempt:
    """A call, and the roles that may make it; others get 403."""

    method: str
    path: str
    allowed: tuple[str, ...]
    success: int
    json: object = None
    content: bytes | None = None


INSPECTORS = ("owner", "editor")
READERS = ("owner", "editor", "commenter", "viewer")
MATRIX = {
    "describe": Attempt("GET", "/v1/rooms/matrix", INSPECTORS, 200),
    "sessions": Attempt("GET", "/v1/rooms/matrix/sessions", INSPECTORS, 200),
    "close": Attempt("DELETE", "/v1/rooms/matrix/sessions/none", ("owner",), 404),
    "release": Attempt("POST", "/v1/rooms/matrix/release", ("owner",), 409),
    "erase": Attempt("POST", "/v1/rooms/matrix/erasure?mode=none", ("owner",), 400),
    "update": Attempt("GET", "/v1/rooms/matrix/update", READERS, 200),
    "state-vector": Attempt("GET", "/v1/rooms/matrix/state-vector", READERS, 200),
    "append": Attempt(
        "POST", "/v1/rooms/matrix/updates", INSPECTORS, 200, content=text_update("x")
    ),
    "ticket": Attempt("POST", "/v1/tickets", READERS, 201, json={"room": "matrix"}),
    "revoke in room": Attempt(
        "POST", "/v1/revocations", ("owner",), 200, json={"subject": "x", "room": "matrix"}
    ),
    "revoke everywhere": Attempt("POST", "/v1/revocations", (), 200, json={"subject": "x"}),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("attempt", MATRIX.values(), ids=MATRIX)
async def test_each_role_may_do_exactly_what_its_row_says(
    server: Server, owner: str, role: str | None, attempt: Attempt
) -> None:
    """ACC-2: Roles by routes; and without a token or with a bad one it is 401 for all."""
    await append(server, "matrix", text_update("x"), owner)
    rooms = {"elsewhere": "owner"} | ({} if role is None else {"matrix": role})

    async def call(token: str | None) -> httpx.Response:
        return await request(
            server,
            attempt.method,
            attempt.path,
            token=token,
            json=attempt.json,
            content=attempt.content,
        )

    answer = await call(mint(server, rooms, subject="somebody"))
    expected = attempt.success if role in attempt.allowed else 403
    assert answer.status_code == expected, answer.text
    if expected == 403:
        assert answer.json()["type"] == "urn:bandpro:problem:access-denied"
    for bad, reason in (
        (None, "missing"),
        ("x", "invalid"),
        (mint(server, rooms, lifetime_s=1, issued_s_ago=3_600), "expired"),
        (mint(server, rooms, secret="another secret, of more than 32 bytes"), "invalid"),
    ):
        refused = await call(bad)
        assert (refused.status_code, refused.json()["reason"]) == (401, reason)


async def test_an_owner_of_everything_may_revoke_everywhere(server: Server, owner: str) -> None:
    """A grant for ** is what it takes."""
    answer = await request(server, "POST", "/v1/revocations", token=owner, json={"subject": "gone"})
    assert answer.status_code == 200
    assert answer.json()["subject"] == "gone"
    assert (answer.json()["room"], answer.json()["role"]) == (None, None)


async def test_foreign_pages_are_refused_and_listed_ones_get_cors(tmp_path: Path) -> None:
    """ACC-8: Origin allow-list, preflight included; same origin needs no listing."""
    args = ["--allowed-origins", "https://app.example"]
    with serving(tmp_path, auth="token", args=args) as own:
        token = mint(own, {"**": "owner"})
        async with httpx.AsyncClient(base_url=own.url) as client:

            async def get(origin: str | None) -> httpx.Response:
                headers = {"Authorization": f"Bearer {token}"}
                return await client.get(
                    "/v1/rooms", headers=headers | ({"Origin": origin} if origin else {})
                )

            assert (await get(None)).status_code == 200
            assert (await get(own.url)).status_code == 200
            listed = await get("https://app.example")
            assert listed.status_code == 200
            assert listed.headers["access-control-allow-origin"] == "https://app.example"
            foreign = await get("https://evil.example")
            assert foreign.status_code == 403
            assert foreign.json()["type"] == "urn:bandpro:problem:origin-refused"
            assert "access-control-allow-origin" not in foreign.headers
            rebound = await client.get("/v1/rooms", headers={"Host": "evil.example"})
            assert rebound.status_code == 403
            ask = {"Access-Control-Request-Method": "POST", "Origin": "https://app.example"}
            preflight = await client.options("/v1/tickets", headers=ask)
            assert preflight.status_code == 200
            assert preflight.headers["access-control-allow-origin"] == "https://app.example"
            ask["Origin"] = "https://evil.example"
            assert (await client.options("/v1/tickets", headers=ask)).status_code == 400


async def test_an_address_that_asks_too_fast_is_told_to_wait(tmp_path: Path) -> None:
    """LIM-6: 429 with Retry-After; health is not concerned."""
    args = ["--requests-per-s", "1", "--requests-burst", "5"]
    with serving(tmp_path, args=args) as own:
        async with httpx.AsyncClient(base_url=own.url) as client:
            answers = [await client.get("/v1/rooms") for _ in range(10)]
            codes = [answer.status_code for answer in answers]
            assert codes[:5] == [200] * 5
            assert codes[-1] == 429
            assert answers[-1].json()["limit"] == "requests_per_s"
            assert int(answers[-1].headers["retry-after"]) >= 1
            assert (await client.get("/healthz")).status_code == 200


async def test_measurements_become_histograms_and_nothing_else(server: Server) -> None:
    """OPS-35: For any token; what is not described is refused, and nobody is named."""
    token = mint(server, {"band/*": "viewer"}, subject="u-secret", name="Sofia")

    async def report(json: object = None, **sent: Any) -> int:  # noqa: ANN401 - passed on
        path = "/v1/measurements"
        answer = await request(server, "POST", path, json=json, **({"token": token} | sent))
        return answer.status_code

    assert await report({"edit_saved_ms": [100, 150.5], "layout_shift": [0.125]}) == 204
    assert await report({"edit_saved_ms": [1]}, token=None) == 401
    refused = [
        {"edit_saved_ms": [1] * 51},
        {"edit_saved_ms": [600_001]},
        {"edit_saved_ms": [-1]},
        {"edit_saved_ms": ["1"]},
        {"edit_saved_ms": 1},
        {"room": "band/air"},
    ]
    assert [await report(each) for each in refused] == [400] * len(refused)
    large = {"edit_saved_ms": [1 + 10**-15] * 50, "x": "y" * 8_192}
    assert await report(large) == 413
    assert await metric(server, "bandpro_client_seconds_count") == 2
    assert await metric(server, "bandpro_client_seconds_sum", kind="edit_saved") == 0.2505
    assert await metric(server, "bandpro_client_layout_shift_sum") == 0.125
    assert "u-secret" not in server.log_text
    assert "Sofia" not in server.log_text


async def test_errors_outside_the_api_are_problems_too(server: Server) -> None:
    """An unknown path, and a method that is not served."""
    unknown = await request(server, "GET", "/nothing/here")
    assert (unknown.status_code, unknown.headers["content-type"]) == (
        404,
        "application/problem+json",
    )
    wrong = await request(server, "PUT", "/v1/rooms")
    assert wrong.status_code == 405
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_health_is_told_on_both_ports(server: Server) -> None:
    """Alive and ready; metrics on the admin port alone, without a word of rooms or people.

    Bears OPS-1, OPS-9.
    """
    async with httpx.AsyncClient() as client:
        for base in (server.url, server.admin_url):
            assert (await client.get(f"{base}/healthz")).json() == {"status": "alive"}
            ready = await client.get(f"{base}/readyz")
            assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        metrics = (await client.get(f"{server.admin_url}/metrics")).text
        assert 'bandpro_http_requests_total{method="GET",route="/rooms/{room}"' in metrics
        assert not any(word in metrics for word in ("matrix", "Clara", "singer", "paged"))
        assert (await client.get(f"{server.url}/metrics")).status_code == 404
