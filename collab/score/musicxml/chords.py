"""Chord symbols: the text that people write and the kinds that MusicXML names."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from collab.score.musicxml.source import Element, text_of

_TEXTS: Final = {
    "major": "",
    "minor": "m",
    "augmented": "aug",
    "diminished": "dim",
    "dominant": "7",
    "major-seventh": "maj7",
    "minor-seventh": "m7",
    "diminished-seventh": "dim7",
    "augmented-seventh": "aug7",
    "half-diminished": "m7b5",
    "major-minor": "m(maj7)",
    "major-sixth": "6",
    "minor-sixth": "m6",
    "dominant-ninth": "9",
    "major-ninth": "maj9",
    "minor-ninth": "m9",
    "dominant-11th": "11",
    "major-11th": "maj11",
    "minor-11th": "m11",
    "dominant-13th": "13",
    "major-13th": "maj13",
    "minor-13th": "m13",
    "suspended-second": "sus2",
    "suspended-fourth": "sus4",
    "power": "5",
    "none": "N.C.",
}
_KINDS: Final = {text: kind for kind, text in _TEXTS.items()}
_SIGNS: Final = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}
_ALTERS: Final = {sign: alter for alter, sign in _SIGNS.items()}
_SYMBOL: Final = re.compile(r"([A-G])(##?|bb?|)([^/]*)(?:/([A-G])(##?|bb?|))?")


class Chord(NamedTuple):
    """A chord symbol taken apart; steps are letters, alters semitones."""

    step: str
    alter: int
    kind: str
    text: str
    bass_step: str
    bass_alter: int


def symbol(harmony: Element) -> str | None:
    """Write a ``harmony`` element as people do, or None when it has no root and no kind.

    A kind in words of the file's own wins over the usual ones.
    """
    kind = harmony.find("kind")
    name = text_of(kind)
    if kind is None or (name != "none" and harmony.find("root/root-step") is None):
        return None
    text = kind.get("text")
    if text is None:
        text = _TEXTS.get(name, name)
    if name == "none":
        return text or _TEXTS["none"]
    root = _tone(harmony, "root")
    bass = _tone(harmony, "bass")
    return f"{root}{text}/{bass}" if bass else f"{root}{text}"


def parsed(text: str) -> Chord:
    """Take a chord symbol apart; what follows its root and is not known is of kind ``other``."""
    found = _SYMBOL.fullmatch(text.strip())
    if found is None:
        return Chord("", 0, "none", text, "", 0)
    step, sign, rest, bass, bass_sign = found.groups()
    kind = _KINDS.get(rest, "other")
    return Chord(step, _ALTERS[sign], kind, rest, bass or "", _ALTERS[bass_sign or ""])


def _tone(harmony: Element, name: str) -> str:
    step = text_of(harmony.find(f"{name}/{name}-step"))
    alter = text_of(harmony.find(f"{name}/{name}-alter"))
    try:
        return step + _SIGNS.get(int(float(alter or 0)), "")
    except (ValueError, OverflowError):
        return step
