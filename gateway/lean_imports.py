"""Libraries imported without the extras that they pick up where those happen to be installed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final

EXTRAS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        # A command line of its own, which nothing here calls.
        "httpx": ("click",),
        # Tracebacks in colour with the values of variables; ours are plain, and hold no content.
        "structlog": ("rich.pretty", "rich.traceback"),
    }
)
"""What each library looks for, and is as good without; a third to a half of its imports."""


def import_lean(library: str) -> None:
    """Import a library that is to find its extras missing; they can be imported afterwards.

    Has no effect once anything has imported the library.

    Args:
        library: one of `EXTRAS`.
    """
    hidden = [name for name in EXTRAS[library] if name not in sys.modules]
    # The import system's own way to say that there is no such module.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import_module(library)
    finally:
        for name in hidden:
            del sys.modules[name]
