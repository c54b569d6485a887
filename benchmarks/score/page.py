"""``docs/score-benchmarks.md``, from what was kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from benchmarks.figures import Spread
from benchmarks.results import ROOT
from benchmarks.score import prose
from benchmarks.score.limits import MANNERS, PAIRS, QUARTER, WINDOW_S
from benchmarks.score.works import EDITED, WORKS
from benchmarks.table import table

PAGE: Final = ROOT / "docs" / "score-benchmarks.md"

_FORMATS: Final = ("musicxml", "pdf", "midi", "mp3")
_NONE: Final = "-"


def as_page(data: Mapping[str, Any]) -> str:
    """The whole page; parts that were not measured are left out."""
    return "\n".join(_sections(data)) + "\n"


def _sections(data: Mapping[str, Any]) -> Iterator[str]:
    yield prose.INTRODUCTION.strip()
    yield _conditions(data)
    yield from _works(data)
    if "documents" in data:
        yield prose.DOCUMENTS.rstrip() + "\n"
        yield _documents(data["documents"])
        yield prose.KEPT.rstrip() + "\n"
        yield _kept(data["documents"])
    if "engraved" in data:
        yield prose.ENGRAVED.rstrip() + "\n"
        yield _engraved(data["engraved"])
    if "pages" in data:
        yield prose.PAGES.rstrip() + "\n"
        yield _pages(data["pages"])
    if "others" in data:
        yield prose.OTHERS.rstrip() + "\n"
        yield _music21(data)
        yield prose.COLD.rstrip() + "\n"
        yield _cold(data["others"])
    if "edits" in data and "documents" in data:
        yield prose.EDITS.rstrip() + "\n"
        yield _edits(data)
    if "limits" in data:
        yield (
            prose.LIMITS.format(
                rooms=QUARTER.rooms,
                clients=QUARTER.clients,
                rate=QUARTER.updates_per_s,
                pairs=PAIRS,
                window=WINDOW_S,
            ).rstrip()
            + "\n"
        )
        yield _limits(data["limits"])
        yield prose.ENDS.rstrip() + "\n"
        yield _ends(data["limits"])
    yield prose.REPEAT.rstrip()


def _conditions(data: Mapping[str, Any]) -> str:
    told = data["conditions"]
    there = data.get("others", {})
    versions = [f"Verovio {told['verovio']}"]
    versions += [f"music21 {each}" for each in _versions(there)]
    if there.get("musescore_version"):
        versions.append(f"{there['musescore_version']} of Debian 12")
    loads = ", ".join(f"{name} {load:g}" for name, load in data["loads"].items())
    return (
        f"\n{told['date']}, {told['cpu']}, {told['cores']} cores, {told['memory_gib']} GiB, "
        f"{told['kernel']}, {told['python']}, {told['file_system']}; {', '.join(versions)}. "
        f"Runnable processes on average over the minute up to the end of each part: {loads}."
    )


def _versions(others: Mapping[str, Any]) -> list[str]:
    found = (each.get("version") for each in others.get("music21", {}).values())
    return sorted({each for each in found if each})


def _works(data: Mapping[str, Any]) -> Iterator[str]:
    known = data.get("documents", {})
    yield prose.WORKS.rstrip() + "\n"
    yield table(
        ("", "work", "notes", "measures", "file", "terms"),
        (
            (
                work.name,
                work.title,
                f"{known[name]['notes']:,}" if name in known else _NONE,
                f"{known[name]['measures']:,}" if name in known else _NONE,
                f"`{work.file}`",
                work.terms,
            )
            for name, work in WORKS.items()
        ),
    )


def _documents(found: Mapping[str, Any]) -> str:
    steps = ("import_ms", "apply_ms", "read_ms", "normalise_ms", "export_ms")
    return table(
        ("", "import", "apply", "read as facets", "normalise", "export"),
        ((name, *(_ms(found[name][step]) for step in steps)) for name in WORKS),
    )


def _kept(found: Mapping[str, Any]) -> str:
    kinds = ("file_bytes", "log_bytes", "snapshot_bytes", "memory_bytes")
    return table(
        ("bytes for each note", "file, as it came", "log", "snapshot", "memory"),
        (
            (name, *(f"{found[name][kind] / found[name]['notes']:,.0f}" for kind in kinds))
            for name in WORKS
        ),
    )


def _engraved(found: Mapping[str, Any]) -> str:
    forms = ("svg", "pdf", "midi", "mp3")
    return table(
        ("", "SVG", "PDF", "MIDI", "MP3"),
        ((name, *(_ms(found[name][form]) for form in forms)) for name in WORKS),
    )


def _pages(found: Mapping[str, Any]) -> str:
    return table(
        ("one page as PDF", "n", "p50 ms", "p99 ms", "most ms"),
        (
            (
                name,
                str(found[name]["samples"]),
                *(f"{found[name][each]:,.0f}" for each in ("p50_ms", "p99_ms", "max_ms")),
            )
            for name in ("warm", "cold")
        ),
    )


def _music21(data: Mapping[str, Any]) -> str:
    ours, theirs, made = data.get("documents", {}), data["others"]["music21"], data["engraved"]
    rows = []
    for name in theirs:
        other = theirs[name]
        if "failed" in other:
            rows.append((name, other["failed"], *([_NONE] * 5)))
            continue
        rows.append(
            (
                name,
                _ms(ours[name]["import_ms"]),
                _ms(other["import"]),
                _ms(ours[name]["export_ms"]),
                _ms(other["musicxml"]),
                _ms(made[name]["midi"]),
                _ms(other["midi"]),
            )
        )
    head = ("", "import", "music21", "export", "music21", "MIDI", "music21")
    return table(head, rows)


def _cold(others: Mapping[str, Any]) -> str:
    rows = []
    for name in others["bandpro"]:
        row = [name]
        for form in _FORMATS:
            row.append(_ms(others["bandpro"][name][form]))
            row.append(_ms(others.get("musescore", {}).get(name, {}).get(form, _NONE)))
        rows.append(row)
    head = [""]
    for form in ("MusicXML", "PDF", "MIDI", "MP3"):
        head += [f"{form}, BandPro", "MuseScore"]
    return table(head, rows)


def _edits(data: Mapping[str, Any]) -> str:
    rows = []
    for name in ("chorale", EDITED):
        planned, sent = data["documents"][name], data["edits"][name]
        rows.append(
            (
                name,
                _pair(planned["repitch"], 2),
                _pair(planned["chord_note"], 2),
                f"{planned['edit_bytes']:.0f}",
                _pair(sent["edit"], 2),
                _pair(sent["saved"], 1),
                str(sent["missing"]),
            )
        )
    head = ("p50 / p99 ms", "plan a pitch", "plan a chord note", "bytes", "to the other", "saved")
    return table((*head, "missing"), rows)


def _limits(found: Mapping[str, Any]) -> str:
    rows = []
    for manner in MANNERS:
        if manner.name not in found:
            continue
        quiet, bombs = found[manner.name]["quiet"], found[manner.name]["bombs"]
        rows.append(
            (
                manner.title,
                _median(quiet, "saved", "p50_ms"),
                _ratio(quiet, bombs, "saved", "p50_ms"),
                _median(quiet, "saved", "p99_ms"),
                _ratio(quiet, bombs, "saved", "p99_ms"),
                _ratio(quiet, bombs, "edit", "p99_ms"),
                Spread.of(each["tools_busy"] for each in bombs).text(2),
                Spread.of(each["all_busy"] for each in quiet).text(2),
                str(sum(each["missing"] for each in (*quiet, *bombs))),
            )
        )
    head = ("jobs are done", "saved p50 ms, quiet", "times that with bombs", "saved p99 ms, quiet")
    more = ("times that with bombs", "edit p99, times that of quiet", "tools' processors")
    return table((*head, *more, "all processors, quiet", "missing"), rows)


def _ends(found: Mapping[str, Any]) -> str:
    ends: dict[str, dict[str, int]] = {}
    for manner in MANNERS:
        for bomb, said in found.get(manner.name, {}).get("ends", {}).items():
            for words, times in said.items():
                ends.setdefault(bomb, {}).setdefault(words, 0)
                ends[bomb][words] += times
    rows = (
        (bomb, words, str(times)) for bomb, said in ends.items() for words, times in said.items()
    )
    return table(("bomb", "what is said", "times"), rows)


def _median(windows: list[dict[str, Any]], what: str, figure: str) -> str:
    return Spread.of(each[what][figure] for each in windows).text(1)


def _ratio(quiet: list[dict[str, Any]], bombs: list[dict[str, Any]], what: str, figure: str) -> str:
    """Each window with bombs, over the quiet one just before it."""
    pairs = zip(quiet, bombs, strict=True)
    return Spread.of(late[what][figure] / early[what][figure] for early, late in pairs).text(2)


def _pair(latencies: Mapping[str, float], digits: int) -> str:
    return f"{latencies['p50_ms']:.{digits}f} / {latencies['p99_ms']:.{digits}f}"


def _ms(value: float | str) -> str:
    """Milliseconds, or seconds where there are many; words as they are."""
    if isinstance(value, str):
        return value
    return f"{value / 1000:,.1f} s" if value >= 1000 else f"{value:,.0f} ms"
