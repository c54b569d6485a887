"""Plans for measures and parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from collab.score.insertion_orders import place_after
from collab.score.intervals import Interval
from collab.score.model import read_score
from collab.score.operations.changes import Draft, refusal, written_time
from collab.score.operations.events import delete_elements
from collab.score.operations.operations import (
    AddPart,
    DeleteElements,
    DeleteMeasures,
    InsertMeasures,
    MoveMeasures,
    MovePart,
    NumberMeasures,
    RemovePart,
    RenamePart,
    RestoreMeasures,
    SetMeasureLength,
    SetTransposition,
)
from collab.score.operations.places import bars, measures_in_order
from collab.score.schema import Facet, Json

_IN_CELLS: Final[tuple[Facet, ...]] = ("ev", "dir")


def insert_measures(draft: Draft, operation: InsertMeasures) -> Sequence[str]:
    """Add empty measures; returns their ids, in order."""
    if operation.count < 1:
        raise refusal("out-of-range", "At least one measure is inserted.")
    new = [draft.new_id() for _ in range(operation.count)]
    numbers = _numbers(draft, operation)
    for key, order in _measure_orders(draft, operation.after, new, leaving=()).items():
        if key in new:
            draft.put("measures", key, {"order": order, "number": numbers[new.index(key)]})
        else:
            draft.put("measures", key, {**draft.find("measures", key, "measure"), "order": order})
    return new


def move_measures(draft: Draft, operation: MoveMeasures) -> None:
    """Give measures other orders; nothing in them changes."""
    if operation.after in operation.measures:
        raise refusal(
            "out-of-range", "Measures do not move behind themselves.", *operation.measures
        )
    for key in operation.measures:
        draft.find("measures", key, "measure")
    orders = _measure_orders(draft, operation.after, operation.measures, operation.measures)
    for key, order in orders.items():
        draft.put("measures", key, {**draft.find("measures", key, "measure"), "order": order})


def delete_measures(draft: Draft, operation: DeleteMeasures) -> None:
    """Set tombstones."""
    for key in operation.measures:
        draft.put("measures", key, {**draft.find("measures", key, "measure"), "deleted": True})


def restore_measures(draft: Draft, operation: RestoreMeasures) -> None:
    """Take tombstones away."""
    for key in operation.measures:
        draft.put("measures", key, {**draft.find("measures", key, "measure"), "deleted": None})


def set_measure_length(draft: Draft, operation: SetMeasureLength) -> None:
    """Set or delete a measure's own length."""
    if operation.length is not None and operation.length <= 0:
        raise refusal("out-of-range", "A measure's length is above 0.", operation.measure)
    length = None if operation.length is None else written_time(operation.length)
    value = draft.find("measures", operation.measure, "measure")
    draft.put("measures", operation.measure, {**value, "length": length})


def number_measures(draft: Draft, operation: NumberMeasures) -> None:
    """Count all measures that are there and that count."""
    number = operation.first
    for bar in bars(draft):
        value = draft.find("measures", bar.id, "measure")
        if value.get("implicit") is not True:
            draft.put("measures", bar.id, {**value, "number": str(number)})
            number += 1


def add_part(draft: Draft, operation: AddPart) -> None:
    """Add a part without content."""
    key = draft.new_id()
    orders = place_after(_present(draft, "parts"), operation.after, [key])
    for part, order in orders.items():
        value: Mapping[str, Json | None] = {
            "name": operation.name,
            "staves": operation.staves,
            "abbreviation": operation.abbreviation or None,
            "transposition": _transposition(operation.transposition),
        }
        draft.put(
            "parts",
            part,
            {**(value if part == key else draft.find("parts", part, "part")), "order": order},
        )


def remove_part(draft: Draft, operation: RemovePart) -> None:
    """Delete a part and its content; what others write into it meanwhile is orphaned."""
    draft.find("parts", operation.part, "part")
    draft.drop("parts", operation.part)
    gone = [
        key
        for facet in _IN_CELLS
        for key, value in draft.entries(facet)
        if value.get("part") == operation.part
    ]
    delete_elements(draft, DeleteElements(tuple(gone), with_spanners=True))
    for setting in read_score(draft.view(("attr",))).settings.values():
        if setting.part == operation.part:
            draft.drop("attr", setting.key)


def rename_part(draft: Draft, operation: RenamePart) -> None:
    """Change a part's name and abbreviation."""
    value = draft.find("parts", operation.part, "part")
    abbreviation = operation.abbreviation or None
    draft.put(
        "parts", operation.part, {**value, "name": operation.name, "abbreviation": abbreviation}
    )


def move_part(draft: Draft, operation: MovePart) -> None:
    """Change the order of the parts."""
    draft.find("parts", operation.part, "part")
    if operation.part == operation.after:
        raise refusal("out-of-range", "A part does not move behind itself.", operation.part)
    present = [entry for entry in _present(draft, "parts") if entry[1] != operation.part]
    for key, order in place_after(present, operation.after, [operation.part]).items():
        draft.put("parts", key, {**draft.find("parts", key, "part"), "order": order})


def set_transposition(draft: Draft, operation: SetTransposition) -> None:
    """Change what a part sounds, not what is written."""
    value = draft.find("parts", operation.part, "part")
    transposition = _transposition(operation.interval)
    draft.put("parts", operation.part, {**value, "transposition": transposition})


def _transposition(interval: Interval | None) -> Json:
    if interval is None:
        return None
    return {"diatonic": interval.diatonic, "chromatic": interval.chromatic}


def _present(draft: Draft, facet: str) -> list[tuple[str, str]]:
    if facet == "parts":
        parts = read_score(draft.view(("parts",))).parts.values()
        return [(part.order, part.id) for part in parts]
    return [(measure.order, measure.id) for measure in measures_in_order(draft)]


def _measure_orders(
    draft: Draft, after: str | None, new: Sequence[str], leaving: Sequence[str]
) -> Mapping[str, str]:
    present = [entry for entry in _present(draft, "measures") if entry[1] not in leaving]
    return place_after(present, after, new)


def _numbers(draft: Draft, operation: InsertMeasures) -> list[str]:
    """Continue the count at the end; elsewhere letters behind the number before: 12a, 12b."""
    before = [bar.id for bar in bars(draft)]
    if operation.after is None:
        return ["0"] * operation.count
    number = str(draft.find("measures", operation.after, "measure").get("number", ""))
    if number.isdecimal() and before[-1:] == [operation.after]:
        return [str(int(number) + added) for added in range(1, operation.count + 1)]
    return [f"{number}{_letters(place)}" for place in range(operation.count)]


def _letters(place: int) -> str:
    """Name a place: a, b, ... z, aa, ab, ..."""
    name = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        name = chr(ord("a") + letter) + name
    return name
