"""The formats that scores are read from and written to, and the suffixes of their files."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePath
from types import MappingProxyType
from typing import Final


class Format(StrEnum):
    """A form that a score can have in a file."""

    MUSICXML = "musicxml"
    MXL = "mxl"
    ABC = "abc"
    MIDI = "midi"
    MEI = "mei"
    TIMEMAP = "timemap"
    SVG = "svg"
    PDF = "pdf"
    PNG = "png"
    WAV = "wav"
    MP3 = "mp3"


SOURCES: Final = frozenset({Format.MUSICXML, Format.MXL, Format.ABC, Format.MIDI})
"""What can be read."""

TARGETS: Final = frozenset(Format) - {Format.ABC}
"""What can be written."""

SUFFIXES: Final[Mapping[str, Format]] = MappingProxyType(
    {
        ".musicxml": Format.MUSICXML,
        ".xml": Format.MUSICXML,
        ".mxl": Format.MXL,
        ".abc": Format.ABC,
        ".mid": Format.MIDI,
        ".midi": Format.MIDI,
        ".mei": Format.MEI,
        ".timemap.json": Format.TIMEMAP,
        ".svg": Format.SVG,
        ".pdf": Format.PDF,
        ".png": Format.PNG,
        ".wav": Format.WAV,
        ".mp3": Format.MP3,
    }
)
"""Of files; the first one of a format is the one that files are given."""

MEDIA_TYPES: Final[Mapping[Format, str]] = MappingProxyType(
    {
        Format.MUSICXML: "application/vnd.recordare.musicxml+xml",
        Format.MXL: "application/vnd.recordare.musicxml",
        Format.ABC: "text/vnd.abc",
        Format.MIDI: "audio/midi",
        Format.MEI: "application/mei+xml",
        Format.TIMEMAP: "application/json",
        Format.SVG: "image/svg+xml",
        Format.PDF: "application/pdf",
        Format.PNG: "image/png",
        Format.WAV: "audio/wav",
        Format.MP3: "audio/mpeg",
    }
)


def format_of(path: PurePath) -> Format | None:
    """The format that a file's name says, in upper or lower case; None for no known one."""
    name = path.name.lower()
    return next((SUFFIXES[suffix] for suffix in SUFFIXES if name.endswith(suffix)), None)


def suffix_of(form: Format) -> str:
    """The usual suffix of a format's files."""
    return next(suffix for suffix, each in SUFFIXES.items() if each is form)
