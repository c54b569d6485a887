"""The commands that bring back, check and move what is stored."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from collab.ids import room_name
from gateway.drill import DrillReport, drill, make_scratch
from gateway.keeping import (
    FINDINGS_SHOWN_MAX,
    Backup,
    Data,
    Key,
    bar,
    copy_files,
    count_rooms,
    data_folder,
    goal_of,
    newest,
    open_folder,
    open_source,
    print_drill,
    sealer_of,
    steps,
    tell,
    write_files,
)
from gateway.settings import load_settings
from gateway.store_settings import store_settings
from gateway.terminal import EXIT_BAD, Json, print_json, shown_size, usage
from persistence.backup.catalogue import BackupId
from persistence.backup.points import Goal
from persistence.backup.reader import Chain
from persistence.backup.restoring import RestoreRequest, RestoreResult, restore
from persistence.backup.verifying import Report, verify_backup, verify_store
from persistence.build import StoreSettings, open_archive, open_raw_stores
from persistence.migration import MigrationResult, migrate


def add_recovery_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("restore")(restored)
    app.command()(verify)
    app.command("migrate")(migrated)
    app.command("drill")(drilled)


def restored(
    source: Annotated[str, typer.Option("--from", help="Where backups are kept.", metavar="PLACE")],
    data: Annotated[Path, typer.Option(help="The data folder to fill.", metavar="PATH")],
    backup_id: Backup = None,
    room: Annotated[str | None, typer.Option(help="One room only.")] = None,
    sequence: Annotated[
        int | None, typer.Option(help="The room as it was at this sequence.", min=1)
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(help="As it was at the end of this second.", metavar="2026-11-28T04:15:00Z"),
    ] = None,
    key_file: Key = None,
    *,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty data folder, or one room into a folder that lacks it.

    No server may use the folder. An interrupted restore goes on when the command is run again;
    until it has ended no server starts on the folder.

    [bold]Examples[/bold]

    Everything, from the newest backup:
      [cyan]bandpro restore --from /mnt/backups --data ./data[/cyan]

    Everything as it was at a time:
      [cyan]bandpro restore --from /mnt/backups --data ./then --at 2026-11-28T04:15:00Z[/cyan]
    """
    goal = goal_of(room, sequence, at)
    sealer = sealer_of(key_file)
    name = None if room is None else room_name(room)

    async def run() -> RestoreResult:
        blobs = open_archive(source, read_only=True)
        chosen = BackupId(backup_id) if backup_id else await newest(blobs, sealer, goal)
        chain = await Chain.open(blobs, sealer, chosen)
        total = chain.newest.manifest.rooms if name is None else 1
        async with await open_folder(data, read_only=False) as stores:
            with bar("Restoring", total, shown=not as_json) as advance:
                request = RestoreRequest(
                    name, goal, not goal.is_newest, lambda rooms, _: advance(rooms)
                )
                result = await restore(chain, stores, request)
        write_files(data, result)
        return result

    result = asyncio.run(run())
    if as_json:
        print_json(asdict(result) | {"files": sorted(result.files)})
    else:
        went_on = "Went on with an interrupted restore. " if result.was_resumed else ""
        typer.echo(f"{went_on}Restored {result.rooms} rooms, {result.rows} rows written.")
    troubles = result.unreachable | {
        each: f"{count} rows were lost before the backup; empty updates stand in"
        for each, count in result.stand_ins.items()
    }
    tell(troubles, as_json=as_json)


