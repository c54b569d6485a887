"""Scores drawn by lot: crowded ones with every kind of conflict, and ones with broken entries."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

from collab.score.schema import Facets, Json

T = TypeVar("T")

PARTS: Sequence[str] = ("p", "q")
JUNK: Sequence[Json] = (
    *(
        None,
        True,
        -1,
        0,
        1,
        2.5,
        1e300,
        2**53 - 1,
        "",
        "m1",
        "e1",
        "measure",
        "\U0001d11e",
        "\uff21",
    ),
    *([], [1], [1, 0], [2, 1], [1.5, 1], [0, 3], [2**53 - 1, 2**53 - 3], {}, {"order": "a"}),
)
KEYS: Sequence[str] = (
    *("", "|", "e1", "m1", "p", "time|m1|*|0/1", "time|m2|p|1/2", "time|m2|p|01/2", "time|x|*|0/1"),
    *(
        "key|m1|p/1|0/1",
        "key|m1|p/2|left",
        "barline|m2|*|left",
        "clef|m1|q/1|0/0",
        "ly|1",
        "e1|1|2",
    ),
)


def random_facets(rng: random.Random) -> Facets:
    """Draw a score: a third of them are sound but for conflicts, the others have broken entries."""
    facets = _crowded(rng)
    if rng.random() < 2 / 3:
        for _ in range(rng.randint(1, 6)):
            _break_one(rng, facets)
    return facets


def shuffled(rng: random.Random, facets: Mapping[str, Mapping[str, T]]) -> dict[str, dict[str, T]]:
    """The same entries in another order."""
    names = rng.sample(list(facets), len(facets))
    return {
        name: {key: facets[name][key] for key in rng.sample(list(facets[name]), len(facets[name]))}
        for name in names
    }


def _crowded(rng: random.Random) -> Facets:
    measures = [f"m{number}" for number in range(1, rng.randint(2, 5))]
    events = [f"e{number}" for number in rng.sample(range(30), rng.randint(0, 16))]
    facets: Facets = {
        "parts": {
            part: {"order": rng.choice("aab"), "name": part, "staves": 2}
            for part in PARTS[: rng.randint(1, 2)]
        },
        "measures": {name: _measure(rng) for name in measures},
        "ev": {key: _event(rng, measures) for key in events},
        "pt": {key: _pitch(rng) for key in events if rng.random() < 0.95},
        "sp": {
            f"s{number}": _spanner(rng, events, measures) for number in range(rng.randint(0, 6))
        },
        "dir": {f"d{number}": _direction(rng, measures) for number in range(rng.randint(0, 3))},
        "ly": {f"e{rng.randint(0, 30)}|1": {"text": "la", "syllabic": "single"}},
        "attr": {
            _place(rng, kind, measures): value
            for kind, value in rng.sample(_SETTINGS, rng.randint(0, len(_SETTINGS)))
        },
        "lay": {rng.choice(measures): {"system": True}} if rng.random() < 0.3 else {},
    }
    facets["nx"] = {key: {"stem": "up"} for key in facets["ev"] if rng.random() < 0.2}
    return facets


_SETTINGS: Sequence[tuple[str, Json]] = (
    ("time", {"beats": [4], "unit": 4}),
    ("time", {"beats": [3], "unit": 4}),
    ("time", {"beats": [3, 2], "unit": 8}),
    ("time", {"beats": [2], "unit": 4, "plus": [{"beats": [3], "unit": 8}]}),
    ("time", {"beats": [], "unit": 4}),
    ("key", {"fifths": 1}),
    ("key", {"fifths": -3}),
    ("clef", {"sign": "F", "line": 4}),
    ("clef", {"sign": "G", "line": 2}),
    ("barline", {"style": "heavy"}),
    ("tempo", {"unit": [1, 1], "bpm": 60}),
)


def _place(rng: random.Random, kind: str, measures: Sequence[str]) -> str:
    scope = rng.choice(("*", "*", "p", "p/1", "p/2", "q"))
    at = rng.choice(("0/1", "0/1", "1/1", "3/2"))
    if kind == "barline":
        at = rng.choice(("left", "right", "1/2"))
    return "|".join((kind, rng.choice(measures), scope, at))


def _measure(rng: random.Random) -> Json:
    measure: dict[str, Json] = {"order": rng.choice(("a", "b", "b", "b1", "Z")), "number": "1"}
    if rng.random() < 0.2:
        measure["length"] = [rng.randint(1, 9), rng.choice((1, 2, 3))]
    if rng.random() < 0.25:
        measure["deleted"] = True
    return measure


def _event(rng: random.Random, measures: Sequence[str]) -> Json:
    value: dict[str, Json] = {
        "part": rng.choice(PARTS),
        "measure": rng.choice(measures),
        "kind": "space" if rng.random() < 0.05 else "note",
        "onset": [rng.randint(0, 12), rng.choice((1, 2, 3, 4))],
        "duration": [rng.randint(1, 8), rng.choice((1, 2, 3, 4))],
        "voice": rng.choice((1, 1, 1, 2, 5)),
        "staff": rng.randint(1, 2),
    }
    if rng.random() < 0.4:
        value |= {"onset": [0, 1], "duration": [rng.choice((1, 4)), 1]}
    if rng.random() < 0.1:
        value["grace"] = {"order": rng.choice(("a", "b"))}
    return value


def _pitch(rng: random.Random) -> Json:
    if rng.random() < 0.2:
        return {"rest": rng.choice(("rest", "rest", "measure"))}
    pitch: dict[str, Json] = {"step": rng.choice("CDE"), "octave": 4}
    if rng.random() < 0.1:
        pitch["unpitched"] = True
    if rng.random() < 0.4:
        pitch["alter"] = rng.choice((-1, 1, 0.5, 2))
    return pitch


def _spanner(rng: random.Random, events: Sequence[str], measures: Sequence[str]) -> Json:
    ends = [*events, *events, *measures, "d1", "gone"]
    kind = rng.choice(("tie", "tie", "slur", "tuplet", "wedge"))
    return {"kind": kind, "start": rng.choice(ends), "end": rng.choice(ends)}


def _direction(rng: random.Random, measures: Sequence[str]) -> Json:
    return {
        "part": rng.choice(PARTS),
        "measure": rng.choice(measures),
        "onset": [rng.randint(0, 3), 1],
        "kind": "words",
    }


def _break_one(rng: random.Random, facets: Facets) -> None:
    """Put something else in the place of an entry or a field, or take it away."""
    name = rng.choice(list(facets))
    entries = facets[name]
    key = rng.choice([*entries, rng.choice(KEYS)])
    value = entries.get(key)
    if isinstance(value, dict) and value and rng.random() < 0.8:
        field = rng.choice(list(value))
        changed = copy.deepcopy(value)
        changed[field] = rng.choice(JUNK)
        if rng.random() < 0.2:
            del changed[field]
        entries[key] = changed
    elif rng.random() < 0.3:
        entries.pop(key, None)
    else:
        entries[key] = rng.choice((*JUNK, {"beats": [2], "unit": 2}))
