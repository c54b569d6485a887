"""Markup as pieces: every tag or small element that a file repeats is kept once.

A cell's markup is cut into pieces, the distinct pieces of a score are numbered, the most frequent
first, and the cell is the string of their numbers, one character each. A note of some 300
characters of markup takes about 15 bytes so. Only the order of characters and of counts decides:
equal files give equal pieces everywhere, which compressors of different versions do not promise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

from collab.errors import InvalidScore, LimitExceeded
from collab.limits import SCORE_RAW_TEXTS_MAX, SCORE_XML_BYTES_MAX

_TOKEN: Final = re.compile(
    # Small elements that come again as a whole.
    r"<(pitch|time-modification|direction-type|articulations)>(?:[^<]|<(?!/\1>))*</\1>"
    # One that holds text only or nothing.
    r"|<([\w:.-]+)[^<>]*>[^<]*</\2>"
    # Tags whose attributes differ from one to the next: cut into name and attributes.
    r"|<(?:note|measure|print|direction)(?= )"
    r'| [\w:.-]+="[^"<>]*"(?=[ />])'
    # Anything else: a tag, or text.
    r"|<[^<>]*>|[^<]+|<"
)

# Characters that mean something in JSON, controls, surrogates and what is no character.
_SKIPPED: Final = (
    (0x5C, 0x5C),
    (0x7F, 0xA0),
    (0xAD, 0xAD),
    (0xD800, 0xDFFF),
    (0xFDD0, 0xFDEF),
    (0xFEFF, 0xFEFF),
    (0xFFF0, 0xFFFF),
)
_FIRST: Final = 0x23
_LAST: Final = 0x1FFFD


def _alphabet() -> list[str]:
    skipped = {code for first, last in _SKIPPED for code in range(first, last + 1)}
    return [chr(code) for code in range(_FIRST, _LAST + 1) if code not in skipped]


_ALPHABET: Final = _alphabet()


def cut(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Cut the markup of cells into pieces.

    Args:
        texts: the markup of each cell.

    Returns:
        The pieces, and for each cell the characters that stand for its pieces.

    Raises:
        LimitExceeded: there are more different pieces than characters.
    """
    cells = [[match.group() for match in _TOKEN.finditer(text)] for text in texts]
    counts = Counter(chain.from_iterable(cells))
    # Equally frequent pieces keep the order in which they were met first.
    pieces = [piece for piece, _ in counts.most_common()]
    if len(pieces) > len(_ALPHABET):
        raise LimitExceeded(
            f"the score has more than {len(_ALPHABET)} different pieces of markup",
            limit="SCORE_XML_ELEMENTS_MAX",
        )
    characters = dict(zip(pieces, _ALPHABET, strict=False))
    return pieces, ["".join(map(characters.__getitem__, cell)) for cell in cells]


def joined(pieces: Sequence[str], cells: Iterable[str]) -> list[str]:
    """Put the markup of cells together again.

    Args:
        pieces: all pieces of the score.
        cells: the characters of each cell.

    Raises:
        InvalidScore: a character stands for no piece.
        LimitExceeded: it would be more than a score may have.
    """
    by_character = dict(zip(_ALPHABET, pieces, strict=False))
    sizes = {character: len(piece) for character, piece in by_character.items()}
    left = SCORE_XML_BYTES_MAX
    texts = []
    for cell in cells:
        try:
            left -= sum(map(sizes.__getitem__, cell))
            if left < 0:
                raise LimitExceeded(
                    f"the score has more than {SCORE_XML_BYTES_MAX} bytes",
                    limit="SCORE_XML_BYTES_MAX",
                )
            texts.append("".join(map(by_character.__getitem__, cell)))
        except KeyError as error:
            raise InvalidScore("kept markup names a piece that is not there") from error
    return texts


def stored(pieces: Sequence[str]) -> list[list[str]]:
    """Deal pieces out to entries of ``raw``, in order."""
    size = SCORE_RAW_TEXTS_MAX
    return [list(pieces[start : start + size]) for start in range(0, len(pieces), size)]


def collected(entries: Mapping[int, Sequence[str]]) -> list[str]:
    """Put the pieces of entries together again, in the order of their numbers."""
    return [piece for number in sorted(entries) for piece in entries[number]]
