"""MIDI files as scores: notes on a grid, spelled by the key, cut into measures and voices.

A MIDI file tells when keys were pressed, not what was meant. Best effort: times go to the nearest
sixteenth or triplet eighth, each channel of each track becomes a part of at most four voices, and
repeats, slurs, dynamics and lyrics are not recovered.
"""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from workers.tools.failures import Failure, Missing, TooLarge
from workers.tools.plain_score import (
    Event,
    Measure,
    Part,
    Pitch,
    PlainScore,
    musicxml_of,
    pieces_of,
)

NOTES_MAX: Final = 200_000
MEASURES_MAX: Final = 10_000
VOICES_MAX: Final = 4

_GRIDS: Final = (Fraction(1, 4), Fraction(1, 3))
_SHORTEST: Final = Fraction(1, 4)
_PERCUSSION: Final = 9  # the tenth channel
_SHARP: Final = (
    ("C", 0),
    ("C", 1),
    ("D", 0),
    ("D", 1),
    ("E", 0),
    ("F", 0),
    ("F", 1),
    ("G", 0),
    ("G", 1),
    ("A", 0),
    ("A", 1),
    ("B", 0),
)
_FLAT: Final = (
    ("C", 0),
    ("D", -1),
    ("D", 0),
    ("E", -1),
    ("E", 0),
    ("F", 0),
    ("G", -1),
    ("G", 0),
    ("A", -1),
    ("A", 0),
    ("B", -1),
    ("B", 0),
)
_MIDDLE_C: Final = 60
_FIFTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"),
        start=-7,
    )
}
_FIFTHS_MINOR: Final = {
    name: number
    for number, name in enumerate(
        (
            "Abm",
            "Ebm",
            "Bbm",
            "Fm",
            "Cm",
            "Gm",
            "Dm",
            "Am",
            "Em",
            "Bm",
            "F#m",
            "C#m",
            "G#m",
            "D#m",
            "A#m",
        ),
        start=-7,
    )
}


@dataclass(frozen=True, slots=True)
class _Note:
    """A note on the grid: from and to in quarters from the beginning, and its key."""

    start: Fraction
    end: Fraction
    key: int


@dataclass(slots=True)
class _Line:
    """What one channel of one track plays."""

    name: str
    channel: int
    program: int | None
    notes: list[_Note]


@dataclass(slots=True)
class _Frame:
    """What holds for all parts: changes by the time at which they come."""

    times: dict[Fraction, tuple[int, int]]
    keys: dict[Fraction, int]
    tempos: dict[Fraction, float]


def musicxml_from_midi(data: bytes) -> bytes:
    """A MIDI file as MusicXML.

    Raises:
        Missing: the library that reads it is not installed.
        Failure: it is no MIDI file, or there are no notes in it.
        TooLarge: it has too many notes or measures.
    """
    try:
        import mido  # noqa: PLC0415 - optional
    except ImportError as error:
        raise Missing("mido", "pip install 'bandpro[engraving]'") from error
    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except (OSError, EOFError, ValueError, IndexError, KeyError) as error:
        raise Failure(f"the file is no MIDI file: {error}") from error
    if file.ticks_per_beat <= 0 or file.ticks_per_beat & 0x8000:
        raise Failure("the MIDI file counts frames of a film, not beats")
    frame = _Frame({}, {}, {})
    lines = [line for track in file.tracks for line in _lines(track, file.ticks_per_beat, frame)]
    if not lines:
        raise Failure("there are no notes in the MIDI file")
    end = max(note.end for line in lines for note in line.notes)
    bars = _bars(frame, end)
    parts = [_part(line, bars, frame) for line in lines]
    for change, tempo in frame.tempos.items():
        index = next((n for n, (start, length) in enumerate(bars) if change < start + length), None)
        if index is not None:
            parts[0].measures[index].tempo = tempo
    return musicxml_of(PlainScore("", "", parts))


class _Reading:
    """What is gathered from one track.

    Args:
        ticks_per_beat: of the file.
        frame: takes what holds for all parts.
    """

    def __init__(self, ticks_per_beat: int, frame: _Frame) -> None:
        self._ticks_per_beat = ticks_per_beat
        self._frame = frame
        self._pressed: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._count = 0
        self.name = ""
        self.notes: dict[int, list[_Note]] = defaultdict(list)
        self.programs: dict[int, int] = {}

    def note(self, message: Any, tick: int) -> None:  # noqa: ANN401 - mido's
        """Take a key that was pressed or let go."""
        begun = self._pressed[message.channel, message.note]
        if message.type == "note_on" and message.velocity:
            self._count += 1
            if self._count > NOTES_MAX:
                raise TooLarge(f"the MIDI file has over {NOTES_MAX} notes")
            begun.append(tick)
        elif begun:
            start = Fraction(begun.pop(0), self._ticks_per_beat)
            end = Fraction(tick, self._ticks_per_beat)
            self.notes[message.channel].append(_gridded(start, end, message.note))

    def other(self, message: Any, tick: int) -> None:  # noqa: ANN401 - mido's
        """Take anything else."""
        at = _snapped(Fraction(tick, self._ticks_per_beat))
        match message.type:
            case "track_name":
                self.name = message.name.strip()
            case "time_signature" if message.numerator and message.denominator:
                self._frame.times[at] = (message.numerator, message.denominator)
            case "key_signature":
                known = _FIFTHS_MINOR if message.key.endswith("m") else _FIFTHS
                self._frame.keys[at] = known.get(message.key, 0)
            case "set_tempo" if message.tempo:
                self._frame.tempos[at] = 60_000_000 / message.tempo
            case "program_change":
                self.programs.setdefault(message.channel, message.program + 1)


