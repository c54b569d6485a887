"""Scores as several people write them: generated, in the project's own schema, of any size.

Ids are random, as editors draw them; pitches walk, rhythms repeat. That is less regular than a seed
(one writer, ids in order) and more than prose.
"""

from __future__ import annotations

import random
import string
from typing import Any, Final

from pycrdt import Doc, Map, TransactionEvent

from collab.score.schema import FACETS, Json

_PARTS: Final = (
    ("Soprano", "S."),
    ("Alto", "A."),
    ("Tenor", "T."),
    ("Bass", "B."),
    ("Organ", "O."),
)
_BEATS: Final = ((4, "quarter"), (2, "eighth"), (8, "half"), (6, "quarter"))
_SYLLABLES: Final = ("Ky", "ri", "e", "lei", "son", "glo", "a", "in", "ex", "cel", "sis", "De", "o")
_ID_CHARS: Final = string.ascii_letters + string.digits
_WRITERS: Final = 3
_REPLACED_OF: Final = 10
"""One entry of so many is set a second time."""


def score_updates(size_bytes: int, source: random.Random) -> list[bytes]:
    """The updates of a score whose document, as one update, has about a size.

    Args:
        size_bytes: of the document.
        source: draws everything.
    """
    docs: list[Doc[Any]] = [
        Doc(client_id=source.getrandbits(32)) for _ in range(min(_WRITERS, 1 + size_bytes // 2_000))
    ]
    updates: list[bytes] = []

    def keep(event: TransactionEvent) -> None:
        updates.append(event.update)

    subscriptions = [doc.observe(keep) for doc in docs]
    written = 0
    for entries in _changes(source):
        doc = source.choice(docs)
        with doc.transaction():
            for facet, key, value in entries:
                doc.get(facet, type=Map)[key] = value
        written += len(updates[-1])
        if written >= size_bytes:
            break
    for doc, subscription in zip(docs, subscriptions, strict=True):
        doc.unobserve(subscription)
    return updates


def score_document(size_bytes: int, source: random.Random) -> bytes:
    """The same score as one update, as a snapshot or a version holds it."""
    doc: Doc[Any] = Doc()
    for update in score_updates(size_bytes, source):
        doc.apply_update(update)
    return doc.get_update()


def _changes(source: random.Random) -> Any:  # noqa: ANN401 - a generator of lists of entries
    """What people do, one change after the other, without an end."""
    parts = _PARTS[: source.randint(1, len(_PARTS))]
    yield [("meta", "title", " ".join(source.choices(_SYLLABLES, k=3)))]
    ids = [_new_id(source) for _ in parts]
    for number, (part, (name, short)) in enumerate(zip(ids, parts, strict=True)):
        order = f"a{number}"
        value = {"order": order, "name": name, "abbreviation": short, "staves": 1}
        yield [("parts", part, value)]
    number = 0
    while True:
        measure = _new_id(source)
        yield [("measures", measure, {"order": f"a{number:x}", "number": str(number)})]
        for part in ids:
            yield from _bar(source, part, measure)
        number += 1


def _bar(source: random.Random, part: str, measure: str) -> Any:  # noqa: ANN401 - as above
    onset, height = 0, source.randint(28, 40)
    while onset < 16:
        eighths, kind = source.choice(_BEATS)
        event, height = _new_id(source), height + source.randint(-2, 2)
        cell: dict[str, Json] = {
            "part": part,
            "measure": measure,
            "kind": "note",
            "onset": [onset, 4],
            "duration": [eighths, 4],
            "voice": 1,
            "staff": 1,
            "type": kind,
        }
        pitch: dict[str, Json] = {"step": "CDEFGAB"[height % 7], "octave": height // 7}
        yield [("ev", event, cell), ("pt", event, pitch)]
        if source.randrange(3) == 0:
            syllable = {"text": source.choice(_SYLLABLES), "syllabic": "begin"}
            yield [("ly", f"{event}|1", syllable)]
        if source.randrange(_REPLACED_OF) == 0:
            yield [("pt", event, {**pitch, "alter": 1})]
        onset += eighths


def _new_id(source: random.Random) -> str:
    return "n" + "".join(source.choices(_ID_CHARS, k=9))


assert set(FACETS) >= {"meta", "parts", "measures", "ev", "pt", "ly"}
