"""The room inspector at ``/``: files built by ``clients/inspector``, nothing from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

_FOLDER: Final = Path(__file__).parent / "static" / "inspector"
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
_IMMUTABLE: Final = "public, max-age=31536000, immutable"


def page_routes() -> list[BaseRoute]:
    """Routes of the page; without a built page, one that says how to build it."""
    if not (_FOLDER / "index.html").is_file():
        return [Route("/", _not_built)]
    routes: list[BaseRoute] = [Route("/", _index)]
    if (_FOLDER / "assets").is_dir():
        routes.append(Mount("/assets", _ImmutableFiles(directory=_FOLDER / "assets")))
    return routes


class _ImmutableFiles(StaticFiles):
    """Files whose names change with their content."""

    async def get_response(self, path: str, scope: dict[str, object]) -> Response:  # type: ignore[override] # Scope is a MutableMapping
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = _IMMUTABLE
        response.headers["x-content-type-options"] = "nosniff"
        return response


async def _index(_request: Request) -> Response:
    return FileResponse(_FOLDER / "index.html", headers=_HEADERS)


async def _not_built(_request: Request) -> Response:
    return PlainTextResponse(
        "The server runs, but its page was not built. From the sources: make run, or\n"
        "npm ci && npm run build in clients/inspector. The HTTP API is described at /docs.\n"
    )
