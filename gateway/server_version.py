"""Which server this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def server_version() -> str:
    """The version of the installed package."""
    try:
        return version("bandpro")
    except PackageNotFoundError:
        return "unknown"
