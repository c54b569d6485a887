"""What decoding, scanning and cutting up cost: ``python -m benchmarks.micro_scan``.

Runs in one thread, on whichever form of ``collab.protocol`` is imported: plain Python, or compiled.
Each figure is the best of several rounds, which is what the code costs when nothing disturbs it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pycrdt import Doc, Map, Text, TransactionEvent

from collab.limits import SLICE_BYTES, SLICE_STRUCTS
from collab.protocol import hocuspocus, update_scan, y_sync
from collab.protocol.document_shape import DocumentShape, ShapeCheck
from collab.protocol.scanned import ScannedUpdate
from collab.protocol.state_vector import decode_state_vector
from collab.protocol.update_scan import UpdateScan, scan_update
from collab.protocol.update_slices import slice_update
from collab.protocol.varint import write_string

ENTRIES: Final = 60_000
PARAGRAPHS: Final = 2_000
ROUNDS: Final = 7
_CLIENT_ID: Final = 3_141_592_653


@dataclass(frozen=True, slots=True)
class Samples:
    """Real updates to measure with.

    Attributes:
        keystroke: one character typed into a text.
        deletion: one character deleted.
        entries: a document of many map entries, as one update.
        prose: a document of much text, as one update.
    """

    keystroke: bytes
    deletion: bytes
    entries: bytes
    prose: bytes


def make_samples() -> Samples:
    """Have the CRDT library write the samples."""
    edited: Doc[Any] = Doc(client_id=_CLIENT_ID)
    edited["t"] = text = Text("The Well-Tempered Clavier")
    written: list[bytes] = []

    def keep(event: TransactionEvent) -> None:
        written.append(event.update)

    subscription = edited.observe(keep)
    text.insert(8, "x")
    del text[3:4]
    edited.unobserve(subscription)
    keystroke, deletion = written

    filled: Doc[Any] = Doc(client_id=_CLIENT_ID)
    filled["m"] = notes = Map[Any]()
    with filled.transaction():
        for number in range(ENTRIES):
            notes[f"note-{number:06d}"] = {"pitch": number % 128, "ticks": 480}

    novel: Doc[Any] = Doc(client_id=_CLIENT_ID)
    novel["t"] = pages = Text()
    with novel.transaction():
        for number in range(PARAGRAPHS):
            pages.insert(0, f"Paragraph {number}, in which nothing much happens. " * 20)
    return Samples(keystroke, deletion, filled.get_update(), novel.get_update())


def best_s(work: Callable[[], object], *, times: int = 1) -> float:
    """The shortest time one call took, in seconds, over several rounds of `times` calls."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, (time.perf_counter() - begun) / times)
    return best


def small_figures(samples: Samples) -> list[tuple[str, float]]:
    """Nanoseconds for each thing that happens to a keystroke."""
    keystroke = samples.keystroke
    bare = y_sync.encode_update(keystroke)
    named = write_string("bach/fugue") + bare
    scanned = scan_update(keystroke)
    base: Doc[Any] = Doc(client_id=_CLIENT_ID)
    base["t"] = Text("The Well-Tempered Clavier")
    start = base.get_update()
    vector = base.get_state()

    def admit() -> None:
        ShapeCheck(shape, keystroke, scanned).advance(10)

    shape = DocumentShape()
    shape.admit(start, scan_update(start))
    work: list[tuple[str, Callable[[], object]]] = [
        ("decode a y-websocket frame", lambda: y_sync.decode(bare)),
        ("decode a Hocuspocus frame", lambda: hocuspocus.decode(named)),
        ("tell a frame's kind", lambda: y_sync.peek_kind(bare)),
        ("scan a keystroke", lambda: scan_update(keystroke)),
        ("scan a deletion", lambda: scan_update(samples.deletion)),
        ("check a keystroke's shape", admit),
        ("decode a state vector", lambda: decode_state_vector(vector)),
        ("encode an update frame", lambda: y_sync.encode_update(keystroke)),
    ]
    return [(name, best_s(call, times=5_000) * 1e9) for name, call in work]


def large_figures(name: str, update: bytes) -> list[tuple[str, float]]:
    """Megabytes a second through scan, shape and slicer for one large update."""
    scanned = scan_update(update)
    megabytes = len(update) / 1e6

    def shape() -> None:
        DocumentShape().admit(update, scanned)

    def cut() -> None:
        slices = slice_update(update, scanned, slice_bytes=SLICE_BYTES)
        for _ in slices:
            slices.adapt(0.0)

    return [
        (f"scan {name}", megabytes / best_s(lambda: scan_update(update))),
        (f"check the shape of {name}", megabytes / best_s(shape)),
        (f"cut up {name}", megabytes / best_s(cut)),
    ]


def longest_turn_ms(update: bytes) -> float:
    """The longest single turn of scanning an update in slices, in milliseconds."""
    scan = UpdateScan(update)
    longest = 0.0
    done = False
    while not done:
        begun = time.perf_counter()
        done = scan.advance(SLICE_STRUCTS)
        longest = max(longest, time.perf_counter() - begun)
    return longest * 1e3


def applied_figures(update: bytes, scanned: ScannedUpdate) -> tuple[float, float, float, int]:
    """Milliseconds to apply an update whole, in slices, and for the dearest slice; how many."""

    def whole() -> None:
        Doc[Any]().apply_update(update)

    sliced: Doc[Any] = Doc()
    slices = slice_update(update, scanned, slice_bytes=SLICE_BYTES)
    took_ms: list[float] = []
    for piece in slices:
        begun = time.perf_counter()
        sliced.apply_update(piece)
        took_ms.append((time.perf_counter() - begun) * 1e3)
        slices.adapt(took_ms[-1])
    return best_s(whole) * 1e3, sum(took_ms), max(took_ms), len(took_ms)


def main() -> None:
    """Measure and print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    compiled = not update_scan.__file__.endswith(".py")
    samples = make_samples()
    print(f"collab.protocol is {'compiled' if compiled else 'plain Python'}\n")
    for name, nanoseconds in small_figures(samples):
        print(f"{name:<38} {nanoseconds:>10,.0f} ns")
    for name, update in (("60,000 map entries", samples.entries), ("prose", samples.prose)):
        print(f"\n{name}: {len(update):,} bytes")
        for label, speed in large_figures(name, update):
            print(f"{label:<38} {speed:>10.1f} MB/s")
        print(f"{'longest turn of the scan':<38} {longest_turn_ms(update):>10.2f} ms")
        whole, total, longest, count = applied_figures(update, scan_update(update))
        print(f"{'apply whole':<38} {whole:>10.1f} ms")
        print(f"{f'apply in {count} slices':<38} {total:>10.1f} ms, dearest {longest:.1f} ms")


if __name__ == "__main__":
    main()
