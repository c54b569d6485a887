"""The ASGI applications: every route of a node, in one visible list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp

from gateway.api.api import ApiServices
from gateway.api.middleware import RequestIds
from gateway.api.problems import exception_handlers
from gateway.api.routes import api_routes
from gateway.observe.admin import admin_app
from gateway.observe.health import STORE, Readiness, health_routes, store_check
from gateway.page import page_routes
from gateway.rooms.registry import RoomRegistry
from gateway.transport import hocuspocus, y_websocket
from gateway.transport.doors import Doors
from gateway.transport.handshake import Entrance
from gateway.transport.hocuspocus import HocuspocusEndpoint
from gateway.transport.y_websocket import YWebSocketEndpoint


@dataclass(frozen=True, slots=True)
class AppParts:
    """What the applications are made from."""

    doors: Doors
    api: ApiServices
    readiness: Readiness


@dataclass(frozen=True, slots=True)
class Sockets:
    """The websocket routes of the main port, for the application and for who needs none."""

    rooms: YWebSocketEndpoint
    shared: HocuspocusEndpoint

    @property
    def entrances(self) -> tuple[Entrance, ...]:
        """All of them."""
        return (self.rooms, self.shared)


def build_sockets(doors: Doors) -> Sockets:
    """The websocket routes of the main port."""
    return Sockets(YWebSocketEndpoint(doors), HocuspocusEndpoint(doors))


def build_app(parts: AppParts, sockets: Sockets) -> ASGIApp:
    """The application of the main port."""
    routes: list[BaseRoute] = [
        WebSocketRoute(y_websocket.PATH + "{room:path}", sockets.rooms),
        WebSocketRoute(hocuspocus.PATH, sockets.shared),
        *api_routes(parts.api),
        *health_routes(parts.readiness),
        *page_routes(),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(RequestIds, metrics=parts.doors.metrics)],
        exception_handlers=exception_handlers(),
    )


def build_admin_app(parts: AppParts) -> ASGIApp:
    """The application of the admin port."""
    return admin_app(parts.doors.metrics, parts.readiness)


def build_readiness(registry: RoomRegistry, is_leaving: Callable[[], bool]) -> Readiness:
    """What must be well for this node to serve."""

    async def accepting() -> str | None:
        if registry.is_draining:
            return "shutting down"
        return "being emptied for an operator" if is_leaving() else None

    return Readiness({STORE: store_check(registry.stores), "accepting": accepting})
