"""Measures of another length: upbeats, repeats, endings, tuplets, and what stands at barlines."""

from __future__ import annotations

from fractions import Fraction

from collab.score.musicxml import read_musicxml, write_musicxml
from collab.score.normalise import Chord, normalise
from collab.score.operations import Operation, plan
from collab.score.operations import operations as ops
from collab.score.operations.changes import NewIds
from collab.score.schema import Facets, Json
from tests.support.random_edits import ids
from tests.support.scores import entry, event, notes, pitch, small_score


def _barred(score: Facets, beats: int, last: str, former: int | None = 4) -> Facets:
    """The score in measures of so many quarters; new ids are n1, n2 ..."""
    source = ids("n")
    former_length = None if former is None else Fraction(former)
    for operation in (
        ops.ChangeSetting("time", "m1", {"beats": [beats], "unit": 4}),
        ops.Rebar("m1", last, former_length),
    ):
        score = _edited(score, operation, source)
    return score


def _edited(score: Facets, operation: Operation, source: NewIds) -> Facets:
    changes = plan(score, operation, source)
    kept = {
        name: {key: value for key, value in entries.items() if (name, key) not in changes.deletes}
        for name, entries in score.items()
    }
    for (facet, key), value in changes.sets.items():
        kept.setdefault(facet, {})[key] = value
    return kept


def _measures(score: Facets) -> list[str]:
    """Each measure as `length: notes by id and duration`."""
    return [
        " ".join(
            [
                f"{measure.id} {measure.length}:",
                *(
                    f"{'+'.join(item.ids)}={item.duration}"
                    for cell in measure.cells
                    for voice in cell.voices
                    for item in voice.items
                    if isinstance(item, Chord)
                ),
            ]
        )
        for measure in normalise(score).measures
    ]


def _four(*names: str) -> Facets:
    """A whole note in each measure."""
    return notes(**{name: event(0, 4, f"m{number}") for number, name in enumerate(names, start=1)})


def test_edit_6_an_upbeat_and_what_makes_up_for_it_stay_short() -> None:
    """An upbeat of one, four, and three that make up for it: eight in all."""
    music = notes(a=event(0, 1), b=event(0, 4, "m2"), c=event(0, 3, "m3"))
    score = small_score(music, measures=3)
    entry(score, "measures", "m1")["length"] = [1, 1]
    entry(score, "measures", "m3")["length"] = [3, 1]
    in_three = _measures(_barred(score, 3, "m3"))
    assert in_three == ["m1 1: a=1", "m2 3: b=3", "m3 3: n2=1 c=2", "n1 1: n4=1"]
    longer = _barred(score, 6, "m3")
    assert _measures(longer) == ["m1 1: a=1", "m2 6: b=4 c=2", "m3 1: n1=1"]
    # An upbeat as long as a measure is none any more.
    entry(score, "measures", "m1")["length"] = [2, 1]
    entry(score, "ev", "a")["duration"] = [2, 1]
    upbeat = _barred(score, 2, "m3")
    assert _measures(upbeat)[0] == "m1 2: a=2"
    assert "length" not in entry(upbeat, "measures", "m1")


def test_edit_6_measures_behind_a_short_one_are_as_long_as_the_metre_says() -> None:
    """What was added behind a last measure of its own length was taken for as short as that."""
    score = small_score(notes(a=event(0, 4), b=event(0, 2, "m2")))
    entry(score, "measures", "m2")["length"] = [2, 1]
    assert _measures(_barred(score, 1, "m2")) == [
        *("m1 1: a=1", "m2 1: n5=1", "n1 1: n7=1", "n2 1: n9=1", "n3 1: b=1", "n4 1: n11=1"),
    ]


