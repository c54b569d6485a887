"""`bandpro keys`: makes, lists and rotates the master keys of the encryption at rest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from collab.errors import SettingsError
from gateway.options import Options, with_setting_options
from gateway.settings import load_settings
from gateway.store_settings import store_settings
from gateway.terminal import Json, print_json
from persistence.build import open_stores
from persistence.encryption.data_keys import DataKeys
from persistence.encryption.master_keys import new_secret
from persistence.encryption.rotation import KeyStatus, key_status, rotate
from persistence.stores import Stores

Result = TypeVar("Result")

app: Final = typer.Typer(name="keys", rich_markup_mode="rich", no_args_is_help=True)


@app.callback()
def keys() -> None:
    """Make, list or rotate the master keys of the encryption at rest.

    [bold]Examples[/bold]

    A new key, readable by you alone:
      [cyan]bandpro keys new > master.key; chmod 600 master.key[/cyan]

    To a newer key, while no server uses the folder:
      [cyan]bandpro keys rotate --encryption file:new.key --encryption-old-keys file:old.key[/cyan]
    """


@app.command("new")
def new_key() -> None:
    """Print a new master key: 32 random bytes in base64, and nothing else."""
    typer.echo(new_secret())


@app.command("list")
@with_setting_options
def list_keys(
    options: Options,
    *,
    as_json: Json = False,
) -> None:
    """List the master keys that are given or in use, and how many documents' keys each wraps.

    Takes the options of [bold]serve[/bold]. Keys are named by their ids, never shown.
    """

    async def listed(stores: Stores, data_keys: DataKeys) -> tuple[KeyStatus, ...]:
        return await key_status(stores.raw.records, data_keys)

    found = asyncio.run(_with_keys(options, listed))
    if as_json:
        print_json(found)
        return
    table = Table("master key", "wraps new keys", "at hand", "wraps", box=None)
    for key in found:
        words = ["yes" if flag else "no" for flag in (key.is_current, key.is_at_hand)]
        table.add_row(key.key_id, *words, str(key.data_keys))
    Console().print(table)


@app.command("rotate")
@with_setting_options
def rotate_keys(options: Options) -> None:
    """Wrap all documents' keys anew under the current master key.

    Takes the options of [bold]serve[/bold]. Documents are not rewritten. May be interrupted and
    run again; afterwards [bold]--encryption-old-keys[/bold] is no longer needed.
    """

    async def rotated(stores: Stores, data_keys: DataKeys) -> int:
        return await rotate(stores.raw.records, data_keys)

    typer.echo(f"{asyncio.run(_with_keys(options, rotated))} keys wrapped anew.")


async def _with_keys(
    options: Options, work: Callable[[Stores, DataKeys], Awaitable[Result]]
) -> Result:
    """Do something with the keys of the store that the settings name.

    Raises:
        SettingsError: encryption is off.
        StoreUnavailable: a server uses the folder, or a key or the store cannot be used.
    """
    async with await open_stores(store_settings(load_settings(options))) as stores:
        if stores.data_keys is None:
            error = SettingsError("encryption is off")
            error.add_note("Name the master key with --encryption; `bandpro keys new` makes one.")
            raise error
        return await work(stores, stores.data_keys)
