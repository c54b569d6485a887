"""`bandpro orphans`: tells of files that nothing names, and deletes them when asked to."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Annotated, Final

import typer

from collab.errors import SettingsError
from collab.ids import UnixSeconds
from gateway.options import Options, with_setting_options
from gateway.setting_types import StoreKind
from gateway.settings import Settings, load_settings
from gateway.store_settings import store_settings
from gateway.terminal import Json, print_json, shown_size
from persistence.blob_owner import claim, ownership, renew, store_now
from persistence.build import open_stores
from persistence.orphans import Harvest, claim_place, collect_orphans, find_orphans
from persistence.room_copy import require_whole
from persistence.stores import Stores

app: Final = typer.Typer()
_HOUR_S: Final = 3_600


async def survey(stores: Stores, age_hours: int) -> Harvest:
    """Look for orphans and change nothing.

    Args:
        stores: the store.
        age_hours: how old they must be, by the clock of this machine.

    Raises:
        BlobsNotOwned: the place for blobs is another store's, or may be.
        StoreUnavailable: the store cannot be read.
    """
    await ownership(stores)
    return await find_orphans(stores, UnixSeconds(int(time.time()) - age_hours * _HOUR_S), _go_on)


def described(found: Harvest, age_hours: int) -> str:
    """What a look found, in words."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(found.orphans.items()))
    older = f"older than {age_hours} h" if age_hours != 1 else "older than an hour"
    unknown = f"; {found.unknown_rooms} rooms are unknown" if found.unknown_rooms else ""
    if not kinds:
        return f"none {older} among {found.blobs} files{unknown}"
    size = shown_size(found.orphan_bytes)
    return f"{kinds} {older}, {size}, among {found.blobs} files{unknown}"


@app.command()
@with_setting_options
def orphans(
    options: Options,
    *,
    collect: Annotated[bool, typer.Option("--collect", help="Delete them.")] = False,
    take_over: Annotated[
        bool,
        typer.Option("--claim", help="Make the place this store's, whoever's it was."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell of snapshots, versions and uploads that nothing names, as crashes leave them.

    Takes the options of [bold]serve[/bold]. A server collects them by itself; deleting with this
    command needs a folder that no server uses.

    [bold]Examples[/bold]

    How many there are, beside a running server:
      [cyan]bandpro orphans --data ./data[/cyan]

    After this store was restored beside a bucket that an earlier one had used:
      [cyan]bandpro orphans --claim --blobs s3://scores-example/bandpro[/cyan]
    """
    settings = load_settings(options)
    if settings.store.kind is StoreKind.MEMORY:
        raise SettingsError("a store in memory has no orphans")
    if take_over:
        asyncio.run(_claimed(settings))
        typer.echo("The place for blobs is this store's.")
    if take_over and not collect:
        return
    found = asyncio.run(_collected(settings) if collect else _surveyed(settings))
    if as_json:
        fields = {"blobs": found.blobs, "orphans": found.orphans, "bytes": found.orphan_bytes}
        print_json(fields | {"unknown_rooms": found.unknown_rooms})
        return
    text = described(found, settings.orphan_age_hours)
    typer.echo(f"Deleted: {text}." if collect else f"Orphans: {text}.")


async def _surveyed(settings: Settings) -> Harvest:
    # What is in MongoDB can only be opened like a server opens it, and beside servers.
    read_only = settings.store.kind is StoreKind.SQLITE
    opened = replace(store_settings(settings), read_only=read_only)
    async with await open_stores(opened) as stores:
        return await survey(stores, settings.orphan_age_hours)


async def _collected(settings: Settings) -> Harvest:
    async with await open_stores(store_settings(settings)) as stores:
        await require_whole(stores)
        if await ownership(stores) is None:
            await claim_place(stores, _go_on)
        await renew(stores, None)  # so that a copy of the store, or the original, is told of it
        before = await store_now(stores) - settings.orphan_age_hours * _HOUR_S
        return await collect_orphans(stores, UnixSeconds(before), _go_on)


async def _claimed(settings: Settings) -> None:
    async with await open_stores(store_settings(settings)) as stores:
        await claim(stores)


async def _go_on() -> None:
    """Nobody else is to be let go first."""
