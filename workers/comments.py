"""Comments on a score: reading both documents, and writing a deed down as an edit of the one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycrdt import Doc, Map

from collab.errors import PeerError
from collab.score.comment_deeds import answer, carry_out, changed, decode_asked
from collab.score.comments import ROOTS
from collab.score.schema import Facet
from persistence.worker_frames import join_parts
from workers.content import as_json, load
from workers.edits import refusal, written


def comments(current: bytes, score: bytes, request: bytes, client: bytes) -> bytes:
    """Answer a question about comments, or carry a deed out.

    Args:
        current: the comments as one update.
        score: the score as one update.
        request: what is wanted, by whom, and when.
        client: the client id of the edit, in decimal digits.

    Returns:
        Three parts as `join_parts` joins them: JSON, empty or what `refusal` tells; the answer as
        JSON, empty where there is nothing to tell; the edit, empty when nothing is to be written.
    """
    asked = decode_asked(request)
    doc = load(current, client=int(client))
    held = {root: doc.get(root, type=Map).to_py() or {} for root in ROOTS}
    facets = _Facets(load(score))
    try:
        changes = carry_out(held, asked, facets.value)
    except PeerError as error:
        return join_parts((as_json(refusal(error)), b"", b""))
    update = written(doc, changes)
    told = answer(changed(held, changes), asked.request, facets.value)
    return join_parts((as_json({}), b"" if told is None else as_json(told), update))


class _Facets:
    """The entries of a score, each read when it is asked for."""

    def __init__(self, doc: Doc[Any]) -> None:
        self._doc = doc

    def value(self, facet: Facet, key: str) -> object:
        entries = self._doc.get(facet, type=Map)
        value = entries[key] if key in entries else None  # noqa: SIM401 - it has no such `get`
        return value if isinstance(value, Mapping) else None
