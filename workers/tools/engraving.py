"""Verovio: from scores to pages, MEI, MIDI and the times of notes.

It must run on the main thread: elsewhere it silently loses its fonts. It holds the interpreter's
lock all the while, knows neither byte order marks nor UTF-16, takes what is no XML for an empty
score, and repeats that do not end make a MIDI file of days; all of which is why it runs in a
process of its own, on texts that were looked at before.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, Final

from workers.tools.failures import Failure, Missing
from workers.tools.midi_length import length_s
from workers.tools.options import PAGE_TENTHS_OF_MM, ToolOptions

PAGES_MAX: Final = 2_000
_SEED: Final = 1  # ids of elements that have none are the same each time
_ALWAYS: Final = {
    "adjustPageHeight": False,
    "footer": "none",
    "mmOutput": True,
    "svgViewBox": False,
    "xmlIdSeed": _SEED,
}
_WARM_UP: Final = (
    "<score-partwise><part-list><score-part id='P'><part-name/></score-part></part-list>"
    "<part id='P'><measure number='1'><note><rest/><duration>4</duration></note></measure></part>"
    "</score-partwise>"
)

Tell = Callable[[int, int], None]
"""Told how many of how many pages are done."""


class Engraver:
    """Verovio with one score at a time.

    Raises:
        Missing: it is not installed.
    """

    def __init__(self) -> None:
        try:
            import verovio  # noqa: PLC0415 - optional
        except ImportError as error:
            advice = "pip install 'bandpro[engraving]'"
            raise Missing("Verovio", advice) from error
        verovio.enableLog(verovio.LOG_ERROR)  # to standard error
        self._toolkit: Any = verovio.toolkit()
        self._source = ("", "")

    def warm_up(self) -> None:
        """Read fonts, so that the first score need not wait for it."""
        self.load(_WARM_UP, "musicxml", ToolOptions())
        self._toolkit.renderToSVG(1)

    def load(self, text: str, form: str, options: ToolOptions) -> None:
        """Read a score.

        Args:
            text: the score.
            form: as Verovio calls it: ``musicxml`` or ``abc``.
            options: size of pages.

        Raises:
            Failure: it is none.
        """
        width, height = PAGE_TENTHS_OF_MM[options.page]
        toolkit = self._toolkit
        toolkit.resetOptions()
        toolkit.setOptions({**_ALWAYS, "pageWidth": width, "pageHeight": height})
        self._source = (text, form)
        self._read()

    def _read(self) -> None:
        toolkit = self._toolkit
        text, form = self._source
        toolkit.resetXmlIdSeed(_SEED)
        toolkit.setInputFrom(form)
        if not toolkit.loadData(text) or not toolkit.getPageCount():
            raise Failure(f"Verovio cannot read the score: {toolkit.getLog()}")

    def pages(self, tell: Tell) -> list[bytes]:
        """The score's pages as SVG.

        Raises:
            Failure: there are too many.
        """
        count = self._toolkit.getPageCount()
        if count > PAGES_MAX:
            raise Failure(f"the score has {count} pages; {PAGES_MAX} may be")
        pages = []
        for number in range(1, count + 1):
            pages.append(self._toolkit.renderToSVG(number, xmlDeclaration=True).encode())
            tell(number, count)
        return pages

    def mei(self) -> str:
        """The score as MEI, all pages."""
        return str(self._toolkit.getMEI({"scoreBased": True}))

    def timemap(self, options: ToolOptions) -> bytes:
        """When which element sounds, as JSON.

        Raises:
            Failure: the music lasts too long.
        """
        self.midi(options.midi_s_max)
        return json.dumps(self._toolkit.renderToTimemap({"includeMeasures": True})).encode()

    def midi(self, s_max: int) -> bytes:
        """The score as a MIDI file: with its repeats, if these end within the time that may be.

        Args:
            s_max: that time, in seconds.

        Raises:
            Failure: it lasts longer even without them.
        """
        midi = base64.b64decode(self._toolkit.renderToMIDI())
        if length_s(midi) > s_max:
            self._toolkit.setOptions({"expandNever": True})
            self._read()
            midi = base64.b64decode(self._toolkit.renderToMIDI())
        lasts_s = length_s(midi)
        if lasts_s > s_max:
            raise Failure(f"the music lasts {lasts_s:.0f} s; {s_max} s may be")
        return midi
