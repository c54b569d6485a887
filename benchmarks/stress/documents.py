"""Large documents as people leave them behind, drawn from a seed, and what they hold."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from pycrdt import Doc, Map, Text, TransactionEvent, merge_updates

from benchmarks.edits import random_client_id

EVENTS: Final = "ev"
PITCHES: Final = "pt"
LYRICS: Final = "lyrics"
_ENTRY_BYTES: Final = 160  # of an event and its pitch together, roughly
_WRITERS: Final = 12
_KINDS: Final = ("whole", "half", "quarter", "eighth", "16th")
_STEPS: Final = "CDEFGAB"


@lru_cache(maxsize=4)
def score(size_bytes: int, seed: int) -> bytes:
    """A score that a dozen people have written: an event and a pitch for each note.

    Args:
        size_bytes: about how large the update is to be.
        seed: draws all of it.

    Returns:
        The whole document as one V1 update.
    """
    source = random.Random(f"score {seed}")  # no client id that a workload draws from its own seed
    notes = max(1, size_bytes // _ENTRY_BYTES)
    parts = [
        _part(source, number, notes // _WRITERS + (number < notes % _WRITERS))
        for number in range(_WRITERS)
    ]
    return whole(parts)


def whole(updates: Iterable[bytes]) -> bytes:
    """The document that updates make together, as one update."""
    doc: Doc[Any] = Doc()
    doc.apply_update(merge_updates(*updates))
    return doc.get_update()


def fingerprint(*updates: bytes) -> str:
    """A digest of what a replica shows that has received these updates, in whatever encoding."""
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    shown = {
        EVENTS: doc.get(EVENTS, type=Map).to_py(),
        PITCHES: doc.get(PITCHES, type=Map).to_py(),
        LYRICS: str(doc.get(LYRICS, type=Text)),
    }
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def notes_at_once(client_id: int, count: int, notes: int, source: random.Random) -> list[bytes]:
    """Updates that put many notes into the score at once, as pasting pages does.

    Args:
        client_id: who writes.
        count: of updates.
        notes: in each update; each costs two structs and some 160 bytes.
        source: draws the notes.
    """
    doc: Doc[Any] = Doc(client_id=client_id)
    events, pitches = doc.get(EVENTS, type=Map), doc.get(PITCHES, type=Map)
    updates: list[bytes] = []

    def keep(event: TransactionEvent) -> None:
        updates.append(event.update)

    subscription = doc.observe(keep)
    for number in range(count):
        with doc.transaction():
            for at in range(notes):
                _note(events, pitches, f"n{client_id}-{number}-{at}", source)
    doc.unobserve(subscription)
    return updates


def pasted_updates(
    client_id: int, count: int, characters: int, source: random.Random
) -> list[bytes]:
    """Updates that each add a passage of text; update n holds as many clocks from n times that."""
    doc: Doc[Any] = Doc(client_id=client_id)
    text = doc.get(LYRICS, type=Text)
    updates: list[bytes] = []

    def keep(event: TransactionEvent) -> None:
        updates.append(event.update)

    subscription = doc.observe(keep)
    for number in range(count):
        passage = f"{number} " + "".join(source.choices("abcdefghij ", k=characters))
        text.insert(number * characters, passage[:characters])
    doc.unobserve(subscription)
    return updates


def _part(source: random.Random, number: int, notes: int) -> bytes:
    doc: Doc[Any] = Doc(client_id=random_client_id(source))
    events, pitches = doc.get(EVENTS, type=Map), doc.get(PITCHES, type=Map)
    with doc.transaction():
        for at in range(notes):
            _note(events, pitches, f"n{number}-{at}", source)
        if number == 0:
            doc.get(LYRICS, type=Text).insert(0, "Vom Himmel hoch, da komm ich her. " * 20)
    return doc.get_update()


def _note(events: Map[Any], pitches: Map[Any], name: str, source: random.Random) -> None:
    events[name] = {
        "part": f"p{source.randrange(8)}",
        "measure": f"m{source.randrange(2000)}",
        "kind": "note",
        "onset": [source.randrange(16), 4],
        "duration": [1, source.choice((1, 2, 4, 8))],
        "voice": source.randrange(1, 5),
        "staff": source.randrange(1, 3),
        "type": source.choice(_KINDS),
    }
    pitches[name] = {"step": source.choice(_STEPS), "octave": source.randrange(2, 7)}
