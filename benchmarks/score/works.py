"""The works that are measured: files of music21's corpus, which is not part of this repository."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TERMS: Final = "public domain; the encoding comes with music21"


@dataclass(frozen=True, slots=True)
class Work:
    """One of them.

    Attributes:
        name: short.
        title: composer and work.
        file: within the corpus.
        terms: under which the encoding may be used.
    """

    name: str
    title: str
    file: str
    terms: str = _TERMS


EDITED: Final = "movement"
"""The work that notes are edited in: 6,770 notes."""

WORKS: Final[Mapping[str, Work]] = {
    each.name: each
    for each in (
        Work("chorale", "J. S. Bach, BWV 66, no. 6", "bach/bwv66.6.mxl"),
        Work(
            "song",
            "F. Schubert, Der Lindenbaum",
            "schubert/Lindenbaum.xml",
            f"{_TERMS}, encoded by Luke Poeppel",
        ),
        Work(
            EDITED,
            "L. van Beethoven, quartet op. 59 no. 1, second movement",
            "beethoven/opus59no1/movement2.mxl",
        ),
        Work(
            "quartet",
            "L. van Beethoven, quartet op. 18 no. 3, all movements",
            "beethoven/opus18no3.mxl",
        ),
    )
}


COMPARED: Final = ("chorale", "song", EDITED)
"""The works that others read, too: MuseScore takes minutes to play the largest."""


def corpus_of(python: Path) -> Path:
    """Where the corpus is, for an interpreter that has music21.

    Raises:
        CalledProcessError: it has none.
    """
    # Found, not imported: that would need all that music21 needs.
    program = (
        "import importlib.util as u; print(u.find_spec('music21').submodule_search_locations[0])"
    )
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()) / "corpus"
