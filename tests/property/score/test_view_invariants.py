"""What holds of every view, checked by looking at all pairs instead of as the view is made."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction

import pytest

from collab.score.model import Event, Score, read_score
from collab.score.normalise import (
    Cell,
    Chord,
    Gap,
    Grace,
    Hidden,
    Item,
    Space,
    View,
    WrittenRest,
    normalise,
)
from tests.support.counts import repeats
from tests.support.random_scores import random_facets

Span = tuple[Fraction, Fraction]
"""Beginning and end, from the measure's start."""

SCORES = repeats(60, proof=2000)


@pytest.fixture(scope="module", params=range(5))
def views(request: pytest.FixtureRequest) -> Sequence[tuple[Score, View]]:
    """Scores by lot, each with its view."""
    first = SCORES * int(request.param)
    drawn = [random_facets(random.Random(seed)) for seed in range(first, first + SCORES)]
    return [(read_score(facets), normalise(facets)) for facets in drawn]


def test_norm_8_and_norm_10_every_event_is_shown_covered_or_named_once(
    views: Sequence[tuple[Score, View]],
) -> None:
    for score, view in views:
        found = Counter(key for cell in _cells(view) for key in (*_shown(cell), *cell.covered))
        found.update(orphan.key for orphan in view.orphans if orphan.facet == "ev")
        assert found == Counter(score.events.keys())


def test_norm_5_every_voice_goes_from_the_start_to_the_end_without_overlaps(
    views: Sequence[tuple[Score, View]],
) -> None:
    for _, view in views:
        for cell in _cells(view):
            for voice in cell.voices:
                spans = [_span(item) for item in voice.items if not isinstance(item, Grace)]
                assert [begin for begin, _ in spans] == [0, *(end for _, end in spans[:-1])][
                    : len(spans)
                ]
                assert cell.length is None or [end for _, end in spans][-1] >= cell.length
                onsets = [(item.onset, not isinstance(item, Grace)) for item in voice.items]
                assert onsets == sorted(onsets)


def test_norm_2_and_norm_3_chords_are_whole_and_leave_a_voice_for_a_lower_id_alone(
    views: Sequence[tuple[Score, View]],
) -> None:
    for score, view in views:
        for cell in _cells(view):
            chords = [
                (voice.number if item.moved_from is None else item.moved_from, item)
                for voice in cell.voices
                for item in voice.items
                if isinstance(item, Chord)
            ]
            places = [(voice, *_span(chord)) for voice, chord in chords]
            assert len(set(places)) == len(places)
            for voice, chord in chords:
                notes = [score.events[key] for key in chord.ids]
                assert {(note.voice, note.onset, note.end) for note in notes} == {
                    (voice, *_span(chord))
                }
                assert list(chord.ids) == sorted(chord.ids)
                in_the_way = [
                    other.ids[0]
                    for its_voice, other in chords
                    if its_voice == voice and other.moved_from is None and _overlap(chord, other)
                ]
                assert (chord.moved_from is not None) == any(
                    key < chord.ids[0] for key in in_the_way
                )


def test_norm_3_moved_chords_are_among_themselves(views: Sequence[tuple[Score, View]]) -> None:
    for _, view in views:
        for cell in _cells(view):
            for voice in cell.voices:
                moved = {
                    isinstance(item, Chord) and item.moved_from is not None
                    for item in voice.items
                    if not isinstance(item, Gap)
                }
                assert len(moved) == 1


def test_norm_4_what_is_covered_is_silent_and_something_else_is_there(
    views: Sequence[tuple[Score, View]],
) -> None:
    for score, view in views:
        for cell in _cells(view):
            for key in cell.covered:
                event = score.events[key]
                begin, end = _silence(score, event, cell)
                there = [
                    _span(item)
                    for voice in cell.voices
                    if voice.number == event.voice
                    for item in voice.items
                    if not isinstance(item, Gap | Grace)
                ]
                assert begin == end or any(
                    begin < other_end and other < end for other, other_end in there
                )


def test_norm_6_flags_are_what_adding_up_gives(views: Sequence[tuple[Score, View]]) -> None:
    for _, view in views:
        for cell in _cells(view):
            items = [item for voice in cell.voices for item in voice.items]
            written = [_span(item) for item in items if not isinstance(item, Gap)]
            if cell.length is None:
                assert {cell.is_overfull, cell.is_underfull} == {False}
                continue
            assert cell.is_overfull == any(end > cell.length for _, end in written)
            # Time is empty at a beginning or end of something, if it is at all.
            edges = {Fraction(0), *(end for _, end in written)}
            empty = [
                at
                for at in edges
                if at < cell.length and not any(begin <= at < end for begin, end in written)
            ]
            has_any = any(end > 0 for _, end in written)
            assert cell.is_underfull == (has_any and bool(empty))


def test_norm_7_lines_are_drawn_once_between_what_is_shown(
    views: Sequence[tuple[Score, View]],
) -> None:
    for score, view in views:
        shown = {key for cell in _cells(view) for key in (*_shown(cell), *cell.directions)}
        shown |= {measure.id for measure in view.measures}
        hidden = {each.id: each for each in view.hidden}
        assert sorted([*view.spanners, *hidden]) == sorted(score.spanners)
        lines = {key: (each.kind, each.start, each.end) for key, each in score.spanners.items()}
        for key, (kind, start, end) in lines.items():
            heights = [
                score.pitches[note].semitones for note in (start, end) if note in score.pitches
            ]
            twins = [twin for twin in view.spanners if twin < key and lines[twin] == lines[key]]
            if not {start, end} <= shown:
                assert hidden[key] == Hidden(key, "dangling")
            elif twins:
                assert hidden[key] == Hidden(key, "duplicate")
            elif kind == "tie" and len(set(heights) - {None}) > 1:
                assert hidden[key] == Hidden(key, "pitches-differ")
            else:
                assert key in view.spanners


def _cells(view: View) -> Iterator[Cell]:
    return (cell for measure in view.measures for cell in measure.cells)


def _shown(cell: Cell) -> Iterator[str]:
    for voice in cell.voices:
        for item in voice.items:
            match item:
                case Chord(ids=ids) | Grace(ids=ids):
                    yield from ids
                case WrittenRest(id=key) | Space(id=key):
                    yield key


def _span(item: Item) -> Span:
    return item.onset, item.onset + (0 if isinstance(item, Grace) else item.duration)


def _overlap(one: Chord, other: Chord) -> bool:
    return one.onset < _span(other)[1] and other.onset < _span(one)[1]


def _silence(score: Score, event: Event, cell: Cell) -> Span:
    """The time that a rest or space takes; nothing else may be covered."""
    if event.is_space:
        return event.onset, event.end
    rest = score.pitches[event.id].rest
    assert rest, "a note is covered"
    whole = cell.length or event.duration
    return (Fraction(0), whole) if rest == "measure" and whole else (event.onset, event.end)
