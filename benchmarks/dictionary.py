"""Trains a dictionary for small scores: ``python -m benchmarks.dictionary ID FILE``.

What came of it once is shipped as a file in `persistence/dictionaries` and never changed again:
frames name it by its id. A better one gets a new id, and old frames are read with the old one.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Final

import zstandard

from benchmarks.scores import score_document
from collab.score.chorale import chorale_facets
from collab.score.seed import seed_update

DICTIONARY_BYTES: Final = 4_096
"""Larger ones gained less than 3 % more, and every small frame is the slower to begin for it."""

_SIZES: Final = (500, 1_000, 2_000, 4_000, 8_000)
_EACH: Final = 200
_EXCERPTS: Final = 300


def corpus() -> list[bytes | bytearray | memoryview]:
    """Small scores: generated ones, and excerpts of the chorale."""
    documents: list[bytes | bytearray | memoryview] = [
        score_document(size, random.Random(_EACH * index + number))
        for index, size in enumerate(_SIZES)
        for number in range(_EACH)
    ]
    facets = chorale_facets()
    source = random.Random(0)
    for _ in range(_EXCERPTS):
        share = source.random() / 10
        excerpt = {
            facet: dict(source.sample(sorted(entries.items()), int(1 + share * len(entries))))
            for facet, entries in facets.items()
            if source.random() < 0.7
        }
        documents.append(seed_update(excerpt))
    return documents


def main() -> None:
    """Train one and write it to a file that is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dictionary_id", type=int)
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    trained = zstandard.train_dictionary(
        DICTIONARY_BYTES, corpus(), dict_id=given.dictionary_id, level=3
    )
    with given.file.open("xb") as file:
        file.write(trained.as_bytes())


if __name__ == "__main__":
    main()
