"""Intervals and spelling, by arithmetic on the line of fifths: ... Bb F C G D A E B F# ...

A letter with its accidental is one place on the line, and so is a key. An interval moves every
pitch and key by the same number of places, which is what keeps spellings right in every key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from collab.score.model import STEP_SEMITONES, STEPS

_LINE_OF_FIFTHS: Final = "FCGDAEB"
_FIFTHS_OF_A_SHARP: Final = 7
_STEPS_IN_OCTAVE: Final = 7
_ALTER_MAX: Final = 2
_KEY_FIFTHS_MAX: Final = 7
_FIFTHS_OF_A_COMMA: Final = 12  # twelve fifths are an octave, in another spelling


@dataclass(frozen=True, slots=True)
class Interval:
    """How far apart two pitches are written: steps of the scale and semitones, both signed.

    A major third up is ``Interval(2, 4)``, an octave down ``Interval(-7, -12)``.
    """

    diatonic: int
    chromatic: int

    @property
    def fifths(self) -> int:
        """Its extent on the line of fifths; octaves do not count."""
        return _FIFTHS_OF_A_SHARP * self.chromatic - _FIFTHS_OF_A_COMMA * self.diatonic

    def respelled(self, commas: int) -> Interval:
        """The same semitones, written so many steps wider: 1 makes C# to Db."""
        return Interval(self.diatonic + commas, self.chromatic)


@dataclass(frozen=True, slots=True)
class WrittenPitch:
    """A pitch as it is written.

    Args:
        step: letter, A to G.
        octave: scientific, C4 is middle C.
        alter: semitones; halves are quarter tones.
        accidental: the sign to print, empty for none.
    """

    step: str
    octave: int
    alter: float = 0
    accidental: str = ""


def transpose_pitch(pitch: WrittenPitch, interval: Interval) -> WrittenPitch:
    """Move a pitch by an interval; no sign is kept, for the new place may not need one.

    Where that would take more than a double sharp or flat, the next spelling with fewer is taken.
    """
    moved = _moved(pitch, interval)
    while abs(moved.alter) > _ALTER_MAX:
        interval = interval.respelled(1 if moved.alter > 0 else -1)
        moved = _moved(pitch, interval)
    return moved


def fitting_interval(fifths: int, interval: Interval) -> Interval:
    """Spell an interval so that a key signature, moved by it, has at most seven signs.

    Args:
        fifths: the key signature, sharps positive.
        interval: what the music is moved by.
    """
    while fifths + interval.fifths > _KEY_FIFTHS_MAX:
        interval = interval.respelled(1)
    while fifths + interval.fifths < -_KEY_FIFTHS_MAX:
        interval = interval.respelled(-1)
    return interval


def signature_alter(step: str, fifths: int) -> int:
    """By how many semitones a key signature alters a letter."""
    return (fifths + 6 - _LINE_OF_FIFTHS.index(step)) // _FIFTHS_OF_A_SHARP


def _moved(pitch: WrittenPitch, interval: Interval) -> WrittenPitch:
    place = STEPS.index(pitch.step) + interval.diatonic
    step = STEPS[place % _STEPS_IN_OCTAVE]
    octave = pitch.octave + place // _STEPS_IN_OCTAVE
    before = 12 * pitch.octave + STEP_SEMITONES[pitch.step]
    after = 12 * octave + STEP_SEMITONES[step]
    return WrittenPitch(step, octave, pitch.alter + before + interval.chromatic - after)
