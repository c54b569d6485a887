"""Versions of the schema: which one a document is of, and what brings it to the newest.

A migration only adds: readers of an earlier version find what they know where it was, so that
clients of two versions can be in one room. It is written by whoever was asked to, as one edit; no
document is rewritten because it was opened.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from collab.errors import InvalidScore
from collab.score.schema import FACETS, SCHEMA_VERSION

Facets = dict[str, dict[str, Any]]

_KEY: Final = "schema"
_FIRST: Final = 1


def schema_version(facets: Mapping[str, Mapping[str, Any]]) -> int:
    """Tell which version of the schema a document is of.

    Raises:
        InvalidScore: it says something else than a version.
    """
    said = facets.get("meta", {}).get(_KEY, str(_FIRST))
    if not isinstance(said, str) or not said.isascii() or not said.isdigit() or len(said) > 4:  # noqa: PLR2004 - versions are counted from 1
        raise InvalidScore("the document does not say which version of the schema it is of")
    return int(said)


def migrated(
    facets: Mapping[str, Mapping[str, Any]],
    *,
    steps: Sequence[Callable[[Facets], None]] | None = None,
) -> Facets:
    """Bring a document to the newest version of the schema.

    Args:
        facets: of any version up to the newest; not changed.
        steps: from each version to the next, beginning with the first; those of this module when
            nothing is said.

    Returns:
        The facets, and ``meta["schema"]``.

    Raises:
        InvalidScore: it is of a version that is not known here.
    """
    chain = _STEPS if steps is None else steps
    version = schema_version(facets)
    newest = _FIRST + len(chain)
    if not _FIRST <= version <= newest:
        raise InvalidScore(f"the document is of schema version {version}, known is {newest}")
    result: Facets = {name: copy.deepcopy(dict(facets.get(name, {}))) for name in FACETS}
    for step in chain[version - _FIRST :]:
        step(result)
    result["meta"][_KEY] = str(newest)
    return result


def _to_version_2(facets: Facets) -> None:
    """Version 2 added ``raw`` and optional fields; what version 1 holds means the same."""
    facets.setdefault("raw", {})


_STEPS: Final[Sequence[Callable[[Facets], None]]] = (_to_version_2,)

assert _FIRST + len(_STEPS) == SCHEMA_VERSION
