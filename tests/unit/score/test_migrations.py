"""Documents of earlier versions of the schema are brought to the newest, and nothing is lost."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from collab.errors import InvalidScore
from collab.score.chorale import chorale_facets
from collab.score.migrations import migrated, schema_version
from collab.score.schema import SCHEMA_VERSION
from collab.score.validate import validate

Facets = dict[str, dict[str, Any]]


def test_a_document_of_the_first_version_keeps_all_it_holds() -> None:
    old: Any = chorale_facets()
    before = copy.deepcopy(old)
    new = migrated(old)
    assert old == before
    assert schema_version(old) == 1
    assert schema_version(new) == SCHEMA_VERSION == 2
    assert {**new, "meta": {**new["meta"], "schema": ""}} == {
        **old,
        "meta": {**old["meta"], "schema": ""},
    }
    assert validate(new) == []


def test_the_newest_version_is_left_as_it_is() -> None:
    new = migrated(chorale_facets())
    assert migrated(new) == new


def test_steps_follow_each_other_from_the_version_that_is_there() -> None:
    def first(facets: Facets) -> None:
        facets["meta"]["one"] = "1"

    def second(facets: Facets) -> None:
        facets["meta"]["two"] = "2"

    steps = (first, second)
    assert migrated({}, steps=steps)["meta"] == {"one": "1", "two": "2", "schema": "3"}
    document = {"meta": {"schema": "2"}}
    assert migrated(document, steps=steps)["meta"] == {"two": "2", "schema": "3"}


@pytest.mark.parametrize("said", ["3", "0", "", "two", "²", 2, None, "99999"])
def test_versions_that_are_not_known_are_refused(said: object) -> None:
    with pytest.raises(InvalidScore):
        migrated({"meta": {"schema": said}})
