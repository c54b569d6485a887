"""Edits of top-level maps, and answers that carry one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pycrdt
from pycrdt import Doc, Map

from collab.errors import EditRefused, InvalidOperation, LimitExceeded, PeerError
from persistence.worker_frames import framed
from workers.content import as_json


def written(doc: Doc[Any], changes: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Set entries of top-level maps, and return the edit that does so; empty for none.

    Args:
        doc: the document, under the client id of the edit.
        changes: map to key to value; None deletes. What is so already is left alone.
    """
    made: list[bytes] = []
    subscription = doc.observe(lambda event: made.append(event.update))
    with doc.transaction():
        for root, entries in changes.items():
            held = doc.get(root, type=Map)
            for key, value in entries.items():
                if value is None:
                    if key in held:
                        del held[key]
                elif key not in held or held[key] != value:
                    held[key] = value
    doc.unobserve(subscription)
    return pycrdt.merge_updates(*made) if made else b""


def refusal(error: PeerError) -> dict[str, Any]:
    """What is told of a request that is refused: the error's kind, words, and what else it says."""
    told: dict[str, Any] = {"refused": type(error).__name__, "detail": str(error)}
    match error:
        case LimitExceeded():
            return told | {"limit": error.limit}
        case EditRefused():
            obstacle = {"code": error.code, "element_ids": error.element_ids}
            return told | obstacle | {"operation": error.operation}
        case InvalidOperation():
            return told | {"path": error.path}
    return told


def with_edit(told: Mapping[str, Any], update: bytes) -> bytes:
    """An answer as JSON, with its length in front, and an edit after it."""
    return framed(as_json(told)) + update
