"""The vectors that readers in other languages are held to are what the code gives today."""

from __future__ import annotations

from tests.vectors.score_views import PATH, text


def test_norm_9_the_kept_vectors_are_the_views_of_their_scores() -> None:
    """After a change that is meant: ``python -m tests.vectors.score_views``."""
    assert PATH.read_text(encoding="utf-8") == text()
