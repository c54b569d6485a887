"""Plans of operations, for other languages: ``python -m tests.vectors.score_edits`` writes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from collab.score.chorale import chorale_facets
from collab.score.normalise import normalise
from collab.score.operations import Changes, EditRefused, Operation, encode_operation, plan
from collab.score.operations.operations import (
    Articulate,
    ChangeSetting,
    DeleteElements,
    DeleteMeasures,
    InsertMeasures,
    Rebar,
)
from collab.score.schema import FACETS, Facets
from tests.support.random_edits import first_score, ids, random_operation
from tests.support.random_scores import random_facets
from tests.support.scores import event, notes, sectioned_score, small_score

PATH: Final = Path(__file__).with_name("score_edits.json")
STEPS: Final = 24
SEEDS: Final = range(40)
METRES: Final = (2, 3, 5, 7)


def planned(
    facets: Mapping[str, Mapping[str, Any]], operation: Operation, new_ids: Callable[[], str]
) -> dict[str, Any]:
    """What a plan says, as JSON: entries set and deleted in order, or why it is refused."""
    try:
        changes = plan(facets, operation, new_ids)
    except EditRefused as error:
        return {"refused": error.code, "elements": sorted(error.element_ids)}
    return told(changes)


def told(changes: Changes) -> dict[str, Any]:
    """Changes as JSON."""
    return {
        "sets": [[*place, value] for place, value in sorted(changes.sets.items(), key=_place)],
        "deletes": sorted(map(list, changes.deletes)),
    }


def _place(item: tuple[tuple[str, str], object]) -> tuple[str, str]:
    return item[0]


def make(facets: dict[str, dict[str, Any]], plan_: dict[str, Any]) -> None:
    """Write what was planned into plain facets."""
    for facet, key in plan_.get("deletes", ()):
        del facets[facet][key]
    for facet, key, value in plan_.get("sets", ()):
        facets.setdefault(facet, {})[key] = value


def cases() -> list[dict[str, Any]]:
    """Name, facets, and operations that are made one after the other, each with its plan."""
    scores: dict[str, Facets] = {"chorale": chorale_facets()}
    scores |= {f"three measures, seed {seed}": first_score() for seed in SEEDS}
    scores |= {f"seed {seed}": random_facets(random.Random(seed)) for seed in SEEDS}
    drawn = [_case(name, facets) for name, facets in scores.items()]
    return [*drawn, *map(_barred, METRES), _taken_apart()]


def _taken_apart() -> dict[str, Any]:
    """Chords that lose the notes that have their marks, and a piece all its measures."""
    music = notes(
        a=event(0, 1),
        b=event(0, 1, chord="a"),
        c=event(0, 1, chord="a"),
        d=event(1, 1),
        e=event(1, 1, chord="d"),
        f=event(1, 1, voice=2),
    )
    marks: dict[str, Any] = {
        "a": {"articulations": ["accent", "staccato"], "fermata": "upright", "stem": "up"},
        "b": {"articulations": ["staccato"]},
        "d": {"articulations": ["tenuto", 5], "fermata": ["upright"]},
        "e": {"stem": "sideways"},
    }
    facets = small_score({**music, "nx": marks}, measures=3)
    operations: tuple[Operation, ...] = (
        Articulate(("c",), add=("tenuto",), fermata="inverted"),
        DeleteElements(("a", "f")),
        DeleteElements(("b",)),
        DeleteElements(("d",)),
        ChangeSetting("clef", "m1", {"sign": "F", "line": 4}, "p"),
        ChangeSetting("key", "m1", {"fifths": 2}),
        ChangeSetting("key", "m2", {"fifths": 1}, at=Fraction(1)),
        DeleteMeasures(("m1", "m2")),
        InsertMeasures(None, 2),
        DeleteMeasures(("x1", "x2", "m3")),
        InsertMeasures(None),
    )
    return {"name": "taken apart", "facets": facets, "steps": _made(facets, operations)}


def _made(facets: Facets, operations: tuple[Operation, ...]) -> list[dict[str, Any]]:
    now: dict[str, dict[str, Any]] = {facet: dict(facets.get(facet, {})) for facet in FACETS}
    steps: list[dict[str, Any]] = []
    new_ids = ids("x")
    for operation in operations:
        plan_ = planned(now, operation, new_ids)
        make(now, plan_)
        steps.append({"operation": encode_operation(operation), **plan_})
    return steps


def _barred(beats: int) -> dict[str, Any]:
    """A score with all that barlines can cut or move, in another metre and back."""
    new_ids = ids("x")
    facets = sectioned_score()
    now: dict[str, dict[str, Any]] = {facet: dict(facets.get(facet, {})) for facet in FACETS}
    steps: list[dict[str, Any]] = []
    for count, former in ((beats, Fraction(4)), (4, Fraction(beats)), (beats, None)):
        last = [bar.id for bar in normalise(now).measures][-1]
        for operation in (
            ChangeSetting("time", "m1", {"beats": [count], "unit": 4}),
            Rebar("m1", last, former),
        ):
            plan_ = planned(now, operation, new_ids)
            make(now, plan_)
            steps.append({"operation": encode_operation(operation), **plan_})
    return {"name": f"sections in {beats}", "facets": facets, "steps": steps}


def _case(name: str, facets: Facets) -> dict[str, Any]:
    begun = json.loads(json.dumps({facet: each for facet, each in facets.items() if each}))
    now: dict[str, dict[str, Any]] = {facet: dict(begun.get(facet, {})) for facet in FACETS}
    rng, new_ids = random.Random(name), ids("x")
    steps: list[dict[str, Any]] = []
    for step in range(STEPS):
        # The chorale is the one that ends with a final barline, which goes along.
        is_end = step == 0 and name == "chorale"
        operation = InsertMeasures("m11", 2) if is_end else random_operation(rng, now)
        plan_ = planned(now, operation, new_ids)
        make(now, plan_)
        steps.append({"operation": encode_operation(operation), **plan_})
    return {"name": name, "facets": begun, "steps": steps}


def text() -> str:
    """The file: one case a line."""
    lines = [json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases()]
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
