"""Whatever a score holds, it has one view."""

from __future__ import annotations

import copy
import random

import pytest

from collab.score.normalise import normalise, view_json
from collab.score.operations import EditRefused, Operation, plan
from collab.score.schema import FACETS
from collab.score.validate import malformed
from tests.support.counts import repeats
from tests.support.random_edits import ids, random_operation, read_facets, three_replicas
from tests.support.random_scores import random_facets, shuffled


@pytest.mark.parametrize("hundred", range(repeats(3, proof=200)))
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
    views = [normalise(random_facets(random.Random(seed))) for seed in range(800)]
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


@pytest.mark.parametrize("hundred", range(2))
def test_merge_10_and_edit_5_whatever_three_people_do_at_once(hundred: int) -> None:
    """Three replicas have one view, and typed edits leave no malformed entry behind."""
    for seed in range(100 * hundred, 100 * hundred + 100):
        replicas, _, _ = three_replicas(seed)
        documents = [read_facets(doc) for doc in replicas]
        views = [view_json(normalise(document)) for document in documents]
        assert views[0] == views[1] == views[2], seed
        assert malformed(documents[0]) == [], seed
        assert [read_facets(doc) for doc in replicas] == documents, seed


def test_edit_4_equal_facets_and_ids_give_equal_changes() -> None:
    for seed in range(150):
        facets: dict[str, dict[str, object]] = read_facets(three_replicas(seed)[0][0])
        operation = random_operation(random.Random(seed), facets)
        plans = [_plan(facets, operation), _plan(shuffled(random.Random(1), facets), operation)]
        assert plans[0] == plans[1], seed


def _plan(facets: dict[str, dict[str, object]], operation: Operation) -> object:
    try:
        changes = plan(facets, operation, ids("new"))
    except EditRefused as refused:
        return (refused.code, refused.element_ids)
    return (dict(changes.sets), changes.deletes)


def test_edit_2_in_any_score_whatever_an_edit_is_made_or_refused() -> None:
    made = 0
    for seed in range(repeats(300, proof=10_000)):
        rng = random.Random(seed)
        drawn = random_facets(rng)
        facets: dict[str, dict[str, object]] = {name: {**drawn.get(name, {})} for name in FACETS}
        kept = copy.deepcopy(facets)
        planned = _plan(facets, random_operation(rng, facets))
        made += isinstance(planned, tuple) and isinstance(planned[1], frozenset)
        assert facets == kept, seed
    assert made > 100
