"""A worker for tests, to be killed: ``python -m tests.support.job_worker FOLDER``.

Its jobs take up to 40 ms and make one file each, named after the job. It says ``ready`` once, and
looks for jobs by itself.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from collab.errors import BlobMoved
from persistence.blob_keys import blob_key
from persistence.build import StoreSettings, open_stores
from workers.jobs.job import Job
from workers.jobs.ledger import JobLedger, JobRules
from workers.jobs.runner import JobRunner, Telling, WorkPace

KIND = "mark"
RULES = JobRules(attempts_max=50, lease_s=1.0, waiting_max=10_000)
PACE = WorkPace(jobs_at_once=2, beat_s=0.2, look_s=0.1)


async def main(folder: Path) -> None:
    async with await open_stores(StoreSettings(data_folder=folder, shared=True)) as stores:
        ledger = JobLedger(stores.records, stores.blobs, RULES)

        async def mark(job: Job, tell: Telling) -> Mapping[str, Any]:
            await asyncio.sleep(random.random() * 0.04)
            key = blob_key("exports", job.job_id)
            with suppress(BlobMoved):  # an earlier attempt came as far
                await stores.blobs.create(key, job.payload["text"].encode())
            return {"files": [{"key": key}]}

        print("ready", flush=True)  # noqa: T201 - for whoever started it
        await JobRunner(ledger, ledger, {KIND: mark}, PACE).run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