def _lines(track: Any, ticks_per_beat: int, frame: _Frame) -> list[_Line]:  # noqa: ANN401 - mido's
    reading = _Reading(ticks_per_beat, frame)
    tick = 0
    for message in track:
        tick += message.time
        if message.type in {"note_on", "note_off"}:
            reading.note(message, tick)
        else:
            reading.other(message, tick)
    return [
        _Line(reading.name, channel, reading.programs.get(channel), sorted(set(found), key=_order))
        for channel, found in sorted(reading.notes.items())
    ]


def _order(note: _Note) -> tuple[Fraction, Fraction, int]:
    return note.start, -note.end, note.key


def _snapped(at: Fraction) -> Fraction:
    """The nearest time on either grid; the sixteenth where both are as near."""
    return min((round(at / grid) * grid for grid in _GRIDS), key=lambda each: abs(each - at))


def _gridded(start: Fraction, end: Fraction, key: int) -> _Note:
    begin = _snapped(start)
    stop = _snapped(end)
    if stop <= begin:
        grid = _GRIDS[0] if (begin / _GRIDS[0]).denominator == 1 else _GRIDS[1]
        stop = begin + grid
    return _Note(begin, stop, key)


def _bars(frame: _Frame, end: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Start and length of every measure; a new time signature begins a new one."""
    bars: list[tuple[Fraction, Fraction]] = []
    at = Fraction()
    time = (4, 4)
    changes = sorted(frame.times)
    while at < end or not bars:
        while changes and changes[0] <= at:
            time = frame.times[changes.pop(0)]
        length = Fraction(4 * time[0], time[1])
        if changes and at < changes[0] < at + length:
            length = changes[0] - at
        bars.append((at, length))
        if len(bars) > MEASURES_MAX:
            raise TooLarge(f"the MIDI file has over {MEASURES_MAX} measures")
        at += length
    return bars


def _part(line: _Line, bars: list[tuple[Fraction, Fraction]], frame: _Frame) -> Part:
    voices = _voices(line.notes)
    average = sum(note.key for note in line.notes) / len(line.notes)
    measures = []
    fifths = 0
    cursors = [0] * len(voices)
    for number, (start, length) in enumerate(bars):
        measure = Measure(length, ends=number == len(bars) - 1)
        changes = [key for at, key in sorted(frame.keys.items()) if start <= at < start + length]
        if changes or number == 0:
            fifths = measure.fifths = changes[-1] if changes else 0
        if number == 0:
            measure.clef = ("G", 2) if average >= _MIDDLE_C - 2 else ("F", 4)
        time = frame.times.get(start, (4, 4) if number == 0 else None)
        measure.time = time
        for index, voice in enumerate(voices):
            events, cursors[index] = _events(voice, cursors[index], start, start + length, fifths)
            if index == 0 or any(event.pitches for event in events):
                measure.voices.append([piece for each in events for piece in pieces_of(each)])
        measures.append(measure)
    is_percussion = line.channel == _PERCUSSION
    return Part(line.name, measures, None if is_percussion else line.program, is_percussion)


def _voices(notes: list[_Note]) -> list[list[list[_Note]]]:
    """Notes as voices of chords: those that begin and end together make one."""
    chords: dict[tuple[Fraction, Fraction], list[_Note]] = defaultdict(list)
    for note in notes:
        chords[note.start, note.end].append(note)
    voices: list[list[list[_Note]]] = []
    for (start, _), chord in sorted(chords.items(), key=lambda each: (each[0][0], -each[0][1])):
        free = next((voice for voice in voices if voice[-1][0].end <= start), None)
        if free is not None:
            free.append(chord)
        elif len(voices) < VOICES_MAX:
            voices.append([chord])
        else:  # it cuts short whatever began first
            voice = min(voices, key=lambda each: each[-1][0].start)
            if voice[-1][0].start < start:
                voice[-1] = [replace(note, end=start) for note in voice[-1]]
                voice.append(chord)
    return voices


def _events(
    voice: list[list[_Note]], cursor: int, start: Fraction, end: Fraction, fifths: int
) -> tuple[list[Event], int]:
    """What a voice plays in one measure, with rests between, and where it is then."""
    events = []
    at = start
    while cursor < len(voice) and voice[cursor][0].start < end:
        chord = voice[cursor]
        begin, stop = max(start, chord[0].start), min(end, chord[0].end)
        if begin > at:
            events.append(Event(begin - at))
        pitches = tuple(_pitch(note.key, fifths) for note in chord)
        is_begun, is_left = chord[0].start < start, chord[0].end > end
        events.append(Event(stop - begin, pitches, tie_from=is_begun, tie_to=is_left))
        at = stop
        if is_left:
            break
        cursor += 1
    if at < end:
        events.append(Event(end - at))
    return events, cursor


def _pitch(key: int, fifths: int) -> Pitch:
    step, alter = (_FLAT if fifths < 0 else _SHARP)[key % 12]
    return Pitch(step, alter, key // 12 - 1)
