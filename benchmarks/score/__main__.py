"""``python -m benchmarks.score --music21 PYTHON``: what scores cost, beside others."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import Cores, allow_many_files, conditions, load_average
from benchmarks.results import ROOT, write
from benchmarks.score import engraving, limits, others
from benchmarks.score.document import pieces
from benchmarks.score.edits import journeys
from benchmarks.score.page import PAGE, as_page
from benchmarks.score.works import COMPARED, EDITED, WORKS, corpus_of

RESULTS: Final = ROOT / "benchmarks" / "results" / "score.json"


def main() -> int:
    """Measure what is asked for, keep it beside what was kept before, write the page."""
    arguments = _arguments()
    if not arguments.page:
        allow_many_files()
        files = _files(arguments.music21)
        for name in arguments.only or tuple(_PARTS):
            print(name, flush=True)
            found = _PARTS[name](files, arguments)
            loads = _kept().get("loads", {}) | {name: load_average()[0]}
            write(RESULTS, _kept() | {name: found, "loads": loads, "conditions": _conditions()})
    PAGE.write_text(as_page(_kept()))
    return 0


def _kept() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return kept


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.score", description=__doc__)
    parser.add_argument(
        "--music21", type=Path, help="an interpreter that has music21, whose corpus is read"
    )
    parser.add_argument("--only", action="append", choices=tuple(_PARTS), help="may be repeated")
    parser.add_argument(
        "--work", action="append", choices=COMPARED, help="beside others only this; may be repeated"
    )
    parser.add_argument("--page", action="store_true", help="write the page from kept results")
    given = parser.parse_args()
    if not given.page and given.music21 is None:
        parser.error("--music21 is needed to measure: the scores are those of its corpus")
    return given


def _files(python: Path) -> dict[str, Path]:
    corpus = corpus_of(python)
    return {name: corpus / work.file for name, work in WORKS.items()}


Files = dict[str, Path]


def _documents(files: Files, given: argparse.Namespace) -> dict[str, Any]:
    del given
    return {name: _document(file) for name, file in files.items()}


def _document(file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.score.document", str(file)]
    done = subprocess.run(command, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _edits(files: Files, given: argparse.Namespace) -> dict[str, Any]:
    del given
    scores = {name: pieces(files[name].read_bytes()) for name in ("chorale", EDITED)}
    return {name: asdict(each) for name, each in journeys(scores).items()}


def _engraved(files: Files, given: argparse.Namespace) -> dict[str, Any]:
    del given
    data = {name: file.read_bytes() for name, file in files.items()}
    return asyncio.run(engraving.conversions(data))


def _pages(files: Files, given: argparse.Namespace) -> dict[str, Any]:
    del files, given
    return {name: asdict(each) for name, each in asyncio.run(engraving.pages()).items()}


def _others(files: Files, given: argparse.Namespace) -> dict[str, Any]:
    program = others.musescore()
    told: dict[str, Any] = _kept().get("others", {})
    told["musescore_version"] = None if program is None else others.musescore_version(program)
    for name in given.work or COMPARED:
        file = files[name]
        told.setdefault("music21", {})[name] = others.music21(given.music21, file)
        if program is not None:
            told.setdefault("musescore", {})[name] = others.by_musescore(program, file)
        told.setdefault("bandpro", {})[name] = others.by_command(file)
    return told


def _limits(files: Files, given: argparse.Namespace) -> dict[str, Any]:
    del files, given
    return {each.name: asdict(limits.take_turns(each)) for each in limits.MANNERS}


_PARTS: Final[dict[str, Callable[[Files, argparse.Namespace], dict[str, Any]]]] = {
    "documents": _documents,
    "edits": _edits,
    "engraved": _engraved,
    "pages": _pages,
    "others": _others,
    "limits": _limits,
}


def _conditions() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        told = conditions(Cores.choose(), Path(folder))
    return told | {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "verovio": version("verovio"),
    }


if __name__ == "__main__":
    sys.exit(main())
