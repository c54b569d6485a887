"""What a score is called, read without the rest of it: a module of its own, for it is asked often.

All that knows scores takes longer to import than the rest of a worker.
"""

from __future__ import annotations

from typing import Final

from pycrdt import Map, merge_updates

from collab.limits import SCORE_TEXT_CHARS_MAX
from workers.content import Kind, kind_of, load

META: Final = "meta"


def title(updates: list[bytes]) -> bytes:
    """The title of the score that updates amount to, in UTF-8, and no longer than any may be.

    Empty for a document that has none, or something else in its place.
    """
    if not updates:
        return b""
    doc = load(merge_updates(*updates))
    if META not in set(doc.keys()) or kind_of(doc, META) is not Kind.MAP:
        return b""
    said = doc.get(META, type=Map).get("title")
    text = said.strip()[:SCORE_TEXT_CHARS_MAX] if isinstance(said, str) else ""
    return text.encode(errors="replace")
