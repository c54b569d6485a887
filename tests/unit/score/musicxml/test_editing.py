"""What is edited is changed in the markup, and nothing else is."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from collab.score.musicxml import export_musicxml, read_musicxml, write_musicxml
from collab.score.operations import EditRefused, apply, plan
from collab.score.operations.operations import InsertMeasures, RemovePart, RenamePart
from tests.support.musicxml import canonical, document_of
from tests.support.musicxml_facts import differences, missing
from tests.support.musicxml_markup import first, measure, notations, note, score, triplet
from tests.support.musicxml_samples import SAMPLES
from tests.support.random_edits import ids, random_operation, read_facets

Facets = dict[str, dict[str, Any]]

# What the oracle of facts does not read, or says otherwise than the facets do.
ODD = {
    "a part that is not listed",
    "empty elements",
    "lyrics with elisions",
    "voices with names",
}
PLAIN = sorted(SAMPLES.keys() - ODD)


def edited(name: str, edit: Callable[[Facets], None]) -> tuple[Any, Any]:
    """Import a sample and edit its facets; its tree before and after."""
    facets: Any = read_musicxml(SAMPLES[name]).facets
    edit(facets)
    exported = export_musicxml(facets)
    assert exported.findings == []
    return _tree(SAMPLES[name]), _tree(exported.data)


def _tree(data: bytes) -> Any:  # noqa: ANN401 - lxml ships no types
    return etree.fromstring(canonical(data))


def texts(tree: Any, path: str) -> list[str]:  # noqa: ANN401
    """What elements say, in order."""
    return [element.text or "" for element in tree.iterfind(path)]


def markup(element: Any) -> str:  # noqa: ANN401
    """An element written down."""
    text: str = etree.tostring(element, encoding="unicode", with_tail=False)
    return text


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("seed", range(4))
def test_mxl_4_after_random_edits_the_file_holds_the_facts_of_the_document(
    name: str, seed: int
) -> None:
    document = document_of(read_musicxml(SAMPLES[name]).facets)
    source, drawn = ids("x"), random.Random(seed)
    for _ in range(8):
        facets = read_facets(document)
        try:
            changes = plan(facets, random_operation(drawn, facets), source)
        except (EditRefused, IndexError):
            continue
        apply(document, changes)
    facets = read_facets(document)
    exported = export_musicxml(facets)
    assert exported.findings == []
    assert differences(exported.data, facets) == []
    assert missing(exported.data, facets) == []


def test_mxl_3_a_new_pitch_changes_that_pitch_alone() -> None:
    def repitch(facets: Facets) -> None:
        facets["pt"]["p1m1n1"] = {"step": "D", "octave": 5, "alter": 1, "accidental": "sharp"}

    before, after = edited("articulations", repitch)
    assert markup(after.find(".//pitch")) == (
        "<pitch><step>D</step><alter>1</alter><octave>5</octave></pitch>"
    )
    changed = after.find(".//note")
    changed.replace(changed.find("pitch"), before.find(".//pitch"))
    changed.remove(changed.find("accidental"))
    original = _tree(SAMPLES["articulations"])
    assert markup(after) == markup(original)


def test_mxl_3_other_measures_stay_as_they_came_when_a_note_is_moved() -> None:
    data = SAMPLES["credits and defaults"]
    facets: Any = read_musicxml(data).facets
    facets["ev"]["p1m2n1"] = {**facets["ev"]["p1m2n1"], "onset": [0, 1], "voice": 2}
    before, after = _tree(data), _tree(write_musicxml(facets))
    measures = [tree.findall("part/measure") for tree in (before, after)]
    assert markup(measures[0][0]) == markup(measures[1][0])
    assert markup(measures[0][1]) != markup(measures[1][1])
    for tree, found in ((before, measures[0]), (after, measures[1])):
        for element in found:
            tree.find("part").remove(element)
    assert markup(before) == markup(after)


def test_what_is_not_modelled_stays_on_a_note_that_is_moved_to_another_measure() -> None:
    data = score(
        first(note("C4", behind="<listen/>", attributes=' default-x="7"') + note("D4")),
        measure(note("E4", 12, "half", after="<dot/>"), "2"),
    )
    facets: Any = read_musicxml(data).facets
    facets["ev"]["p1m1n1"] = {**facets["ev"]["p1m1n1"], "measure": "m2", "onset": [3, 1]}
    measures = _tree(write_musicxml(facets)).findall("part/measure")
    moved = measures[1].findall("note")[1]
    assert moved.get("default-x") == "7"
    assert moved.find("listen") is not None
    assert [child.tag for child in measures[0]] == ["attributes", "forward", "note"]


def test_a_time_that_the_divisions_do_not_hold_gets_others_for_its_measure() -> None:
    data = score(first(note("C4", 1) + note("D4", 1), 1), measure(note("E4", 4, "whole"), "2"))
    facets: Any = read_musicxml(data).facets
    facets["ev"]["p1m1n1"] = {**facets["ev"]["p1m1n1"], "duration": [1, 3]}
    tree = _tree(write_musicxml(facets))
    assert texts(tree, ".//divisions") == ["3", "1"]
    assert texts(tree, ".//note/duration") == ["1", "3", "4"]
    assert markup(tree.findall("part/measure")[1]) == markup(_tree(data).findall("part/measure")[1])


def test_beams_are_written_anew_where_notes_were_added() -> None:
    def add(facets: Facets) -> None:
        event = facets["ev"]["p1m1n2"]
        for number in (1, 2):
            facets["ev"][f"new{number}"] = {**event, "onset": [3 + number, 1], "type": "eighth"}
        facets["ev"]["new1"]["onset"] = [4, 1]
        facets["ev"]["new2"]["onset"] = [9, 2]
        facets["pt"]["new1"] = facets["pt"]["new2"] = {"step": "G", "octave": 4}

    _, after = edited("stems and beams", add)
    notes = after.findall(".//note")
    assert [texts(item, "beam") for item in notes] == [["begin"], ["end"], [], ["begin"], ["end"]]
    assert [item.get("id") for item in notes] == [None, None, None, "new1", "new2"]


def test_a_stem_goes_when_its_note_gets_another_pitch() -> None:
    def repitch(facets: Facets) -> None:
        facets["pt"]["p1m1n1"] = {"step": "C", "octave": 6}

    _, after = edited("stems and beams", repitch)
    assert [len(item.findall("stem")) for item in after.findall(".//note")] == [0, 1, 0]


def test_a_slur_of_which_one_note_is_erased_is_not_exported() -> None:
    def erase(facets: Facets) -> None:
        for facet in ("ev", "pt", "nx"):
            facets[facet].pop("p1m2n1", None)

    _, after = edited("ties and slurs", erase)
    assert [element.tag for element in after.iter("tie", "tied", "slur")] == []


def test_new_slurs_and_ties_are_numbered_apart() -> None:
    def add(facets: Facets) -> None:
        for name, ends in (("s1", ("p1m1n1", "p1m1n4")), ("s2", ("p1m1n2", "p1m1n3"))):
            facets["sp"][name] = {"kind": "slur", "start": ends[0], "end": ends[1]}

    _, after = edited("pitches", add)
    slurs = [(mark.get("type"), mark.get("number")) for mark in after.iter("slur")]
    assert slurs == [("start", "1"), ("start", "2"), ("stop", "2"), ("stop", "1")]


TIED = score(
    first("".join(note() for _ in range(2)) + note("E4", 8, "half")),
    measure(note("C4", 16, "whole"), "2"),
)
"""Two notes that can both be tied to the one in the next measure."""


def with_ties(data: bytes, *starts: str) -> bytes:
    """Have some notes be tied to the first of the second measure, and no other."""
    facets: Any = read_musicxml(data).facets
    facets["sp"] = {
        name: value
        for name, value in facets["sp"].items()
        if value["start"] in starts and value["end"] == "p1m2n1"
    }
    tied = {value["start"] for value in facets["sp"].values()}
    for start in set(starts) - tied:
        tie = {"kind": "tie", "start": start, "end": "p1m2n1"}
        facets["sp"][f"t-{start}"] = tie
    exported = export_musicxml(facets)
    assert exported.findings == []
    return exported.data


def ties_at_end(data: bytes) -> list[str]:
    """Name what says at the last note that it is tied."""
    last = _tree(data).findall("part/measure/note")[-1]
    assert {mark.get("type") for mark in last.iter("tie", "tied")} <= {"stop"}
    return [mark.tag for mark in last.iter("tie", "tied")]


def test_mxl_4_a_note_says_once_that_it_is_tied_however_many_ties_stop_at_it() -> None:
    # A note has room for two `tie`: one that stops and one that starts.
    assert ties_at_end(with_ties(TIED, "p1m1n1", "p1m1n2")) == ["tie", "tied", "tied"]
    # One of them came with the file.
    one = with_ties(TIED, "p1m1n2")
    assert ties_at_end(one) == ["tie", "tied"]
    assert ties_at_end(with_ties(one, "p1m1n1", "p1m1n2")) == ["tie", "tied", "tied"]


@pytest.mark.parametrize("gone", ["p1m1n1", "p1m1n2"])
def test_mxl_4_a_note_stays_tied_when_of_two_ties_the_one_of_the_file_goes(gone: str) -> None:
    (left,) = {"p1m1n1", "p1m1n2"} - {gone}
    data = with_ties(with_ties(TIED, gone), left)
    assert ties_at_end(data) == ["tie", "tied"]
    notes = dict(zip(("p1m1n1", "p1m1n2"), _tree(data).iter("note"), strict=False))
    assert [mark.tag for mark in notes[gone].iter("tie", "tied")] == []
    assert [mark.tag for mark in notes[left].iter("tie", "tied")] == ["tie", "tied"]


def test_mxl_3_what_nested_tuplets_say_of_a_note_stays_when_another_is_changed() -> None:
    def ratio(actual: int, normal: int) -> str:
        said = triplet(actual, normal)
        return said.replace("</time-m", "<normal-type>16th</normal-type></time-m")

    def mark(number: int, end: str) -> str:
        return f'<tuplet type="{end}" number="{number}"/>'

    # Both start at the third note; the inner one stops at the ninth, the outer at the twelfth.
    marks = {3: mark(1, "start") + mark(2, "start"), 9: mark(2, "stop"), 12: mark(1, "stop")}
    notes = [
        note("C4", 1, "16th", after=ratio(6, 4), behind=notations(marks.get(index, "")))
        for index in range(1, 13)
    ]
    data = score(first("".join(notes), 6))
    facets: Any = read_musicxml(data).facets
    facets["pt"]["p1m1n1"] = {"step": "D", "octave": 4}
    before, after = _tree(data), _tree(write_musicxml(facets))
    rest = [tree.findall(".//note")[1:] for tree in (before, after)]
    assert list(map(markup, rest[1])) == list(map(markup, rest[0]))


def test_settings_of_a_deleted_measure_hold_on_in_the_next() -> None:
    def delete(facets: Facets) -> None:
        facets["measures"]["m1"]["deleted"] = True

    _, after = edited("odd keys", delete)
    assert len(after.findall("part/measure")) == 1
    assert texts(after, ".//divisions") == ["4"]
    assert texts(after, ".//time/beats") == ["4"]
    assert texts(after, ".//clef/sign") == ["G"]
    # It has a key of its own, for the whole part and for a second staff.
    assert texts(after, ".//key/fifths") == ["-3", "1"]


def test_new_endings_and_their_repeats_are_written_in_every_part() -> None:
    def repeat(facets: Facets) -> None:
        facets["attr"]["barline|m1|*|right"] = {"style": "light-heavy", "repeat": "backward"}
        facets["sp"]["e1"] = {"kind": "ending", "start": "m1", "end": "m1", "text": "1"}
        facets["sp"]["e2"] = {"kind": "ending", "start": "m2", "end": "m2", "text": "2"}

    _, after = edited("two parts of different length", repeat)
    one, two = after.findall("part")
    first_ending = [
        '<barline location="left"><ending number="1" type="start"/></barline>',
        (
            '<barline location="right"><bar-style>light-heavy</bar-style>'
            '<ending number="1" type="stop"/><repeat direction="backward"/></barline>'
        ),
    ]
    # Nothing ends with the second one: its line does not come down.
    second_ending = [
        '<barline location="left"><ending number="2" type="start"/></barline>',
        '<barline location="right"><ending number="2" type="discontinue"/></barline>',
    ]
    assert list(map(markup, one.iterfind("measure/barline"))) == first_ending + second_ending
    assert list(map(markup, two.iterfind("measure[@number='1']/barline"))) == first_ending


def test_mxl_4_what_is_set_for_all_reaches_a_part_that_ends_before() -> None:
    def change(facets: Facets) -> None:
        facets["attr"]["key|m2|*|0/1"] = {"fifths": 4, "mode": "major"}

    before, after = edited("two parts of different length", change)
    measures = [[each.get("number") for each in part] for part in after.findall("part")]
    assert measures == [["1", "2", "3"], ["1", "2"]]
    assert texts(after, "part/measure[@number='2']/attributes/key/fifths") == ["4", "4"]
    (was,) = before.findall("part")[1]
    assert markup(after.findall("part")[1][0]) == markup(was)


def test_an_ending_of_which_one_measure_is_deleted_is_not_exported() -> None:
    def delete(facets: Facets) -> None:
        facets["sp"] = {"e": {**facets["sp"]["ending-m2"], "end": "m3"}}
        facets["measures"]["m3"]["deleted"] = True

    _, after = edited("repeats and endings", delete)
    assert len(after.findall("part/measure")) == 2
    assert after.findall(".//ending") == []


def test_titles_and_names_are_changed_in_place() -> None:
    def rename(facets: Facets) -> None:
        facets["meta"].update(title="Neu", lyricist="L.")
        del facets["meta"]["rights"]
        facets["parts"]["P1"]["name"] = "Flöte"

    _, after = edited("credits and defaults", rename)
    assert texts(after, "work/*") == ["op. 1", "Neu"]
    assert texts(after, "identification/creator") == ["N. N.", "Ö", "L."]
    assert after.find("identification/rights") is None
    assert texts(after, "part-list/score-part/part-name") == ["Flöte"]
    assert after.find("defaults") is not None


def test_a_first_creator_stands_before_all_else_that_identifies() -> None:
    """As the schema of MusicXML asks for."""
    others = (
        "<rights>R</rights><encoding><software>s</software></encoding><source>S</source>"
        "<relation>r</relation><miscellaneous/>"
    )
    data = score(first(note("C4")), head=f"<identification>{others}</identification>")
    facets: Any = read_musicxml(data).facets
    facets["meta"]["composer"] = "C. W."
    written = etree.fromstring(export_musicxml(facets).data).find("identification")
    tags = [child.tag for child in written if child.text != "s"]
    assert tags == ["creator", "rights", "encoding", "source", "relation", "miscellaneous"]


def test_parts_are_added_moved_and_removed() -> None:
    def change(facets: Facets) -> None:
        facets["parts"]["new"] = {"order": "Zz", "name": "Oboe", "staves": 1}
        facets["ev"] = {
            name: value for name, value in facets["ev"].items() if value["part"] != "P1"
        }
        del facets["parts"]["P1"]

    _, after = edited("two parts of different length", change)
    assert [part.get("id") for part in after.findall("part")] == ["new", "P2"]
    assert texts(after, "part-list/score-part/part-name") == ["Oboe", "Horn"]


def test_mxl_3_a_part_that_is_removed_takes_its_markup_with_it() -> None:
    data = SAMPLES["two parts of different length"]
    document = document_of(read_musicxml(data).facets)
    apply(document, plan(read_facets(document), RemovePart("P1"), ids("x")))
    facets = read_facets(document)
    assert [key for key in facets["raw"] if not key.startswith(("*|", "P2|"))] == []
    exported = export_musicxml(facets)
    assert exported.findings == []
    (part,) = _tree(exported.data).findall("part")
    _, original = _tree(data).findall("part")
    assert part.get("id") == "P2"
    assert markup(part.find("measure")) == markup(original.find("measure"))


def test_mxl_4_a_part_that_one_removes_while_another_renames_it_is_a_part_without_notes() -> None:
    data = SAMPLES["two parts of different length"]
    document, other = (document_of(read_musicxml(data).facets) for _ in range(2))
    apply(document, plan(read_facets(document), RemovePart("P2"), ids("x")))
    apply(other, plan(read_facets(other), RenamePart("P2", "Horn in F", ""), ids("y")))
    for taker, giver in ((document, other), (other, document)):
        taker.apply_update(giver.get_update(taker.get_state()))
    facets = read_facets(document)
    if "P2" not in facets["parts"]:  # who wins is up to their client ids
        facets["parts"]["P2"] = read_musicxml(data).facets["parts"]["P2"]
    exported = export_musicxml(facets)
    assert exported.findings == []
    left, renamed = _tree(exported.data).findall("part")
    assert len(renamed.findall("measure")) == len(left.findall("measure"))
    assert renamed.find("measure/note") is None
    assert missing(exported.data, facets) == []


def test_a_sign_is_changed_or_moved_with_all_that_it_says() -> None:
    def change(facets: Facets) -> None:
        signs = {value.get("text"): name for name, value in facets["dir"].items()}
        facets["dir"][signs["p"]]["text"] = "mf"
        facets["dir"][signs["crescendo"]]["onset"] = [3, 1]
        del facets["dir"][signs["dolce "]]

    _, after = edited("directions", change)
    assert [mark.tag for mark in after.find(".//dynamics")] == ["mf"]
    assert texts(after, ".//words") == ["assai"]
    wedge = after.find(".//wedge[@type='crescendo']")
    assert wedge.get("spread") == "0"
    behind = wedge.getparent().getparent().itersiblings("note")
    assert next(behind).findtext("pitch/step") == "F"


def test_ids_are_given_to_all_elements_when_asked() -> None:
    facets = read_musicxml(SAMPLES["directions"]).facets
    tree = _tree(write_musicxml(facets, with_ids=True))
    given = {element.get("id") for element in tree.iter() if element.get("id")}
    assert given == {*facets["ev"], *facets["dir"], "P1"}


def test_notations_are_added_and_removed() -> None:
    data = score(
        first(note(behind=notations("<fermata/><articulations><accent/></articulations>")))
    )
    facets: Any = read_musicxml(data).facets
    facets["nx"]["p1m1n1"] = {"articulations": ["staccato", "no such"]}
    tree = _tree(write_musicxml(facets))
    assert markup(tree.find(".//notations")) == (
        "<notations><articulations><staccato/>"
        "<other-articulation>no such</other-articulation></articulations></notations>"
    )


def test_the_stem_of_another_height_goes_though_the_note_gets_an_articulation() -> None:
    data = score(first(note("C4", behind="<stem>up</stem>")))
    facets: Any = read_musicxml(data).facets
    (name,) = facets["ev"]
    facets["pt"][name] = {"step": "C", "octave": 6}
    facets["nx"][name]["articulations"] = ["staccato"]
    tree = _tree(write_musicxml(facets))
    assert tree.find(".//stem") is None
    assert tree.find(".//staccato") is not None


def test_a_file_that_begins_earlier_says_there_how_it_begins() -> None:
    data = SAMPLES["two parts of different length"]
    facets: Any = read_musicxml(data).facets
    document = document_of(facets)
    apply(document, plan(read_facets(document), InsertMeasures(None), ids("x")))
    exported = export_musicxml(read_facets(document))
    assert exported.findings == []
    paths = ("key/fifths", "time/beats", "clef/sign")
    for before, after in zip(
        _tree(data).findall("part"), _tree(exported.data).findall("part"), strict=True
    ):
        was = before.find("measure/attributes")
        new, old = after.findall("measure")[:2]
        now = new.find("attributes")
        assert [now.findtext(path) for path in paths] == [was.findtext(path) for path in paths]
        assert all(old.find(f"attributes/{path}") is None for path in paths)
        assert texts(old, "note/pitch/step") == texts(before.find("measure"), "note/pitch/step")
    assert missing(exported.data, read_facets(document)) == []
