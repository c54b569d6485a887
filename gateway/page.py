"""The web editor at ``/`` and the inspector at ``/inspect``: built files, nothing from outside."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import Headers
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
_FORWARDED: Final = frozenset({"forwarded", "via", "x-forwarded-for"})
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
# By the folders that hold a page's files: whether their names change with their content.
_FILES: Final = (
    ("/_next", _EDITOR / "_next", True),
    ("/engraver", _EDITOR / "engraver", True),
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
    """Files of a page, packed where one lies packed beside it and the browser takes that.

    Args:
        directory: that holds them.
        is_immutable: whether their names change with their content.
    """

    def __init__(self, *, directory: Path, is_immutable: bool) -> None:
        super().__init__(directory=directory)
        self._is_immutable = is_immutable

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: MutableMapping[str, Any],
        status_code: int = 200,
    ) -> Response:
        packed = Path(f"{os.fspath(full_path)}.gz")
        is_packed = packed.is_file()
        if is_packed and _is_far(scope) and _takes_gzip(Headers(scope=scope)):
            response = super().file_response(packed, packed.stat(), scope, status_code)
            response.headers["content-encoding"] = "gzip"
        else:
            response = super().file_response(full_path, stat_result, scope, status_code)
        if is_packed:
            response.headers["vary"] = "accept-encoding"
        response.headers["cache-control"] = _IMMUTABLE if self._is_immutable else "no-cache"
        response.headers["x-content-type-options"] = "nosniff"
        return response


def _is_far(scope: MutableMapping[str, Any]) -> bool:
    """Whether a network lies between: on one machine, unpacking takes longer than reading more."""
    host, _ = scope["client"] or ("", 0)
    is_passed_on = not _FORWARDED.isdisjoint(Headers(scope=scope).keys())
    return is_passed_on or not (host == "::1" or host.startswith("127."))


def _takes_gzip(headers: Headers) -> bool:
    """Whether a request says so, other than by ``gzip;q=0`` (RFC 9110, section 12.5.3)."""
    for named in headers.get("accept-encoding", "").split(","):
        coding, _, quality = named.partition(";")
        if coding.strip().lower() == "gzip":
            return quality.replace(" ", "").removeprefix("q=").strip("0.") != "" or quality == ""
    return False
