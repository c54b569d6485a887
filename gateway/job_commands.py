"""`bandpro jobs`: shows the jobs of a store, and cancels or revives one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from gateway.options import Options, with_setting_options
from gateway.settings import load_settings
from gateway.store_settings import store_settings
from gateway.terminal import Json, escaped_line, print_json, shown_time, usage
from persistence.build import open_stores
from workers.jobs.job import Job, JobId, JobState
from workers.jobs.ledger import JobLedger

Result = TypeVar("Result")

app: Final = typer.Typer(name="jobs", rich_markup_mode="rich", no_args_is_help=True)
_PAGE: Final = 500

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job.")]


@app.callback()
def jobs() -> None:
    """List the jobs of a store, show, cancel or revive one.

    [bold]Examples[/bold]

    Those that failed, and why, beside a running server:
      [cyan]bandpro jobs list --state failed --data ./data[/cyan]

    Once more:
      [cyan]bandpro jobs revive 1f0c...a9 --store mongodb://db.example/bandpro[/cyan]
    """


@app.command("list")
@with_setting_options
def list_jobs(
    options: Options,
    *,
    state: Annotated[
        str | None,
        typer.Option(help="Only those: waiting, running, done, failed or cancelled."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List jobs that wait, run or ended lately.

    Takes the options of [bold]serve[/bold]. May be run beside servers.
    """
    if state is not None and state not in set(JobState):
        raise usage(f"--state {state}: no state", f"States are {', '.join(JobState)}.")

    async def listed(ledger: JobLedger) -> list[Job]:
        found: list[Job] = []
        after: JobId | None = None
        while page := await ledger.list(after=after, limit=_PAGE):
            found += (job for job in page if state is None or job.state == state)
            after = page[-1].job_id
        return sorted(found, key=lambda job: job.created_at)

    found = asyncio.run(_with_ledger(options, listed, read_only=True))
    if as_json:
        print_json([_told(job) for job in found])
        return
    table = Table("job", "kind", "state", "attempt", "asked for", "error", box=None)
    for job in found:
        asked = shown_time(int(job.created_at))
        error = escaped_line(job.error)
        table.add_row(job.job_id, job.kind, job.state, str(job.attempt), asked, error)
    Console(highlight=False).print(table)


@app.command("show")
@with_setting_options
def show_job(options: Options, *, job: JobArgument) -> None:
    """Show one job as JSON.

    Takes the options of [bold]serve[/bold]. May be run beside servers.
    """

    async def shown(ledger: JobLedger) -> Job | None:
        return await ledger.get(JobId(job))

    print_json(_told(_known(job, asyncio.run(_with_ledger(options, shown, read_only=True)))))


@app.command("cancel")
@with_setting_options
def cancel_job(options: Options, *, job: JobArgument) -> None:
    """Have a job not done, or stopped.

    Takes the options of [bold]serve[/bold]. Of a folder that a server uses without a bus, only
    that server can change jobs.
    """

    async def cancelled(ledger: JobLedger) -> Job | None:
        return await ledger.cancel(JobId(job))

    found = _known(job, asyncio.run(_with_ledger(options, cancelled)))
    typer.echo("It is being stopped." if found.wants_stop else "It is cancelled.")


@app.command("revive")
@with_setting_options
def revive_job(options: Options, *, job: JobArgument) -> None:
    """Have a job done that failed or was cancelled.

    Takes the options of [bold]serve[/bold]. Of a folder that a server uses without a bus, only
    that server can change jobs.
    """

    async def revived(ledger: JobLedger) -> Job | None:
        return await ledger.revive(JobId(job))

    _known(job, asyncio.run(_with_ledger(options, revived)))
    typer.echo("It waits again.")


async def _with_ledger(
    options: Options,
    work: Callable[[JobLedger], Awaitable[Result]],
    *,
    read_only: bool = False,
) -> Result:
    settings = replace(store_settings(load_settings(options)), read_only=read_only)
    async with await open_stores(settings) as stores:
        return await work(JobLedger(stores.records, stores.blobs))


def _known(name: str, job: Job | None) -> Job:
    if job is None:
        raise usage(f"there is no job {name}", "`bandpro jobs list` shows those that there are.")
    return job


def _told(job: Job) -> dict[str, Any]:
    """A job for programs; without the place that it has in the queue."""
    told = asdict(job)
    del told["turn"], told["revision"]
    return told
