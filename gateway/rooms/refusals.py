"""What a worker refused, as the errors that it raised there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from collab.errors import (
    AccessDenied,
    EditRefused,
    InvalidOperation,
    InvalidScore,
    LimitExceeded,
    NotThere,
    PeerError,
    StateConflict,
    WorkerFailed,
)

_REFUSALS: Final[Mapping[str, type[PeerError]]] = {
    kind.__name__: kind for kind in (AccessDenied, InvalidScore, NotThere, StateConflict)
}


def accepted(told: bytes) -> Mapping[str, Any]:
    """What a worker told, as JSON, of what it did not refuse.

    Raises:
        PeerError: it did; as it was raised there.
    """
    body: Mapping[str, Any] = json.loads(told)
    if "refused" in body:
        raise _refused(body)
    return body


def _refused(told: Mapping[str, Any]) -> PeerError | WorkerFailed:
    """The error: its kind, words, and what else was told of it."""
    kind, detail = told["refused"], told["detail"]
    if kind == LimitExceeded.__name__:
        return LimitExceeded(detail, limit=told["limit"])
    if kind == EditRefused.__name__:
        obstacles = {"code": told["code"], "element_ids": tuple(told["element_ids"])}
        return EditRefused(detail, **obstacles, operation=told["operation"])
    if kind == InvalidOperation.__name__:
        return InvalidOperation(detail.removeprefix(f"{told['path']}: "), path=told["path"])
    if kind in _REFUSALS:
        return _REFUSALS[kind](detail)
    return WorkerFailed(f"the worker refused: {kind}")
