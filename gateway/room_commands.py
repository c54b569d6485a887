"""`bandpro rooms`: lists, releases and erases rooms, of a running server or of a store."""

from __future__ import annotations

from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collab.ids import room_name
from gateway.erase_command import erase_in_store, erase_on_server
from gateway.listing import (
    RoomRow,
    release_in_store,
    release_on_server,
    rooms_of_server,
    rooms_of_store,
)
from gateway.places import Blobs, Data, Store, settings_unless_served
from gateway.remote import Bearer, Url
from gateway.terminal import Json, Yes, escaped_line, print_json, shown_size, usage
from persistence.erasure import ErasureMode

app: Final = typer.Typer(name="rooms", rich_markup_mode="rich")

_BLOATED: Final = (
    "! over three times the document: where this stays, compaction waits or fails, as the "
    "server's log says."
)


@app.callback(invoke_without_command=True)
def rooms(
    context: typer.Context,
    url: Url = None,
    bearer: Bearer = None,
    data: Data = None,
    store: Store = None,
    blobs: Blobs = None,
    *,
    as_json: Json = False,
) -> None:
    """List the rooms of a running server or of a store, release or erase one.

    The log is what was stored beyond a live room's newest snapshot; one that is over three times
    its document is marked.

    [bold]Examples[/bold]

    Of a running server:
      [cyan]bandpro rooms --url http://127.0.0.1:8080[/cyan]

    Of a store (a folder only while no server uses it):
      [cyan]bandpro rooms --data ./data --json[/cyan]
    """
    if context.invoked_subcommand is not None:
        return
    settings = settings_unless_served(url, data, store, blobs)
    found = rooms_of_store(settings) if url is None else rooms_of_server(url, bearer)
    if as_json:
        print_json(found)
        return
    _print_rooms(found)


@app.command("release")
def release_room(
    name: Annotated[str, typer.Argument(help="The room.")],
    url: Url = None,
    bearer: Bearer = None,
    data: Data = None,
    store: Store = None,
    blobs: Blobs = None,
    *,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Open the room with what is left, although stored content is lost for good.",
        ),
    ] = False,
) -> None:
    """Make a quarantined room openable again, once the reason is understood.

    [bold]Examples[/bold]

    After the cause of three failed attempts was removed:
      [cyan]bandpro rooms release band/setlist --url http://127.0.0.1:8080[/cyan]

    When there is no backup of what was lost, and what is left shall serve:
      [cyan]bandpro rooms release band/setlist --accept-loss --data ./data[/cyan]
    """
    settings = settings_unless_served(url, data, store, blobs)
    if url is None:
        release_in_store(settings, room_name(name), accept_loss=accept_loss)
    else:
        release_on_server(url, bearer, room_name(name), accept_loss=accept_loss)
    typer.echo("Released.")


@app.command("erase")
def erase_room(  # noqa: PLR0913 - each is an option
    name: Annotated[str, typer.Argument(help="The room.")],
    mode: Annotated[
        ErasureMode,
        typer.Option(help="Leave the document without its history, or an empty one."),
    ],
    url: Url = None,
    bearer: Bearer = None,
    data: Data = None,
    store: Store = None,
    blobs: Blobs = None,
    *,
    accept_loss: Annotated[
        bool,
        typer.Option("--accept-loss", help="Although not all content can be carried over."),
    ] = False,
    yes: Yes = False,
) -> None:
    """Erase a room's history or all its content, for good; backups keep what they have.

    [bold]Examples[/bold]

    Whatever was deleted, and who wrote what:
      [cyan]bandpro rooms erase band/setlist --mode history --url http://127.0.0.1:8080[/cyan]

    Everything, without being asked:
      [cyan]bandpro rooms erase band/setlist --mode everything --yes --data ./data[/cyan]
    """
    settings = settings_unless_served(url, data, store, blobs)
    what = "all content" if mode is ErasureMode.EVERYTHING else "the history and all versions"
    if not yes and typer.prompt(f"This erases {what}. Type the room's name") != name:
        raise usage("that is another name", "Nothing was changed.")
    room = room_name(name)
    if url is None:
        erased = erase_in_store(settings, room, mode, accept_loss=accept_loss)
    else:
        erased = erase_on_server(url, bearer, room, mode, accept_loss=accept_loss)
    typer.echo(f"Erased; the room is in epoch {erased.epoch}.")
    for note in erased.notes:
        typer.echo(f"Lost: {note}")


def _print_rooms(found: list[RoomRow]) -> None:
    console = Console()
    if not found:
        console.print("No rooms yet.")
        return
    titles = ("room", "state", "sessions", "saved", "size", "log")
    table = Table(*titles, box=None, header_style="bold")
    for row in found:
        table.add_row(
            # Names are people's: no markup is read in them.
            Text(escaped_line(row.name)),
            row.state,
            str(row.sessions),
            str(row.saved),
            shown_size(row.size_bytes) if row.size_bytes else "",
            _log_cell(row),
        )
    console.print(table)
    if any(row.is_bloated for row in found):
        console.print(_BLOATED, soft_wrap=True)


def _log_cell(row: RoomRow) -> Text:
    size = shown_size(row.log_bytes) if row.log_bytes else ""
    return Text(f"{size} !", style="yellow") if row.is_bloated else Text(size)
