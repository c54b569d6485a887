"""The admin app: metrics and health on a loopback port of its own."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.observe.health import Readiness, health_routes
from gateway.observe.metrics import CONTENT_TYPE, Metrics


def admin_app(metrics: Metrics, readiness: Readiness) -> Starlette:
    """An app that serves `/metrics`, `/healthz` and `/readyz`; for loopback only."""

    async def exposition(_request: Request) -> Response:
        return Response(metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    return Starlette(routes=[Route("/metrics", exposition), *health_routes(readiness)])
