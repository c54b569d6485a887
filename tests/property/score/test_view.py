"""Whatever a score holds, it has one view."""

from __future__ import annotations

import copy
import random

import pytest

from collab.score.normalise import normalise, view_json
from tests.support.counts import repeats
from tests.support.random_scores import random_facets, shuffled


@pytest.mark.parametrize("hundred", range(repeats(5, proof=200)))
def test_norm_9_and_norm_10_any_facets_have_one_view_in_any_order(hundred: int) -> None:
    for seed in range(100 * hundred, 100 * hundred + 100):
        rng = random.Random(seed)
        facets = random_facets(rng)
        kept = copy.deepcopy(facets)
        view = view_json(normalise(facets))
        assert facets == kept, seed
        assert view_json(normalise(shuffled(rng, facets))) == view, seed


def test_random_scores_show_every_kind_of_conflict() -> None:
    """The runs above would prove little if what they drew were always in order."""
    views = [normalise(random_facets(random.Random(seed))) for seed in range(300)]
    cells = [cell for view in views for measure in view.measures for cell in measure.cells]
    assert {hidden.reason for view in views for hidden in view.hidden} == {
        *("dangling", "duplicate", "pitches-differ"),
    }
    assert {orphan.reason for view in views for orphan in view.orphans} == {
        *("event-missing", "measure-deleted", "measure-missing", "part-missing", "pitch-missing"),
    }
    kinds = {type(item).__name__ for cell in cells for voice in cell.voices for item in voice.items}
    assert kinds == {"Chord", "Gap", "Grace", "Space", "WrittenRest"}
    assert any(cell.covered for cell in cells)
    assert {(cell.is_overfull, cell.is_underfull) for cell in cells} == {
        *((False, False), (False, True), (True, False), (True, True)),
    }
