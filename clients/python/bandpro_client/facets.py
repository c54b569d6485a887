"""What a document holds, read entry by entry as it changes.

To read a quartet of 6,000 notes out of the library takes a tenth of a second, longer than to plan
and make an edit of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from pycrdt import Doc, Map

from collab.score.schema import FACETS


class LiveFacets:
    """The entries of all facets, kept up with a document that was empty when this was made.

    Args:
        doc: the document.
    """

    def __init__(self, doc: Doc[Any]) -> None:
        self._maps: dict[str, Map[Any]] = {name: doc.get(name, type=Map) for name in FACETS}
        self._entries: dict[str, dict[str, object]] = {name: {} for name in FACETS}
        # Of shared types, which no program of ours puts there, nobody tells what changes in them.
        self._shared: set[tuple[str, str]] = set()
        self._shown = MappingProxyType(
            {name: MappingProxyType(entries) for name, entries in self._entries.items()}
        )
        for name, entries in self._maps.items():
            entries.observe(partial(self._observe, name))

    def read(self) -> Mapping[str, Mapping[str, object]]:
        """All of it as it is now: facet name to key to value; it goes on changing."""
        for name, key in self._shared:
            self._entries[name][key] = self._maps[name][key].to_py()
        return self._shown

    def _observe(self, name: str, event: Any) -> None:  # noqa: ANN401 - untyped in the library
        entries = self._entries[name]
        for key, change in event.keys.items():
            self._shared.discard((name, key))
            if change["action"] == "delete":
                entries.pop(key, None)
                continue
            entries[key] = value = change["newValue"]
            if hasattr(value, "to_py"):
                self._shared.add((name, key))
