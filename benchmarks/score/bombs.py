"""Files that are made to bring down whoever converts them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from workers.formats import Format

_HEAD: Final = (
    b'<score-partwise><part-list><score-part id="P"><part-name/></score-part></part-list>'
    b'<part id="P">'
)
_FIRST: Final = (
    b'<measure number="1"><attributes><divisions>1</divisions></attributes>'
    b"<note><rest/><duration>4</duration></note></measure>"
)
_TAIL: Final = b"</part></score-partwise>"
_MEASURES: Final = 1_000_000
_SPACES: Final = 60_000_000
_DEPTH: Final = 100_000
_ENTITIES: Final = 12
_LONGEST: Final = 0x0FFF_FFFF  # ticks between two events of a MIDI file


@dataclass(frozen=True, slots=True)
class Bomb:
    """One of them.

    Attributes:
        data: the file.
        source: its format.
        target: what it is to become.
    """

    data: bytes
    source: Format
    target: Format


@cache
def bombs() -> Mapping[str, Bomb]:
    """All of them, by name."""
    return {
        "archive": Bomb(_archive(), Format.MXL, Format.PDF),
        "entities": Bomb(_entities(), Format.MUSICXML, Format.PDF),
        "depth": Bomb(_depth(), Format.MUSICXML, Format.PDF),
        "endless MIDI": Bomb(_endless(), Format.MIDI, Format.MP3),
        "a million measures": Bomb(_measures(), Format.MUSICXML, Format.PDF),
    }


def _archive() -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", _HEAD + b" " * _SPACES + _FIRST + _TAIL)
    return into.getvalue()


def _entities() -> bytes:
    """A billion laughs."""
    declared = b'<!ENTITY e0 "ha">' + b"".join(
        b'<!ENTITY e%d "%s">' % (number, b"&e%d;" % (number - 1) * 10)
        for number in range(1, _ENTITIES)
    )
    text = b"<work><work-title>&e%d;</work-title></work>" % (_ENTITIES - 1)
    score = _HEAD.replace(b"<part-list>", text + b"<part-list>") + _FIRST + _TAIL
    return b"<!DOCTYPE score-partwise [" + declared + b"]>" + score


def _depth() -> bytes:
    return _HEAD + b"<measure>" * _DEPTH + b"</measure>" * _DEPTH + _TAIL


def _endless() -> bytes:
    """Two weeks of one note, in some 60 bytes."""
    events = b"\x00\x90\x3c\x40" + (_variable(_LONGEST) + b"\x80\x3c\x00") * 5 + b"\x00\xff\x2f\x00"
    return (
        b"MThd"
        + struct.pack(">IHHH", 6, 0, 1, 480)
        + b"MTrk"
        + struct.pack(">I", len(events))
        + events
    )


def _variable(number: int) -> bytes:
    """A number as MIDI files have it: seven bits a byte, the highest first."""
    digits = [number >> shift & 0x7F for shift in (21, 14, 7, 0)]
    return bytes([*(digit | 0x80 for digit in digits[:-1]), digits[-1]])


def _measures() -> bytes:
    return _HEAD + _FIRST + b'<measure number="2"/>' * _MEASURES + _TAIL
