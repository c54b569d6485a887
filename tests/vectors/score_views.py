"""Scores and their views, for other languages: ``python -m tests.vectors.score_views`` writes."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Final

from collab.score.chorale import chorale_facets
from collab.score.normalise import normalise, view_json
from collab.score.schema import Facets
from tests.support.random_edits import first_score
from tests.support.random_scores import random_facets

PATH: Final = Path(__file__).with_name("score_views.json")
SEEDS: Final = range(80)


def cases() -> list[dict[str, object]]:
    """Name, facets and view of each case; scores by lot are named by their seed."""
    scores: dict[str, Facets] = {"chorale": chorale_facets(), "three measures": first_score()}
    scores |= {f"seed {seed}": random_facets(random.Random(seed)) for seed in SEEDS}
    return [
        {
            "name": name,
            "facets": {facet: entries for facet, entries in facets.items() if entries},
            "view": view_json(normalise(facets)),
        }
        for name, facets in scores.items()
    ]


def text() -> str:
    """The file: one case a line, members in the order in which readers write them."""
    lines = [
        json.dumps(case, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        for case in cases()
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
