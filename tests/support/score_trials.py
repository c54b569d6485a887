"""Files of MusicXML through shared documents and back, unedited and edited; anybody's own as well.

::

    python -m tests.support.score_trials FOLDER... [--edits 200]

tries every score below the folders and tells what each file did not keep.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lxml import etree
from pycrdt import Doc

from collab.errors import InvalidScore
from collab.score.musicxml import export_musicxml, read_musicxml, write_musicxml
from collab.score.seed import seed_update
from collab.score.validate import validate
from tests.support.musicxml import canonical, through_a_document
from tests.support.musicxml_facts import differences, missing
from tests.support.random_edits import edit, ids, read_facets
from tests.support.score_corpus import SUFFIXES, plain, problems

Facets = Mapping[str, Mapping[str, Any]]

SMALL_BYTES: Final = 200_000
"""Scores of which more is edited in many steps would take minutes each."""


@dataclass(slots=True)
class Trial:
    """What became of one file: its notes or its edits, and what was not as it should be."""

    count: int = 0
    troubles: list[str] = field(default_factory=list)

    def expect(self, what: str, found: Sequence[object]) -> None:
        """Note a trouble unless nothing was found."""
        if found:
            self.troubles.append(
                f"{what}: {found[0]}" + (f" and {len(found) - 1} more" * (len(found) > 1))
            )


def is_small(path: Path) -> bool:
    """Tell whether a file is edited in a moment, and read by the oracle."""
    return path.stat().st_size < (SMALL_BYTES if path.suffix != ".mxl" else SMALL_BYTES // 40)


def round_trip(path: Path) -> Trial:
    """Import and export one file; it counts its notes."""
    facets = read_musicxml(path.read_bytes()).facets
    trial = Trial(len(facets["ev"]))
    trial.expect("facets that are not valid", validate(facets))
    exported = write_musicxml(through_a_document(facets))
    if canonical(exported) != canonical(plain(path)):
        trial.troubles.append("comes out as another XML")
    return trial


def edited(path: Path, seed: int, edits: int) -> Trial:
    """Edit one file; what comes out is valid, has the document's facts, and the rest as it was."""
    imported: Any = read_musicxml(path.read_bytes()).facets
    original = write_musicxml(imported)
    facets, made = edited_by_three(imported, seed, edits)
    exported = export_musicxml(facets)
    trial = Trial(made)
    trial.expect("findings", exported.findings)
    if not problems(original):
        trial.expect("not valid any more", problems(exported.data))
    trial.expect("other notes or signs", differences(exported.data, facets))
    trial.expect("lines or settings are missing", missing(exported.data, facets))
    before, after = cells_of(original, imported), cells_of(exported.data, facets)
    untouched = before.keys() & after.keys() - touched_cells(imported, facets)
    changed = [place for place in sorted(untouched) if before[place] != after[place]]
    trial.expect("changed without having been edited", changed)
    return trial


def edited_by_three(facets: Any, seed: int, edits: int) -> tuple[Facets, int]:  # noqa: ANN401
    """Let three replicas edit a score, now and then hearing of each other; bring all together."""
    rng = random.Random(seed)
    base = seed_update(facets)
    replicas: list[Doc[Any]] = [Doc(client_id=rng.randint(2**11, 2**32)) for _ in range(3)]
    for replica in replicas:
        replica.apply_update(base)
    sources = [ids(f"{letter}x") for letter in "abz"]
    made = 0
    for _ in range(edits):
        editor = rng.randrange(3)
        made += bool(edit(rng, replicas[editor], sources[editor]))
        if rng.random() < 0.1:
            _tell(replicas[editor], rng.choice(replicas))
    for replica in replicas[1:]:
        _tell(replica, replicas[0])
    return read_facets(replicas[0]), made


def _tell(giver: Doc[Any], taker: Doc[Any]) -> None:
    if giver is not taker:
        taker.apply_update(giver.get_update(taker.get_state()))


def touched_cells(before: Facets, after: Facets) -> set[tuple[str, str]]:
    """Name the cells, by part and measure id, that an edit may have changed."""
    parts = {*before["parts"], *after["parts"]}
    touched = set(_edited_cells(before, after, parts))
    measures = after["measures"]
    order = sorted(measures, key=lambda name: (measures[name]["order"], name))
    gone = {name for name in order if measures[name].get("deleted")}
    new = measures.keys() - before["measures"].keys()
    # What was set in a deleted measure holds on in the next; a new first one says divisions.
    for measure, following in zip([*order[:1], *order], order, strict=False):
        if measure in gone | new:
            touched |= {(part, following) for part in parts}
    for value in [*before["sp"].values(), *after["sp"].values()]:
        ends = [set(_cells(after, value[end])) for end in ("start", "end")]
        if any(not cells or any(place[1] in gone for place in cells) for cells in ends):
            touched |= ends[0] | ends[1]
    return touched


