"""The commands that check and move what is stored, and try whether it comes back."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from gateway.drill import DrillPlan, DrillReport, drill, make_scratch
from gateway.keeping import (
    FINDINGS_SHOWN_MAX,
    Backup,
    Key,
    bar,
    count_rooms,
    files_of,
    newest,
    open_source,
    print_drill,
    sealer_of,
    steps,
    tell,
    write_files,
)
from gateway.places import (
    Blobs,
    Data,
    Store,
    shown_place,
    source_settings,
    target_settings,
)
from gateway.terminal import EXIT_BAD, Json, print_json, shown_size, usage
from persistence.backup.catalogue import BackupId
from persistence.backup.points import Goal
from persistence.backup.verifying import Report, verify_backup, verify_store
from persistence.build import open_archive, open_raw_stores
from persistence.capture import require_snapshots
from persistence.migration import MigrationResult, migrate

app: Final = typer.Typer()


@app.command()
def verify(
    data: Data = None,
    store: Store = None,
    blobs: Blobs = None,
    place: Annotated[
        str | None,
        typer.Option("--backups", help="A place with backups, instead.", metavar="PLACE"),
    ] = None,
    backup_id: Backup = None,
    key_file: Key = None,
    *,
    as_json: Json = False,
) -> None:
    """Read everything of a store, or of a backup and its parents, and say what is wrong.

    Changes nothing, and works beside running servers. The exit code is 1 when something is wrong.

    [bold]Examples[/bold]

      [cyan]bandpro verify --data ./data[/cyan]
      [cyan]bandpro verify --backups /mnt/backups --key-file backup.key[/cyan]
    """
    if place is not None and any(each is not None for each in (data, store, blobs)):
        raise usage("--backups contradicts --data, --store and --blobs", "Keep one.")
    sealer = sealer_of(key_file)
    source = replace(source_settings(data, store, blobs), read_only=True)

    async def run() -> Report:
        if place is None:
            async with await open_raw_stores(source) as stores:
                with bar("Verifying", await count_rooms(stores), shown=not as_json) as advance:
                    return await verify_store(stores, advance)
        async with open_archive(place, read_only=True, s3=source.s3) as kept:
            chosen = BackupId(backup_id) if backup_id else await newest(kept, sealer, Goal())
            with bar("Verifying", None, shown=not as_json) as advance:
                return await verify_backup(kept, sealer, chosen, advance)

    report = asyncio.run(run())
    if as_json:
        print_json(report)
    else:
        for finding in report.findings[:FINDINGS_SHOWN_MAX]:
            Console(highlight=False).print(
                Text(finding.place, style="red"), Text(finding.what), soft_wrap=True
            )
        typer.echo(
            f"{report.rooms} rooms, {report.rows} rows, {shown_size(report.read_bytes)} read: "
            f"{len(report.findings) or 'no'} findings"
        )
    if report.findings:
        raise typer.Exit(EXIT_BAD)


@app.command("migrate")
def migrated(
    source: Annotated[str, typer.Option("--from", help="The store to copy.", metavar="URL")],
    target: Annotated[str, typer.Option("--to", help="An empty store.", metavar="URL")],
    from_blobs: Annotated[
        str | None, typer.Option(help="Where the blobs of --from are.", metavar="URL")
    ] = None,
    to_blobs: Annotated[
        str | None, typer.Option(help="Where those of --to shall be.", metavar="URL")
    ] = None,
    *,
    final: Annotated[
        bool, typer.Option("--final", help="From MongoDB: all its servers are stopped.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Copy a store into another one: sqlite:FOLDER or mongodb://..., with blobs in a bucket or not.

    May be run while servers use the source: it copies what is there. Stop the servers and run the
    command again (from MongoDB with [bold]--final[/bold]): it copies the rest and ends the
    migration. Until then no server starts on the target. The exit code is 1 while it is not ended.

    [bold]Examples[/bold]

      [cyan]bandpro migrate --from sqlite:./data --to sqlite:/mnt/data[/cyan]
      [cyan]bandpro migrate --from sqlite:./data --to mongodb://db1/band --to-blobs s3://scores/band
      [/cyan]
    """
    old = target_settings(None, source, from_blobs)
    new = target_settings(None, target, to_blobs)

    async def run() -> MigrationResult:
        stores, is_final = await open_source(old, is_at_rest=final)
        async with stores, await open_raw_stores(new) as copy:
            await require_snapshots(stores)
            with bar("Copying", await count_rooms(stores), shown=not as_json) as advance:
                return await migrate(
                    stores,
                    copy,
                    origin=shown_place(old),
                    is_final=is_final,
                    progress=lambda rooms, _: advance(rooms),
                )

    result = asyncio.run(run())
    if result.is_complete:
        write_files(new.sqlite_folder, files_of(old.sqlite_folder))
    if as_json:
        print_json(result)
    else:
        typer.echo(f"{result.rooms} rooms are the same in both, {result.rows} rows written.")
        if not result.is_complete:
            typer.echo("Stop the servers of the source, and run the same command again")
            typer.echo("(from MongoDB with --final).")
    tell(result.troubles, as_json=as_json)
    if not result.is_complete:
        raise typer.Exit(EXIT_BAD)


