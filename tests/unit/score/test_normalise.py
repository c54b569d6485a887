"""What is shown of a score, case by case; times read ``onset+duration`` in quarter notes."""

from __future__ import annotations

from fractions import Fraction

import pytest

from collab.score.chorale import chorale_facets
from collab.score.normalise import Chord, Gap, Grace, Hidden, Item, Orphan, Space, View, normalise
from collab.score.schema import Facets, Json
from tests.support.scores import event, notes, pitch, small_score

BARE: dict[str, Json] = {"part": "p", "measure": "m1"}


def _text(item: Item) -> str:
    if isinstance(item, Chord):
        moved = f" from {item.moved_from}" if item.moved_from is not None else ""
        return f"{' '.join(item.ids)} {item.onset}+{item.duration}{moved}"
    if isinstance(item, Gap):
        return f"- {item.onset}+{item.duration}"
    if isinstance(item, Grace):
        return f"{' '.join(item.ids)} {item.onset}"
    return f"{item.id} {item.onset}+{item.duration}"


def _voices(view: View, measure: int = 0) -> dict[int, list[str]]:
    (cell,) = view.measures[measure].cells
    return {voice.number: [_text(item) for item in voice.items] for voice in cell.voices}


def _view(**entries: Json) -> View:
    return normalise(small_score(notes(**entries)))


def test_norm_1_events_are_ordered_by_onset_then_voice_then_id() -> None:
    view = _view(c=event(0, 1), a=event(1, 1), b=event(1, 1, voice=2), d=event(2, 2))
    assert _voices(view) == {1: ["c 0+1", "a 1+1", "d 2+2"], 2: ["- 0+1", "b 1+1", "- 2+2"]}


def test_norm_2_equal_onset_and_duration_in_a_voice_make_a_chord() -> None:
    view = _view(b=event(0, 4), a=event(0, 4), c=event(0, 4, voice=2))
    assert _voices(view) == {1: ["a b 0+4"], 2: ["c 0+4"]}


def test_norm_3_of_overlapping_notes_the_lowest_id_stays_and_the_others_move() -> None:
    view = _view(a=event(1, 2), b=event(0, 4), c=event(0, 1), d=event(2, 1, voice=2))
    assert _voices(view) == {
        1: ["c 0+1", "a 1+2", "- 3+1"],
        2: ["- 0+2", "d 2+1", "- 3+1"],
        3: ["b 0+4 from 1"],
    }


def test_norm_3_moved_notes_share_a_free_voice_where_there_is_room() -> None:
    view = _view(
        a=event(0, 4), b=event(0, 1), c=event(1, 1), d=event(1, 2), e=event(3, 1), f=event(3, 1)
    )
    assert _voices(view) == {
        1: ["a 0+4"],
        2: ["b 0+1 from 1", "c 1+1 from 1", "- 2+1", "e f 3+1 from 1"],
        3: ["- 0+1", "d 1+2 from 1", "- 3+1"],
    }


def test_norm_4_rests_give_way_to_notes_and_to_each_other() -> None:
    facets = small_score(
        notes(a=event(0, 4), b=event(1, 1), c=event(2, 1), d=event(2, 1), e=event(3, 1))
    )
    facets["pt"] |= {"a": pitch("measure"), "c": pitch("rest"), "d": pitch("rest")}
    view = normalise(facets)
    assert _voices(view) == {1: ["- 0+1", "b 1+1", "c 2+1", "e 3+1"]}
    assert view.measures[0].cells[0].covered == ("a", "d")


def test_norm_4_a_rest_for_the_whole_measure_lasts_as_long_as_it_does() -> None:
    facets = small_score(notes(a=event(0, 4)), beats=3)
    facets["pt"]["a"] = pitch("measure")
    view = normalise(facets)
    assert _voices(view) == {1: ["a 0+3"]}
    assert not view.measures[0].cells[0].is_overfull


def test_norm_5_what_a_voice_leaves_empty_is_a_rest_that_nobody_wrote() -> None:
    view = _view(
        a=event(Fraction(1, 3), Fraction(1, 3)), b=event(2, 1), c=event(3, 1, kind="space")
    )
    assert _voices(view) == {1: ["- 0+1/3", "a 1/3+1/3", "- 2/3+4/3", "b 2+1", "c 3+1"]}
    assert isinstance(view.measures[0].cells[0].voices[0].items[-1], Space)


def test_norm_5_grace_notes_take_no_time() -> None:
    view = _view(
        a=event(1, 1),
        x=event(1, 1, grace={"order": "b"}),
        y=event(1, 1, grace={"order": "a"}),
        z=event(1, 1, grace={"order": "b"}),
    )
    assert _voices(view) == {1: ["- 0+1", "y 1", "x z 1", "a 1+1", "- 2+2"]}


