"""The vectors that readers in other languages are held to are what the code gives today."""

from __future__ import annotations

from tests.vectors import score_edits, score_views


def test_norm_9_the_kept_vectors_are_the_views_of_their_scores() -> None:
    """After a change that is meant: ``python -m tests.vectors.score_views``."""
    assert score_views.PATH.read_text(encoding="utf-8") == score_views.text()


def test_edit_11_the_kept_vectors_are_the_plans_of_their_operations() -> None:
    """After a change that is meant: ``python -m tests.vectors.score_edits``."""
    assert score_edits.PATH.read_text(encoding="utf-8") == score_edits.text()
