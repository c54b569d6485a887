"""What two people do at once, on replicas of their own: each row of the table of conflicts."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pycrdt import Doc, Map

from collab.score.intervals import WrittenPitch
from collab.score.normalise import Chord, Hidden, Orphan, View, normalise
from collab.score.operations import Operation, apply, plan
from collab.score.operations import operations as ops
from collab.score.schema import Facets, normalise_numbers
from collab.score.seed import seed_update
from tests.support.random_edits import ids, read_facets
from tests.support.scores import event, notes, small_score

C4, E4, D5 = WrittenPitch("C", 4), WrittenPitch("E", 4), WrittenPitch("D", 5)
QUARTER = Fraction(1)


class Two:
    """Ann and Bob, who edit the same score without hearing of each other, and then do."""

    def __init__(self, score: Facets) -> None:
        base = seed_update(score)
        self.docs: list[Doc[Map[object]]] = [Doc(client_id=2001), Doc(client_id=2002)]
        self.sources = [ids("ann"), ids("bob")]
        for doc in self.docs:
            doc.apply_update(base)

    def edit(self, ann: Operation, bob: Operation) -> View:
        """Both edit at once and merge; the view is the same for both, and for both the other way.

        Who has the higher client id wins an entry that both set, so both ways are tried by
        whoever tests such a row.
        """
        before = [doc.get_state() for doc in self.docs]
        for doc, operation, source in zip(self.docs, (ann, bob), self.sources, strict=True):
            apply(doc, plan(read_facets(doc), operation, source))
        states = zip(self.docs, reversed(before), strict=True)
        updates = [doc.get_update(state) for doc, state in states]
        for doc, update in zip(self.docs, reversed(updates), strict=True):
            doc.apply_update(update)
        one, other = (normalise(read_facets(doc)) for doc in self.docs)
        assert one == other
        assert read_facets(self.docs[0]) == read_facets(self.docs[1])
        return one

    def facet(self, name: str) -> object:
        return normalise_numbers(read_facets(self.docs[0])[name])


def _chords(view: View) -> list[str]:
    return [
        f"{measure.id} v{voice.number} {item.onset}+{item.duration} {' '.join(item.ids)}"
        + ("" if item.moved_from is None else f" from v{item.moved_from}")
        for measure in view.measures
        for cell in measure.cells
        for voice in cell.voices
        for item in voice.items
        if isinstance(item, Chord)
    ]


def test_merge_1_pitch_and_duration_of_one_note_both_change() -> None:
    two = Two(small_score(notes(a=event(0, 1))))
    view = two.edit(ops.Repitch("a", D5), ops.Retime(("a",), Fraction(2)))
    assert _chords(view) == ["m1 v1 0+2 a"]
    assert two.facet("pt") == {"a": {"step": "D", "octave": 5}}


def test_merge_1_an_articulation_holds_beside_a_new_pitch() -> None:
    two = Two(small_score(notes(a=event(0, 1))))
    two.edit(ops.Articulate(("a",), add=("accent",)), ops.Repitch("a", D5))
    assert two.facet("nx") == {"a": {"articulations": ["accent"]}}
    assert two.facet("pt") == {"a": {"step": "D", "octave": 5}}


def test_merge_7_of_two_articulations_of_one_note_at_once_one_holds_and_is_added_to() -> None:
    two = Two(small_score(notes(a=event(0, 1))))
    two.edit(*(ops.Articulate(("a",), add=(name,)) for name in ("tenuto", "staccato")))
    held: Any = two.facet("nx")
    (name,) = held["a"]["articulations"]
    assert name in {"tenuto", "staccato"}
    # Who has heard of the other adds to it.
    two.edit(ops.Articulate(("a",), add=("accent",)), ops.Repitch("a", D5))
    assert two.facet("nx") == {"a": {"articulations": [name, "accent"]}}


def test_merge_2_two_insertions_at_different_onsets_move_nothing() -> None:
    two = Two(small_score(notes(a=event(0, 1), d=event(3, 1))))
    view = two.edit(
        ops.InsertNote("p", "m1", Fraction(1), QUARTER, C4),
        ops.InsertNote("p", "m1", Fraction(2), QUARTER, E4),
    )
    assert _chords(view) == ["m1 v1 0+1 a", "m1 v1 1+1 ann1", "m1 v1 2+1 bob1", "m1 v1 3+1 d"]
    assert not view.measures[0].cells[0].is_overfull


def test_merge_2_two_people_who_fill_the_same_empty_cell_lose_nothing() -> None:
    two = Two(small_score())
    view = two.edit(
        ops.InsertNote("p", "m1", Fraction(0), QUARTER, C4),
        ops.InsertNote("p", "m1", Fraction(3), QUARTER, E4),
    )
    assert _chords(view) == ["m1 v1 0+1 ann1", "m1 v1 3+1 bob1"]


def test_merge_3_two_insertions_at_one_place_of_one_duration_are_a_chord() -> None:
    two = Two(small_score())
    view = two.edit(
        ops.InsertNote("p", "m1", Fraction(1), QUARTER, C4),
        ops.InsertNote("p", "m1", Fraction(1), QUARTER, E4),
    )
    assert _chords(view) == ["m1 v1 1+1 ann1 bob1"]


def test_merge_3_two_insertions_that_overlap_are_both_kept_and_one_is_flagged() -> None:
    two = Two(small_score())
    view = two.edit(
        ops.InsertNote("p", "m1", Fraction(1), QUARTER, C4),
        ops.InsertNote("p", "m1", Fraction(0), Fraction(4), E4),
    )
    assert _chords(view) == ["m1 v1 1+1 ann1", "m1 v2 0+4 bob1 from v1"]


def test_merge_3_a_note_that_grows_into_a_new_one_is_flagged() -> None:
    two = Two(small_score(notes(a=event(0, 1))))
    view = two.edit(
        ops.Retime(("a",), Fraction(3)), ops.InsertNote("p", "m1", Fraction(1), QUARTER, C4)
    )
    assert _chords(view) == ["m1 v1 0+3 a", "m1 v2 1+1 bob1 from v1"]


def test_merge_3_a_note_added_to_a_chord_that_changes_its_duration_is_flagged() -> None:
    two = Two(small_score(notes(a=event(0, 1))))
    view = two.edit(ops.Retime(("a",), Fraction(2)), ops.InsertChordNote("a", E4))
    assert _chords(view) == ["m1 v1 0+2 a", "m1 v2 0+1 bob1 from v1"]


def test_merge_4_edits_in_a_measure_that_was_deleted_can_be_recovered() -> None:
    two = Two(small_score(notes(a=event(0, 4), b=event(0, 4, "m2"))))
    view = two.edit(ops.DeleteMeasures(("m1",)), ops.Repitch("a", D5))
    assert _chords(view) == ["m2 v1 0+4 b"]
    assert view.orphans == (Orphan("ev", "a", "measure-deleted"),)
    back = two.edit(ops.RestoreMeasures(("m1",)), ops.RestoreMeasures(("m1",)))
    assert _chords(back) == ["m1 v1 0+4 a", "m2 v1 0+4 b"]
    assert two.facet("pt") == {"a": {"step": "D", "octave": 5}, "b": {"step": "C", "octave": 4}}


def test_merge_4_a_note_written_into_a_measure_that_was_deleted_can_be_recovered() -> None:
    two = Two(small_score())
    view = two.edit(
        ops.DeleteMeasures(("m1",)), ops.InsertNote("p", "m1", Fraction(0), QUARTER, C4)
    )
    assert view.orphans == (Orphan("ev", "bob1", "measure-deleted"),)


def test_merge_4_a_deleted_measure_whose_order_changes_may_come_back() -> None:
    """The order and the tombstone are one entry: one of both wins, and can be done again."""
    for ann, bob, expected in (
        (ops.DeleteMeasures(("m1",)), ops.MoveMeasures(("m1",), "m2"), ["m2", "m1"]),
        (ops.MoveMeasures(("m1",), "m2"), ops.DeleteMeasures(("m1",)), ["m2"]),
    ):
        view = Two(small_score()).edit(ann, bob)
        assert [measure.id for measure in view.measures] == expected


def test_merge_5_a_change_of_metre_moves_no_notes_and_flags_measures() -> None:
    two = Two(small_score(notes(a=event(0, 4), b=event(0, 3, "m2"))))
    view = two.edit(
        ops.ChangeSetting("time", "m1", {"beats": [3], "unit": 4}),
        ops.InsertNote("p", "m2", Fraction(3), QUARTER, C4),
    )
    assert _chords(view) == ["m1 v1 0+4 a", "m2 v1 0+3 b", "m2 v1 3+1 bob1"]
    assert [measure.cells[0].is_overfull for measure in view.measures] == [True, True]
    longer = two.edit(
        ops.ChangeSetting("time", "m1", {"beats": [5], "unit": 4}), ops.Repitch("a", D5)
    )
    assert [measure.cells[0].is_underfull for measure in longer.measures] == [True, True]


def test_merge_5_rebarring_is_a_command_and_what_others_wrote_meanwhile_is_flagged() -> None:
    two = Two(small_score(notes(a=event(0, 4), b=event(0, 2, "m2"))))
    metre = ops.ChangeSetting("time", "m1", {"beats": [3], "unit": 4})
    two.edit(metre, metre)
    view = two.edit(
        ops.Rebar("m1", "m2", Fraction(4)), ops.InsertNote("p", "m2", Fraction(2), QUARTER, C4)
    )
    assert _chords(view) == [
        *("m1 v1 0+3 a", "m2 v1 0+1 ann2", "m2 v1 1+2 b", "m2 v2 2+1 bob1 from v1"),
    ]


def test_merge_6_a_measure_that_two_people_move_is_there_once() -> None:
    two = Two(small_score(notes(a=event(0, 4)), measures=3))
    view = two.edit(ops.MoveMeasures(("m1",), "m2"), ops.MoveMeasures(("m1",), "m3"))
    assert [measure.id for measure in view.measures] == ["m2", "m3", "m1"]
    assert _chords(view) == ["m1 v1 0+4 a"]


def test_merge_6_measures_that_two_people_insert_at_one_place_are_all_there() -> None:
    view = Two(small_score()).edit(ops.InsertMeasures("m1", 2), ops.InsertMeasures("m1", 1))
    names = [measure.id for measure in view.measures]
    assert sorted(names) == ["ann1", "ann2", "bob1", "m1", "m2"]
    assert (names[0], names[-1]) == ("m1", "m2")
    assert names.index("ann1") < names.index("ann2")


def test_merge_7_of_two_metres_at_one_place_one_holds() -> None:
    two = Two(small_score())
    view = two.edit(
        ops.ChangeSetting("time", "m1", {"beats": [3], "unit": 4}),
        ops.ChangeSetting("time", "m1", {"beats": [6], "unit": 8}),
    )
    assert view.measures[0].settings == ("time|m1|*|0/1",)
    assert two.facet("attr") == {"time|m1|*|0/1": {"beats": [6], "unit": 8}}


def test_merge_8_a_slur_to_a_note_that_somebody_deleted_is_hidden() -> None:
    two = Two(small_score(notes(a=event(0, 1), b=event(1, 1))))
    view = two.edit(ops.DeleteElements(("b",)), ops.Slur("a", "b"))
    assert view.hidden == (Hidden("bob1", "dangling"),)
    assert _chords(view) == ["m1 v1 0+1 a"]


def test_merge_8_a_tie_that_two_people_draw_is_drawn_once() -> None:
    two = Two(small_score(notes(a=event(0, 1), b=event(1, 1))))
    view = two.edit(ops.Tie("a", "b"), ops.Tie("a", "b"))
    assert (view.spanners, view.hidden) == (("ann1",), (Hidden("bob1", "duplicate"),))


def test_merge_8_a_tie_to_a_note_that_somebody_repitched_is_hidden() -> None:
    two = Two(small_score(notes(a=event(0, 1), b=event(1, 1))))
    view = two.edit(ops.Tie("a", "b"), ops.Repitch("b", D5))
    assert view.hidden == (Hidden("ann1", "pitches-differ"),)


def test_merge_9_a_deleted_note_stays_deleted_and_what_others_changed_is_named() -> None:
    two = Two(small_score(notes(a=event(0, 1), b=event(1, 1))))
    view = two.edit(ops.DeleteElements(("a",)), ops.Repitch("a", D5))
    assert (_chords(view), view.orphans) == (
        ["m1 v1 1+1 b"],
        (Orphan("pt", "a", "event-missing"),),
    )
    view = two.edit(ops.DeleteElements(("b",)), ops.Retime(("b",), Fraction(2)))
    assert _chords(view) == []
    assert view.orphans == (
        Orphan("ev", "b", "pitch-missing"),
        Orphan("pt", "a", "event-missing"),
    )


def test_merge_9_what_is_written_into_a_part_that_somebody_removed_is_named() -> None:
    two = Two(small_score())
    view = two.edit(ops.RemovePart("p"), ops.InsertNote("p", "m1", Fraction(0), QUARTER, C4))
    assert (view.parts, view.orphans) == ((), (Orphan("ev", "bob1", "part-missing"),))