def test_norm_6_measures_too_full_or_not_full_enough_are_flagged() -> None:
    facets = small_score(notes(a=event(0, 5), b=event(0, 3, "m2"), c=event(0, 4, "m3")), measures=3)
    cells = [measure.cells[0] for measure in normalise(facets).measures]
    assert [(cell.is_overfull, cell.is_underfull) for cell in cells] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_norm_6_voices_fill_a_measure_together() -> None:
    view = _view(a=event(0, 2), b=event(1, 3, voice=2))
    assert not view.measures[0].cells[0].is_underfull


def test_norm_6_a_length_of_its_own_goes_before_the_time_signature() -> None:
    facets = small_score(notes(a=event(0, 1)), measures=1)
    facets["measures"]["m1"] = {"order": "a1", "number": "0", "length": [1, 1]}
    view = normalise(facets)
    assert view.measures[0].length == 1
    assert _voices(view) == {1: ["a 0+1"]}


def test_norm_6_a_metre_within_a_measure_holds_from_the_next_one_on() -> None:
    facets = small_score(measures=3)
    facets["attr"] |= {
        "time|m1|*|2/1": {"beats": [3, 2], "unit": 8},
        "time|m3|p|0/1": {"beats": [2], "unit": 2},
    }
    facets |= notes(a=event(0, 1, "m3"))
    measures = normalise(facets).measures
    assert [measure.length for measure in measures] == [4, Fraction(5, 2), Fraction(5, 2)]
    assert measures[2].cells[0].length == 4


def test_norm_6_groups_of_beats_add_up_and_no_beats_are_no_metre() -> None:
    facets = small_score(measures=2)
    facets["attr"] |= {
        "time|m1|*|0/1": {"beats": [2], "unit": 4, "plus": [{"beats": [3], "unit": 8}]},
        "time|m2|*|0/1": {"beats": [], "unit": 4},
    }
    view = normalise(facets)
    assert [measure.length for measure in view.measures] == [Fraction(7, 2), None]
    assert view.unreadable == ()


def test_norm_6_without_a_metre_parts_last_as_long_as_the_longest() -> None:
    facets = small_score(notes(a=event(0, 1), b=event(0, 7, part="q")), measures=1)
    facets["parts"]["q"] = {"order": "a1", "name": "Q", "staves": 1}
    facets["attr"] = {}
    first, second = normalise(facets).measures[0].cells
    assert [_text(item) for item in first.voices[0].items] == ["a 0+1", "- 1+6"]
    assert [_text(item) for item in second.voices[0].items] == ["b 0+7"]
    assert not first.is_underfull


def test_norm_7_spanners_with_an_end_that_is_not_shown_are_hidden() -> None:
    facets = small_score(notes(a=event(0, 1), b=event(1, 1)))
    facets["sp"] = {
        "s1": {"kind": "slur", "start": "a", "end": "b"},
        "s2": {"kind": "slur", "start": "a", "end": "gone"},
        "s3": {"kind": "ending", "start": "m1", "end": "m2"},
        "s4": {"kind": "slur", "start": "a", "end": "b"},
    }
    view = normalise(facets)
    assert view.spanners == ("s1", "s3")
    assert view.hidden == (Hidden("s2", "dangling"), Hidden("s4", "duplicate"))


@pytest.mark.parametrize(
    ("other", "hidden"),
    [
        ("C4", ()),
        ("C5", (Hidden("t", "pitches-differ"),)),
        ("Db4", (Hidden("t", "pitches-differ"),)),
    ],
)
def test_norm_7_a_tie_needs_one_pitch(other: str, hidden: tuple[Hidden, ...]) -> None:
    facets = small_score(notes(a=event(0, 1), b=event(1, 1)))
    facets["pt"]["b"] = pitch(other)
    facets["sp"] = {"t": {"kind": "tie", "start": "a", "end": "b"}}
    assert normalise(facets).hidden == hidden


def test_norm_7_unpitched_notes_may_be_tied_wherever_they_are_drawn() -> None:
    facets = small_score(notes(a=event(0, 1), b=event(1, 1)))
    facets["pt"]["b"] = {"unpitched": True, "step": "E", "octave": 4}
    facets["sp"] = {"t": {"kind": "tie", "start": "a", "end": "b"}}
    assert normalise(facets).spanners == ("t",)


def test_norm_7_a_tie_may_change_the_spelling() -> None:
    facets = small_score(notes(a=event(0, 1), b=event(1, 1)))
    facets["pt"] |= {"a": pitch("C#4"), "b": pitch("Db4")}
    facets["sp"] = {"t": {"kind": "tie", "start": "a", "end": "b"}}
    assert normalise(facets).spanners == ("t",)


def test_norm_8_what_a_deleted_measure_holds_can_be_recovered() -> None:
    facets = small_score(notes(a=event(0, 4), b=event(0, 4, "m2")))
    facets["dir"] = {
        "d": {"part": "p", "measure": "m1", "onset": [0, 1], "kind": "words", "text": "dolce"}
    }
    facets["lay"] = {"m1": {"system": True}}
    before = normalise(facets)
    facets["measures"]["m1"] = {"order": "a1", "number": "1", "deleted": True}
    view = normalise(facets)
    assert [measure.id for measure in view.measures] == ["m2"]
    assert view.deleted == ("m1",)
    assert view.orphans == (
        Orphan("dir", "d", "measure-deleted"),
        Orphan("ev", "a", "measure-deleted"),
        Orphan("lay", "m1", "measure-deleted"),
    )
    facets["measures"]["m1"] = {"order": "a1", "number": "1"}
    assert normalise(facets) == before


