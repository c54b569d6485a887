"""Benchmarks of scores: edits are what they are counted as; no times are judged."""

import json

from benchmarks.score.__main__ import RESULTS
from benchmarks.score.document import EDITOR, repitched
from benchmarks.score.page import PAGE, as_page
from collab.protocol.update_scan import scan_update
from collab.score.chorale import chorale_facets
from collab.score.seed import seed_update


def test_an_edit_that_is_sent_is_one_clock_of_its_editor() -> None:
    """The ledger of deliveries tells updates by their clocks."""
    updates = repitched(seed_update(chorale_facets()), 5)
    ranges = [scan_update(each).ranges for each in updates]
    assert [[(item.client, item.start, item.end) for item in found] for found in ranges] == [
        [(EDITOR, number, number + 1)] for number in range(5)
    ]


def test_the_page_is_made_of_what_was_kept() -> None:
    """OPS-8."""
    assert as_page(json.loads(RESULTS.read_text())) == PAGE.read_text()
