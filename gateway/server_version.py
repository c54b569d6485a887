"""Which server this is."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def server_version() -> str:
    """The version of the installed package."""
    try:
        return version("bandpro")
    except PackageNotFoundError:
        return "unknown"
