"""MusicXML written down in a few words, for tests."""

from __future__ import annotations

from typing import Final

ATTRIBUTES: Final = (
    "<attributes><divisions>{divisions}</divisions><key><fifths>0</fifths></key>"
    "<time><beats>4</beats><beat-type>4</beat-type></time>"
    "<clef><sign>G</sign><line>2</line></clef></attributes>"
)


def note(
    pitch: str = "C4",
    duration: int | None = 4,
    kind: str = "quarter",
    *,
    before: str = "",
    after: str = "",
    behind: str = "",
    voice: str = "1",
    attributes: str = "",
) -> str:
    """Write one note.

    Args:
        pitch: such as ``C4``, ``F#5``, ``Eb3``; ``R`` for a rest.
        duration: in divisions; None for a grace note.
        kind: the written value.
        before: what stands before the pitch.
        after: what stands after the written value.
        behind: what stands after ``after``: staff, beams, notations, lyrics.
        voice: its name.
        attributes: of the ``note`` element.
    """
    if pitch == "R":
        sound = "<rest/>"
    else:
        alter = {"#": "<alter>1</alter>", "b": "<alter>-1</alter>"}.get(pitch[1], "")
        sound = f"<pitch><step>{pitch[0]}</step>{alter}<octave>{pitch[-1]}</octave></pitch>"
    length = "" if duration is None else f"<duration>{duration}</duration>"
    return (
        f"<note{attributes}>{before}{sound}{length}<voice>{voice}</voice>"
        f"<type>{kind}</type>{after}{behind}</note>"
    )


def measure(content: str, number: str = "1", attributes: str = "") -> str:
    """Write a measure."""
    return f'<measure number="{number}"{attributes}>{content}</measure>'


def first(content: str, divisions: int = 4) -> str:
    """Write the first measure of a part, with its key, time and clef."""
    return measure(ATTRIBUTES.format(divisions=divisions) + content)


def score(
    *measures: str,
    head: str = "",
    part_list: str | None = None,
    version: str = "4.0",
    root: str = "",
) -> bytes:
    """Write a score of one part."""
    listed = part_list or '<score-part id="P1"><part-name>Music</part-name></score-part>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">\n'
        f'<score-partwise version="{version}"{root}>{head}<part-list>{listed}</part-list>'
        f'<part id="P1">{"".join(measures)}</part></score-partwise>'
    ).encode()


def chord(*pitches: str) -> str:
    """Write the notes of a chord."""
    return "".join(
        note(pitch, before="<chord/>" if index else "") for index, pitch in enumerate(pitches)
    )


def notations(content: str) -> str:
    """Write what is drawn at a note."""
    return f"<notations>{content}</notations>"


def triplet(actual: int, normal: int) -> str:
    """Write the ratio of a tuplet."""
    return (
        f"<time-modification><actual-notes>{actual}</actual-notes>"
        f"<normal-notes>{normal}</normal-notes></time-modification>"
    )


def lyric(number: str, content: str) -> str:
    """Write a syllable."""
    return f'<lyric number="{number}">{content}</lyric>'


def backup(duration: int) -> str:
    """Go back by some divisions."""
    return f"<backup><duration>{duration}</duration></backup>"


def forward(duration: int) -> str:
    """Go forward by some divisions."""
    return f"<forward><duration>{duration}</duration></forward>"


def direction(content: str, rest: str = "", attributes: str = "") -> str:
    """Write a direction with one group of signs."""
    return f"<direction{attributes}><direction-type>{content}</direction-type>{rest}</direction>"
