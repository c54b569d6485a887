"""An endpoint: its handler and its description, kept in one value so that they cannot part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Mount, Route
from starlette.types import Scope

from collab.errors import InvalidRoomName
from collab.ids import RoomName, room_name
from gateway.api.problems import Problem

BINARY: Final = "application/octet-stream"
JSON: Final = "application/json"
ROUTE_KEY: Final = "bandpro.route"
ROOM_NAME_PATTERN: Final = r"^(?!(?:.*/)?\.{0,2}(?:/|$))[^\u0000-\u001f\u007f-\u009f]+$"
"""What a room's name looks like, for JSON schemas: no control characters, no odd segments."""

Handler = Callable[[Request], Awaitable[Response]]
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query, or a header.

    Attributes:
        name: as it stands in the URL, or the header's.
        description: what it means.
        schema: its JSON schema.
    """

    name: str
    description: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent.

    Attributes:
        media_type: its content type.
        schema: its JSON schema.
        description: what it is.
    """

    media_type: str
    schema: Schema
    description: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the API.

    Attributes:
        method: GET, POST, PATCH or DELETE.
        path: relative to `/v1`, with `{room}`, `{session}`, `{version}`, `{thread}`, `{message}`,
            `{job}`, `{link}` and `{webhook}` as parameters.
        handler: what serves it.
        operation_id: its name for generated clients.
        tag: the heading under which it is shown.
        summary: one line.
        description: the rest, as plain sentences.
        status: of success.
        answer: what success carries; None for an empty answer.
        body: what it takes; None for nothing.
        parameters: of the query.
        headers: that it reads besides those that every operation does.
        problems: what may go wrong besides what may go wrong everywhere.
        is_open: whether it takes no token.
    """

    method: str
    path: str
    handler: Handler
    operation_id: str
    tag: str
    summary: str
    description: str
    status: int = 200
    answer: Body | None = None
    body: Body | None = None
    parameters: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    is_open: bool = False


class ExactRoute(Route):
    """A route matched against the path as it was sent, so that ``%2F`` stays within a segment."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the undecoded path; parameters stay percent-encoded."""
        match, child_scope = super().matches(_undecoded(scope))
        # Of bounded variety, unlike the path: what metrics and logs may name.
        return match, {**child_scope, ROUTE_KEY: self.path}


def routes_of(endpoints: Iterable[Endpoint]) -> list[Route]:
    """One route for each path, so that a refused method is told of all those served there."""
    by_path: dict[str, dict[str, Handler]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint.handler
    return [
        ExactRoute(path, _by_method(handlers), methods=list(handlers))
        for path, handlers in by_path.items()
    ]


def _by_method(handlers: Mapping[str, Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](request)

    return handle


class ExactMount(Mount):
    """A mount for exact routes, which decoded line breaks do not keep from matching."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the undecoded path."""
        return super().matches(_undecoded(scope))


def _undecoded(scope: Scope) -> Scope:
    raw_path: bytes | None = scope.get("raw_path")
    if scope["type"] != "http" or raw_path is None:
        return scope
    return {**scope, "path": raw_path.decode("latin-1")}


def room_of(request: Request) -> RoomName:
    """The room that the path names.

    Raises:
        InvalidRoomName: the segment names no room, or is no UTF-8.
    """
    try:
        return room_name(unquote_to_bytes(request.path_params["room"]).decode())
    except UnicodeDecodeError as error:
        raise InvalidRoomName("a room name must be valid UTF-8") from error
