"""A score as plain as what ABC and MIDI files can say, and its MusicXML.

Times are fractions of a quarter note. What has no place here was not in those files, or is lost:
both imports are best effort.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from collab.score.values import nominal_duration, written_value

_NAMES: Final = ("breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th", "128th")
_DESCENDING: Final = sorted(
    filter(None, (nominal_duration(name, dots) for name in _NAMES for dots in (0, 1, 2))),
    reverse=True,
)
"""What durations are cut into."""

_TRIPLET: Final = (3, 2)
_DOCTYPE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)


@dataclass(frozen=True, slots=True)
class Pitch:
    """A written pitch.

    Attributes:
        step: its letter.
        alter: in semitones.
        octave: 4 begins at middle C.
        accidental: shown, as MusicXML calls it; empty for none.
    """

    step: str
    alter: int
    octave: int
    accidental: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A note, a chord or a rest.

    Attributes:
        duration: as it sounds; 0 for a grace note.
        pitches: none for a rest.
        written: as it is written, where a tuplet or a grace note makes it differ.
        tuplet: how many take the time of how many, if it is in one.
        tie_from: whether it continues the one before.
        tie_to: whether the next one continues it.
        slur_from: how many slurs end here.
        slur_to: how many begin.
        lyric: a syllable.
        harmony: a chord symbol above it.
        is_hidden: a rest that is not shown.
    """

    duration: Fraction
    pitches: tuple[Pitch, ...] = ()
    written: Fraction | None = None
    tuplet: tuple[int, int] | None = None
    tie_from: bool = False
    tie_to: bool = False
    slur_from: int = 0
    slur_to: int = 0
    lyric: str = ""
    harmony: str = ""
    is_hidden: bool = False


@dataclass(slots=True)
class Measure:
    """One measure of a part.

    Attributes:
        length: what its time signature asks for.
        voices: each a line of events from its beginning.
        fifths: a new key; None for no change.
        time: a new time signature.
        clef: a new one: its sign and line.
        tempo: a new one, in quarters a minute.
        repeats_from: whether a repeat begins with it.
        repeats_to: whether one ends with it.
        ends: whether the piece does.
    """

    length: Fraction
    voices: list[list[Event]] = field(default_factory=list)
    fifths: int | None = None
    time: tuple[int, int] | None = None
    clef: tuple[str, int] | None = None
    tempo: float | None = None
    repeats_from: bool = False
    repeats_to: bool = False
    ends: bool = False


@dataclass(slots=True)
class Part:
    """One part.

    Attributes:
        name: of it.
        measures: in order.
        program: of General MIDI, from 1; None for none said.
        is_percussion: whether it is played on channel 10.
    """

    name: str
    measures: list[Measure]
    program: int | None = None
    is_percussion: bool = False


@dataclass(slots=True)
class PlainScore:
    """A score.

    Attributes:
        title: may be empty.
        composer: may be empty.
        parts: in order; at least one.
    """

    title: str
    composer: str
    parts: list[Part]


def pieces_of(event: Event) -> Iterator[Event]:
    """An event as values that can be written, tied to each other: dotted ones, or in triplets."""
    if event.written is not None or not event.duration:
        yield event
        return
    lengths = list(_lengths(event.duration))
    last = len(lengths) - 1
    is_note = bool(event.pitches)
    for number, length in enumerate(lengths):
        triplet = length * 3 / 2 if written_value(length) is None else None
        yield replace(
            event,
            duration=length,
            written=triplet,
            tuplet=_TRIPLET if triplet is not None and written_value(triplet) else None,
            tie_from=event.tie_from if number == 0 else is_note,
            tie_to=event.tie_to if number == last else is_note,
            slur_to=event.slur_to if number == 0 else 0,
            slur_from=event.slur_from if number == last else 0,
            lyric=event.lyric if number == 0 else "",
            harmony=event.harmony if number == 0 else "",
        )


def _lengths(left: Fraction) -> Iterator[Fraction]:
    """Lengths that add up, as few as may be: what is left of a triplet first, then plain ones."""
    if left.denominator % 3 == 0:
        for value in _DESCENDING:
            part = value * 2 / 3
            if part <= left and (left - part).denominator % 3:
                yield part
                left -= part
                break
    for value in _DESCENDING:
        while value <= left:
            yield value
            left -= value
    if left:  # a remainder that no value has
        yield left


def musicxml_of(score: PlainScore) -> bytes:
    """The score as a MusicXML 4.0 file."""
    root = Element("score-partwise", version="4.0")
    if score.title:
        SubElement(SubElement(root, "work"), "work-title").text = score.title
    if score.composer:
        identification = SubElement(root, "identification")
        SubElement(identification, "creator", type="composer").text = score.composer
    parts = SubElement(root, "part-list")
    for number, part in enumerate(score.parts, start=1):
        _list_part(parts, part, number)
    for number, part in enumerate(score.parts, start=1):
        _write_part(root, part, f"P{number}")
    indent(root, " ")
    return f"{_DOCTYPE}{tostring(root, encoding='unicode')}\n".encode()


def _list_part(parts: Element, part: Part, number: int) -> None:
    entry = SubElement(parts, "score-part", id=f"P{number}")
    SubElement(entry, "part-name").text = part.name
    if part.program is None and not part.is_percussion:
        return
    instrument = SubElement(entry, "score-instrument", id=f"P{number}-I1")
    SubElement(instrument, "instrument-name").text = part.name
    midi = SubElement(entry, "midi-instrument", id=f"P{number}-I1")
    if part.is_percussion:
        SubElement(midi, "midi-channel").text = "10"
    if part.program is not None:
        SubElement(midi, "midi-program").text = str(part.program)


