"""The scores that figures are taken with are scores."""

from __future__ import annotations

import random

import pytest
from pycrdt import Doc, Map

from benchmarks.scores import score_document, score_updates
from collab.score.schema import FACETS
from collab.score.validate import validate


@pytest.mark.parametrize("size_bytes", [600, 5_000, 60_000])
def test_generated_score_has_its_size_and_no_problems(size_bytes: int) -> None:
    document = score_document(size_bytes, random.Random(size_bytes))
    assert 0.8 * size_bytes < len(document) < 1.6 * size_bytes
    doc: Doc[Map[object]] = Doc()
    doc.apply_update(document)
    assert validate({name: doc.get(name, type=Map).to_py() or {} for name in FACETS}) == []


def test_same_seed_gives_the_same_changes() -> None:
    """But for the order in which the members of a value are written, which the library draws."""
    one, other = (score_updates(3_000, random.Random(4)) for _ in range(2))
    assert [len(update) for update in one] == [len(update) for update in other]
