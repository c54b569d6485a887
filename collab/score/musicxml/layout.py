"""The order of notes within a cell: voice after voice, with moves back and forward between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Final

from collab.score.musicxml import markup
from collab.score.musicxml.current import Value, length_of, onset_of
from collab.score.musicxml.markup import ATTRIBUTES_ORDER, NOTE_ORDER, made
from collab.score.musicxml.source import Element

DIVISIONS_MAX: Final = 2**31
"""Shorter times than one of these in a quarter note are rounded."""

# What stands at one onset, in this order.
BEFORE_NOTES: Final = 0
NOTES: Final = 1
AT_END: Final = 2


@dataclass(slots=True)
class Entry:
    """Something to be placed in a cell.

    Args:
        element: its markup.
        onset: when, in quarter notes.
        rank: before the notes of its onset, a note, or at the measure's end.
        order: among those of its rank and onset.
        voice: whose stream it is written in; 0 for the first one.
        length: by how much the position moves on; zero for what takes no time.
        is_note: whether it has a duration of its own to be written.
        is_follower: whether it shares the onset of the note before it, as a chord.
        duration: of a note, in quarter notes.
    """

    element: Element
    onset: Fraction
    rank: int
    order: tuple[object, ...]
    voice: int = 0
    length: Fraction = Fraction(0)
    is_note: bool = False
    is_follower: bool = False
    duration: Fraction = Fraction(0)


def note_entries(
    events: Mapping[str, Value],
    elements: Mapping[str, Element],
    is_pitched: Mapping[str, bool],
    order: Mapping[str, int],
) -> list[Entry]:
    """Put the events of a cell in order, chords together.

    Notes of one voice, onset and duration are a chord whether or not they say so; a chord's other
    notes may be shorter or longer when they name the note whose stem they share.

    Args:
        events: the facts, by id.
        elements: the note of each.
        is_pitched: whether it can be part of a chord: it is no rest.
        order: where each stood in the file; new ones come after, by id.
    """
    groups: dict[tuple[object, ...], list[str]] = {}
    for event_id in sorted(events, key=lambda name: (order.get(name, len(order)), name)):
        event = events[event_id]
        place = (event["voice"], onset_of(event), _grace_order(event))
        groups.setdefault(place, []).append(event_id)
    entries = []
    for ids in groups.values():
        for index, (event_id, is_follower) in enumerate(_chords(ids, events, is_pitched)):
            event = events[event_id]
            grace = _grace_order(event)
            entries.append(
                Entry(
                    element=elements[event_id],
                    onset=onset_of(event),
                    rank=NOTES,
                    order=(grace == "", grace, index),
                    voice=event["voice"],
                    length=Fraction(0) if is_follower else length_of(event),
                    is_note="grace" not in event,
                    is_follower=is_follower,
                    duration=length_of(event),
                )
            )
    return entries


def _grace_order(event: Value) -> str:
    grace = event.get("grace")
    return "" if grace is None else str(grace["order"])


def _chords(
    ids: Sequence[str], events: Mapping[str, Value], is_pitched: Mapping[str, bool]
) -> Iterator[tuple[str, bool]]:
    """Deal the events of one voice and onset out to chords: head, then its followers."""
    here = set(ids)
    chords: dict[str, list[str]] = {}
    head_of: dict[str, str] = {}
    by_length: dict[Fraction, str] = {}
    for event_id in ids:
        if not is_pitched[event_id]:
            chords[event_id] = [event_id]
        elif events[event_id].get("chord") not in here:
            head = head_of[event_id] = by_length.setdefault(length_of(events[event_id]), event_id)
            chords.setdefault(head, []).append(event_id)
    for event_id in ids:
        if is_pitched[event_id] and event_id not in head_of:
            head = head_of.get(events[event_id]["chord"], event_id)
            head_of[event_id] = head
            chords.setdefault(head, []).append(event_id)
    for chord in chords.values():
        for index, event_id in enumerate(chord):
            yield event_id, index > 0


def divisions_for(entries: Iterable[Entry], start: int, others: Iterable[Fraction] = ()) -> int:
    """Find the divisions that all times of a cell can be written in.

    Args:
        entries: of the cell.
        start: the divisions in force, which are kept when they do.
        others: more times in quarter notes, such as where the measure ends.
    """
    divisions = start
    for time in (*others, *(time for entry in entries for time in (entry.onset, entry.duration))):
        wider = lcm(divisions, time.denominator)
        if wider > DIVISIONS_MAX:
            return DIVISIONS_MAX
        divisions = wider
    return divisions


def laid_out(
    entries: Sequence[Entry], voices: Sequence[int], divisions: int, end: Fraction | None
) -> list[Element]:
    """Write entries in order, with the moves that they need.

    Args:
        entries: of the cell.
        voices: the order of the streams, the first first; others follow by number.
        divisions: that hold in the cell; notes get their durations in these.
        end: where the measure ended in the file, reached by a move where notes do not; or None.
    """
    order = {voice: index for index, voice in enumerate(voices)}
    first = (
        voices[0] if voices else min((entry.voice for entry in entries if entry.voice), default=1)
    )
    streams: dict[int, list[Entry]] = {first: []}
    closing: list[Entry] = []
    for entry in entries:
        if entry.rank == AT_END:
            closing.append(entry)
        else:
            streams.setdefault(entry.voice or first, []).append(entry)
    out: list[Element] = []
    position = furthest = Fraction(0)
    for voice in sorted(streams, key=lambda name: (order.get(name, len(order)), name)):
        for entry in sorted(streams[voice], key=lambda item: (item.onset, item.rank, item.order)):
            if not entry.is_follower and entry.onset != position:
                out.append(_move(entry.onset - position, divisions))
                position = entry.onset
            if entry.rank == NOTES:
                _finish_note(entry, divisions)
            out.append(entry.element)
            position += entry.length
            furthest = max(furthest, position)
    if end is not None and end > furthest:
        out.append(_move(end - position, divisions))
    elif position < furthest and closing:
        out.append(_move(furthest - position, divisions))
    out += [entry.element for entry in sorted(closing, key=lambda item: item.order)]
    return out


def ticks(time: Fraction, divisions: int) -> int:
    """Write a time in divisions; what is shorter than one counts as one."""
    return max(round(time * divisions), 1)


def _move(distance: Fraction, divisions: int) -> Element:
    tag = "forward" if distance > 0 else "backup"
    return made(tag, None, None, [made("duration", str(ticks(abs(distance), divisions)))])


def _finish_note(entry: Entry, divisions: int) -> None:
    note = entry.element
    if entry.is_note:
        set_duration(note, entry.duration, divisions)
    has_chord = note.find("chord") is not None
    if has_chord != entry.is_follower:
        markup.replace_all(note, ("chord",), [made("chord")] if not has_chord else [], NOTE_ORDER)


def set_duration(note: Element, duration: Fraction, divisions: int) -> None:
    """Write a note's duration, unless it says the same already."""
    said = note.find("duration")
    text = str(ticks(duration, divisions)) if duration else "0"
    try:
        if said is not None and Fraction((said.text or "").strip()) == Fraction(text):
            return
    except (ValueError, ZeroDivisionError):
        pass
    markup.set_text(note, "duration", text, NOTE_ORDER)


def divisions_element(divisions: int) -> Element:
    """Make an ``attributes`` element that only says which divisions hold from here on."""
    return made("attributes", None, None, [made("divisions", str(divisions))])


def set_divisions(attributes: Element, divisions: int) -> None:
    """Have an ``attributes`` element say which divisions hold from here on."""
    markup.set_text(attributes, "divisions", str(divisions), ATTRIBUTES_ORDER)
