"""MusicXML texts as Verovio takes them, out of whatever bytes a file has."""

from __future__ import annotations

from lxml import etree

from collab.errors import InvalidScore, LimitExceeded
from collab.score.musicxml.source import read_file
from workers.tools.failures import Failure, OutOfMemory, TooLarge

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def musicxml_text(data: bytes) -> str:
    """A score's text, from a MusicXML file in any encoding, packed or not; parsed before.

    Verovio by itself refuses byte order marks and UTF-16, and takes what is no XML for an empty
    score.

    Raises:
        Failure: it is no MusicXML score; tells the line where there is one.
        TooLarge: it passes a limit.
        OutOfMemory: it needs more than this process may have.
    """
    try:
        tree, _ = read_file(data)
    except InvalidScore as error:
        if error.line == 0:  # libxml2 was given no memory, and says so with an error of nowhere
            raise OutOfMemory("the score needs more memory than there may be") from error
        raise Failure(str(error)) from error
    except LimitExceeded as error:
        raise TooLarge(str(error)) from error
    return str(etree.tostring(tree, encoding="unicode"))


def musicxml_bytes(text: str) -> bytes:
    """A score's text as a file."""
    return f"{_DECLARATION}{text}\n".encode()
