"""`bandpro import` and `bandpro export`: scores from files into rooms, and out of them again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from collab.errors import InvalidRoomName
from collab.ids import RoomName, room_name
from gateway import score_files as files
from gateway.observe.logs import configure_logging
from gateway.places import Blobs, Data, Store, settings_unless_served
from gateway.remote import Bearer, Url
from gateway.score_files import CpuSeconds, Dpi, Force, MemoryMib, PageSize, Seconds, SoundFont
from gateway.score_places import Imported, ScorePlace, ServedScores, StoredScores, checked_room
from gateway.setting_types import LogLevel
from gateway.settings import load_settings
from gateway.terminal import Json, escaped_line, print_json, usage
from workers.formats import SUFFIXES, Format
from workers.tools.options import ToolOptions

app: Final = typer.Typer(rich_markup_mode="rich")

_AS_THEY_ARE: Final = frozenset({Format.MUSICXML, Format.MXL})
_FINDINGS_SHOWN: Final = 20


@app.command("import")
def import_score(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .musicxml, .xml, .mxl, .mid or .abc file.")
    ],
    room: Annotated[
        str | None, typer.Option(help="The room; unless given, it is named after the file.")
    ] = None,
    url: Url = None,
    bearer: Bearer = None,
    data: Data = None,
    store: Store = None,
    blobs: Blobs = None,
    *,
    as_json: Json = False,
) -> None:
    """Make a score of a file, in a room in which nothing was ever written.

    MusicXML is taken without loss: what the document does not model is kept beside it, and comes
    out again at an export. ABC and MIDI are read here as far as may be, as [bold]bandpro
    convert[/bold] reads them. What could not be taken as it stands is told with its line.

    With [bold]--url[/bold] a running server takes it, and whoever is in the room has the score at
    once; else it goes into a store (a folder only while no server uses it). A room in which
    anything was written is left as it is, also where that is the same file.

    [bold]Examples[/bold]

    Into the room `quartet` of a running server:
      [cyan]bandpro import quartet.mxl --url http://127.0.0.1:8080[/cyan]

    A tune, into a folder that nobody serves:
      [cyan]bandpro import reel.abc --room band/reel --data ./data[/cyan]
    """
    form = files.source_format(file)
    name = checked_room(room_name(room) if room is not None else _room_of(file, form))
    place = _place(url, bearer, data, store, blobs)
    score = files.read_score_file(file)
    if form not in _AS_THEY_ARE:
        converter, plain = files.converter_of(), ToolOptions()
        (score,) = files.converted(converter, score, form, Format.MUSICXML, plain, file.name)
    with Console(stderr=True).status(Text(f"Importing {escaped_line(file.name)}")):
        imported = place.put(name, score)
    if as_json:
        print_json(_told(name, imported))
        return
    _print_findings(imported)
    typer.echo(f"Imported into the room {escaped_line(name)}")


@app.command("export")
def export_score(
    room: Annotated[str, typer.Argument(help="The room.", metavar="ROOM")],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A .musicxml, .mxl, .mei, .pdf, .svg, .png, .mid, .wav, .mp3 or "
            ".timemap.json file.",
        ),
    ],
    part: Annotated[
        str | None, typer.Option(help="Only this part, by its id or name.", metavar="PART")
    ] = None,
    url: Url = None,
    bearer: Bearer = None,
    data: Data = None,
    store: Store = None,
    blobs: Blobs = None,
    *,
    page: PageSize = "a4",
    dpi: Dpi = files.DPI,
    soundfont: SoundFont = None,
    seconds: Seconds = files.SECONDS,
    cpu_seconds: CpuSeconds = files.CPU_SECONDS,
    memory: MemoryMib = files.MEMORY_MIB,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write the score of a room as a file: MusicXML, pages, MEI, MIDI or sound.

    The suffix says what is written. SVG and PNG have a file for each page,
    [bold]FILE-1.svg[/bold] and so on, where there are several. The score comes from a running
    server with [bold]--url[/bold], as those see it who are in the room, else from a store, as far
    as it is saved; that may be a folder that a server uses. It is engraved and played here, as
    [bold]bandpro convert[/bold] does it.

    [bold]Examples[/bold]

    What everybody sees, as a PDF:
      [cyan]bandpro export band/setlist setlist.pdf --url http://127.0.0.1:8080[/cyan]

    The viola's part by itself, from a store:
      [cyan]bandpro export quartet viola.musicxml --part Viola --data ./data[/cyan]
    """
    form = files.target_format(target)
    options = files.tool_options(page, dpi, soundfont, seconds)
    name = checked_room(room_name(room))
    place = _place(url, bearer, data, store, blobs)
    with Console(stderr=True).status(Text(f"Reading {escaped_line(name)}")):
        score = place.get(name, None if part is None else _part_id(place.parts(name), part))
    made = [score]
    if form is not Format.MUSICXML:
        converter = files.converter_of(memory, cpu_seconds)
        made = files.converted(converter, score, Format.MUSICXML, form, options, target.name)
    names = files.write_score_files(target, form, made, force=force)
    if as_json:
        sizes = [
            {"name": str(path), "size_bytes": len(content)}
            for path, content in zip(names, made, strict=True)
        ]
        print_json({"room": name, "format": form.value, "files": sizes})
        return
    files.print_written(names)


def _place(
    url: str | None,
    bearer: str | None,
    data: Path | None,
    store: str | None,
    blobs: str | None,
) -> ScorePlace:
    settings = settings_unless_served(url, data, store, blobs)
    if url is not None:
        return ServedScores(url, bearer)
    served = load_settings(for_serving=False)
    configure_logging(served.log_format, LogLevel.WARNING)  # that it was done is said here
    return StoredScores(settings, served.document_bytes_max)


def _room_of(file: Path, form: Format) -> RoomName:
    """The room that is named after a file: its name without the suffix.

    Raises:
        InvalidRoomName: no room can be called so; the note says what to do.
    """
    name = file.name
    suffix = next(
        each for each, known in SUFFIXES.items() if known is form and name.lower().endswith(each)
    )
    try:
        return room_name(name[: -len(suffix)])
    except InvalidRoomName as error:
        error.add_note("Name the room with --room.")
        raise


def _part_id(parts: list[tuple[str, str]], wanted: str) -> str:
    """The part that is meant: the one of this id, or else the only one of this name.

    Raises:
        SettingsError: there is none, or there are several.
    """
    found = [key for key, _ in parts if key == wanted] or [
        key for key, name in parts if name.casefold() == wanted.casefold()
    ]
    if len(found) != 1:
        said = "several parts are called so" if found else "there is no such part"
        known = ", ".join(f"{key} ({name})" if name else key for key, name in parts)
        raise usage(f"--part {wanted}: {said}", f"Parts are {known or 'none'}.")
    return found[0]


def _told(name: RoomName, imported: Imported) -> dict[str, object]:
    findings = [{"line": line, "message": message} for line, message in imported.findings]
    return {"room": name, "title": imported.title, "findings": findings}


def _print_findings(imported: Imported) -> None:
    console = Console(stderr=True, highlight=False)
    for line, message in imported.findings[:_FINDINGS_SHOWN]:
        where = f"line {line}: " if line else ""
        console.print(Text(where + escaped_line(message)), soft_wrap=True)
    more = len(imported.findings) - _FINDINGS_SHOWN
    if more > 0:
        console.print(f"and {more} more; --json tells all", soft_wrap=True)
