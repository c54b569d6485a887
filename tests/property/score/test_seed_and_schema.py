"""Whatever the content: seeding is idempotent, and reading and checking never fail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Map

from collab.score.chorale import chorale_facets
from collab.score.schema import FACETS, Facets, Json, normalise_numbers
from collab.score.seed import SEED_CLIENT_ID, seed_update
from collab.score.validate import validate

# What both JSON and JavaScript hold exactly; readers of the CRDT see every number as a double.
NUMBERS = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(-(2.0**52), 2.0**52, allow_nan=False),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ANY_FACETS = st.dictionaries(
    st.sampled_from(FACETS), st.dictionaries(TEXTS, JSON_VALUES, max_size=4), max_size=4
)
Place = tuple[str, str]
Edit = tuple[Place, bool, Json]

SEED = seed_update(chorale_facets())
PLACES = [(name, key) for name, entries in chorale_facets().items() for key in entries]
# Entries that no other entry refers to.
LEAVES = [place for place in PLACES if place[0] in {"meta", "pt", "nx", "sp", "ly", "attr", "lay"}]


def _edits(places: list[Place]) -> st.SearchStrategy[list[Edit]]:
    """Where, whether the entry is deleted, and what is written when it is not."""
    edit = st.tuples(st.sampled_from(places), st.booleans(), JSON_VALUES)
    return st.lists(edit, min_size=1, max_size=8)


def _seeded(client_id: int, edits: list[Edit]) -> Doc[Map[object]]:
    doc: Doc[Map[object]] = Doc(client_id=client_id)
    doc.apply_update(SEED)
    for (name, key), deletes, value in edits:
        entries = doc.get(name, type=Map)
        if deletes:
            entries.pop(key, None)
        else:
            entries[key] = value
    return doc


def _content(doc: Doc[Map[object]]) -> dict[str, dict[str, object]]:
    return {name: doc.get(name, type=Map).to_py() or {} for name in FACETS}


@given(ANY_FACETS)
def test_any_json_comes_back_from_the_shared_document_as_it_went_in(facets: Facets) -> None:
    doc: Doc[Map[object]] = Doc()
    doc.apply_update(seed_update(facets))
    expected = {name: facets.get(name, {}) for name in FACETS}
    # Deeper than the schema's shapes numbers stay floats, which compare equal all the same.
    assert normalise_numbers(_content(doc)) == expected


def _as_read(value: Json) -> Json:
    """What a reader of the CRDT sees: members in another order, every number a double."""
    if isinstance(value, dict):
        return {key: _as_read(item) for key, item in reversed(value.items())}
    if isinstance(value, list):
        return [_as_read(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(ANY_FACETS)
def test_seeds_do_not_depend_on_the_order_of_keys_or_on_the_kind_of_number(
    facets: Facets,
) -> None:
    read_back = {
        name: {key: _as_read(value) for key, value in reversed(entries.items())}
        for name, entries in reversed(facets.items())
    }
    assert seed_update(read_back) == seed_update(facets)


@given(_edits(PLACES), st.integers(1, 2**32 - 1).filter(lambda client: client != SEED_CLIENT_ID))
def test_seeding_again_after_any_edits_changes_nothing(edits: list[Edit], client_id: int) -> None:
    doc = _seeded(client_id, edits)
    state, content = doc.get_state(), _content(doc)

    doc.apply_update(SEED)

    assert doc.get_state() == state
    assert _content(doc) == content


@given(_edits(PLACES), _edits(PLACES))
def test_replicas_seeded_apart_converge_and_keep_what_nobody_edited(
    left_edits: list[Edit], right_edits: list[Edit]
) -> None:
    left, right = _seeded(70_000, left_edits), _seeded(80_000, right_edits)
    left.apply_update(right.get_update(left.get_state()))
    right.apply_update(left.get_update(right.get_state()))

    assert _content(left) == _content(right)
    edited = {place for place, _, _ in left_edits + right_edits}
    chorale = chorale_facets()
    for name, entries in _content(left).items():
        for key, value in chorale[name].items():
            assert (name, key) in edited or entries[key] == value
        assert set(entries) <= set(chorale[name])


@given(
    st.dictionaries(st.sampled_from(FACETS) | TEXTS, JSON_VALUES | ANY_FACETS, max_size=4),
    st.integers(0, 5),
)
def test_any_document_is_checked_without_failing_within_the_bound(
    document: dict[str, object], problems_max: int
) -> None:
    problems = validate(document, problems_max=problems_max)
    assert len(problems) <= problems_max
    assert problems == validate(document)[:problems_max]


@given(_edits(LEAVES))
def test_problems_are_reported_only_where_somebody_edited(edits: list[Edit]) -> None:
    facets = chorale_facets()
    for (name, key), deletes, value in edits:
        if deletes:
            facets[name].pop(key, None)
        else:
            facets[name][key] = value
    found = {(problem.facet, problem.key) for problem in validate(facets, problems_max=1000)}
    assert found <= {place for place, _, _ in edits}


@given(JSON_VALUES)
def test_normalising_numbers_keeps_values_equal_and_is_idempotent(value: object) -> None:
    once = normalise_numbers(value)
    assert once == value
    assert repr(normalise_numbers(once)) == repr(once)
