"""The commands that keep what is stored: backup, restore, verify, migrate, drill."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from gateway.keeping import (
    Key,
    bar,
    count_rooms,
    files_of,
    sealer_of,
    tell,
    time_now,
)
from gateway.places import Blobs, Data, Store, source_settings
from gateway.terminal import EXIT_BAD, Json, print_json, shown_size, shown_time
from persistence.backup.catalogue import backup_ids, read_manifest
from persistence.backup.making import BackupRequest, BackupResult, make_backup
from persistence.build import open_archive, open_raw_stores
from persistence.capture import require_snapshots
from persistence.room_copy import require_whole

app: Final = typer.Typer()


@app.command()
def backup(
    to: Annotated[str, typer.Option("--to", help="Where backups are kept.", metavar="PLACE")],
    data: Data = None,
    store: Store = None,
    blobs: Blobs = None,
    key_file: Key = None,
    *,
    incremental: Annotated[
        bool,
        typer.Option("--incremental", help="Only what came since the newest backup there."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Back up a store to a folder or a bucket, also while servers use it.

    An interrupted backup goes on where it ended when the command is run again within six hours.

    [bold]Examples[/bold]

    Everything, encrypted:
      [cyan]bandpro backup --data ./data --to /mnt/backups --key-file backup.key[/cyan]

    What came since, every few minutes:
      [cyan]bandpro backup --incremental --to /mnt/backups --key-file backup.key[/cyan]

    From MongoDB, with blobs in a bucket, into another bucket:
      [cyan]bandpro backup --store mongodb://db1/bandpro --blobs s3://scores --to s3://backups/band
      [/cyan]
    """
    source = replace(source_settings(data, store, blobs), read_only=True)
    sealer = sealer_of(key_file)

    async def run() -> BackupResult:
        async with (
            await open_raw_stores(source) as stores,
            open_archive(to, read_only=False, s3=source.s3) as destination,
        ):
            await require_whole(stores)
            await require_snapshots(stores)
            total = await count_rooms(stores)
            with bar("Backing up", total, shown=not as_json) as advance:
                request = BackupRequest(
                    incremental, files_of(source.sqlite_folder), lambda rooms, _: advance(rooms)
                )
                return await make_backup(stores, destination, sealer, request, time_now)

    result = asyncio.run(run())
    _tell_made(result, encrypted=sealer.encrypts, as_json=as_json)
    if result.left_out:
        raise typer.Exit(EXIT_BAD)


def _tell_made(result: BackupResult, *, encrypted: bool, as_json: bool) -> None:
    manifest = result.manifest
    if as_json:
        print_json(
            {
                "backup": manifest.backup_id,
                "parent": manifest.begun.parent,
                "rooms": manifest.rooms,
                "rows": manifest.rows,
                "bytes": manifest.size_bytes,
                "encrypted": encrypted,
                "resumed": result.was_resumed,
                "left_out": result.left_out,
                "troubles": dict(result.troubles),
            }
        )
    else:
        kind = "Full" if manifest.begun.parent is None else "Incremental"
        went_on = " (went on with an interrupted one)" if result.was_resumed else ""
        typer.echo(
            f"{kind} backup {manifest.backup_id}{went_on}: {manifest.rooms} rooms, "
            f"{manifest.rows} rows, {shown_size(manifest.size_bytes)}"
        )
    tell(result.troubles, as_json=as_json)


@app.command()
def backups(
    place: Annotated[str, typer.Argument(help="Where backups are kept.", metavar="PLACE")],
    key_file: Key = None,
    *,
    as_json: Json = False,
) -> None:
    """List the backups of a place."""
    sealer = sealer_of(key_file)
    s3 = source_settings(None, None, None).s3

    async def run() -> list[dict[str, object]]:
        rows: list[dict[str, object]] = []
        async with open_archive(place, read_only=True, s3=s3) as blobs:
            whole, parts = await backup_ids(blobs)
            for backup_id in whole:
                manifest, _ = await read_manifest(blobs, sealer, backup_id)
                rows.append(
                    {
                        "backup": backup_id,
                        "parent": manifest.begun.parent,
                        "begun_at": shown_time(manifest.begun.begun_at),
                        "ended_at": shown_time(manifest.ended_at),
                        "rooms": manifest.rooms,
                        "rows": manifest.rows,
                        "bytes": manifest.size_bytes,
                    }
                )
        rows += ({"backup": backup_id, "unfinished": True} for backup_id in parts)
        return rows

    found = asyncio.run(run())
    if as_json:
        print_json(found)
        return
    table = Table("backup", "kind", "ended", "rooms", "rows", "size", box=None)
    for row in found:
        if "unfinished" in row:
            table.add_row(str(row["backup"]), "unfinished")
            continue
        kind = "full" if row["parent"] is None else f"since {row['parent']}"
        size = shown_size(int(str(row["bytes"])))
        counts = (str(row["rooms"]), str(row["rows"]))
        table.add_row(str(row["backup"]), kind, str(row["ended_at"]), *counts, size)
    Console().print(table)
