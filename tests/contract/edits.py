"""Edits of real documents, and what a set of them amounts to."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as SequenceOf

from pycrdt import Doc, Text

from workers.merge import merge


def typed(words: SequenceOf[str], client: int = 7) -> list[bytes]:
    """One update for each word typed at the end of a text."""
    doc: Doc[Text] = Doc(client_id=client)
    text = doc.get("text", type=Text)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    for word in words:
        text += word
    del subscription
    return updates


def text_of(updates: Iterable[bytes]) -> str:
    """The text of a document that took in the updates."""
    doc: Doc[Text] = Doc()
    text = doc.get("text", type=Text)
    for update in updates:
        doc.apply_update(update)
    return str(text)


async def merge_here(updates: SequenceOf[bytes]) -> bytes:
    """Merge in this process; the worker process has tests of its own."""
    return merge(updates)
