"""Plans for what stands before the music, for measures and for parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final, get_args

from collab.limits import SCORE_MEASURES_EMPTY_MAX, SCORE_TEXT_CHARS_MAX
from collab.score.intervals import Interval
from collab.score.model import Setting, read_score, string
from collab.score.normalise.settings import Settings, by_measure
from collab.score.operations.changes import Draft, refusal, written_time
from collab.score.operations.events import delete_elements
from collab.score.operations.operations import (
    AddPart,
    DeleteElements,
    DeleteMeasures,
    HeaderName,
    InsertMeasures,
    MoveMeasures,
    MovePart,
    NumberMeasures,
    RemovePart,
    RenamePart,
    RestoreMeasures,
    SetHeader,
    SetMeasureLength,
    SetTransposition,
)
from collab.score.operations.places import bars, measures_in_order
from collab.score.order import place_after
from collab.score.schema import EVERY_PART, KEY_SEPARATOR, Facet, Json, attribute_key
from collab.score.validate import malformed

_FINAL: Final = "light-heavy"  # how the barline looks that ends a piece
_WITH_IDS: Final[tuple[Facet, ...]] = ("parts", "measures", "ev", "sp", "dir")
_IN_CELLS: Final[tuple[Facet, ...]] = ("ev", "dir")


def set_header(draft: Draft, operation: SetHeader) -> None:
    """Set or delete one text of ``meta``; what else is there is not for editors."""
    if operation.name not in get_args(HeaderName) or len(operation.text) > SCORE_TEXT_CHARS_MAX:
        raise refusal(
            "out-of-range", f"A header has a known name, and {SCORE_TEXT_CHARS_MAX} characters."
        )
    if operation.text:
        draft.put_text(operation.name, operation.text)
    else:
        draft.drop("meta", operation.name)


def insert_measures(draft: Draft, operation: InsertMeasures) -> Sequence[str]:
    """Add empty measures; the end of the piece goes along, and its beginning.

    Returns their ids, in order.
    """
    present = [bar.id for bar in bars(draft)]
    beginning, moved = _beginning(draft) if operation.after is None else ((), ())
    new = add_measures(draft, operation)
    for setting in beginning:
        value = draft.find("attr", setting.key, "setting")
        draft.put("attr", attribute_key(setting.kind, new[0], setting.scope, Fraction(0)), value)
    for key in moved:
        draft.drop("attr", key)
    if operation.after is not None and present[-1:] == [operation.after]:
        _move_end(draft, operation.after, new[-1])
    return new


def add_measures(draft: Draft, operation: InsertMeasures) -> Sequence[str]:
    """Add empty measures and nothing else; returns their ids, in order."""
    if not 1 <= operation.count <= SCORE_MEASURES_EMPTY_MAX:
        raise refusal(
            "out-of-range", f"From 1 to {SCORE_MEASURES_EMPTY_MAX} measures are inserted at once."
        )
    new = [draft.new_id() for _ in range(operation.count)]
    for key, number in zip(new, _numbers(draft, operation), strict=True):
        draft.put("measures", key, {"number": number})
    _order_measures(draft, operation.after, new)
    return new


def move_measures(draft: Draft, operation: MoveMeasures) -> None:
    """Give measures other orders; nothing in them changes."""
    if operation.after in operation.measures:
        raise refusal(
            "out-of-range", "Measures do not move behind themselves.", *operation.measures
        )
    for key in operation.measures:
        draft.find("measures", key, "measure")
    _order_measures(draft, operation.after, operation.measures)


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
    key = operation.part or draft.new_id()
    if any(draft.get(facet, key) is not None for facet in _WITH_IDS):
        raise refusal("occupied", "There is something of that id.", key)
    value: Mapping[str, Json | None] = {
        "name": operation.name,
        "staves": operation.staves,
        "abbreviation": operation.abbreviation or None,
        "transposition": _transposition(operation.transposition),
    }
    draft.put("parts", key, value)
    _order_part(draft, operation.after, key)


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
    for key in draft.keys("raw"):
        if key.partition(KEY_SEPARATOR)[0] == operation.part:
            draft.drop("raw", key)


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
    _order_part(draft, operation.after, operation.part)


def set_transposition(draft: Draft, operation: SetTransposition) -> None:
    """Change what a part sounds, not what is written."""
    value = draft.find("parts", operation.part, "part")
    transposition = _transposition(operation.interval)
    draft.put("parts", operation.part, {**value, "transposition": transposition})


def _transposition(interval: Interval | None) -> Json:
    if interval is None:
        return None
    return {"diatonic": interval.diatonic, "chromatic": interval.chromatic}


def _order_part(draft: Draft, after: str | None, part: str) -> None:
    parts = read_score(draft.view(("parts",))).parts.values()
    _order(draft, "parts", [(each.order, each.id) for each in parts], after, [part])


def _order_measures(draft: Draft, after: str | None, measures: Sequence[str]) -> None:
    present = [(measure.order, measure.id) for measure in measures_in_order(draft)]
    _order(draft, "measures", present, after, measures)


def _order(
    draft: Draft,
    facet: Facet,
    present: Sequence[tuple[str, str]],
    after: str | None,
    placed: Sequence[str],
) -> None:
    """Put entries behind another, or before all, wherever they are now."""
    moving = set(placed)
    others = [entry for entry in present if entry[1] not in moving]
    for key, order in place_after(others, after, placed).items():
        draft.put(facet, key, {**draft.find(facet, key, "element"), "order": order})


def _beginning(draft: Draft) -> tuple[Sequence[Setting], Sequence[str]]:
    """What holds from the start of the first measure on; no barlines, and nothing malformed.

    Returns:
        It, and the keys that go when it is said before: what a deleted measure said before
        another one would hold again. Where all are deleted theirs stay, for when they come back.
    """
    score = read_score(draft.view(("measures", "attr")))
    settings, set_in = Settings(), by_measure(score.settings.values())
    keys: Sequence[str] = ()
    first: str | None = None
    passed: list[Setting] = []
    for measure in score.measures.values():
        keys = settings.enter(measure, set_in.get(measure.id, ()))
        if not measure.is_deleted:
            first = measure.id
            break
        passed += set_in.get(measure.id, ())
    if first is None:
        keys = settings.pending()
    # What a deleted measure says holds from here, wherever in it that was.
    held = [
        each
        for each in (score.settings[key] for key in keys)
        if _is_movable(draft, each) and (each.measure != first or each.at == 0)
    ]
    gone = () if first is None else (*held, *passed)
    return held, [each.key for each in gone if _is_movable(draft, each)]


def _is_movable(draft: Draft, setting: Setting) -> bool:
    value = {"attr": {setting.key: draft.get("attr", setting.key)}}
    return setting.kind != "barline" and not malformed(value)


def _move_end(draft: Draft, former: str, last: str) -> None:
    """Move the barline that ends a piece; one that repeats stays where it is."""
    old = attribute_key("barline", former, EVERY_PART, "right")
    value = draft.get("attr", old)
    if value is not None and value.get("style") == _FINAL and "repeat" not in value:
        draft.drop("attr", old)
        draft.put("attr", attribute_key("barline", last, EVERY_PART, "right"), value)


def _numbers(draft: Draft, operation: InsertMeasures) -> list[str]:
    """Continue the count at the end; elsewhere letters behind the number before: 12a, 12b."""
    before = [bar.id for bar in bars(draft)]
    if operation.after is None:
        return ["0"] * operation.count
    number = string(draft.find("measures", operation.after, "measure").get("number"))
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
