"""The command that brings back what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from collab.ids import RoomName, room_name
from gateway.keeping import (
    Backup,
    Key,
    bar,
    goal_of,
    newest,
    sealer_of,
    tell,
    write_files,
)
from gateway.listing import open_to_change
from gateway.places import Blobs, source_settings, target_settings
from gateway.terminal import Json, print_json, usage
from persistence.backup.catalogue import BackupId
from persistence.backup.points import Goal
from persistence.backup.reader import Chain
from persistence.backup.replacing import ReplaceRequest, replace_room
from persistence.backup.restoring import RestoreRequest, RestoreResult, restore
from persistence.backup.sealing import Sealer
from persistence.build import S3Limits, StoreSettings, open_archive, open_raw_stores
from persistence.capture import require_snapshots
from persistence.erasure import Erased
from persistence.offload import Offload
from persistence.room_copy import require_whole

app: Final = typer.Typer()

Replace = Annotated[
    bool,
    typer.Option(
        "--replace",
        help="With --room: put it in place of the one that is there. Its clients must reload.",
    ),
]
AcceptLoss = Annotated[
    bool,
    typer.Option(
        "--accept-loss", help="With --replace: although not all content can be carried over."
    ),
]


@app.command("restore")
def restored(
    source: Annotated[str, typer.Option("--from", help="Where backups are kept.", metavar="PLACE")],
    data: Annotated[
        Path | None, typer.Option(help="The data folder to fill.", metavar="PATH")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="Or the store: mongodb://...", metavar="URL")
    ] = None,
    blobs: Blobs = None,
    *,
    backup_id: Backup = None,
    room: Annotated[str | None, typer.Option(help="One room only.")] = None,
    sequence: Annotated[
        int | None, typer.Option(help="The room as it was at this sequence.", min=1)
    ] = None,
    replace: Replace = False,
    accept_loss: AcceptLoss = False,
    at: Annotated[
        str | None,
        typer.Option(help="As it was at the end of this second.", metavar="2026-11-28T04:15:00Z"),
    ] = None,
    key_file: Key = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty store, or one room into a store that may have it.

    No server may use the store (with [bold]--replace[/bold], servers on MongoDB may). An
    interrupted restore goes on when the command is run again; until it has ended no server starts
    on the store.

    [bold]Examples[/bold]

    Everything, from the newest backup:
      [cyan]bandpro restore --from /mnt/backups --data ./data[/cyan]

    Everything as it was at a time:
      [cyan]bandpro restore --from /mnt/backups --data ./then --at 2026-11-28T04:15:00Z[/cyan]

    From a bucket into MongoDB:
      [cyan]bandpro restore --from s3://backups/band --store mongodb://db1/new --blobs s3://scores
      [/cyan]

    One room as it was, in place of what it has become:
      [cyan]bandpro restore --from /mnt/backups --data ./data --room band/setlist --sequence 812
      --replace[/cyan]
    """
    goal = goal_of(room, sequence, at)
    wanted = _Wanted(source, backup_id, sealer_of(key_file), goal, is_quiet=as_json)
    if replace:
        if room is None:
            raise usage("--replace needs --room", "A whole store is restored into an empty one.")
        request = ReplaceRequest(room_name(room), goal, accept_loss)
        _tell_replaced(
            asyncio.run(_replace(wanted, source_settings(data, store, blobs), request)),
            as_json=as_json,
        )
        return
    if data is None and store is None:
        raise usage("what is to be filled?", "Name a folder with --data, or a store with --store.")
    target = target_settings(data, store, blobs)
    name = None if room is None else room_name(room)
    _tell_restored(asyncio.run(_restore(wanted, target, name)), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to restore.

    Attributes:
        place: where backups are kept.
        backup_id: which one; None for the newest.
        sealer: opens them.
        goal: which state.
        is_quiet: whether no progress is shown.
    """

    place: str
    backup_id: str | None
    sealer: Sealer
    goal: Goal
    is_quiet: bool

    @asynccontextmanager
    async def chain(self, s3: S3Limits) -> AsyncIterator[Chain]:
        """The backup and its parents."""
        async with open_archive(self.place, read_only=True, s3=s3) as kept:
            chosen = self.backup_id or await newest(kept, self.sealer, self.goal)
            yield await Chain.open(kept, self.sealer, BackupId(chosen))


async def _restore(wanted: _Wanted, target: StoreSettings, name: RoomName | None) -> RestoreResult:
    async with wanted.chain(target.s3) as chain, await open_raw_stores(target) as stores:
        total = chain.newest.manifest.rooms if name is None else 1
        with bar("Restoring", total, shown=not wanted.is_quiet) as advance:
            request = RestoreRequest(
                name, wanted.goal, not wanted.goal.is_newest, lambda rooms, _: advance(rooms)
            )
            result = await restore(chain, stores, request)
    write_files(target.sqlite_folder, result.files)
    return result


async def _replace(wanted: _Wanted, settings: StoreSettings, request: ReplaceRequest) -> Erased:
    offload = Offload()
    try:
        async with (
            wanted.chain(settings.s3) as chain,
            await open_to_change(settings) as stores,
            await open_raw_stores(StoreSettings("memory://")) as scratch,
        ):
            await require_whole(stores)
            await require_snapshots(stores)
            return await replace_room(chain, stores, scratch, request, offload)
    finally:
        await offload.aclose()


def _tell_replaced(done: Erased, *, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    typer.echo(f"Replaced; the room is in epoch {done.epoch}, and its clients must reload.")
    for note in done.notes:
        typer.echo(f"Lost: {note}")


def _tell_restored(result: RestoreResult, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(result) | {"files": sorted(result.files)})
    else:
        went_on = "Went on with an interrupted restore. " if result.was_resumed else ""
        typer.echo(f"{went_on}Restored {result.rooms} rooms, {result.rows} rows written.")
    troubles = result.unreachable | result.quarantined
    troubles |= {
        each: f"{count} rows were lost before the backup; empty updates stand in"
        for each, count in result.stand_ins.items()
        if each not in troubles
    }
    tell(troubles, as_json=as_json)