def _edited_cells(before: Facets, after: Facets, parts: set[str]) -> Iterator[tuple[str, str]]:
    for facet in before.keys() - {"raw"}:
        for key in before[facet].keys() | after[facet].keys():
            if not _same(before[facet].get(key), after[facet].get(key)):
                yield from _places(before, facet, key, parts)
                yield from _places(after, facet, key, parts)


def _same(before: Any, after: Any) -> bool:  # noqa: ANN401
    if isinstance(before, dict) and isinstance(after, dict):
        before = {key: value for key, value in before.items() if key != "order"}
        after = {key: value for key, value in after.items() if key != "order"}
    return bool(before == after)


def _cells(facets: Facets, owner: str) -> Iterator[tuple[str, str]]:
    for facet in ("ev", "dir"):
        value = facets[facet].get(owner)
        if value is not None:
            yield value["part"], value["measure"]


def _places(facets: Facets, facet: str, key: str, parts: set[str]) -> Iterator[tuple[str, str]]:
    value = facets[facet].get(key)
    if facet == "parts":
        yield from ((key, measure) for measure in facets["measures"])
    elif facet in {"measures", "lay"}:
        yield from ((part, key) for part in parts)
    elif facet == "attr":
        _, measure, scope, _ = key.split("|")
        yield from ((part, measure) for part in parts if scope.split("/")[0] in {"*", part})
    elif facet in {"ev", "dir", "pt", "nx", "ly"}:
        yield from _cells(facets, key.partition("|")[0])
    elif facet == "sp" and value is not None:
        for end in (value["start"], value["end"]):
            yield from _cells(facets, end)
            yield from ((part, end) for part in parts)


def cells_of(data: bytes, facets: Facets) -> dict[tuple[str, str], bytes]:
    """Write each measure down by its place, without divisions that are said at its end."""
    measures = facets["measures"]
    order = sorted(measures, key=lambda name: (measures[name]["order"], name))
    shown = [name for name in order if not measures[name].get("deleted")]
    found: dict[tuple[str, str], bytes] = {}
    counts: Counter[str] = Counter()
    for part in etree.fromstring(canonical(data)).findall("part"):
        name = part.get("id", "")
        counts[name] += 1
        for measure, element in zip(shown, part.findall("measure"), strict=False):
            last = element[-1] if len(element) else None
            if last is not None and last.tag == "attributes" and len(last) == 1:
                element.remove(last)
            found[name, measure] = etree.tostring(element, method="c14n")
    return {place: text for place, text in found.items() if counts[place[0]] == 1}


def _scores(folders: Sequence[str]) -> list[Path]:
    """Name the scores in folders: archives, and whatever XML says that it is one."""
    files = [path for name in folders for path in (Path(name), *Path(name).rglob("*"))]
    return sorted(
        path
        for path in files
        if path.is_file()
        and path.suffix.lower() in SUFFIXES
        and (path.suffix.lower() != ".xml" or b"<score-" in path.read_bytes().replace(b"\0", b""))
    )


def _try(path: Path, edits: int) -> tuple[Trial, Trial]:
    unedited, changed = Trial(), Trial()
    try:
        unedited = round_trip(path)
        if edits and is_small(path):
            changed = edited(path, len(path.name), edits)
    except InvalidScore as error:
        unedited.troubles.append(f"refused: {error}")
    except Exception as error:  # noqa: BLE001 - one file keeps no other from being tried
        unedited.troubles.append(f"failed: {type(error).__name__}: {error}")
    return unedited, changed


def _tell_person(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the scores of folders; 1 when there was trouble with one."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.score_trials")
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="or a file")
    parser.add_argument("--edits", type=int, default=200, help="of each small file; 0 for none")
    options = parser.parse_args(arguments)
    files = right = notes = made = 0
    for path in _scores(options.folders):
        begun = time.perf_counter()
        unedited, changed = _try(path, options.edits)
        files, notes, made = files + 1, notes + unedited.count, made + changed.count
        troubles = unedited.troubles + [f"edited: {trouble}" for trouble in changed.troubles]
        right += not troubles
        for trouble in troubles:
            _tell_person(f"{path}: {trouble}")
        seconds = time.perf_counter() - begun
        if seconds > _SLOW_SECONDS:
            _tell_person(f"{path}: took {seconds:.0f} s")
    _tell_person(f"{files} files, {right} as they came, {notes} notes, {made} edits")
    return 0 if files and right == files else 1


_SLOW_SECONDS: Final = 10


if __name__ == "__main__":
    sys.exit(main())
