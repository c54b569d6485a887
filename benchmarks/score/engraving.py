"""What tool processes take: for each work and format, and one page from the order to the file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.figures import Latencies
from collab.errors import WorkerFailed
from collab.ids import Subject
from collab.score.chorale import chorale_facets
from collab.score.musicxml.writing import write_musicxml
from persistence.build import Stores, StoreSettings, open_stores
from workers.convert import Converter
from workers.formats import Format
from workers.jobs.conversions import (
    KIND,
    ConversionHandler,
    ConversionRequest,
    order_conversion,
)
from workers.jobs.following import followed
from workers.jobs.ledger import JobLedger
from workers.jobs.runner import JobRunner
from workers.tools.options import ToolOptions

FORMATS: Final = (Format.SVG, Format.PDF, Format.MIDI, Format.MP3)
REPEATS: Final = 2
PAGES: Final = 20
"""How often one page is ordered from each warm worker."""

COLD: Final = 3
"""How many workers there are, one after the other."""

_POLL_S: Final = 0.005


async def conversions(files: dict[str, bytes]) -> dict[str, dict[str, float | str]]:
    """Milliseconds for each file and format in a warm process, or what was said against it."""
    converter = Converter()
    await converter.warm()
    await converter.convert(one_page(), Format.MUSICXML, Format.SVG, ToolOptions())
    try:
        return {
            name: {target.value: await _taken(converter, data, target) for target in FORMATS}
            for name, data in files.items()
        }
    finally:
        await converter.aclose()


async def pages() -> dict[str, Latencies]:
    """From the order of a PDF of one page until its file is in the store: warm, and cold."""
    cold, warm = [], []
    with TemporaryDirectory() as folder:
        async with await open_stores(StoreSettings(data_folder=Path(folder))) as stores:
            for number in range(COLD):
                async with _working(stores) as (ledger, runner):
                    cold.append(await _ordered(ledger, runner, stores, f"cold {number}"))
                    for again in range(PAGES):
                        state = f"warm {number}.{again}"
                        warm.append(await _ordered(ledger, runner, stores, state))
    return {"warm": Latencies.of(warm), "cold": Latencies.of(cold)}


@asynccontextmanager
async def _working(stores: Stores) -> AsyncIterator[tuple[JobLedger, JobRunner]]:
    """A runner with no tool process yet."""
    ledger = JobLedger(stores.records, stores.blobs)
    converter = Converter()
    runner = JobRunner(ledger, ledger, {KIND: ConversionHandler(converter, stores.blobs)})
    running = asyncio.create_task(runner.run())
    try:
        yield ledger, runner
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await converter.aclose()


def one_page() -> bytes:
    """The chorale of the demo, which goes on one page."""
    return write_musicxml(chorale_facets())


async def _taken(converter: Converter, data: bytes, target: Format) -> float | str:
    taken = []
    source = Format.MXL if data.startswith(b"PK") else Format.MUSICXML
    for _ in range(REPEATS):
        begun_s = time.perf_counter()
        try:
            await converter.convert(data, source, target, ToolOptions())
        except WorkerFailed as error:
            return str(error)
        taken.append(time.perf_counter() - begun_s)
    return round(min(taken) * 1000, 1)


async def _ordered(ledger: JobLedger, runner: JobRunner, stores: Stores, state: str) -> float:
    begun_s = time.perf_counter()
    request = ConversionRequest(
        Subject("bench"), one_page(), Format.MUSICXML, Format.PDF, state=state
    )
    job = await order_conversion(ledger, stores.blobs, request)
    runner.wake()
    async for seen in followed(ledger, job.job_id, partial(asyncio.sleep, _POLL_S)):
        job = seen
    assert job.result is not None, job.error
    return time.perf_counter() - begun_s
