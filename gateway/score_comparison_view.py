"""How `bandpro versions compare --score` shows what differs between two states of a score."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text

from gateway.terminal import escaped_line

_STYLES: Final = {"added": "green", "removed": "red", "changed": "yellow"}
_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}


def score_comparison_lines(comparison: dict[str, Any]) -> Iterator[Text]:
    """A comparison of scores for people.

    Args:
        comparison: as the API answers it: entries and measures with their changes.

    Yields:
        One line each, coloured; none where nothing differs.
    """
    for entry in comparison["entries"]:
        yield _line("", entry, f"{entry['facet']} {entry['key']}", "")
    for measure in comparison["measures"]:
        line = Text(f"measure {escaped_line(measure['number'] or measure['measure'])}", "bold")
        if measure["change"]:
            line.append(f" {measure['change']}", style=f"not bold {_STYLES[measure['change']]}")
        yield line
        for change in measure["changes"]:
            numerator, denominator = change["onset"]
            beat = f"{numerator}/{denominator}" if denominator > 1 else str(numerator)
            place = f"{change['part'] or 'all'} at {beat}"
            moved = change["from_measure"]
            aspects = ", ".join(change["aspects"]) + (f" (from {moved})" if moved else "")
            yield _line("  ", change, place, aspects)
    if comparison["truncated"]:
        yield Text("… more, which the server does not tell", style="dim")


def _line(indent: str, change: dict[str, Any], place: str, aspects: str) -> Text:
    kind = change["change"]
    line = Text(f"{indent}{_SIGNS[kind]} {escaped_line(place)}", style=_STYLES[kind])
    old, new = (_value(change[side]) for side in ("old", "new"))
    if kind == "changed":
        line.append(f"  {old} → {new}" if old != new else f"  {new}", style="default")
    else:
        line.append(f"  {new if kind == 'added' else old}", style="default")
    return line.append(f"  {escaped_line(aspects)}", style="dim") if aspects else line


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return escaped_line(text)
