"""The routes of the HTTP API, with its description and its documentation."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import orjson
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.api.api import ApiServices
from gateway.api.comments import comment_endpoints
from gateway.api.credentials import credential_endpoints
from gateway.api.docs_page import CONTENT_SECURITY_POLICY, docs_page
from gateway.api.documents import document_endpoints
from gateway.api.endpoints import Endpoint, ExactMount, routes_of
from gateway.api.history import history_endpoints
from gateway.api.jobs import job_endpoints
from gateway.api.measurements import measurement_endpoints
from gateway.api.middleware import ApiGuard
from gateway.api.nodes import node_endpoints
from gateway.api.notifications import notification_endpoints
from gateway.api.openapi import openapi_document
from gateway.api.rooms import room_endpoints
from gateway.api.score_edits import score_edit_endpoints
from gateway.api.scores import score_endpoints
from gateway.api.shares import share_endpoints
from gateway.api.terms import IDEMPOTENCY_KEY_HEADER, LAST_EVENT_ID_HEADER, PREFIX
from gateway.api.versions import version_endpoints
from gateway.api.webhooks import webhook_endpoints
from gateway.observe.request_ids import REQUEST_ID_HEADER
from gateway.server_version import server_version

_CORS_MAX_AGE_S: Final = 600


def api_endpoints(services: ApiServices) -> list[Endpoint]:
    """All operations of the API."""
    return [
        *room_endpoints(services),
        *document_endpoints(services),
        *version_endpoints(services),
        *history_endpoints(services),
        *comment_endpoints(services),
        *score_endpoints(services),
        *score_edit_endpoints(services),
        *job_endpoints(services),
        *share_endpoints(services),
        *webhook_endpoints(services),
        *notification_endpoints(services),
        *credential_endpoints(services),
        *node_endpoints(services),
        *measurement_endpoints(services),
    ]


def api_routes(services: ApiServices) -> list[BaseRoute]:
    """`/v1`, `/openapi.json` and `/docs`.

    The app around them needs ``exception_handlers()`` of :mod:`gateway.api.problems` and the
    middleware ``RequestIds``.
    """
    endpoints = api_endpoints(services)

    # Made when it is first asked for, in a thread: a third of a start's work, and few ask.
    @cache
    def document() -> dict[str, Any]:
        return openapi_document(endpoints, version=server_version())

    @cache
    def encoded() -> bytes:
        return orjson.dumps(document())

    @cache
    def page() -> str:
        return docs_page(document())

    def openapi(_request: Request) -> Response:
        return Response(encoded(), media_type="application/json")

    def docs(_request: Request) -> Response:
        return HTMLResponse(
            page(),
            headers={
                "Content-Security-Policy": CONTENT_SECURITY_POLICY,
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
            },
        )

    operations = ExactMount(
        PREFIX,
        routes=routes_of(endpoints),
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=services.allowed_origins,
                allow_methods=("GET", "POST", "PATCH", "DELETE"),
                allow_headers=(
                    "Authorization",
                    "Content-Type",
                    IDEMPOTENCY_KEY_HEADER,
                    LAST_EVENT_ID_HEADER,
                    REQUEST_ID_HEADER,
                ),
                expose_headers=(REQUEST_ID_HEADER, "Retry-After"),
                max_age=_CORS_MAX_AGE_S,
            ),
            Middleware(
                ApiGuard,
                origins=services.auth.origins,
                pace=services.pace,
                trusted_proxies=services.trusted_proxies,
            ),
        ],
    )
    return [operations, Route("/openapi.json", openapi), Route("/docs", docs)]
