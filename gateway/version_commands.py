"""`bandpro versions`: lists, makes, opens, compares, restores and forks versions at a server."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collab.history.versions import VersionKind
from collab.ids import VersionId, room_name
from gateway.api.terms import VERSION_ID_PATTERN
from gateway.comparison_view import comparison_lines
from gateway.new_file import write_new_file
from gateway.remote import DEFAULT_URL, Bearer, DefaultUrl, RemoteServer
from gateway.remote_versions import ADVICE, RemoteVersions, Told
from gateway.score_comparison_view import score_comparison_lines
from gateway.terminal import (
    Json,
    Yes,
    escaped,
    escaped_line,
    print_json,
    shown_size,
    shown_time,
    usage,
)

app: Final = typer.Typer(name="versions", rich_markup_mode="rich", no_args_is_help=True)

_Room = Annotated[str, typer.Argument(help="The room.", metavar="ROOM")]
_Id = Annotated[str, typer.Argument(help="The version's id, as listed.", metavar="ID")]
_Name = Annotated[str | None, typer.Option(help="What it shall be called.")]
_Message = Annotated[str | None, typer.Option(help="More about it.")]


@app.callback()
def versions() -> None:
    """List, make, open, compare, restore, fork, rename and delete versions of a document.

    Asks a running server: http://127.0.0.1:8080 unless [bold]--url[/bold] names another. Where it
    wants tokens, pass one as [bold]BANDPRO_CLI_TOKEN[/bold]: a viewer's to read, an editor's to
    make and restore versions, an owner's to delete them.

    [bold]Examples[/bold]

    Keep the present state before a rehearsal, and see what came of it:
      [cyan]bandpro versions create band/setlist --name 'Before the rehearsal'[/cyan]
      [cyan]bandpro versions list band/setlist[/cyan]
      [cyan]bandpro versions compare band/setlist ID[/cyan]

    Return to it; whoever is in the room sees it at once:
      [cyan]bandpro versions restore band/setlist ID[/cyan]
    """


@app.command("list")
def list_versions(
    room: _Room,
    url: DefaultUrl = DEFAULT_URL,
    bearer: Bearer = None,
    kind: Annotated[
        VersionKind | None,
        typer.Option(help="Only those made by themselves, or only those that were asked for."),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the versions of a room, newest first.

    [bold]Example[/bold]

      [cyan]bandpro versions list band/setlist --kind named[/cyan]
    """
    with _asked(url, bearer, room) as remote:
        found = list(remote.list(kind))
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("No versions yet.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    # Ids are copied from here, so they stay whole in a narrow window too.
    table.add_column("id", no_wrap=True, min_width=max(len(told["version_id"]) for told in found))
    table.add_column("made", no_wrap=True)
    for title in ("by", "size", "name"):
        table.add_column(title, overflow="fold")
    for told in found:
        size = shown_size(told["size_bytes"])
        cells = (told["version_id"], shown_time(told["created_at"]), _author(told), size)
        table.add_row(*map(Text, cells), _title(told))
    Console().print(table)


@app.command()
def create(
    room: _Room,
    name: Annotated[str, typer.Option(help="What it shall be called.")],
    message: _Message = None,
    url: DefaultUrl = DEFAULT_URL,
    bearer: Bearer = None,
    *,
    as_json: Json = False,
) -> None:
    """Keep the present state of a room as a named version, for editors.

    It stays until somebody deletes it. Its author is whoever the token names.

    [bold]Example[/bold]

      [cyan]bandpro versions create band/setlist --name Premiere --message 'As it was played'[/cyan]
    """
    with _asked(url, bearer, room) as remote:
        told = remote.create(name, message or "")
    _print_made(told, room, as_json=as_json)


@app.command()
def show(
    room: _Room,
    version_id: _Id,
    url: DefaultUrl = DEFAULT_URL,
    bearer: Bearer = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what is told about a version: when, by whom and why it was made.

    [bold]Example[/bold]

      [cyan]bandpro versions show band/setlist ID[/cyan]
    """
    with _asked(url, bearer, room) as remote:
        told = remote.get(_checked(version_id))
    if as_json:
        print_json(told)
        return
    source = told["source"]
    rows = {
        "id": told["version_id"],
        "kind": told["kind"],
        "name": told["name"],
        "message": told["message"],
        "made": shown_time(told["created_at"]),
        "by": _author(told),
        "subject": told["author"],
        "holds": f"epoch {told['epoch']}, updates up to {told['sequence']}",
        "size": f"{told['size_bytes']} bytes",
        "sha256": told["checksum"],
        "forked from": f"{source['version_id']} of {source['room']}" if source else "",
    }
    for title, text in rows.items():
        if text:
            typer.echo(f"{title:12} {escaped_line(text)}")


@app.command("open")
def open_version(
    room: _Room,
    version_id: _Id,
    url: DefaultUrl = DEFAULT_URL,
    bearer: Bearer = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Write it into this new file, as one Yjs V1 update.", metavar="FILE"),
    ] = None,
) -> None:
    """Open a version without changing anything: as JSON here, or as an update in a file.

    The update loads into an empty Yjs document. It is checked against the version's SHA-256, and
    no file is overwritten.

    [bold]Examples[/bold]

    To look into it:
      [cyan]bandpro versions open band/setlist ID | jq .roots.meta.value[/cyan]

    To keep it elsewhere:
      [cyan]bandpro versions open band/setlist ID --output premiere.bin[/cyan]
    """
    with _asked(url, bearer, room) as remote:
        if output is None:
            content = remote.content(_checked(version_id))
            typer.echo(escaped(json.dumps(content, ensure_ascii=False, indent=2)))
            return
        if output.exists():
            raise usage(f"{output} is there already", "Name a new file with --output.")
        update = remote.update(_checked(version_id))
    try:
        write_new_file(output, update)
    except OSError as cause:
        raise usage(
            f"{output} cannot be written: {cause.strerror}", "Name another file with --output."
        ) from cause
    typer.echo(f"{output}: {len(update)} bytes, one V1 update.")


@app.command()
def compare(
    room: _Room,
    old: Annotated[str, typer.Argument(help="One version's id.", metavar="A")],
    new: Annotated[
        str | None,
        typer.Argument(
            help="The other one's; the present document when left out.",
            metavar="B",
            show_default=False,
        ),
    ] = None,
    url: DefaultUrl = DEFAULT_URL,
    bearer: Bearer = None,
    *,
    as_scores: Annotated[
        bool, typer.Option("--score", help="As a musician would say it, measure by measure.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what was added (+), removed (-) and changed (~) from A to B.

    Maps by the ids of their elements, texts by lines, arrays by places.

    [bold]Examples[/bold]

    What became of the notes since a version:
      [cyan]bandpro versions compare band/setlist A --score[/cyan]

    Two versions:
      [cyan]bandpro versions compare band/setlist A B[/cyan]

    A version and the document as it is now, in a pager:
      [cyan]FORCE_COLOR=1 bandpro versions compare band/setlist A | less -R[/cyan]
    """
    with _asked(url, bearer, room) as remote:
        other = None if new is None else _checked(new)
        found = remote.compare(_checked(old), other, as_scores=as_scores)
    if as_json:
        print_json(found)
        return
    lines = list(score_comparison_lines(found) if as_scores else comparison_lines(found))
    if not lines:
        typer.echo("They do not differ.")
    console = Console(highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)


@app.command()
def rename(
    room: _Room,
    version_id: _Id,
    name: _Name = None,
    message: _Message = None,
    url: DefaultUrl = DEFAULT_URL,
    bearer: Bearer = None,
    *,
    as_json: Json = False,
) -> None:
    """Give a version another name, another message, or both; for editors.

    An automatic version that gets a name is kept like any named one.

    [bold]Example[/bold]

      [cyan]bandpro versions rename band/setlist ID --name Premiere[/cyan]
    """
    given = {"name": name, "message": message}
    wanted = {key: text for key, text in given.items() if text is not None}
    if not wanted:
        raise usage("nothing to change", "Pass --name, --message or both.")
    with _asked(url, bearer, room) as remote:
        told = remote.change(_checked(version_id), wanted)
    _print_made(told, room, as_json=as_json, verb="Now")


@app.command()
def restore(
    room: _Room,
    version_id: _Id,
    url: DefaultUrl = DEFAULT_URL,
    bearer: Bearer = None,
    *,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Make the document what it was; for editors.

    By an edit like any other: whoever is in the room sees it at once, without reloading, and what
    they write meanwhile stays. The state before is kept as a version, which is printed: restore
    that to undo.

    [bold]Example[/bold]

      [cyan]bandpro versions restore band/setlist ID[/cyan]
    """
    with _asked(url, bearer, room) as remote:
        told = remote.get(_checked(version_id))
        if not yes:
            _confirm(f"Make {escaped_line(room)} what it was in {_summary(told)}?")
        done = remote.restore(_checked(version_id))
    if as_json:
        print_json(done)
        return
    typer.echo(f"Restored {_summary(told)}; durable under sequence {done['sequence']}.")
    for note in done["notes"]:
        typer.echo(f"Not brought back: {escaped_line(note)}")
    if done["undo"] is None:
        typer.echo("The document was empty before, so there is nothing to undo.")
    else:
        command = ["bandpro", "versions", "restore", room, done["undo"], "--url", url]
        typer.echo(f"To undo it: {escaped_line(shlex.join(command))}")


@app.command()
def fork(
    room: _Room,
    version_id: _Id,
    target: Annotated[str, typer.Argument(help="A new or empty room.", metavar="TARGET")],
    url: DefaultUrl = DEFAULT_URL,
    bearer: Bearer = None,
    *,
    as_json: Json = False,
) -> None:
    """Begin another room with a version.

    Takes a token that may read ROOM and edit TARGET, in which nothing may ever have been written.

    [bold]Example[/bold]

      [cyan]bandpro versions fork band/setlist ID band/setlist-for-brass[/cyan]
    """
    with _asked(url, bearer, room) as remote:
        told = remote.fork(_checked(version_id), room_name(target))
    _print_made(told, target, as_json=as_json)


@app.command()
def delete(
    room: _Room,
    version_id: _Id,
    url: DefaultUrl = DEFAULT_URL,
    bearer: Bearer = None,
    *,
    yes: Yes = False,
) -> None:
    """Delete a version for good; for owners.

    The document itself stays as it is.

    [bold]Example[/bold]

      [cyan]bandpro versions delete band/setlist ID --yes[/cyan]
    """
    with _asked(url, bearer, room) as remote:
        told = remote.get(_checked(version_id))
        if not yes:
            _confirm(f"Delete {_summary(told)} of {escaped_line(room)} for good?")
        remote.delete(_checked(version_id))
    typer.echo(f"Deleted {_summary(told)}.")


@contextmanager
def _asked(url: str, bearer: str | None, room: str) -> Iterator[RemoteVersions]:
    name = room_name(room)
    with RemoteServer(url, bearer, ADVICE) as server:
        yield RemoteVersions(server, name)


def _checked(version_id: str) -> VersionId:
    if re.fullmatch(VERSION_ID_PATTERN, version_id) is None:
        raise usage(
            f"{version_id}: no version has such an id", "`bandpro versions list ROOM` shows them."
        )
    return VersionId(version_id)


def _confirm(question: str) -> None:
    if not typer.confirm(question, err=True):
        raise usage("not confirmed", "Nothing was changed.")


def _print_made(told: Told, room: str, *, as_json: bool, verb: str = "Made") -> None:
    if as_json:
        print_json(told)
        return
    size = shown_size(told["size_bytes"])
    typer.echo(
        f"{verb} {_summary(told)} of {escaped_line(room)}: {size}, up to update {told['sequence']}."
    )


def _summary(told: Told) -> str:
    """A version's id, with its name if it has one."""
    name = f" ({escaped_line(told['name'])})" if told["name"] else ""
    return f"version {told['version_id']}{name}"


def _author(told: Told) -> str:
    """Who asked for it; automatic ones were asked for by nobody."""
    return escaped_line(told["author_name"] or told["author"] or "the server")


def _title(told: Told) -> Text:
    if told["kind"] == VersionKind.AUTOMATIC:
        title = Text("automatic", style="dim")
    else:
        title = Text(escaped_line(told["name"]), style="bold")
    if told["message"]:
        title.append(f" {escaped_line(told['message'])}", style="not bold")
    return title
