"""Which tools this machine has, and what to install for those that it lacks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from workers.tools.options import ToolOptions
from workers.tools.programs import PACKAGES, first_existing
from workers.tools.sound import SOUNDFONTS

ISOLATION_MODULE: Final = "workers.sandbox"

_LIBRARIES: Final = {
    "verovio": "engraving, MIDI and sound",
    "resvg-py": "pictures",
    "mido": "MIDI files that are read",
}
_PURPOSES: Final = {"rsvg-convert": "PDF", "fluidsynth": "sound", "lame": "MP3"}


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the workers.

    Attributes:
        name: of it.
        found: its version or place; empty where it is missing.
        advice: what to do then.
    """

    name: str
    found: str
    advice: str = ""


def installed_tools(options: ToolOptions) -> Iterator[Tool]:
    """All tools, there or not.

    Args:
        options: whether a soundfont is named.
    """
    for library, purpose in _LIBRARIES.items():
        try:
            yield Tool(library, version(library))
        except PackageNotFoundError:
            yield Tool(library, "", f"For {purpose}: pip install 'bandpro[engraving]'")
    for program, package in PACKAGES.items():
        path = shutil.which(program) or ""
        yield Tool(program, path, f"For {_PURPOSES[program]}, install what Debian calls {package}")
    font = first_existing(SOUNDFONTS)
    found = options.soundfont or (str(font) if font else "")
    yield Tool("soundfont", found, "For sound, install what Debian calls timgm6mb-soundfont")


def is_isolated() -> bool:
    """Whether tool processes can be put where there is no network."""
    probe = [sys.executable, "-P", "-m", ISOLATION_MODULE]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0  # noqa: S603
