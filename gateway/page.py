"""The web editor at ``/`` and the inspector at ``/inspect``: built files, nothing from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

_STATIC: Final = Path(__file__).parent / "static"
_EDITOR: Final = _STATIC / "editor"
_INSPECTOR: Final = _STATIC / "inspector"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'{engraver}; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
# By the folders that hold a page's files: whether their names change with their content.
_FILES: Final = (
    ("/_next", _EDITOR / "_next", True),
    ("/verovio", _EDITOR / "verovio", False),
    ("/assets", _INSPECTOR / "assets", True),
)


def page_routes() -> list[BaseRoute]:
    """Routes of both pages; of one that was not built, one that says how to build it."""
    routes: list[BaseRoute] = [
        # The engraver is WebAssembly, which this lets be compiled; scripts stay files of ours.
        _page("/", _EDITOR, "clients/web", engraver=" 'wasm-unsafe-eval'"),
        _page("/inspect", _INSPECTOR, "clients/inspector"),
    ]
    for path, folder, is_immutable in _FILES:
        if folder.is_dir():
            routes.append(Mount(path, _Files(directory=folder, is_immutable=is_immutable)))
    return routes


def _page(path: str, folder: Path, source: str, *, engraver: str = "") -> Route:
    headers = _HEADERS | {"content-security-policy": _POLICY.format(engraver=engraver)}
    if (folder / "index.html").is_file():

        async def page(_request: Request) -> Response:
            return FileResponse(folder / "index.html", headers=headers)

    else:

        async def page(_request: Request) -> Response:
            return PlainTextResponse(
                "The server runs, but this page was not built. From the sources: make run, or\n"
                f"npm ci && npm run build in {source}. The HTTP API is described at /docs.\n"
            )

    return Route(path, page)


class _Files(StaticFiles):
    """Files of a page.

    Args:
        directory: that holds them.
        is_immutable: whether their names change with their content.
    """

    def __init__(self, *, directory: Path, is_immutable: bool) -> None:
        super().__init__(directory=directory)
        self._is_immutable = is_immutable

    async def get_response(self, path: str, scope: dict[str, object]) -> Response:  # type: ignore[override] # Scope is a MutableMapping
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = _IMMUTABLE if self._is_immutable else "no-cache"
        response.headers["x-content-type-options"] = "nosniff"
        return response