@app.command("drill")
def drilled(
    data: Data = None,
    store: Store = None,
    blobs: Blobs = None,
    *,
    into: Annotated[
        str | None,
        typer.Option(help="An empty store to restore into, or a temporary one.", metavar="URL"),
    ] = None,
    into_blobs: Annotated[
        str | None, typer.Option(help="Where its blobs shall be.", metavar="URL")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help="Where the backup shall be kept; not at all otherwise.", metavar="PLACE"),
    ] = None,
    rooms: Annotated[
        int | None,
        typer.Option(help="Try it with so many made-up rooms instead.", min=1, max=1_000_000),
    ] = None,
    document_mib: Annotated[
        int, typer.Option(help="With --rooms: and a document of so many MiB.", min=0, max=256)
    ] = 0,
    key_file: Key = None,
    as_json: Json = False,
) -> None:
    """Prove that a backup brings everything back, and measure how long it takes.

    Backs up, restores into a fresh store without the source, and compares every document. The
    source is only read; made-up data in a temporary folder is really destroyed. What was restored
    with [bold]--into[/bold] is left there: look at it, then drop it. The exit code is 1 when
    anything is missing.

    [bold]Examples[/bold]

      [cyan]bandpro drill --data ./data[/cyan]
      [cyan]bandpro drill --rooms 1000[/cyan]
      [cyan]bandpro drill --store mongodb://db1/band --blobs s3://scores/band
      --into mongodb://db1/drill --into-blobs s3://scores/drill --to s3://backups/drill[/cyan]
    """
    if rooms is not None and data is not None:
        raise usage("--data and --rooms contradict each other", "Keep one.")
    sealer = sealer_of(key_file)
    source = source_settings(data, store, blobs)

    async def run(work: Path) -> DrillReport:
        target = target_settings(work / "restored", into, into_blobs)
        place = to or str(work / "backups")
        with steps(shown=not as_json) as step:
            async with open_archive(place, read_only=False, s3=source.s3) as kept:
                if rooms is None:
                    plan = DrillPlan(replace(source, read_only=True), target, kept)
                else:
                    is_ours = store is None
                    scratch = target_settings(work / "scratch", store, blobs)
                    size_bytes = document_mib * 1024 * 1024
                    await make_scratch(scratch, rooms, size_bytes, step)
                    plan = DrillPlan(scratch, target, kept, destroys=is_ours)
                return await drill(plan, sealer, step)

    with tempfile.TemporaryDirectory(prefix="bandpro-drill-") as work:
        report = asyncio.run(run(Path(work)))
    if as_json:
        print_json(asdict(report) | {"good": report.is_good})
    else:
        print_drill(report)
    if not report.is_good:
        raise typer.Exit(EXIT_BAD)
