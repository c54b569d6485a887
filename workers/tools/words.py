"""Words of a page as what makes paper and pictures takes them.

Signs of music among them, as in ♩ = 84, are drawn as paths:
Verovio writes them as letters of its music font, which it embeds. What makes paper and pictures of
a page takes no embedded fonts, and draws a box in their place: a very large one on paper.

All others are in Times, by whose letters Verovio has measured them. With another font to choose
from, rsvg-convert takes that one where Times itself is not installed, and not what stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lxml import etree

from collab.score.musicxml.source import Element

_MUSIC: Final = "Leipzig"
_SVG: Final = "{http://www.w3.org/2000/svg}"
_UNITS_PER_EM: Final = 1_000.0
# Of the width of a text, what is left of its point.
_LEFT_OF: Final[Mapping[str | None, float]] = {"middle": 0.5, "end": 1.0}


def with_plain_words(page: bytes) -> bytes:
    """A page as SVG, in Times alone, and with paths where texts have letters of the music font.

    Args:
        page: as Verovio makes it: each tspan with letters has their size in pixels.
    """
    page = page.replace(b'font-family="Times, serif"', b'font-family="Times"')
    if f'font-family="{_MUSIC}"'.encode() not in page:
        return page
    root = etree.fromstring(page, etree.XMLParser(resolve_entities=False, huge_tree=True))
    for text in list(root.iter(f"{_SVG}text")):
        written = [each for each in text.iter(f"{_SVG}tspan") if each.text and _size_of(each)]
        # Of several lines each has a place of its own.
        is_line = text.get("x") and text.get("y") and not any(each.get("x") for each in written)
        if is_line and any(_is_music(each) for each in written):
            _draw(text, written)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _draw(text: Element, written: list[Element]) -> None:
    """Set each tspan of a text where it begins, and paths in place of signs."""
    look = [name for name, key in _STYLES if text.get(key) == name]
    words = _widths(_data() / "text" / f"{'-'.join(['Times', *look])}.xml")
    signs = _widths(_data() / f"{_MUSIC}.xml")
    lengths = [_length(each, signs if _is_music(each) else words) for each in written]
    x = float(text.get("x")) - sum(lengths) * _LEFT_OF.get(text.get("text-anchor"), 0.0)
    text.set("text-anchor", "start")
    for each, length in zip(written, lengths, strict=True):
        if _is_music(each):
            for letter in each.text:
                text.addnext(_path(letter, x, float(text.get("y")), _size_of(each)))
                x += _length_of(letter, signs) * _size_of(each)
            each.text = None
        else:
            # Blanks are taken away where a text begins.
            letters = str(each.text).lstrip()
            blank = (len(each.text) - len(letters)) * words[" "] * _size_of(each)
            each.text = letters
            each.set("x", f"{x + blank:.0f}")
            x += length


_STYLES: Final = (("bold", "font-weight"), ("italic", "font-style"))


def _path(letter: str, x: float, y: float, size: float) -> Element:
    path = etree.Element(f"{_SVG}path", style="stroke:none")
    scale = size / _UNITS_PER_EM
    path.set("transform", f"translate({x:.0f}, {y:.0f}) scale({scale:.3f}, {-scale:.3f})")
    file = _data() / _MUSIC / f"{ord(letter):04X}.xml"
    drawn = etree.parse(str(file)).getroot().find("path") if file.exists() else None
    path.set("d", "" if drawn is None else str(drawn.get("d")))
    return path


def _length(tspan: Element, widths: Mapping[str, float]) -> float:
    return _size_of(tspan) * sum(_length_of(letter, widths) for letter in tspan.text)


def _length_of(letter: str, widths: Mapping[str, float]) -> float:
    """Of a letter, in its size; a blank that does not break is as wide as one that does."""
    return widths.get(" " if letter == "\xa0" else letter, 0.5)


def _widths(file: Path) -> Mapping[str, float]:
    """How wide letters are, in their size."""
    root = etree.parse(str(file)).getroot()
    units = float(root.get("units-per-em"))
    return {chr(int(each.get("c"), 16)): _advance(each) / units for each in root.iter("g")}


def _advance(letter: Element) -> float:
    """Where the next letter begins; not all say so."""
    drawn = float(letter.get("x")) + float(letter.get("w"))
    return float(letter.get("h-a-x") or drawn)


def _is_music(tspan: Element) -> bool:
    return bool(tspan.get("font-family") == _MUSIC)


def _size_of(tspan: Element) -> float:
    return float(str(tspan.get("font-size", "0")).removesuffix("px"))


def _data() -> Path:
    """Where Verovio keeps its fonts."""
    import verovio  # noqa: PLC0415 - optional

    return Path(verovio.__file__).parent / "data"