def verify(
    data: Data = None,
    place: Annotated[
        str | None,
        typer.Option("--backups", help="A place with backups, instead.", metavar="PLACE"),
    ] = None,
    backup_id: Backup = None,
    key_file: Key = None,
    *,
    as_json: Json = False,
) -> None:
    """Read everything of a data folder, or of a backup and its parents, and say what is wrong.

    Changes nothing, and works beside a running server. The exit code is 1 when something is wrong.

    [bold]Examples[/bold]

      [cyan]bandpro verify --data ./data[/cyan]
      [cyan]bandpro verify --backups /mnt/backups --key-file backup.key[/cyan]
    """
    if place is not None and data is not None:
        raise usage("--data and --backups contradict each other", "Keep one.")
    sealer = sealer_of(key_file)

    async def run() -> Report:
        if place is None:
            async with await open_folder(data_folder(data), read_only=True) as stores:
                with bar("Verifying", await count_rooms(stores), shown=not as_json) as advance:
                    return await verify_store(stores, advance)
        blobs = open_archive(place, read_only=True)
        chosen = BackupId(backup_id) if backup_id else await newest(blobs, sealer, Goal())
        with bar("Verifying", None, shown=not as_json) as advance:
            return await verify_backup(blobs, sealer, chosen, advance)

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


def migrated(
    source: Annotated[str, typer.Option("--from", help="The store to copy.", metavar="URL")],
    target: Annotated[str, typer.Option("--to", help="An empty store.", metavar="URL")],
    *,
    as_json: Json = False,
) -> None:
    """Copy a store into another one: sqlite:FOLDER.

    May be run while a server uses the source: it copies what is there. Stop the server and run the
    command again: it copies the rest and ends the migration. Until then no server starts on the
    target. The exit code is 1 while it is not ended.

    [bold]Example[/bold]

      [cyan]bandpro migrate --from sqlite:./data --to sqlite:/mnt/data[/cyan]
    """

    async def run() -> MigrationResult:
        stores, is_final = await open_source(source)
        async with stores, await open_raw_stores(StoreSettings(url=target)) as copy:
            with bar("Copying", await count_rooms(stores), shown=not as_json) as advance:
                return await migrate(
                    stores,
                    copy,
                    origin=source,
                    is_final=is_final,
                    progress=lambda rooms, _: advance(rooms),
                )

    result = asyncio.run(run())
    if result.is_complete:
        copy_files(source, target)
    if as_json:
        print_json(result)
    else:
        typer.echo(f"{result.rooms} rooms are the same in both, {result.rows} rows written.")
        if not result.is_complete:
            typer.echo("A server uses the source: stop it, and run the same command again.")
    tell(result.troubles or {}, as_json=as_json)
    if not result.is_complete:
        raise typer.Exit(EXIT_BAD)


def drilled(
    data: Data = None,
    rooms: Annotated[
        int | None,
        typer.Option(help="Try it with so many made-up rooms instead.", min=1, max=1_000_000),
    ] = None,
    document_mib: Annotated[
        int, typer.Option(help="With --rooms: and a document of so many MiB.", min=0, max=256)
    ] = 0,
    key_file: Key = None,
    *,
    as_json: Json = False,
) -> None:
    """Prove that a backup brings everything back, and measure how long it takes.

    Backs up into a temporary folder, restores into a fresh store without the source, and compares
    every document. The data folder is only read; made-up data is really destroyed. The exit code
    is 1 when anything is missing.

    [bold]Examples[/bold]

      [cyan]bandpro drill --data ./data[/cyan]
      [cyan]bandpro drill --rooms 1000[/cyan]
    """
    if rooms is not None and data is not None:
        raise usage("--data and --rooms contradict each other", "Keep one.")
    sealer = sealer_of(key_file)

    async def run(work: Path) -> DrillReport:
        with steps(shown=not as_json) as step:
            if rooms is None:
                keys = store_settings(load_settings({})).encryption
                source = StoreSettings(
                    data_folder=data_folder(data), read_only=True, encryption=keys
                )
            else:
                size_bytes = document_mib * 1024 * 1024
                source = await make_scratch(work / "scratch", rooms, size_bytes, step)
            return await drill(source, work, sealer, step, destroys=rooms is not None)

    with tempfile.TemporaryDirectory(prefix="bandpro-drill-") as work:
        report = asyncio.run(run(Path(work)))
    if as_json:
        print_json(asdict(report) | {"good": report.is_good})
    else:
        print_drill(report)
    if not report.is_good:
        raise typer.Exit(EXIT_BAD)
