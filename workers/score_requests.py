"""What a worker is asked about scores: a module of its own, for only such requests need it.

Most workers never read a score, and all that knows scores would be most of what they import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from persistence.worker_frames import Operation
from workers.score_edits import edit_score
from workers.scores import (
    compare_as_scores,
    export_score,
    import_score,
    seed_score,
    set_entries,
    summary,
)

OF_SCORES: Final[Mapping[Operation, Callable[..., bytes]]] = {
    Operation.COMPARE_SCORES: compare_as_scores,
    Operation.SEED_SCORE: seed_score,
    Operation.SET_ENTRIES: set_entries,
    Operation.SUMMARY: summary,
    Operation.EDIT_SCORE: edit_score,
    Operation.IMPORT_SCORE: import_score,
    Operation.EXPORT_SCORE: export_score,
}
"""Each takes so many arguments as it names."""
