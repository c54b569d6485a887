"""What may be asked of a conversion besides its formats."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal

from workers.tools.failures import Failure

Page = Literal["a4", "letter"]

PAGE_TENTHS_OF_MM: Final[dict[str, tuple[int, int]]] = {"a4": (2100, 2970), "letter": (2159, 2794)}
"""Width and height of pages."""


@dataclass(frozen=True, slots=True)
class ToolOptions:
    """Options of a conversion.

    Attributes:
        page: the size of pages.
        dots_per_inch: of pictures.
        soundfont: file with the instruments; None for one that is installed.
        sound_s_max: how long sound may last; 1,500 s fill the largest file that a tool may write.
        midi_s_max: how long the music of a MIDI file may last.
    """

    page: Page = "a4"
    dots_per_inch: int = 150
    soundfont: str | None = None
    sound_s_max: int = 900
    midi_s_max: int = 21_600

    @classmethod
    def decode(cls, text: bytes) -> ToolOptions:
        """Read options that the other side wrote as JSON.

        Raises:
            Failure: there are others among them.
        """
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise Failure(f"unknown options: {error}") from error
