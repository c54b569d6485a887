"""What happens to every HTTP request before its handler: an id, an origin check, a pace, a line."""

from __future__ import annotations

import time
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.endpoints import ROUTE_KEY
from gateway.api.problems import Problem, problem_response
from gateway.api.requests import address_of
from gateway.auth.origins import Origins
from gateway.observe.metrics import Metrics
from gateway.observe.request_ids import REQUEST_ID_HEADER, request_id
from gateway.setting_types import Networks
from gateway.transport.rates import Pace

_UNROUTED: Final = "other"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})


class RequestIds:
    """Gives each request and each websocket an id, theirs if it is a sensible one.

    The id is bound to the log context, sent back, and part of problem details.

    Args:
        app: the app within.
        metrics: where HTTP requests are counted, by route and never by path.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection with its id bound."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        chosen = request_id(Headers(scope=scope).get(REQUEST_ID_HEADER, ""))
        with structlog.contextvars.bound_contextvars(request_id=chosen):
            if scope["type"] == "websocket":
                await self._app(scope, receive, send)
            else:
                await self._serve_http(scope, receive, send, chosen)

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send, chosen: str) -> None:
        status = 0
        begun_s = time.monotonic()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = chosen
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            # Answered here, and not further out, where the id is no longer bound.
            structlog.get_logger().error("http.failed", exc_info=error)
            if status:
                raise  # the answer had begun: cutting it off is all that is left
            await problem_response(Problem.INTERNAL_ERROR)(scope, receive, send_with_id)
        finally:
            # Middleware sees the scope that the router has filled in.
            route = scope.get(ROUTE_KEY, _UNROUTED)
            method = scope["method"] if scope["method"] in _METHODS else _UNROUTED
            self._metrics.http_requests.labels(method, route, str(status)).inc()
            structlog.get_logger().debug(
                "http.answered",
                method=method,
                route=route,
                status=status,
                ms=round((time.monotonic() - begun_s) * 1000, 1),
            )


class ApiGuard:
    """Refuses foreign web pages, and addresses that ask too fast.

    Args:
        app: the API.
        origins: who may ask.
        pace: how fast; None to let everybody.
        trusted_proxies: networks whose forwarded address is believed.
    """

    def __init__(
        self, app: ASGIApp, *, origins: Origins, pace: Pace | None, trusted_proxies: Networks
    ) -> None:
        self._app = app
        self._origins = origins
        self._pace = pace
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request."""
        if scope["type"] != "http":
            # A websocket that strayed here finds no route and is refused with 403.
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        headers = request.headers
        if not self._origins.allows(origin=headers.get("origin"), host=headers.get("host")):
            detail = (
                "add the origin to allowed_origins if it is yours"
                if self._origins.allows_host(headers.get("host"))
                else "a loopback server is addressed as localhost or 127.0.0.1"
            )
            await problem_response(Problem.ORIGIN_REFUSED, detail)(scope, receive, send)
        elif not self._admits(request):
            refusal = problem_response(
                Problem.TOO_MANY,
                "requests from this address come too fast",
                extra={"limit": "requests_per_s"},
                headers={"Retry-After": "1"},
            )
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _admits(self, request: Request) -> bool:
        if self._pace is None:
            return True
        return self._pace.admits(address_of(request, self._trusted_proxies), time.monotonic())
