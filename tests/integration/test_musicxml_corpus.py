"""The MusicXML files of music21's package, through shared documents, unedited and edited."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from lxml import etree
from pycrdt import Doc

from collab.score.musicxml import export_musicxml, read_musicxml, write_musicxml
from collab.score.seed import seed_update
from collab.score.validate import validate
from tests.support.counts import proving
from tests.support.musicxml import canonical, through_a_document
from tests.support.musicxml_facts import differences, missing
from tests.support.random_edits import edit, ids, read_facets
from tests.support.score_corpus import EXCEPTIONS, corpus, corpus_name, plain, problems

EVERY: Final = 13
"""One file of so many is tried in `make test`, spread over the corpus."""

EDITED_EVERY: Final = 30
EDITS: Final = 60
EDITS_PROVED: Final = 200
PROVED_EVERY: Final = 2
SMALL_BYTES: Final = 200_000
"""Scores of which more is edited in many steps would take minutes each."""

IN_PROOFS = pytest.mark.skipif(not proving(), reason="the whole corpus is tried in `make prove`")

Facets = Mapping[str, Mapping[str, Any]]


def round_trip(paths: Sequence[Path]) -> int:
    """Import and export files, and count their notes."""
    notes = 0
    for path in paths:
        imported = read_musicxml(path.read_bytes())
        assert validate(imported.facets) == [], corpus_name(path)
        exported = write_musicxml(through_a_document(imported.facets))
        same = canonical(exported) == canonical(plain(path))
        assert same or corpus_name(path) in EXCEPTIONS, corpus_name(path)
        notes += len(imported.facets["ev"])
    return notes


def test_mxl_1_a_spread_of_the_corpus_comes_out_as_it_went_in() -> None:
    assert len(corpus()) > 800
    assert round_trip(corpus()[::EVERY]) > 20_000


@pytest.mark.prove
@pytest.mark.timeout(3600)
@IN_PROOFS
def test_mxl_1_all_of_the_corpus_comes_out_as_it_went_in(
    record_property: Callable[[str, object], None],
) -> None:
    """MXL-1: Every MusicXML file of music21's package is exported as it came."""
    record_property("notes", round_trip(corpus()))
    record_property("files", len(corpus()))
    record_property("with a reason", len(EXCEPTIONS))


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


def check_edited(path: Path, edits: int) -> int:
    """Edit one file; what comes out is valid, has the document's facts, and the rest as it was."""
    name = corpus_name(path)
    imported: Any = read_musicxml(path.read_bytes()).facets
    original = write_musicxml(imported)
    facets, made = edited_by_three(imported, len(name), edits)
    exported = export_musicxml(facets)
    assert exported.findings == [], name
    if not problems(original):
        assert problems(exported.data) == [], name
    assert differences(exported.data, facets) == [], name
    assert missing(exported.data, facets) == [], name
    touched = touched_cells(imported, facets)
    before, after = cells_of(original, imported), cells_of(exported.data, facets)
    for place in before.keys() & after.keys() - touched:
        assert before[place] == after[place], (name, place)
    return made


def test_mxl_4_files_of_the_corpus_are_valid_and_right_after_edits_of_three() -> None:
    for path in small_files()[::EDITED_EVERY]:
        check_edited(path, EDITS)


@pytest.mark.prove
@pytest.mark.timeout(3600)
@IN_PROOFS
def test_mxl_4_all_small_files_are_valid_and_right_after_200_edits_of_three(
    record_property: Callable[[str, object], None],
) -> None:
    """MXL-3, MXL-4: After 200 random edits by three replicas, scores are valid and right."""
    paths = small_files()[::PROVED_EVERY]
    record_property("edits", sum(check_edited(path, EDITS_PROVED) for path in paths))
    record_property("files", len(paths))


def small_files() -> list[Path]:
    """Files that are edited in a moment and read by the oracle, spread by name."""
    return [
        path
        for path in corpus()
        if path.stat().st_size < (SMALL_BYTES if path.suffix != ".mxl" else SMALL_BYTES // 40)
    ]


def touched_cells(before: Facets, after: Facets) -> set[tuple[str, str]]:
    """Name the cells, by part and measure id, that an edit may have changed."""
    parts = {*before["parts"], *after["parts"]}
    touched = set(_edited_cells(before, after, parts))
    measures = after["measures"]
    order = sorted(measures, key=lambda name: (measures[name]["order"], name))
    gone = {name for name in order if measures[name].get("deleted")}
    new = measures.keys() - before["measures"].keys()
    # What was set in a deleted measure holds on in the next; a new first one says divisions.
    for measure, following in zip([order[0], *order], order, strict=False):
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
