"""What differs between two documents: elements of maps by their ids, texts and arrays by places."""

from __future__ import annotations

import json
from collections.abc import Sequence as SequenceOf
from typing import Any

from pycrdt import Doc

from workers.content import Kind, as_json, canonical, kind_of, load, plain, root_names, root_of
from workers.differences import clusters, edits


class Budget:
    """How many differences may still be told, and in how many characters.

    Args:
        entries: differences.
        characters: of their values.
    """

    def __init__(self, entries: int, characters: int) -> None:
        self._entries = entries
        self._characters = characters
        self.is_used_up = False

    def take(self, entry: dict[str, Any]) -> bool:
        """Whether an entry may be told as well."""
        self._entries -= 1
        self._characters -= len(json.dumps(entry, ensure_ascii=False))
        self.is_used_up |= self._entries < 0 or self._characters < 0
        return not self.is_used_up


def compare(old: bytes, new: bytes, bounds: bytes) -> bytes:
    """Compare two documents root by root.

    Args:
        old: one as one update.
        new: the other.
        bounds: as digits, the most entries and the most characters that are told, in between a
            comma.

    Returns:
        JSON: ``roots`` with a list of changes each, and whether it is cut off.
    """
    entries, characters = map(int, bounds.split(b","))
    budget = Budget(entries, characters)
    one, other = load(old), load(new)
    roots = []
    for name in root_names(one, other):
        found = _compare_root(one, other, name, budget)
        if found is not None:
            roots.append(found)
    return as_json({"roots": roots, "truncated": budget.is_used_up})


def _compare_root(
    one: Doc[Any], other: Doc[Any], name: str, budget: Budget
) -> dict[str, Any] | None:
    kinds = [kind_of(one, name), kind_of(other, name)]
    if Kind.EMPTY in kinds:
        kinds.remove(Kind.EMPTY)
    if kinds[0] is Kind.EMPTY:
        return None
    found: dict[str, Any] = {"name": name, "type": kinds[-1].value}
    if kinds[0] is not kinds[-1]:
        was = plain(root_of(one, name, kinds[0]))
        now = plain(root_of(other, name, kinds[-1]))
        changes = [{"change": "changed", "old": was, "new": now}]
    else:
        before, after = root_of(one, name, kinds[0]), root_of(other, name, kinds[0])
        if canonical(before) == canonical(after):
            return None
        match kinds[0]:
            case Kind.MAP:
                changes = _map_changes(before, after)
            case Kind.TEXT:
                changes = _text_changes(before, after)
            case Kind.ARRAY:
                changes = _array_changes(list(before), list(after))
            case _:
                changes = [{"change": "changed", "old": str(before), "new": str(after)}]
    counts = {"added": 0, "removed": 0, "changed": 0}
    for change in changes:
        counts[change["change"]] += 1
    return found | counts | {"changes": [change for change in changes if budget.take(change)]}


def _map_changes(before: Any, after: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - maps
    changes = []
    olds, news = set(before.keys()), set(after.keys())
    for key in sorted(olds | news):
        if key not in olds:
            changes.append({"change": "added", "id": key, "new": plain(after[key])})
        elif key not in news:
            changes.append({"change": "removed", "id": key, "old": plain(before[key])})
        elif canonical(before[key]) != canonical(after[key]):
            old, new = plain(before[key]), plain(after[key])
            changes.append({"change": "changed", "id": key, "old": old, "new": new})
    return changes


def _text_changes(before: Any, after: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - texts
    old, new = str(before), str(after)
    if old == new:
        # The same words in another dress.
        return [{"change": "changed", "old": plain(before), "new": plain(after)}]
    changes = []
    one, other = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for start, end, from_, to in edits(one, other):
        was, now = "".join(one[start:end]), "".join(other[from_:to])
        change = _change(was, now) | {"line": start + 1, "new_line": from_ + 1}
        if was and now:
            change["pieces"] = _pieces(clusters(was), clusters(now))
        changes.append(change)
    return changes


def _pieces(old: SequenceOf[str], new: SequenceOf[str]) -> list[dict[str, str]]:
    """Where changed lines differ: pieces that stay, that went and that came, in order."""
    pieces: list[dict[str, str]] = []
    at = 0
    for start, end, from_, to in edits(old, new):
        for key, part in (("same", old[at:start]), ("old", old[start:end]), ("new", new[from_:to])):
            if part:
                pieces.append({key: "".join(part)})
        at = end
    if at < len(old):
        pieces.append({"same": "".join(old[at:])})
    return pieces


def _array_changes(old: list[Any], new: list[Any]) -> list[dict[str, Any]]:
    changes = []
    for start, end, from_, to in edits([canonical(x) for x in old], [canonical(x) for x in new]):
        was, now = [plain(x) for x in old[start:end]], [plain(x) for x in new[from_:to]]
        changes.append(_change(was, now) | {"at": start, "new_at": from_})
    return changes


def _change(was: Any, now: Any) -> dict[str, Any]:  # noqa: ANN401 - texts or lists
    if not was:
        return {"change": "added", "new": now}
    if not now:
        return {"change": "removed", "old": was}
    return {"change": "changed", "old": was, "new": now}
