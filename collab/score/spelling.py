"""Written pitches and key signatures as a document holds them: read, moved and written.

They are read within the bounds of ``rules``: a spelling is looked for step by step, and the steps
from a million sharps would not end.
"""

from __future__ import annotations

from collections.abc import Mapping

from collab.score.intervals import Interval, WrittenPitch, fitting_interval, transpose_pitch
from collab.score.model import STEPS, integer
from collab.score.rules import FIFTHS_MAX, OCTAVE_MAX, OCTAVE_MIN, is_alter, is_step
from collab.score.schema import Json


def written_pitch(value: Mapping[str, object]) -> WrittenPitch | None:
    """Read an entry of ``pt``, without its sign; None for what is no pitch or has none."""
    step, alter = value.get("step"), value.get("alter", 0)
    octave = integer(value.get("octave"), OCTAVE_MIN, OCTAVE_MAX)
    if "rest" in value or value.get("unpitched") is True:
        return None
    if octave is None or not is_step(step) or not is_alter(alter):
        return None
    return WrittenPitch(step, octave, alter)


def pitch_value(pitch: WrittenPitch) -> Mapping[str, Json | None]:
    """Write a pitch as ``pt`` holds it."""
    alter = int(pitch.alter) if float(pitch.alter).is_integer() else pitch.alter
    return {
        "step": pitch.step,
        "octave": pitch.octave,
        "alter": alter or None,
        "accidental": pitch.accidental or None,
    }


def signature_fifths(value: Mapping[str, object]) -> int | None:
    """Read how many sharps (or, below 0, flats) a key signature has; None when it is none."""
    return integer(value.get("fifths"), -FIFTHS_MAX, FIFTHS_MAX)


def moved_signature(value: Mapping[str, Json], interval: Interval) -> Mapping[str, Json] | None:
    """Move a key signature, spelled so that it has at most seven signs.

    One that is no row of fifths is moved letter by letter.

    Returns:
        None when it is no key signature.
    """
    fifths = signature_fifths(value)
    if fifths is None:
        return None
    interval = fitting_interval(fifths, interval)
    steps, alters = value.get("steps"), value.get("alters")
    if not isinstance(steps, list) or not isinstance(alters, list):
        return {**value, "fifths": fifths + interval.fifths}
    if not all(map(is_step, steps)) or not all(map(is_alter, alters)):
        return None
    altered = dict(zip(steps, alters, strict=False))
    moved = [
        transpose_pitch(WrittenPitch(step, 0, altered.get(step, 0)), interval) for step in STEPS
    ]
    signs = [pitch for pitch in moved if pitch.alter]
    return {
        **value,
        "steps": [pitch.step for pitch in signs],
        "alters": [pitch.alter for pitch in signs],
    }