def test_norm_8_signatures_of_deleted_measures_hold_on() -> None:
    facets = small_score(measures=3)
    clef: Json = {"sign": "F", "line": 4}
    facets["attr"] |= {
        "barline|m1|*|right": {"style": "heavy"},
        "clef|m1|p|0/1": clef,
        "clef|m1|p|2/1": clef,
        "key|m1|p|0/1": {"fifths": 1},
        "key|m2|*|0/1": {"fifths": 2},
        "tempo|m3|*|0/1": {"unit": [1, 1], "bpm": 60},
    }
    for name in ("m1", "m3"):
        facets["measures"][name] = {"order": f"a{name[1]}", "number": "1", "deleted": True}
    (measure,) = normalise(facets).measures
    assert measure.length == 4
    assert measure.settings == ("clef|m1|p|2/1", "key|m2|*|0/1", "time|m1|*|0/1")
    assert [orphan.key for orphan in normalise(facets).orphans] == [
        "barline|m1|*|right",
        "clef|m1|p|0/1",
        "key|m1|p|0/1",
        "tempo|m3|*|0/1",
    ]


def test_norm_8_what_is_left_of_erased_elements_is_named() -> None:
    facets = small_score(notes(a=event(0, 4), b=event(0, 4, part="q"), c=event(0, 4, "m9")))
    facets["pt"] = {"b": pitch(), "c": pitch(), "z": pitch()}
    facets["nx"] = {"y": {"stem": "up"}}
    facets["ly"] = {"x|1": {"text": "la", "syllabic": "single"}}
    facets["attr"]["clef|m1|q|0/1"] = {"sign": "G"}
    view = normalise(facets)
    assert view.measures[0].cells == ()
    assert view.orphans == (
        Orphan("attr", "clef|m1|q|0/1", "part-missing"),
        Orphan("ev", "a", "pitch-missing"),
        Orphan("ev", "b", "part-missing"),
        Orphan("ev", "c", "measure-missing"),
        Orphan("ly", "x|1", "event-missing"),
        Orphan("nx", "y", "event-missing"),
        Orphan("pt", "z", "event-missing"),
    )


def test_norm_9_measures_and_parts_of_equal_order_follow_their_ids() -> None:
    facets = small_score(measures=1)
    facets["measures"] = {name: {"order": "a"} for name in ("mB", "ma", "m\U0001d11e", "m\uff21")}
    assert [measure.id for measure in normalise(facets).measures] == [
        "mB",
        "ma",
        "m\uff21",
        "m\U0001d11e",
    ]


def test_norm_9_floats_of_the_crdt_are_the_integers_that_they_equal() -> None:
    facets: Facets = small_score(notes(a=event(0, 3)))
    facets["ev"]["a"] = {**BARE, "voice": 1.0, "onset": [1.0, 2.0], "duration": [3.0, 1.0]}
    assert _voices(normalise(facets)) == {1: ["- 0+1/2", "a 1/2+3", "- 7/2+1/2"]}


def test_norm_10_broken_entries_are_named_and_the_rest_is_shown() -> None:
    facets = small_score(notes(a=event(0, 4), c=7), measures=1)
    facets["ev"]["b"] = {**BARE, "onset": [1, 0], "duration": [1, 1]}
    facets["ev"]["d"] = {**BARE, "onset": [float("nan"), 1], "duration": [1, 1]}
    facets["attr"] |= {"time|m1|*|x": {}, "key": {}, "time|m1|p|0/1": {"beats": [0], "unit": 4}}
    facets["sp"] = {"s": {"kind": "slur", "start": "a"}}
    view = normalise(facets)
    assert _voices(view) == {1: ["a 0+4"]}
    assert view.unreadable == (
        ("attr", "key"),
        ("attr", "time|m1|*|x"),
        ("attr", "time|m1|p|0/1"),
        ("ev", "b"),
        ("ev", "c"),
        ("ev", "d"),
        ("sp", "s"),
    )


def test_norm_10_no_score_at_all_gives_an_empty_view() -> None:
    documents: list[dict[str, object]] = [
        {},
        {"ev": 3, "measures": [], "parts": None},
        {"sp": {"a": {}}},
    ]
    for broken in documents:
        assert normalise(broken).measures == ()


def test_the_demo_chorale_is_shown_as_it_is_written() -> None:
    view = normalise(chorale_facets())
    assert (view.hidden, view.orphans, view.unreadable) == ((), (), ())
    cells = [cell for measure in view.measures for cell in measure.cells]
    assert len(cells) == 12 * 4
    assert not any(cell.is_overfull or cell.is_underfull or cell.covered for cell in cells)
    assert not any(isinstance(item, Gap) for cell in cells for item in cell.voices[0].items)
