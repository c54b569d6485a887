"""Edits of a score drawn by lot, on replicas that hear of each other late."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import count

from pycrdt import Doc, Map

from collab.score.intervals import Interval, WrittenPitch
from collab.score.operations import EditRefused, Operation, apply, copy, plan
from collab.score.operations import operations as ops
from collab.score.schema import FACETS, Facets
from collab.score.seed import seed_update
from tests.support.scores import event, pitch, small_score

Replica = Doc[Map[object]]

_INTERVALS = (Interval(2, 4), Interval(-1, -2), Interval(7, 12), Interval(-3, -5), Interval(0, 1))


def read_facets(doc: Replica) -> dict[str, dict[str, object]]:
    """What a replica holds, numbers as the CRDT gives them."""
    return {name: doc.get(name, type=Map).to_py() or {} for name in FACETS}


def ids(name: str) -> Callable[[], str]:
    """A source of ids that begin with a name."""
    numbers = count(1)
    return lambda: f"{name}{next(numbers)}"


def first_score() -> Facets:
    """Two parts, three measures of four quarters, some notes, a rest, a slur, words."""
    score = small_score(measures=3)
    score["parts"]["q"] = {"order": "b0", "name": "Q", "staves": 2}
    places = [("p", "m1", 0), ("p", "m1", 1), ("p", "m1", 2), ("p", "m2", 0), ("q", "m1", 0)]
    score["ev"] = {
        f"n{number}": event(onset, 1, measure, part=part)
        for number, (part, measure, onset) in enumerate(places)
    }
    score["pt"] = {key: pitch(name) for key, name in zip(score["ev"], _NAMES, strict=True)}
    score["sp"] = {"slur1": {"kind": "slur", "start": "n0", "end": "n2"}}
    score["ly"] = {"n0|1": {"text": "Ah", "syllabic": "single"}}
    return score


_NAMES = ("C4", "C4", "F#4", "Bb3", "rest")


def three_replicas(seed: int) -> tuple[list[Replica], list[bytes], int]:
    """Let three people edit one score at once, and bring all that they did together.

    Args:
        seed: decides all of it.

    Returns:
        The replicas, each with all changes, in an order of its own; the updates that came of it,
        in any order but for the score itself, which is the first; and how many edits were made.
    """
    rng = random.Random(seed)
    base = seed_update(first_score())
    replicas: list[Replica] = [Doc(client_id=rng.randint(2**11, 2**32)) for _ in range(3)]
    for doc in replicas:
        doc.apply_update(base)
    log = _Log(rng)
    sources = [ids(f"{letter}x") for letter in rng.sample("abz", 3)]
    for _ in range(rng.randint(1, 3)):
        for editor in range(3):
            for _ in range(rng.randint(0, 4)):
                update = edit(rng, replicas[editor], sources[editor])
                if update:
                    log.add(editor, update)
        if rng.random() < 0.5:
            giver, taker = rng.sample(range(3), 2)
            replicas[taker].apply_update(replicas[giver].get_update(replicas[taker].get_state()))
            log.hear(giver, taker)
    for doc in replicas:
        for update in log.in_some_order():
            doc.apply_update(update)
    updates = [update for made in log.updates for update, _ in made]
    return replicas, [base, *rng.sample(updates, len(updates))], len(updates)


class _Log:
    """What each of three people wrote, and what they had heard of the others by then."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._heard = [[0, 0, 0] for _ in range(3)]
        self.updates: list[list[tuple[bytes, Sequence[int]]]] = [[], [], []]

    def add(self, editor: int, update: bytes) -> None:
        self.updates[editor].append((update, tuple(self._heard[editor])))
        self._heard[editor][editor] += 1

    def hear(self, giver: int, taker: int) -> None:
        self._heard[taker] = [
            max(pair) for pair in zip(self._heard[giver], self._heard[taker], strict=True)
        ]

    def in_some_order(self) -> Iterator[bytes]:
        """All updates, each after those that its author had seen (pycrdt needs that, Yjs not)."""
        told = [0, 0, 0]
        while True:
            ready = [
                editor
                for editor in range(3)
                if told[editor] < len(self.updates[editor])
                and all(
                    known >= needed
                    for known, needed in zip(
                        told, self.updates[editor][told[editor]][1], strict=True
                    )
                )
            ]
            if not ready:
                return
            editor = self._rng.choice(ready)
            yield self.updates[editor][told[editor]][0]
            told[editor] += 1


