"""Something that happens just before one call of a port, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

from persistence.stores import Stores


class Overtaken:
    """A port of which one call lets something else happen first, once.

    Args:
        port: the real one.
        call: name of the method.
        first: what happens before it.
        begins: only before a call whose first argument begins with this.
    """

    def __init__(
        self, port: object, call: str, first: Callable[[], Awaitable[object]], begins: str
    ) -> None:
        self._port = port
        self._call = call
        self._begins = begins
        self._first: Callable[[], Awaitable[object]] | None = first

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        call = getattr(self._port, name)
        if name != self._call:
            return call

        async def overtaken(*args: object, **kwargs: object) -> object:
            first = self._first
            if first is not None and str(args[0] if args else "").startswith(self._begins):
                self._first = None
                await first()
            return await call(*args, **kwargs)

        return overtaken


def overtaken(
    stores: Stores,
    port: str,
    call: str,
    first: Callable[[], Awaitable[object]],
    *,
    begins: str = "",
) -> Stores:
    """A node to which something happens just before one of its calls."""
    wrapped = cast("Any", Overtaken(getattr(stores, port), call, first, begins))
    return replace(stores, **{port: wrapped})
