"""From an operation to what it writes: a table of who plans what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from collab.errors import EditRefused
from collab.score.operations import (
    articulations,
    clipboard,
    events,
    frame,
    lines,
    operations,
    rebarring,
    transposing,
)
from collab.score.operations.changes import Changes, Draft, NewIds, refusal
from collab.score.operations.operations import Operation
from collab.score.validate import malformed


def plan(
    facets: Mapping[str, Mapping[str, object]], operation: Operation, new_ids: NewIds
) -> Changes:
    """Work out what an operation writes, in a score as it is now.

    Args:
        facets: facet name to key to value, as read from the document; not changed.
        operation: what somebody wants.
        new_ids: gives an id (an NCName that the score does not have yet) with each call; orders
            of new elements are drawn from their ids.

    Returns:
        The entries to set and to delete, for ``apply``; none when all is so already.

    Raises:
        EditRefused: with a code, and the ids of what is in the way.
    """
    draft = Draft(facets, new_ids)
    _PLANS[type(operation)](draft, operation)
    changes = draft.changes()
    _require_sound(changes)
    return changes


def plan_all(
    facets: Mapping[str, Mapping[str, object]],
    wanted: Sequence[Operation],
    new_ids: NewIds,
) -> tuple[Changes, Sequence[Sequence[str]]]:
    """Work out what operations write one after the other, each after those before it.

    Args:
        facets: as for ``plan``.
        wanted: in order.
        new_ids: as for ``plan``.

    Returns:
        What they write all together, and the ids that each of them drew.

    Raises:
        EditRefused: one of them is; the error says which. None of them is made then.
    """
    drawn: list[str] = []

    def draw() -> str:
        drawn.append(new_ids())
        return drawn[-1]

    draft = Draft(facets, draw)
    made: list[Sequence[str]] = []
    for place, operation in enumerate(wanted):
        before = len(drawn)
        try:
            _PLANS[type(operation)](draft, operation)
        except EditRefused as error:
            raise EditRefused(
                str(error), code=error.code, element_ids=error.element_ids, operation=place
            ) from error
        made.append(drawn[before:])
    changes = draft.changes()
    _require_sound(changes)
    return changes, made


def _require_sound(changes: Changes) -> None:
    """Refuse values that no reader would understand."""
    written: dict[str, dict[str, object]] = {}
    for (facet, key), value in changes.sets.items():
        written.setdefault(facet, {})[key] = value
    bad = malformed(written)
    if bad:
        raise refusal("malformed", f"{bad[0].facet}: {bad[0].detail}", *{p.key for p in bad})


# Each planner takes the operation that it stands beside.
_PLANS: Final[Mapping[type[Operation], Callable[[Draft, Any], object]]] = {
    operations.InsertNote: events.insert_note,
    operations.InsertRest: events.insert_rest,
    operations.InsertChordNote: events.insert_chord_note,
    operations.MoveEvents: events.move_events,
    operations.DeleteElements: events.delete_elements,
    operations.Repitch: events.repitch,
    operations.Retime: events.retime,
    operations.Tie: lines.tie,
    operations.Slur: lines.slur,
    operations.Tuplet: events.make_tuplet,
    operations.AddSpanner: lines.add_spanner,
    operations.SetLyric: events.set_lyric,
    operations.Articulate: articulations.articulate,
    operations.AddDirection: lines.add_direction,
    operations.ChangeSetting: lines.change_setting,
    operations.SetHeader: frame.set_header,
    operations.InsertMeasures: frame.insert_measures,
    operations.MoveMeasures: frame.move_measures,
    operations.DeleteMeasures: frame.delete_measures,
    operations.RestoreMeasures: frame.restore_measures,
    operations.SetMeasureLength: frame.set_measure_length,
    operations.NumberMeasures: frame.number_measures,
    operations.AddPart: frame.add_part,
    operations.RemovePart: frame.remove_part,
    operations.RenamePart: frame.rename_part,
    operations.MovePart: frame.move_part,
    operations.SetTransposition: frame.set_transposition,
    operations.TransposeEvents: transposing.transpose_events,
    operations.TransposeParts: transposing.transpose_parts,
    operations.Paste: clipboard.paste,
    operations.Rebar: rebarring.rebar,
}