def edit(rng: random.Random, doc: Replica, source: Callable[[], str]) -> bytes:
    """Make one edit drawn by lot; empty when the score does not allow it."""
    facets = read_facets(doc)
    before = doc.get_state()
    try:
        changes = plan(facets, random_operation(rng, facets), source)
    except EditRefused:
        return b""
    if not changes:
        return b""
    apply(doc, changes)
    return doc.get_update(before)


def random_operation(rng: random.Random, facets: dict[str, dict[str, object]]) -> Operation:
    """Draw one operation, mostly about what is there."""
    return rng.choice(_DRAWS)(_Draw(rng, facets))


class _Draw:
    def __init__(self, rng: random.Random, facets: dict[str, dict[str, object]]) -> None:
        self.rng = rng
        self.facets = facets

    def one(self, facet: str) -> str:
        keys = sorted(self.facets[facet])
        return self.rng.choice(keys) if keys and self.rng.random() < 0.95 else "nothing"

    def some(self, facet: str, most: int = 3) -> tuple[str, ...]:
        keys = sorted(self.facets[facet])
        return tuple(self.rng.sample(keys, min(len(keys), self.rng.randint(1, most))))

    def anchor(self, facet: str) -> str | None:
        return self.rng.choice([None, *sorted(self.facets[facet])])

    def time(self, least: int = 0) -> Fraction:
        return Fraction(self.rng.randint(least, 4), self.rng.choice((1, 1, 2, 3)))

    def pitch(self) -> WrittenPitch:
        rng = self.rng
        return WrittenPitch(rng.choice("CDEFGAB"), rng.randint(3, 5), rng.choice((-1, 0, 0, 1)))

    def voice(self) -> int:
        return self.rng.choice((1, 1, 1, 2))


def _inserts(draw: _Draw) -> Operation:
    cell = (draw.one("parts"), draw.one("measures"), draw.time())
    if draw.rng.random() < 0.2:
        return ops.InsertRest(*cell, draw.time(1), draw.voice())
    grace = "a" if draw.rng.random() < 0.1 else ""
    return ops.InsertNote(*cell, draw.time(1), draw.pitch(), draw.voice(), grace=grace)


def _moves(draw: _Draw) -> Operation:
    rng = draw.rng
    return ops.MoveEvents(
        draw.some("ev"),
        later_by=draw.time(-3) if rng.random() < 0.7 else Fraction(0),
        measure=draw.one("measures") if rng.random() < 0.3 else None,
        part=draw.one("parts") if rng.random() < 0.3 else None,
        voice=draw.voice() if rng.random() < 0.3 else None,
    )


def _deletes(draw: _Draw) -> Operation:
    both = draw.some("ev", 2) + draw.some("sp", 1)
    return ops.DeleteElements(both, with_spanners=draw.rng.random() < 0.7)


def _spans(draw: _Draw) -> Operation:
    start, end = draw.one("ev"), draw.one("ev")
    if draw.rng.random() < 0.3:
        kind: ops.SpannerKind = draw.rng.choice(("wedge", "ottava", "pedal"))
        return ops.AddSpanner(kind, start, end, {})
    return draw.rng.choice((ops.Tie("n0", "n1"), ops.Tie(start, end), ops.Slur(start, end)))


def _articulates(draw: _Draw) -> Operation:
    rng = draw.rng
    names: list[ops.Articulation] = ["staccato", "accent", "tenuto"]
    added, removed = (tuple(rng.sample(names, rng.randint(0, most))) for most in (2, 1))
    fermata: ops.Fermata | None = rng.choice((None, None, "upright", "inverted", "none"))
    return ops.Articulate(draw.some("ev"), added, removed, fermata)


