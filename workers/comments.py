"""Comments on a score: reading both documents, and writing a deed down as an edit of the one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycrdt import Doc, Map

from collab.errors import PeerError
from collab.score.comment_deeds import answer, carry_out, changed, decode_asked
from collab.score.comments import ROOTS
from collab.score.schema import Facet, Json
from workers.content import load
from workers.edits import refusal, with_edit, written


def comments(current: bytes, score: bytes, request: bytes, client: bytes) -> bytes:
    """Answer a question about comments, or carry a deed out.

    Args:
        current: the comments as one update.
        score: the score as one update.
        request: what is wanted, by whom, and when.
        client: the client id of the edit, in decimal digits.

    Returns:
        JSON with its length of 4 bytes in front, then the edit, which is empty when nothing is to
        be written. The JSON is ``{"answer": ...}`` or ``{"refused", "detail", "limit"}``.
    """
    asked = decode_asked(request)
    doc: Doc[Any] = Doc(client_id=int(client))
    doc.apply_update(current)
    held = {root: doc.get(root, type=Map).to_py() or {} for root in ROOTS}
    facets = _Facets(load(score))
    update = b""
    told: dict[str, Json]
    try:
        changes = carry_out(held, asked, facets.value)
    except PeerError as error:
        told = refusal(error)
    else:
        update = written(doc, changes)
        told = {"answer": answer(changed(held, changes), asked.request, facets.value)}
    return with_edit(told, update)


class _Facets:
    """The entries of a score, each read when it is asked for."""

    def __init__(self, doc: Doc[Any]) -> None:
        self._doc = doc

    def value(self, facet: Facet, key: str) -> object:
        entries = self._doc.get(facet, type=Map)
        value = entries[key] if key in entries else None  # noqa: SIM401 - it has no such `get`
        return value if isinstance(value, Mapping) else None
