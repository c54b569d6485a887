"""How long a MIDI file sounds."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final

from workers.tools.failures import Failure

_TEMPO_US: Final = 500_000  # of a quarter note, until something else is said
_META: Final = 0xFF
_META_TEMPO: Final = 0x51
_STATUS: Final = 0x80
_SYSTEM: Final = 0xF0
_SMPTE: Final = 0x8000
_ONE_BYTE: Final = frozenset({0xC0, 0xD0})  # program change, channel pressure


def length_s(data: bytes) -> float:
    """How long a standard MIDI file lasts, by its tempo changes.

    Args:
        data: the file.

    Returns:
        Seconds.

    Raises:
        Failure: it is no MIDI file.
    """
    try:
        division, tracks = _tracks(data)
        return _length(division, tracks)
    except IndexError as error:
        raise Failure("the MIDI file ends within an event") from error


def _length(division: int, tracks: list[bytes]) -> float:
    if not division:
        raise Failure("the MIDI file has no division")
    if division & _SMPTE:  # frames per second, as a negative byte, and ticks per frame
        per_second = (256 - (division >> 8)) * (division & 0xFF)
        ticks = max((tick for track in tracks for tick, _ in _tempos(track)), default=0)
        return ticks / max(1, per_second)
    # Tempo changes of all tracks hold for all of them, in order of time.
    seconds = 0.0
    at = 0
    tempo_us = _TEMPO_US
    for tick, change in heapq.merge(*map(_tempos, tracks), key=lambda each: each[0]):
        seconds += (tick - at) * tempo_us / division / 1_000_000
        at = tick
        tempo_us = change or tempo_us
    return seconds


def _tracks(data: bytes) -> tuple[int, list[bytes]]:
    if data[:4] != b"MThd" or len(data) < 14:  # noqa: PLR2004 - the header's size
        raise Failure("the file is no MIDI file")
    position = 8 + int.from_bytes(data[4:8], "big")
    tracks = []
    while position + 8 <= len(data):
        end = position + 8 + int.from_bytes(data[position + 4 : position + 8], "big")
        if data[position : position + 4] == b"MTrk":
            tracks.append(data[position + 8 : end])
        position = end
    if not tracks:
        raise Failure("the MIDI file has no tracks")
    return int.from_bytes(data[12:14], "big"), tracks


def _tempos(track: bytes) -> Iterator[tuple[int, int]]:
    """Ticks and what the tempo is from there on (0: as before), the track's end last."""
    position = tick = running = 0
    while position < len(track):
        delta, position = _number(track, position)
        tick += delta
        status = track[position]
        if status & _STATUS:
            position += 1
            if status < _SYSTEM:
                running = status
        else:
            status = running
        if status == _META:
            kind = track[position]
            size, position = _number(track, position + 1)
            if kind == _META_TEMPO:
                yield tick, int.from_bytes(track[position : position + size], "big")
            position += size
        elif status >= _SYSTEM:
            size, position = _number(track, position)
            position += size
        elif status & _STATUS:
            position += 1 if status & 0xF0 in _ONE_BYTE else 2
        else:
            raise Failure("the MIDI file has data where an event should be")
    yield tick, 0


def _number(track: bytes, position: int) -> tuple[int, int]:
    """A number of up to four bytes with seven bits each, and where it ends."""
    number = 0
    for _ in range(4):
        byte = track[position]
        position += 1
        number = number << 7 | byte & 0x7F
        if not byte & _STATUS:
            return number, position
    raise Failure("the MIDI file has a number of more than four bytes")
