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


def sectioned_score() -> Facets:
    """An upbeat, a repeat with two endings and a coda: all that a barline can cut or move."""
    third = Fraction(2, 3)
    short = {"type": "quarter"}
    music = notes(
        up=event(0, 1),
        a=event(0, 4, "m2"),
        b=event(2, 2, "m3"),
        t1=event(0, third, "m3", **short),
        t2=event(third, third, "m3", **short),
        t3=event(2 * third, third, "m3", **short),
        c=event(0, 4, "m4"),
        g=event(4, 0, "m4", grace={"order": "a"}),
        d=event(0, 1, "m5"),
        u1=event(1, third, "m5", voice=2, **short),
        u2=event(1 + third, third, "m5", voice=2, **short),
        u3=event(1 + 2 * third, third, "m5", voice=2, **short),
        e=event(0, 4, "m6"),
        f=event(0, 3, "m7"),
    )
    score = small_score(music, measures=7)
    score["pt"]["silent"] = pitch("measure")
    score["ev"]["silent"] = event(0, 4, "m6", voice=2)
    entry(score, "measures", "m1")["length"] = [1, 1]
    entry(score, "measures", "m7")["length"] = [3, 1]
    tuplet: dict[str, Json] = {"kind": "tuplet", "actual": 3, "normal": 2}
    score["sp"] = {
        "tie": {"kind": "tie", "start": "a", "end": "t1"},
        "slur": {"kind": "slur", "start": "up", "end": "c"},
        "three": {**tuplet, "start": "t1", "end": "t3"},
        "again": {**tuplet, "start": "u1", "end": "u3"},
        "one": {"kind": "ending", "start": "m4", "end": "m4", "text": "1"},
        "two": {"kind": "ending", "start": "m5", "end": "m5", "text": "2"},
    }
    score["nx"] = {"f": {"fermata": "upright"}, "e": {"beams": ["begin"], "stem": "up"}}
    score["dir"] = {
        "fine": {"part": "p", "measure": "m5", "onset": [4, 1], "kind": "words", "text": "Fine"},
        "loud": {"part": "p", "measure": "m3", "onset": [2, 1], "kind": "dynamics", "text": "f"},
    }
    score["attr"] |= {
        "barline|m2|*|left": {"style": "heavy-light", "repeat": "forward"},
        "barline|m4|*|right": {"style": "light-heavy", "repeat": "backward"},
        "barline|m5|p|right": {"style": "light-light"},
        "barline|m7|*|right": {"style": "light-heavy"},
        "clef|m2|p|4/1": {"sign": "F", "line": 4},
        "clef|m3|p|0/1": {"sign": "G", "line": 2},
        "key|m6|*|0/1": {"fifths": -1},
    }
    return score
