"""What becomes of MIDI files and of the MEI of tunes, by what stands in the MusicXML."""

import io
from collections.abc import Iterable
from fractions import Fraction
from xml.etree.ElementTree import Element, fromstring

import mido
import pytest

from workers.tools.abc_import import musicxml_from_mei
from workers.tools.failures import Failure, TooLarge
from workers.tools.midi_import import musicxml_from_midi
from workers.tools.plain_score import Event, Pitch, pieces_of

Row = tuple[str, str, str, str]


def played(notes: Iterable[tuple[int, int, int]], *head: mido.MetaMessage) -> bytes:
    """A MIDI file with notes: keys, and ticks from and to, at 480 to the quarter."""
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack(head)
    file.tracks.append(track)
    events = sorted(
        [(start, 1, key) for key, start, _ in notes] + [(end, 0, key) for key, _, end in notes]
    )
    at = 0
    for tick, is_on, key in events:
        track.append(mido.Message("note_on", note=key, velocity=64 * is_on, time=tick - at))
        at = tick
    into = io.BytesIO()
    file.save(file=into)
    return into.getvalue()


def rows(musicxml: bytes) -> list[list[Row]]:
    """Of each measure its notes: voice, pitch (or r), type with dots, ties."""
    root = fromstring(musicxml)  # noqa: S314 - made here
    return [[_row(note) for note in measure.iter("note")] for measure in root.iter("measure")]


def _row(note: Element) -> Row:
    pitch = note.find("pitch")
    name = "r"
    if pitch is not None:
        alter = {"1": "#", "-1": "b"}.get(pitch.findtext("alter", ""), "")
        name = pitch.findtext("step", "") + alter + pitch.findtext("octave", "")
    ties = "".join({"start": "(", "stop": ")"}[tie.attrib["type"]] for tie in note.iter("tie"))
    kind = note.findtext("type", "") + "." * len(note.findall("dot"))
    return note.findtext("voice", ""), name, kind, ties


def test_played_notes_are_put_on_the_grid_and_across_barlines() -> None:
    """TOOL-7: Some ticks early or late do not matter; a note over the barline is tied."""
    found = rows(musicxml_from_midi(played([(60, 3, 950), (64, 964, 1445), (67, 1438, 2405)])))
    assert found == [
        [("1", "C4", "half", ""), ("1", "E4", "quarter", ""), ("1", "G4", "quarter", "(")],
        [("1", "G4", "quarter", ")"), ("1", "r", "half.", "")],
    ]


def test_keys_spell_notes_and_times_cut_measures() -> None:
    """TOOL-7: In E flat major, in three."""
    head = (
        mido.MetaMessage("key_signature", key="Eb"),
        mido.MetaMessage("time_signature", numerator=3, denominator=4),
    )
    musicxml = musicxml_from_midi(played([(63, 0, 480), (70, 480, 1920)], *head))
    assert rows(musicxml) == [
        [("1", "Eb4", "quarter", ""), ("1", "Bb4", "half", "(")],
        [("1", "Bb4", "quarter", ")"), ("1", "r", "half", "")],
    ]
    root = fromstring(musicxml)  # noqa: S314 - made here
    assert root.findtext(".//fifths") == "-3"


def test_keys_pressed_together_make_a_chord_and_others_a_voice() -> None:
    """TOOL-7: A held note gets a voice of its own."""
    notes = [(72, 0, 480), (76, 0, 480), (74, 480, 960), (48, 0, 960)]
    (measure,) = rows(musicxml_from_midi(played(notes)))
    assert {row[:3] for row in measure if row[1] != "r"} == {
        ("1", "C3", "half"),
        ("2", "C5", "quarter"),
        ("2", "E5", "quarter"),
        ("2", "D5", "quarter"),
    }


def test_three_in_the_time_of_two_are_a_triplet() -> None:
    """TOOL-7: A third of a quarter is a triplet eighth."""
    notes = [(60 + number, 160 * number, 160 * (number + 1)) for number in range(3)]
    musicxml = musicxml_from_midi(played(notes))
    (measure,) = rows(musicxml)
    assert [row[2] for row in measure[:3]] == ["eighth"] * 3
    root = fromstring(musicxml)  # noqa: S314 - made here
    ratios = [
        (each.findtext("actual-notes"), each.findtext("normal-notes"))
        for each in root.iter("time-modification")
    ]
    assert ratios == [("3", "2")] * 3


@pytest.mark.parametrize("length", [Fraction(n, 12) for n in range(1, 60)])
def test_any_length_on_the_grid_is_written_in_tied_pieces(length: Fraction) -> None:
    """TOOL-7: They add up, begin and end untied, and each has a name unless it is an odd bit."""
    pieces = list(pieces_of(Event(length, (Pitch("C", 0, 4),))))
    assert sum(piece.duration for piece in pieces) == length
    assert [piece.tie_to for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    assert [piece.tie_from for piece in pieces] == [False] + [True] * (len(pieces) - 1)
    assert len(pieces) <= 4


@pytest.mark.parametrize("junk", [b"", b"MThd", b"MThd\0\0\0\6\0\0\0\1\1\xe0", played([])])
def test_a_midi_file_without_notes_is_refused(junk: bytes) -> None:
    """TOOL-5."""
    with pytest.raises(Failure, match="MIDI"):
        musicxml_from_midi(junk)


def test_a_midi_file_of_days_is_refused() -> None:
    """TOOL-5: One note after 10,000 measures."""
    late = 480 * 4 * 10_001
    with pytest.raises(TooLarge, match="10000 measures"):
        musicxml_from_midi(played([(60, late, late + 480)]))


def test_a_tune_keeps_notes_chords_grace_notes_triplets_ties_and_repeats() -> None:
    """TOOL-7: By hand, from the MEI that Verovio makes of ABC."""
    mei = """<mei xmlns="http://www.music-encoding.org/ns/mei">
    <scoreDef keysig="2s"><clef shape="G" line="2"/><meterSig count="2" unit="4"/></scoreDef>
    <measure left="rptstart" right="rptend"><staff><layer>
    <note grace="acc" dur="8" oct="5" pname="g"/>
    <note xml:id="a" dots="1" dur="8" oct="5" pname="f" accid.ges="s"/>
    <tuplet num="3" numbase="2"><beam>
    <note dur="16" oct="5" pname="a"/><note dur="16" oct="5" pname="b"/>
    <note dur="16" oct="5" pname="c"><accid accid="n"/></note></beam></tuplet>
    <chord dur="8"><note oct="4" pname="d"/><note xml:id="b" oct="4" pname="a"/></chord>
    </layer></staff><tie startid="#a" endid="#b"/></measure></mei>"""
    musicxml = musicxml_from_mei(mei)
    assert rows(musicxml) == [
        [
            ("1", "G5", "eighth", ""),
            ("1", "F#5", "eighth.", "("),
            ("1", "A5", "16th", ""),
            ("1", "B5", "16th", ""),
            ("1", "C5", "16th", ""),
            ("1", "D4", "eighth", ")"),
            ("1", "A4", "eighth", ")"),
        ]
    ]
    root = fromstring(musicxml)  # noqa: S314 - made here
    assert [each.attrib["direction"] for each in root.iter("repeat")] == ["forward", "backward"]
    assert root.findtext(".//fifths") == "2"
    durations = [int(each.text or 0) for each in root.findall(".//note/duration")]
    divisions = int(root.findtext(".//divisions") or 0)
    assert [Fraction(each, divisions) for each in durations[:2]] == [
        Fraction(3, 4),
        Fraction(1, 6),
    ]