def test_edit_6_what_is_repeated_is_barred_by_itself_and_keeps_its_edges() -> None:
    score = small_score(_four("a", "b", "c", "d"), measures=4)
    ending: dict[str, Json] = {"kind": "ending", "start": "m2", "end": "m2", "text": "1"}
    score["sp"] = {"e": ending, "f": {**ending, "start": "m3", "end": "m3", "text": "2"}}
    score["attr"] |= {
        "barline|m1|*|left": {"style": "heavy-light", "repeat": "forward"},
        "barline|m2|*|right": {"style": "light-heavy", "repeat": "backward"},
        "barline|m3|p|right": {"style": "light-light"},
        "barline|m4|*|right": {"style": "light-heavy"},
    }
    barred = _barred(score, 3, "m4")
    assert _measures(barred) == [
        *("m1 3: a=3", "n1 1: n5=1", "m2 3: b=3", "n2 1: n7=1"),
        *("m3 3: c=3", "n3 1: n9=1", "m4 3: d=3", "n4 3: n11=1"),
    ]
    assert {key: barred["attr"][key] for key in barred["attr"] if key.startswith("barline")} == {
        "barline|m1|*|left": {"style": "heavy-light", "repeat": "forward"},
        "barline|n2|*|right": {"style": "light-heavy", "repeat": "backward"},
        "barline|n3|p|right": {"style": "light-light"},
        "barline|n4|*|right": {"style": "light-heavy"},
    }
    assert entry(barred, "sp", "e") == {**ending, "end": "n2"}
    assert entry(barred, "sp", "f") == {**ending, "start": "m3", "end": "n3", "text": "2"}
    assert entry(barred, "measures", "n1")["length"] == [1, 1]
    assert "length" not in entry(barred, "measures", "n4")


def test_edit_6_music_does_not_flow_over_another_metre() -> None:
    score = small_score(_four("a", "b"))
    entry(score, "ev", "b")["duration"] = [2, 1]
    score["attr"]["time|m2|*|0/1"] = {"beats": [2], "unit": 4}
    assert _measures(_barred(score, 3, "m2", None)) == ["m1 3: a=3", "n1 1: n2=1", "m2 2: b=2"]


def test_edit_6_a_tuplet_over_a_barline_is_one_in_each_measure() -> None:
    """Three quarters in the time of two, from the third beat on; the second is cut in halves."""
    third = Fraction(2, 3)
    music = notes(
        a=event(0, 2),
        b=event(2, third, type="quarter"),
        c=event(2 + third, third, type="quarter"),
        d=event(2 + 2 * third, third, type="quarter"),
    )
    score = small_score(music, measures=1)
    line: dict[str, Json] = {"kind": "tuplet", "actual": 3, "normal": 2}
    score["sp"] = {"t": {**line, "start": "b", "end": "d"}}
    barred = _barred(score, 3, "m1")
    assert _measures(barred) == ["m1 3: a=2 b=2/3 c=1/3", "n1 3: n2=1/3 d=2/3"]
    assert entry(barred, "sp", "t") == {**line, "start": "b", "end": "c"}
    assert entry(barred, "sp", "n4") == {**line, "start": "n2", "end": "d"}
    assert [entry(barred, "ev", key)["type"] for key in ("c", "n2")] == ["eighth", "eighth"]


def test_edit_6_lines_go_on_out_of_what_is_barred_anew() -> None:
    """A tie to a note behind the range begins at the last piece, as within it."""
    music = notes(a=event(0, 4), b=event(0, 2, "m2"))
    score = small_score(music)
    score["sp"] = {"t": {"kind": "tie", "start": "a", "end": "b"}}
    barred = _barred(score, 3, "m1")
    assert _measures(barred)[:2] == ["m1 3: a=3", "n1 3: n2=1"]
    assert entry(barred, "sp", "n3") == {"kind": "tie", "start": "a", "end": "n2"}
    assert entry(barred, "sp", "t") == {"kind": "tie", "start": "n2", "end": "b"}


