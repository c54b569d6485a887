"""What compression is worth, by size: ``python -m benchmarks.micro_compression``.

Scores are of the project's schema, generated from other seeds than those that the dictionary was
trained with; the chorale was written by a person. Processor time of one thread, the median of
several runs; the dictionary is digested before.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from typing import Final

import zstandard

from benchmarks.edits import typed_updates
from benchmarks.scores import score_document, score_updates
from benchmarks.table import table
from collab.score.chorale import chorale_facets
from collab.score.seed import seed_update
from persistence.packing import CURRENT, LEVEL, dictionary

SIZES: Final = (500, 1_000, 2_000, 5_000, 10_000, 30_000, 100_000, 1_000_000, 10_000_000)
SEED: Final = 1_000_000
SCORES_EACH: Final = 20
BYTES_EACH: Final = 1_000_000
RUNS: Final = 3


def samples(size_bytes: int) -> list[bytes]:
    """Scores of about a size: many small ones, one large."""
    count = max(1, min(SCORES_EACH, BYTES_EACH // size_bytes))
    return [score_document(size_bytes, random.Random(SEED + number)) for number in range(count)]


def cost_us(work: Callable[[bytes], object], items: SequenceOf[bytes]) -> float:
    """Processor microseconds for each item, the median of several runs."""
    taken = []
    repeats = max(1, 1_000_000 // sum(map(len, items)))
    for _ in range(RUNS):
        begun = time.process_time()
        for _ in range(repeats):
            for item in items:
                work(item)
        taken.append((time.process_time() - begun) / repeats / len(items) * 1e6)
    return statistics.median(taken)


def measured(items: SequenceOf[bytes], data: zstandard.ZstdCompressionDict | None) -> list[str]:
    """Share of the size that is left, and what packing and unpacking one takes."""

    def pack(item: bytes) -> bytes:
        return zstandard.ZstdCompressor(level=LEVEL, dict_data=data).compress(item)

    def unpack(frame: bytes) -> bytes:
        return zstandard.ZstdDecompressor(dict_data=data).decompress(frame)

    packed = [pack(item) for item in items]
    share = sum(map(len, packed)) / sum(map(len, items))
    return [f"{share:.3f}", f"{cost_us(pack, items):.1f}", f"{cost_us(unpack, packed):.1f}"]


def main() -> None:
    """Measure and print."""
    subjects = {f"score of {size:,} bytes": samples(size) for size in SIZES}
    subjects["the chorale"] = [seed_update(chorale_facets())]
    rows = [row for n in range(20) for row in score_updates(4_000, random.Random(SEED + n))]
    subjects["log row of a score"] = rows
    subjects["log row of a keystroke"] = typed_updates(2_345_678_901, 1_000, random.Random(1))
    lines = []
    for title, items in subjects.items():
        alone, shared = measured(items, None), measured(items, dictionary(CURRENT))
        saved = 1 - float(shared[0]) / float(alone[0])
        mean = sum(map(len, items)) / len(items)
        lines.append([title, f"{mean:,.0f}", *alone, *shared, f"{saved:.0%}"])
    head = ["", "bytes", "zstd 3", "pack, us", "unpack, us", "with the dictionary"]
    print(table([*head, "pack, us", "unpack, us", "saved by it"], lines))


if __name__ == "__main__":
    main()