def _sets(draw: _Draw) -> Operation:
    rng = draw.rng
    scope = rng.choice(("*", "*", "p"))
    measure = draw.one("measures")
    at = rng.choice((Fraction(0), Fraction(0), Fraction(1)))
    if rng.random() < 0.2:
        return ops.ChangeSetting("time", measure, None, scope, at)
    if rng.random() < 0.5:
        beats = [rng.choice((2, 3, 4))]
        return ops.ChangeSetting("time", measure, {"beats": beats, "unit": 4}, scope, at)
    if rng.random() < 0.5:
        return ops.ChangeSetting("key", measure, {"fifths": rng.randint(-4, 4)}, scope, at)
    return ops.ChangeSetting("clef", measure, {"sign": rng.choice("GF")}, scope, at)


def _measures(draw: _Draw) -> Operation:
    rng = draw.rng
    return rng.choice(
        (
            ops.InsertMeasures(draw.anchor("measures"), rng.randint(1, 2)),
            ops.MoveMeasures(draw.some("measures", 2), draw.anchor("measures")),
            ops.DeleteMeasures(draw.some("measures", 2)),
            ops.RestoreMeasures(draw.some("measures", 3)),
            ops.SetMeasureLength(draw.one("measures"), rng.choice((None, draw.time(1)))),
            ops.NumberMeasures(),
        )
    )


def _parts(draw: _Draw) -> Operation:
    rng = draw.rng
    return rng.choice(
        (
            ops.AddPart("New", draw.anchor("parts"), part=rng.choice((None, draw.one("parts")))),
            ops.RemovePart(draw.one("parts")),
            ops.RenamePart(draw.one("parts"), "Other"),
            ops.MovePart(draw.one("parts"), draw.anchor("parts")),
            ops.SetTransposition(draw.one("parts"), rng.choice((None, *_INTERVALS))),
        )
    )


def _transposes(draw: _Draw) -> Operation:
    interval = draw.rng.choice(_INTERVALS)
    if draw.rng.random() < 0.7:
        return ops.TransposeEvents(draw.some("ev", 5), interval)
    return ops.TransposeParts(interval, draw.rng.choice((None, (draw.one("parts"),))))


def _pastes(draw: _Draw) -> Operation:
    try:
        clip = copy(draw.facets, draw.some("ev", 4))
    except EditRefused:
        clip = ops.Clip((), ())
    replaces = draw.rng.random() < 0.5
    return ops.Paste(clip, draw.one("parts"), draw.one("measures"), draw.time(), replaces)


def _rebars(draw: _Draw) -> Operation:
    former = draw.rng.choice((None, Fraction(4)))
    return ops.Rebar(draw.one("measures"), draw.one("measures"), former)


_DRAWS: Sequence[Callable[[_Draw], Operation]] = (
    *(_inserts, _inserts, _inserts, _inserts),
    *(_moves, _moves, _deletes, _spans, _sets, _measures, _parts, _transposes, _pastes, _rebars),
    _articulates,
    lambda draw: ops.InsertChordNote(draw.one("ev"), draw.pitch()),
    lambda draw: ops.Repitch(draw.one("ev"), draw.pitch()),
    lambda draw: ops.Retime(draw.some("ev", 2), draw.time(1)),
    lambda draw: ops.Tuplet(draw.some("ev", 3), 3, 2),
    lambda draw: ops.SetLyric(draw.one("ev"), draw.rng.choice(("la", "")), "1"),
    lambda draw: ops.SetHeader(
        draw.rng.choice(("title", "composer")), draw.rng.choice(("Lied", "歌", ""))
    ),
    lambda draw: ops.AddDirection(
        draw.one("parts"), draw.one("measures"), draw.time(), "dynamics", {"text": "p"}
    ),
)
