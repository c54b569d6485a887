"""What the CRDT library alone keeps for small documents: arguments CHARACTERS COUNT, prints KiB."""

from __future__ import annotations

import random
import sys
from typing import Any

import psutil
from pycrdt import Doc

from benchmarks.edits import pasted_update, random_client_id


def kib_each(characters: int, count: int) -> float:
    """Fill documents with one pasted text each, and see what the process grew by."""
    source = random.Random(1)
    updates = [
        pasted_update(random_client_id(source), characters, source) for _ in range(2 * count)
    ]
    process = psutil.Process()
    # The first half is not counted: what the allocator fetches ahead is then there.
    kept = [_filled(update) for update in updates[:count]]
    before = process.memory_info().rss
    kept += [_filled(update) for update in updates[count:]]
    grown = process.memory_info().rss - before
    assert len(kept) == 2 * count
    return round(grown / 1024 / count, 2)


def _filled(update: bytes) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    return doc


if __name__ == "__main__":
    print(kib_each(int(sys.argv[1]), int(sys.argv[2])))
