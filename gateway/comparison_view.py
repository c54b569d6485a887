"""How `bandpro versions compare` shows what differs between two versions, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text

from gateway.terminal import escaped, escaped_line

VALUE_CHARACTERS_MAX: Final = 1_000
SAME_CHARACTERS_MAX: Final = 400
_ONE_LINE_CHARACTERS: Final = 80
_STYLES: Final = {"added": "green", "removed": "red", "changed": "yellow"}
_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}
_OLD, _NEW = _STYLES["removed"], _STYLES["added"]
_ABSENT: Final = object()


def comparison_lines(comparison: dict[str, Any]) -> Iterator[Text]:
    """A comparison for people.

    Args:
        comparison: as the API answers it: roots, each with its counts and changes.

    Yields:
        One line each, coloured; none where nothing differs.
    """
    for root in comparison["roots"]:
        yield _heading(root)
        for change in root["changes"]:
            yield from _change_lines(change)
        untold = sum(root[kind] for kind in _SIGNS) - len(root["changes"])
        if untold:
            yield Text(f"  … {untold} more, which the server does not tell", style="dim")


def _heading(root: dict[str, Any]) -> Text:
    line = Text(escaped_line(root["name"]), style="bold")
    line.append(f" ({root['type']})", style="not bold dim")
    for kind, style in _STYLES.items():
        if root[kind]:
            line.append(f" {root[kind]} {kind}", style=f"not bold {style}")
    return line


def _change_lines(change: dict[str, Any]) -> Iterator[Text]:
    if "id" in change:
        yield from _entry_lines(change)
    elif "line" in change:
        yield Text(f"  line {change['line']}", style="cyan")
        old, new = _text_sides(change)
        yield from _marked(old, "-", _OLD)
        yield from _marked(new, "+", _NEW)
    elif "at" in change:
        yield Text(f"  at {change['at']}", style="cyan")
        yield from _items(change.get("old", ()), "-", _OLD)
        yield from _items(change.get("new", ()), "+", _NEW)
    else:
        yield from _items([change["old"]], "-", _OLD)
        yield from _items([change["new"]], "+", _NEW)


def _entry_lines(change: dict[str, Any]) -> Iterator[Text]:
    """An entry of a map: whole if it came or went, by its fields if it stayed."""
    kind = change["change"]
    line = Text(f"  {_SIGNS[kind]} {escaped_line(change['id'])}", style=_STYLES[kind])
    if kind != "changed":
        yield line.append(f"  {_value(change['old' if kind == 'removed' else 'new'])}")
        return
    yield line
    for path, old, new in _fields(change["old"], change["new"]):
        yield from _field_lines(path, old, new)


def _fields(old: object, new: object, path: str = "") -> Iterator[tuple[str, object, object]]:
    """Where two values differ, as deep as both are objects."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        if old != new or type(old) is not type(new):
            yield path, old, new
        return
    for key in dict.fromkeys([*old, *new]):
        inner = f"{path}.{key}" if path else key
        yield from _fields(old.get(key, _ABSENT), new.get(key, _ABSENT), inner)


def _field_lines(path: str, old: object, new: object) -> Iterator[Text]:
    name = f"{escaped_line(path)}: " if path else ""
    was, now = _value(old), _value(new)
    line = Text(f"      {name}")
    if len(was) + len(now) <= _ONE_LINE_CHARACTERS:
        yield line.append(was, style=_OLD).append(" → ").append(now, style=_NEW)
        return
    if name:
        yield line
    yield Text(f"      - {was}", style=_OLD)
    yield Text(f"      + {now}", style=_NEW)


def _text_sides(change: dict[str, Any]) -> tuple[Text, Text]:
    """The lines of before and of now; what differs within them stands out."""
    if "pieces" not in change:
        return Text(escaped(change.get("old", ""))), Text(escaped(change.get("new", "")))
    sides = {"old": Text(), "new": Text()}
    for piece in change["pieces"]:
        for kind, text in piece.items():
            if kind == "same":
                for side in sides.values():
                    side.append(escaped(_shortened(text)))
            else:
                # A line break that came or went would not be seen otherwise.
                sides[kind].append(escaped(text).replace("\n", "⏎\n"), style="reverse")
    return sides["old"], sides["new"]


def _shortened(same: str) -> str:
    """What stays the same between two differences, without its middle where that is long."""
    if len(same) <= SAME_CHARACTERS_MAX:
        return same
    kept = SAME_CHARACTERS_MAX // 2
    return f"{same[:kept]} … {same[-kept:]}"


def _marked(side: Text, sign: str, style: str) -> Iterator[Text]:
    if not side.plain:
        return
    for line in side.split("\n"):
        yield Text(f"  {sign} ", style=style).append_text(line)


def _items(values: list[Any] | tuple[Any, ...], sign: str, style: str) -> Iterator[Text]:
    for value in values:
        yield Text(f"  {sign} {_value(value)}", style=style)


def _value(value: object) -> str:
    if value is _ABSENT:
        return "(none)"
    text = escaped_line(json.dumps(value, ensure_ascii=False))
    if len(text) <= VALUE_CHARACTERS_MAX:
        return text
    return f"{text[:VALUE_CHARACTERS_MAX]}… ({len(text):,} characters)"
