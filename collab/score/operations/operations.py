"""What people do to a score, as values.

Times are in quarter notes, onsets from the measure's start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from collab.score.intervals import Interval, WrittenPitch
from collab.score.schema import EVERY_PART, Edge, Json

SpannerKind = Literal["tie", "slur", "tuplet", "wedge", "ottava", "pedal", "ending"]
DirectionKind = Literal["dynamics", "words", "rehearsal", "metronome", "harmony"]
SettingKind = Literal["time", "key", "clef", "barline", "tempo"]
Placement = Literal["above", "below"]
Syllabic = Literal["single", "begin", "middle", "end"]
Articulation = Literal[
    "accent",
    "strong-accent",
    "staccato",
    "tenuto",
    "detached-legato",
    "staccatissimo",
    "spiccato",
    "scoop",
    "plop",
    "doit",
    "falloff",
    "breath-mark",
    "caesura",
    "stress",
    "unstress",
    "soft-accent",
]
"""As MusicXML calls them."""
Fermata = Literal["upright", "inverted", "none"]
HeaderName = Literal["title", "movement", "composer", "lyricist", "arranger", "rights"]


@dataclass(frozen=True, slots=True)
class InsertNote:
    """A new note; one with a ``grace`` order takes no time."""

    part: str
    measure: str
    onset: Fraction
    duration: Fraction
    pitch: WrittenPitch
    voice: int = 1
    staff: int = 1
    grace: str = ""


@dataclass(frozen=True, slots=True)
class InsertRest:
    """A new rest; where nobody wrote anything, readers see rests anyway."""

    part: str
    measure: str
    onset: Fraction
    duration: Fraction
    voice: int = 1
    staff: int = 1
    fills_measure: bool = False


@dataclass(frozen=True, slots=True)
class InsertChordNote:
    """One more note at the place, and of the duration, of another."""

    event: str
    pitch: WrittenPitch


@dataclass(frozen=True, slots=True)
class MoveEvents:
    """Events to another time, cell, voice or staff; what is None stays as it is.

    Attributes:
        later_by: added to each onset; negative for earlier.
    """

    events: tuple[str, ...]
    later_by: Fraction = Fraction(0)
    measure: str | None = None
    part: str | None = None
    voice: int | None = None
    staff: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteElements:
    """Events, spanners and directions; with the spanners that would lose an end, or not at all."""

    elements: tuple[str, ...]
    with_spanners: bool = False


@dataclass(frozen=True, slots=True)
class Repitch:
    """Another pitch for a note, or for a rest, which becomes a note."""

    event: str
    pitch: WrittenPitch


@dataclass(frozen=True, slots=True)
class Retime:
    """Another duration for events that stay where they begin, such as the notes of a chord."""

    events: tuple[str, ...]
    duration: Fraction


@dataclass(frozen=True, slots=True)
class Tie:
    """A tie from one note to the next of the same pitch."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Slur:
    """A slur over the notes from one to another."""

    start: str
    end: str
    placement: Placement | None = None


@dataclass(frozen=True, slots=True)
class Tuplet:
    """So many (``actual``) in the time of others (``normal``): durations and onsets shrink."""

    events: tuple[str, ...]
    actual: int
    normal: int


@dataclass(frozen=True, slots=True)
class AddSpanner:
    """Any other line between two elements; ``fields`` are those of its kind in the schema."""

    kind: SpannerKind
    start: str
    end: str
    fields: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class SetLyric:
    """A syllable under a note; empty text takes it away."""

    event: str
    text: str
    verse: str = "1"
    syllabic: Syllabic = "single"
    extends: bool = False


@dataclass(frozen=True, slots=True)
class Articulate:
    """Articulations that notes get or lose, and a fermata, which rests may have too.

    Attributes:
        events: of a chord any note stands for all of it.
        add: for those that lack them.
        remove: before others are added.
        fermata: its form; ``none`` takes it away, None leaves it as it is.
    """

    events: tuple[str, ...]
    add: tuple[Articulation, ...] = ()
    remove: tuple[Articulation, ...] = ()
    fermata: Fermata | None = None


@dataclass(frozen=True, slots=True)
class AddDirection:
    """Dynamics, words and other signs; ``fields`` are those of its kind in the schema."""

    part: str
    measure: str
    onset: Fraction
    kind: DirectionKind
    fields: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ChangeSetting:
    """A metre, key, clef, barline or tempo at a place; None takes it away.

    Attributes:
        value: as the schema has it for the kind.
        scope: all parts, a part's id, or ``part/staff``.
        at: the onset, or the edge for a barline.
    """

    kind: SettingKind
    measure: str
    value: Mapping[str, Json] | None
    scope: str = EVERY_PART
    at: Fraction | Edge = Fraction(0)


