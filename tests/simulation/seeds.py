"""Which seeds are run: those that once failed, for ever, and the first so many."""

from __future__ import annotations

from pathlib import Path
from typing import Final

KEPT_FILE: Final = Path(__file__).with_name("kept_seeds.txt")
SEEDS: Final = 1_000
BATCH: Final = 100


def kept_seeds() -> list[int]:
    """Those that once failed; in the file each has its reason behind it."""
    lines = KEPT_FILE.read_text().splitlines()
    return [int(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]


def keep(seed: int, reason: str) -> None:
    """Write a seed that failed into the file, once."""
    if seed not in kept_seeds():
        with KEPT_FILE.open("a") as file:
            file.write(f"{seed}  # {reason}\n")
