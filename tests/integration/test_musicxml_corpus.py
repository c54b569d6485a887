"""The MusicXML files of music21's package, through shared documents, unedited and edited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.support.counts import proving
from tests.support.score_corpus import EXCEPTIONS, corpus, corpus_name
from tests.support.score_trials import edited, is_small, round_trip

EVERY: Final = 27
"""One file of so many is tried in `make test`, spread over the corpus."""

EDITED_EVERY: Final = 60
EDITS: Final = 60
EDITS_PROVED: Final = 200
PROVED_EVERY: Final = 2

IN_PROOFS = pytest.mark.skipif(not proving(), reason="the whole corpus is tried in `make prove`")


def all_round_trips(paths: Sequence[Path]) -> int:
    """Import and export files, and count their notes."""
    notes = 0
    for path in paths:
        trial = round_trip(path)
        assert not trial.troubles or corpus_name(path) in EXCEPTIONS, corpus_name(path)
        notes += trial.count
    return notes


def test_mxl_1_a_spread_of_the_corpus_comes_out_as_it_went_in() -> None:
    assert len(corpus()) > 800
    assert all_round_trips(corpus()[::EVERY]) > 5_000


@pytest.mark.prove
@pytest.mark.timeout(3600)
@IN_PROOFS
def test_mxl_1_all_of_the_corpus_comes_out_as_it_went_in(
    record_property: Callable[[str, object], None],
) -> None:
    """MXL-1: Every MusicXML file of music21's package is exported as it came."""
    record_property("notes", all_round_trips(corpus()))
    record_property("files", len(corpus()))
    record_property("with a reason", len(EXCEPTIONS))


def test_mxl_4_files_of_the_corpus_are_valid_and_right_after_edits_of_three() -> None:
    assert all_edited(small_files()[::EDITED_EVERY], EDITS)


@pytest.mark.prove
@pytest.mark.timeout(3600)
@IN_PROOFS
def test_mxl_4_all_small_files_are_valid_and_right_after_200_edits_of_three(
    record_property: Callable[[str, object], None],
) -> None:
    """MXL-3, MXL-4: After 200 random edits by three replicas, scores are valid and right."""
    paths = small_files()[::PROVED_EVERY]
    record_property("edits", all_edited(paths, EDITS_PROVED))
    record_property("files", len(paths))


def all_edited(paths: Sequence[Path], edits: int) -> int:
    """Edit files, see that they are right, and count the edits."""
    made = 0
    for path in paths:
        name = corpus_name(path)
        trial = edited(path, len(name), edits)
        assert trial.troubles == [], name
        made += trial.count
    return made


def small_files() -> list[Path]:
    """Files that are edited in a moment and read by the oracle, spread by name."""
    return [path for path in corpus() if is_small(path)]
