"""Scanning and applying updates in slices, with other work in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from typing import Final, TypeVar

from collab.limits import SLICE_BRANCHES, SLICE_STRUCTS
from collab.protocol.update_scan import ScannedUpdate, UpdateScan, scan_update
from collab.room.doc import RoomDoc

INLINE_BYTES_MAX: Final = 16 * 1024  # larger updates are scanned and applied in slices
_T = TypeVar("_T")


async def scan(update: bytes, *, stored: bool = False) -> ScannedUpdate:
    """Scan an update; a large one in slices.

    Raises:
        PeerError: it is refused.
    """
    if len(update) <= INLINE_BYTES_MAX:
        return scan_update(update, stored=stored)
    slices = UpdateScan(update, stored=stored)
    while not slices.advance(SLICE_STRUCTS):  # noqa: ASYNC110 - gives others a turn
        await asyncio.sleep(0)
    return slices.result


def is_small(update: bytes, scanned: ScannedUpdate) -> bool:
    """Whether applying an update takes no longer than others can wait."""
    return len(update) <= INLINE_BYTES_MAX and scanned.branches <= SLICE_BRANCHES


async def run_steps(steps: Generator[None, float | None, _T]) -> _T:
    """Run work that comes in steps, giving others a turn after each."""
    took_ms: float | None = None
    while True:
        begun_s = time.perf_counter()
        try:
            steps.send(took_ms)
        except StopIteration as done:
            result: _T = done.value
            return result
        took_ms = (time.perf_counter() - begun_s) * 1000
        await asyncio.sleep(0)


async def apply_stored(doc: RoomDoc, update: bytes) -> None:
    """Apply what a store holds; what is forbidden in it by now is left out.

    Raises:
        BandProError: it cannot be applied.
    """
    scanned = await scan(update, stored=True)
    if is_small(update, scanned):
        doc.apply(update, scanned, stored=True)
        return
    is_first = not doc.size_bytes
    applied = await run_steps(doc.apply_in_steps(update, scanned, stored=True))
    if is_first and applied.news is update and doc.is_whole:
        doc.answers.adopt(update)
