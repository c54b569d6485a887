"""The parts of the API that need no rooms: problems, requests, pace, description and docs page."""

import base64
from collections.abc import AsyncIterator, Callable
from html.parser import HTMLParser
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collab import errors
from collab.errors import AuthFailure, BandProError, LimitExceeded, Unauthenticated
from gateway.api.docs_page import CONTENT_SECURITY_POLICY, docs_page
from gateway.api.middleware import RequestIds
from gateway.api.openapi import openapi_document
from gateway.api.problems import Problem, ProblemError, exception_handlers, problem_for
from gateway.api.requests import BODY_TIMEOUT_S, RequestModel, from_base64url, read_json
from gateway.api.routes import api_endpoints
from gateway.observe.metrics import Metrics

# As the server logs. Unless told, the library formats an error with all the values and sources on
# its way, which are others in every environment, and takes most of the time of these tests.
pytestmark = pytest.mark.usefixtures("stream")


class Greeting(RequestModel):
    """A body."""

    name: str


def app_raising(error: Exception) -> Starlette:
    async def fail(_request: Request) -> Response:
        raise error

    return app_of(fail)


def app_of(endpoint: Any, metrics: Metrics | None = None) -> Starlette:  # noqa: ANN401 - a handler
    return Starlette(
        routes=[Route("/", endpoint, methods=["GET", "POST"])],
        exception_handlers=exception_handlers(),
        middleware=[Middleware(RequestIds, metrics=metrics or Metrics())],
    )


async def call(app: Starlette, method: str = "GET", **request: Any) -> httpx.Response:  # noqa: ANN401 - passed on
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        return await client.request(method, "/", **request)


async def greet(request: Request) -> Response:
    return Response((await read_json(request, Greeting)).name)


def all_errors(root: type[BandProError] = BandProError) -> list[type[BandProError]]:
    children = [child for child in root.__subclasses__() if child.__module__ == errors.__name__]
    return [root, *(deeper for child in children for deeper in all_errors(child))]


ARGUMENTS: dict[type[BandProError], dict[str, Any]] = {
    Unauthenticated: {"reason": AuthFailure.EXPIRED},
    LimitExceeded: {"limit": "update_bytes_max"},
    errors.RecordDamaged: {"record_id": "a"},
    errors.EditRefused: {"code": "no-room"},
    errors.InvalidOperation: {"path": "operations.0.op"},
    errors.FramingViolated: {"code": 1002},
}


def made(kind: type[BandProError]) -> BandProError:
    make: Callable[..., BandProError] = kind
    if kind in {errors.HeadMoved, errors.EpochMoved}:
        return make(expected=1, actual=2)
    if kind is errors.EnvelopeRefused:
        return errors.EnvelopeRefused(errors.RefusedBecause.SIGNATURE)
    return make("no", **ARGUMENTS.get(kind, {}))


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
async def test_every_error_of_the_tree_is_a_problem_of_its_blame(kind: type[BandProError]) -> None:
    """API-2: The peer's faults are 4xx, the world's 423 or 5xx, our own 500."""
    answer = await call(app_raising(made(kind)))
    if issubclass(kind, errors.PeerError):
        assert 400 <= answer.status_code < 500
    elif issubclass(kind, errors.OperatingError):
        assert answer.status_code in {423, 503}
    else:
        assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == problem_for(made(kind)).type_uri
    assert (body["status"], body["request_id"]) == (
        answer.status_code,
        answer.headers["x-request-id"],
    )


async def test_unauthenticated_is_challenged() -> None:
    """RFC 6750: the header names the scheme; the reason tells whether a fresh token helps."""
    answer = await call(app_raising(Unauthenticated("has expired", reason=AuthFailure.EXPIRED)))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.json()["reason"] == "expired"


@pytest.mark.parametrize(
    ("limit", "status"),
    [("update_bytes_max", 413), ("document_bytes_max", 413), ("tickets_max", 429)],
)
async def test_limits_are_named(limit: str, status: int) -> None:
    """Too large or too many, by the setting's name."""
    answer = await call(app_raising(LimitExceeded("too much", limit=limit)))
    assert (answer.status_code, answer.json()["limit"]) == (status, limit)
    assert ("retry-after" in answer.headers) is (status == 429)


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("private"), errors.StoreUnavailable("private")]
)
async def test_what_failed_inside_stays_inside(error: Exception) -> None:
    """API-2: No message, no trace; but the id under which the log has it."""
    answer = await call(app_raising(error), headers={"X-Request-ID": "mine"})
    assert answer.status_code in {500, 503}
    assert "private" not in answer.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "mine"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("abc-1.2_X", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("é", False)],
)
async def test_a_sensible_request_id_is_kept(sent: str, *, kept: bool) -> None:
    """API-7: Another one is replaced, for it goes into logs."""
    app = app_raising(ProblemError(Problem.CONFLICT, ""))
    answer = await call(app, headers={"X-Request-ID": sent.encode()})
    assert (answer.headers["x-request-id"] == sent) is kept
    assert answer.headers["x-request-id"].isascii()