def test_edit_6_a_fermata_is_where_the_note_ends_and_beams_follow_the_metre() -> None:
    score = small_score(notes(a=event(0, 4), b=event(0, Fraction(1, 2), "m2")))
    score["nx"] = {
        "a": {"fermata": "upright", "articulations": ["tenuto"]},
        "b": {"beams": ["begin"], "fermata": "upright"},
    }
    barred = _barred(score, 3, "m2")
    assert barred["nx"] == {
        "a": {"articulations": ["tenuto"]},
        "n2": {"fermata": "upright"},
        "b": {"fermata": "upright"},
    }


def test_edit_6_what_ends_a_measure_still_ends_one() -> None:
    """Words such as Fine, a clef before a barline, and a grace note that closes a trill."""
    score = small_score(_four("a", "b", "c"), measures=3)
    score["ev"]["g"] = event(4, 0, "m3", grace={"order": "a"})
    score["pt"]["g"] = pitch("D4")
    words = {"part": "p", "kind": "words"}
    score["dir"] = {
        "fine": {**words, "measure": "m3", "onset": [4, 1], "text": "Fine"},
        "half": {**words, "measure": "m2", "onset": [2, 1], "text": "cresc."},
    }
    score["attr"] |= {
        "clef|m1|p|4/1": {"sign": "F", "line": 4},
        "clef|m2|p|0/1": {"sign": "C", "line": 3},
    }
    barred = _barred(score, 2, "m3")
    place = [entry(barred, "dir", key) for key in ("fine", "half")]
    last, third = normalise(barred).measures[-1].id, normalise(barred).measures[3].id
    assert [(each["measure"], each["onset"]) for each in place] == [(last, [2, 1]), (third, [0, 1])]
    assert (entry(barred, "ev", "g")["measure"], entry(barred, "ev", "g")["onset"]) == (
        *(last, [2, 1]),
    )
    second = normalise(barred).measures[1].id
    clefs = {key: value for key, value in barred["attr"].items() if key.startswith("clef")}
    assert clefs == {
        f"clef|{second}|p|2/1": {"sign": "F", "line": 4},
        f"clef|{normalise(barred).measures[2].id}|p|0/1": {"sign": "C", "line": 3},
    }
    assert normalise(barred).orphans == ()
    # Where both are within a measure now, the later one holds.
    in_three = _barred(score, 3, "m3")["attr"]
    assert [in_three[key] for key in in_three if key.startswith("clef")] == [
        {"sign": "C", "line": 3}
    ]


def test_edit_6_words_at_the_end_of_the_last_measure_do_not_go_with_one_that_is_deleted() -> None:
    score = small_score(
        notes(a=event(0, 2), b=event(0, 2, "m2"), c=event(0, 2, "m3"), d=event(0, 2, "m4")),
        measures=4,
        beats=2,
    )
    score["dir"] = {
        "w": {"part": "p", "kind": "words", "measure": "m4", "onset": [2, 1], "text": "Fine"}
    }
    barred = _barred(score, 4, "m4", 2)
    assert _measures(barred) == ["m1 4: a=2 b=2", "m2 4: c=2 d=2"]
    assert entry(barred, "dir", "w")["measure"] == "m2"
    assert normalise(barred).orphans == ()


def test_edit_6_a_file_that_was_barred_anew_is_written_in_its_new_measures() -> None:
    """A measure that got shorter is not filled up to where it ended in the file."""
    score = small_score(_four("a", "b", "c"), measures=3)
    entry(score, "ev", "c")["duration"] = [1, 1]
    imported: Facets = read_musicxml(write_musicxml(score)).facets
    source = ids("n")
    for operation in (
        ops.ChangeSetting("time", "m1", {"beats": [3], "unit": 4}),
        ops.Rebar("m1", "m3", Fraction(4)),
    ):
        imported = _edited(imported, operation, source)
    written = read_musicxml(write_musicxml(imported)).facets
    ids_of = [measure.split(" ", 2)[1:] for measure in _measures(written)]
    assert ids_of == [["3:", "a=3"], ["3:", "n1=1 b=2"], ["3:", "n3=2 c=1"]]
