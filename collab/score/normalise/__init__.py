"""What a score looks like after any merge: one pure view, the same on every replica.

``normalise(facets)`` never changes the document and never fails. ``clients/score`` holds the same
view in TypeScript; both are held to the vectors in ``tests/vectors/score_views.json``. The rules
stand in ``docs/score-schema.md``.
"""

from collab.score.normalise.normalise import normalise
from collab.score.normalise.view import (
    Cell,
    Chord,
    Gap,
    Grace,
    Hidden,
    Item,
    MeasureView,
    Orphan,
    Space,
    View,
    Voice,
    WrittenRest,
    view_json,
)

__all__ = [
    "Cell",
    "Chord",
    "Gap",
    "Grace",
    "Hidden",
    "Item",
    "MeasureView",
    "Orphan",
    "Space",
    "View",
    "Voice",
    "WrittenRest",
    "normalise",
    "view_json",
]