async def test_requests_are_counted_by_kind_and_not_by_path() -> None:
    """An unknown path is one of the others."""
    metrics = Metrics()
    app = app_of(greet, metrics)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        for number in range(3):
            await client.get(f"/made-up-{number}")
        await client.request("BREW", "/")
    samples = {
        tuple(sorted(sample.labels.items())): sample.value
        for metric in metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "bandpro_http_requests_total"
    }
    assert samples == {
        (("method", "GET"), ("route", "other"), ("status", "404")): 3,
        (("method", "other"), ("route", "other"), ("status", "405")): 1,
    }


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"name":"Ann"}', "application/json", 200),
        (b'{"name":"Ann"}', "application/json; charset=utf-8", 200),
        (b'{"name":"Ann"}', "text/plain", 415),
        (b'{"name":"Ann"}', None, 415),
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b'{"name":7}', "application/json", 400),
        (b'{"name":"Ann","age":7}', "application/json", 400),
        (b'{"name":"' + b"x" * 65_536 + b'"}', "application/json", 413),
    ],
)
async def test_json_bodies_are_strict_and_bounded(
    body: bytes, media_type: str | None, status: int
) -> None:
    """Content type, size, shape and unknown members."""
    headers = {} if media_type is None else {"Content-Type": media_type}
    assert (await call(app_of(greet), "POST", content=body, headers=headers)).status_code == status


async def test_a_body_without_a_length_is_bounded_too() -> None:
    """LIM-10: Sent in chunks."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1_000

    answer = await call(
        app_of(greet), "POST", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413


async def test_a_body_that_does_not_arrive_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """LIM-10: A slow sender gets 408."""
    assert BODY_TIMEOUT_S <= 60
    monkeypatch.setattr("gateway.api.requests.BODY_TIMEOUT_S", 0.01)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        from asyncio import Event  # noqa: PLC0415 - waits for ever

        await Event().wait()
        return {}

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await app_of(greet)(scope, receive, send)
    assert sent[0]["status"] == 408


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xfb\xff", bytes(range(256))])
def test_base64url_is_read_with_and_without_padding(data: bytes) -> None:
    """As JavaScript, Python and Go write it."""
    encoded = base64.urlsafe_b64encode(data).decode()
    assert from_base64url(encoded) == from_base64url(encoded.rstrip("=")) == data


@pytest.mark.parametrize("text", ["!", "a", "a b", "é", "++//"])
def test_what_is_no_base64url_is_a_problem(text: str) -> None:
    """And nothing else."""
    with pytest.raises(ProblemError):
        from_base64url(text)


class PageParser(HTMLParser):
    """Collects what matters for safety: tags, links and ids."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in {"href", "src"}:
                self.links.add(value or "")
            if name == "id":
                self.ids.append(value or "")


@pytest.fixture
def document() -> dict[str, Any]:
    """The real endpoints; their handlers are not called."""
    return openapi_document(api_endpoints(None), version="1.2.3")  # type: ignore[arg-type] # unused


def test_the_docs_page_needs_nothing_from_outside(document: dict[str, Any]) -> None:
    """API-8: No script, no foreign address, no dead link; the policy allows its own style only."""
    page = PageParser()
    page.feed(docs_page(document))
    assert not page.tags & {"script", "img", "link", "iframe", "object"}
    assert not page.attributes & {"style", "onclick", "onload"}
    assert page.links - {"/openapi.json"} == {
        link for link in page.links if link.startswith("#") and link[1:] in page.ids
    }
    assert len(page.ids) == len(set(page.ids))
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'")
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def test_the_docs_page_shows_every_operation(document: dict[str, Any]) -> None:
    """Each with its summary and path."""
    html = docs_page(document)
    for path, item in document["paths"].items():
        assert f"<code>{path}</code>" in html
        for operation in item.values():
            assert f'id="{operation["operationId"]}"' in html


def test_what_stands_in_the_description_is_escaped(document: dict[str, Any]) -> None:
    """API-8: The page is made of text, whatever the text is."""
    document["info"]["title"] = "<script>alert(1)</script>"
    assert "<script>" not in docs_page(document)


def test_references_of_the_description_lead_somewhere(document: dict[str, Any]) -> None:
    """Each `$ref` names a component."""
    text = orjson.dumps(document).decode()
    named = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named <= set(document["components"]["schemas"])
    assert "Problem" in named
