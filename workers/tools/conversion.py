"""One conversion, from the bytes of a file to those of others."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from collab.score.musicxml.container import packed
from workers.formats import Format
from workers.tools.abc_import import musicxml_from_mei
from workers.tools.engraving import Engraver, Tell
from workers.tools.failures import Failure
from workers.tools.midi_import import musicxml_from_midi
from workers.tools.options import ToolOptions
from workers.tools.paper import pdf_of, pictures_of
from workers.tools.sound import mp3_of, wav_of
from workers.tools.texts import musicxml_bytes, musicxml_text


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done.

    Attributes:
        source: the format of what comes.
        target: the format of what is wanted.
        options: of the conversion.
        data: what comes.
    """

    source: Format
    target: Format
    options: ToolOptions
    data: bytes


class Conversion:
    """Does one conversion after the other.

    Args:
        folder: of this process; each conversion has one of its own in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engraver: Engraver | None = None

    @property
    def engraver(self) -> Engraver:
        """Verovio, made when it is needed.

        Raises:
            Missing: it is not installed.
        """
        if self._engraver is None:
            self._engraver = Engraver()
        return self._engraver

    def run(self, order: Order, tell: Tell) -> list[bytes]:
        """Convert.

        Args:
            order: what to what.
            tell: told how many of how many pages are done.

        Returns:
            One file for each page of pictures, else one file.

        Raises:
            Failure: it cannot be done.
        """
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            return self._run(order, folder, tell)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, order: Order, folder: Path, tell: Tell) -> list[bytes]:
        match order.target:
            case Format.SVG | Format.PDF | Format.PNG:
                return self._pages(order, folder, tell)
            case Format.MUSICXML:
                made = self._musicxml(order)
            case Format.MXL:
                made = packed(self._musicxml(order))
            case Format.MIDI:
                made = self._midi(order, order.options.midi_s_max)
            case Format.WAV:
                made = wav_of(self._heard(order), folder, order.options).read_bytes()
            case Format.MP3:
                made = mp3_of(wav_of(self._heard(order), folder, order.options)).read_bytes()
            case Format.MEI:
                made = self._load(order).mei().encode()
            case Format.TIMEMAP:
                made = self._load(order).timemap(order.options)
            case _:
                raise Failure(f"{order.target} is read, not written")
        return [made]

    def _pages(self, order: Order, folder: Path, tell: Tell) -> list[bytes]:
        pages = self._load(order).pages(tell)
        if order.target is Format.PDF:
            return [pdf_of(pages, folder)]
        return pictures_of(pages, order.options, tell) if order.target is Format.PNG else pages

    def _load(self, order: Order) -> Engraver:
        """Have Verovio read the score."""
        self.engraver.load(self._text(order), "musicxml", order.options)
        return self.engraver

    def _heard(self, order: Order) -> bytes:
        return self._midi(order, order.options.sound_s_max)

    def _midi(self, order: Order, s_max: int) -> bytes:
        if order.source is Format.MIDI:  # played as it is, not as it would be written down
            return order.data
        return self._load(order).midi(s_max)

    def _text(self, order: Order) -> str:
        if order.source in {Format.MUSICXML, Format.MXL}:
            return musicxml_text(order.data)
        return musicxml_text(self._musicxml(order))

    def _musicxml(self, order: Order) -> bytes:
        match order.source:
            case Format.MUSICXML | Format.MXL:
                return musicxml_bytes(musicxml_text(order.data))
            case Format.ABC:
                self.engraver.load(_abc_text(order.data), "abc", order.options)
                return musicxml_from_mei(self.engraver.mei())
            case Format.MIDI:
                return musicxml_from_midi(order.data)
            case _:
                raise Failure(f"{order.source} is written, not read")


def _abc_text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # as most old collections of tunes are
