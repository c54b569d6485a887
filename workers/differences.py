"""Small differences between two sequences, in bounded time, and texts cut where one may cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence as SequenceOf
from difflib import SequenceMatcher
from typing import Final, NamedTuple

PRODUCT_MAX: Final = 250_000
"""Elements on one side times those on the other that are still compared one by one."""

_ZERO_WIDTH_JOINER: Final = "\u200d"
_MODIFIERS: Final = range(0x1F3FB, 0x1F400)
_REGIONAL: Final = range(0x1F1E6, 0x1F200)
_TAGS: Final = range(0xE0020, 0xE0080)
_HANGUL_VOWELS_AND_FINALS: Final = range(0x1160, 0x1200)


class Edit(NamedTuple):
    """``old[start:end]`` becomes ``new[from_:to]``."""

    start: int
    end: int
    from_: int
    to: int


def edits(old: SequenceOf[str], new: SequenceOf[str]) -> list[Edit]:
    """What has to be replaced to make one sequence of the other, in order.

    What both begin and end with is never touched. Where the middle is too large, it is replaced
    as a whole.
    """
    head = 0
    shorter = min(len(old), len(new))
    while head < shorter and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    old_end, new_end = len(old) - tail, len(new) - tail
    if head == old_end and head == new_end:
        return []
    if (old_end - head) * (new_end - head) > PRODUCT_MAX or head in {old_end, new_end}:
        return [Edit(head, old_end, head, new_end)]
    matcher = SequenceMatcher(None, old[head:old_end], new[head:new_end], autojunk=False)
    return [
        Edit(start + head, end + head, from_ + head, to + head)
        for tag, start, end, from_, to in matcher.get_opcodes()
        if tag != "equal"
    ]


def clusters(text: str) -> list[str]:
    """Cut a text into what people take for single characters.

    Marks, joiners, modifiers of emoji, regional pairs and Hangul syllables stay together;
    close to the rules of UAX #29.
    """
    found: list[str] = []
    for character in text:
        if found and _continues(found[-1], character):
            found[-1] += character
        else:
            found.append(character)
    return found


def _continues(cluster: str, character: str) -> bool:
    if character.isascii():
        return cluster == "\r" and character == "\n"
    code = ord(character)
    if unicodedata.category(character) in {"Mn", "Mc", "Me"} or character == _ZERO_WIDTH_JOINER:
        return cluster not in {"\n", "\r"}
    if code in _MODIFIERS or code in _TAGS or code in _HANGUL_VOWELS_AND_FINALS:
        return True
    if code in _REGIONAL:
        return len(cluster) == 1 and ord(cluster) in _REGIONAL
    return cluster.endswith(_ZERO_WIDTH_JOINER)
