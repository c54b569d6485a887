"""Real Yjs updates, made before the clock starts: people who type, one character at a time."""

from __future__ import annotations

import random
import string
from typing import Final

from pycrdt import Doc, Text, TransactionEvent

_TEXT: Final = "lyrics"
_CLIENT_ID_BITS: Final = 32


def random_client_id(source: random.Random) -> int:
    """A client id as Yjs draws it: 32 random bits."""
    return source.getrandbits(_CLIENT_ID_BITS)


def pasted_update(client_id: int, characters: int, source: random.Random) -> bytes:
    """What a Yjs client sends when somebody pastes a text into an empty document."""
    doc: Doc[Text] = Doc(client_id=client_id)
    doc.get(_TEXT, type=Text).insert(0, _letters(characters, source))
    return doc.get_update()


def typed_updates(client_id: int, count: int, source: random.Random) -> list[bytes]:
    """What a Yjs client sends while it types `count` characters, each at the end of its own.

    Every update holds one struct of one clock, so update number n is clock n of that client.

    Args:
        client_id: under which the characters are written.
        count: of updates.
        source: draws the characters.

    Returns:
        V1 updates, in order.
    """
    doc: Doc[Text] = Doc(client_id=client_id)
    text = doc.get(_TEXT, type=Text)
    updates: list[bytes] = []

    def keep(event: TransactionEvent) -> None:
        updates.append(event.update)

    subscription = doc.observe(keep)
    for at, letter in enumerate(_letters(count, source)):
        text.insert(at, letter)
    doc.unobserve(subscription)
    assert len(updates) == count
    return updates


def _letters(count: int, source: random.Random) -> str:
    return "".join(source.choices(string.ascii_lowercase, k=count))
