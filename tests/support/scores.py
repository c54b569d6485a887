"""Small scores as facets, written down in tests."""

from __future__ import annotations

from fractions import Fraction

from collab.score.schema import Facets, Json, rational


def small_score(entries: Facets | None = None, *, measures: int = 2, beats: int = 4) -> Facets:
    """Measures ``m1`` ... of one part ``p`` in so many quarters, without notes.

    Args:
        entries: by facet, added to these or put in their place.
        measures: how many.
        beats: quarters in each, set at ``m1`` for all parts.
    """
    score: Facets = {
        "parts": {"p": {"order": "a0", "name": "P", "staves": 1}},
        "measures": {
            f"m{number}": {"order": f"a{number}", "number": str(number)}
            for number in range(1, measures + 1)
        },
        "attr": {"time|m1|*|0/1": {"beats": [beats], "unit": 4}},
    }
    for facet, added in (entries or {}).items():
        score.setdefault(facet, {}).update(added)
    return score


def event(
    onset: Fraction | int = 0, duration: Fraction | int = 1, measure: str = "m1", **fields: Json
) -> dict[str, Json]:
    """An entry of ``ev`` in part ``p`` and voice 1; times in quarter notes."""
    return {
        "part": "p",
        "measure": measure,
        "kind": "note",
        "onset": rational(Fraction(onset)),
        "duration": rational(Fraction(duration)),
        "voice": 1,
        "staff": 1,
        **fields,
    }


def pitch(name: str = "C4") -> dict[str, Json]:
    """An entry of ``pt``: ``F#5``, ``Bb3``; ``rest`` and ``measure`` are rests."""
    if name in {"rest", "measure"}:
        return {"rest": name}
    alter = {"#": 1, "b": -1}.get(name[1], 0)
    written: dict[str, Json] = {"step": name[0], "octave": int(name[-1])}
    return {**written, "alter": alter} if alter else written


def notes(**entries: Json) -> Facets:
    """``ev`` and ``pt`` of events by id, all of them C4."""
    return {"ev": dict(entries), "pt": {key: pitch() for key in entries}}


def entry(score: Facets, facet: str, key: str) -> dict[str, Json]:
    """One entry that is there and is an object."""
    value = score[facet][key]
    assert isinstance(value, dict)
    return value