@dataclass(frozen=True, slots=True)
class SetHeader:
    """What stands before the music: its title, who made it; empty text takes it away."""

    name: HeaderName
    text: str


@dataclass(frozen=True, slots=True)
class InsertMeasures:
    """New empty measures behind one, or before all when ``after`` is None.

    Behind the last one they take along the barline that ends the piece, before the first one the
    metres, keys, clefs and tempi with which it begins.
    """

    after: str | None
    count: int = 1


@dataclass(frozen=True, slots=True)
class MoveMeasures:
    """Measures to the place behind another, or before all."""

    measures: tuple[str, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class DeleteMeasures:
    """Measures become tombstones; what is in them can be had back."""

    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RestoreMeasures:
    """Deleted measures come back, with what is in them."""

    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetMeasureLength:
    """A length of a measure's own, in quarter notes; None: that of the time signature."""

    measure: str
    length: Fraction | None


@dataclass(frozen=True, slots=True)
class NumberMeasures:
    """The printed numbers of all measures anew, from the first on."""

    first: int = 1


@dataclass(frozen=True, slots=True)
class AddPart:
    """A new part behind another, or before all when ``after`` is None.

    ``part`` is its id, for operations that follow in the same edit; None: a new one.
    """

    name: str
    after: str | None
    staves: int = 1
    abbreviation: str = ""
    transposition: Interval | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class RemovePart:
    """A part and all that is in it."""

    part: str


@dataclass(frozen=True, slots=True)
class RenamePart:
    """Another name and abbreviation; an empty abbreviation is none."""

    part: str
    name: str
    abbreviation: str = ""


@dataclass(frozen=True, slots=True)
class MovePart:
    """A part to the place behind another, or before all."""

    part: str
    after: str | None


@dataclass(frozen=True, slots=True)
class SetTransposition:
    """What a part sounds compared with what is written; None: the same."""

    part: str
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class TransposeEvents:
    """Some notes by an interval; keys stay."""

    events: tuple[str, ...]
    interval: Interval


@dataclass(frozen=True, slots=True)
class TransposeParts:
    """All notes and keys of some parts, or of the score when ``parts`` is None."""

    interval: Interval
    parts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ClipEvent:
    """One copied event.

    Attributes:
        id: in the clip alone.
        part: how many parts below the first of the clip.
        offset: from the clip's start.
        fields: of ``ev``, without place and time.
    """

    id: str
    part: int
    offset: Fraction
    duration: Fraction
    fields: Mapping[str, Json]
    pitch: Mapping[str, Json] | None
    notation: Mapping[str, Json] | None
    lyrics: Mapping[str, Mapping[str, Json]]


@dataclass(frozen=True, slots=True)
class Clip:
    """A copied selection; ``spanners`` join its events."""

    events: tuple[ClipEvent, ...]
    spanners: tuple[Mapping[str, Json], ...]


@dataclass(frozen=True, slots=True)
class Paste:
    """A clip, its first part into ``part`` and its start at an onset; over barlines with ties.

    Attributes:
        replaces: what begins in the voices and the time that the clip takes is deleted before.
    """

    clip: Clip
    part: str
    measure: str
    onset: Fraction
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Rebar:
    """Notes into measures of the length that the metre asks for; they sound as before.

    Attributes:
        first: the first measure concerned.
        last: the last one; measures are added behind it, or it and others are deleted, as needed.
        former_length: what measures lasted until now; None: as long as what is in each.
    """

    first: str
    last: str
    former_length: Fraction | None = None


Operation: TypeAlias = (
    InsertNote
    | InsertRest
    | InsertChordNote
    | MoveEvents
    | DeleteElements
    | Repitch
    | Retime
    | Tie
    | Slur
    | Tuplet
    | AddSpanner
    | SetLyric
    | Articulate
    | AddDirection
    | ChangeSetting
    | SetHeader
    | InsertMeasures
    | MoveMeasures
    | DeleteMeasures
    | RestoreMeasures
    | SetMeasureLength
    | NumberMeasures
    | AddPart
    | RemovePart
    | RenamePart
    | MovePart
    | SetTransposition
    | TransposeEvents
    | TransposeParts
    | Paste
    | Rebar
)