def _write_part(root: Element, part: Part, part_id: str) -> None:
    element = SubElement(root, "part", id=part_id)
    divisions = lcm(
        *(
            event.duration.denominator
            for measure in part.measures
            for voice in measure.voices
            for event in voice
        ),
        *(measure.length.denominator for measure in part.measures),
    )
    for number, measure in enumerate(part.measures, start=1):
        into = SubElement(element, "measure", number=str(number))
        _write_barline(into, "left", "heavy-light", "forward", is_there=measure.repeats_from)
        _write_attributes(into, measure, divisions if number == 1 else None)
        if measure.tempo is not None:
            _write_tempo(into, measure.tempo)
        for voice_number, voice in enumerate(measure.voices, start=1):
            if voice_number > 1:
                before = sum(
                    (each.duration for each in measure.voices[voice_number - 2]), Fraction()
                )
                backup = SubElement(into, "backup")
                SubElement(backup, "duration").text = str(int(before * divisions))
            for event in voice:
                _write_event(into, event, divisions, voice_number)
        repeat = "backward" if measure.repeats_to else ""
        _write_barline(
            into, "right", "light-heavy", repeat, is_there=measure.ends or measure.repeats_to
        )


def _write_barline(into: Element, side: str, style: str, repeat: str, *, is_there: bool) -> None:
    if is_there:
        barline = SubElement(into, "barline", location=side)
        SubElement(barline, "bar-style").text = style
        if repeat:
            SubElement(barline, "repeat", direction=repeat)


def _write_attributes(into: Element, measure: Measure, divisions: int | None) -> None:
    changes = (divisions, measure.fifths, measure.time, measure.clef)
    if all(change is None for change in changes):
        return
    attributes = SubElement(into, "attributes")
    if divisions is not None:
        SubElement(attributes, "divisions").text = str(divisions)
    if measure.fifths is not None:
        SubElement(SubElement(attributes, "key"), "fifths").text = str(measure.fifths)
    if measure.time is not None:
        time = SubElement(attributes, "time")
        SubElement(time, "beats").text, SubElement(time, "beat-type").text = map(str, measure.time)
    if measure.clef is not None:
        clef = SubElement(attributes, "clef")
        SubElement(clef, "sign").text = measure.clef[0]
        SubElement(clef, "line").text = str(measure.clef[1])


def _write_tempo(into: Element, tempo: float) -> None:
    direction = SubElement(into, "direction", placement="above")
    metronome = SubElement(SubElement(direction, "direction-type"), "metronome")
    SubElement(metronome, "beat-unit").text = "quarter"
    SubElement(metronome, "per-minute").text = f"{tempo:.6g}"
    SubElement(direction, "sound", tempo=f"{tempo:.6g}")


def _write_event(into: Element, event: Event, divisions: int, voice: int) -> None:
    if event.harmony:
        direction = SubElement(into, "direction", placement="above")
        SubElement(SubElement(direction, "direction-type"), "words").text = event.harmony
    for number, pitch in enumerate(event.pitches or (None,)):
        shown = {"print-object": "no"} if event.is_hidden else {}
        note = SubElement(into, "note", shown)
        if not event.duration:
            SubElement(note, "grace")
        if number:
            SubElement(note, "chord")
        if pitch is None:
            SubElement(note, "rest")
        else:
            _write_pitch(note, pitch)
        if event.duration:
            SubElement(note, "duration").text = str(int(event.duration * divisions))
        ties = [("stop", event.tie_from), ("start", event.tie_to)] if pitch else []
        for kind, is_tied in ties:
            if is_tied:
                SubElement(note, "tie", type=kind)
        SubElement(note, "voice").text = str(voice)
        _write_value(note, event, pitch)
        _write_notations(note, event, ties, number)
        if event.lyric and not number:
            lyric = SubElement(note, "lyric")
            SubElement(lyric, "syllabic").text = "single"
            SubElement(lyric, "text").text = event.lyric


def _write_pitch(note: Element, pitch: Pitch) -> None:
    element = SubElement(note, "pitch")
    SubElement(element, "step").text = pitch.step
    if pitch.alter:
        SubElement(element, "alter").text = str(pitch.alter)
    SubElement(element, "octave").text = str(pitch.octave)


def _write_value(note: Element, event: Event, pitch: Pitch | None) -> None:
    name, dots = written_value(event.written or event.duration) or ("", 0)
    if name:
        SubElement(note, "type").text = name
        for _ in range(dots):
            SubElement(note, "dot")
    if pitch is not None and pitch.accidental:
        SubElement(note, "accidental").text = pitch.accidental
    if event.tuplet is not None:
        modification = SubElement(note, "time-modification")
        SubElement(modification, "actual-notes").text = str(event.tuplet[0])
        SubElement(modification, "normal-notes").text = str(event.tuplet[1])


def _write_notations(
    note: Element, event: Event, ties: list[tuple[str, bool]], number: int
) -> None:
    slurs = [] if number else ["stop"] * event.slur_from + ["start"] * event.slur_to
    if not slurs and not any(is_tied for _, is_tied in ties):
        return
    notations = SubElement(note, "notations")
    for kind, is_tied in ties:
        if is_tied:
            SubElement(notations, "tied", type=kind)
    for kind in slurs:
        SubElement(notations, "slur", type=kind)
