"""`bandpro convert`: one file into another, by their suffixes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, cast, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from collab.errors import SettingsError
from gateway.new_file import write_new_file
from gateway.terminal import usage
from workers.convert import Converter, limits_of
from workers.formats import SOURCES, SUFFIXES, TARGETS, Format, format_of
from workers.tools.options import Page, ToolOptions

app: Final = typer.Typer()
_MEMORY_MIB: Final = 1024 * 1024


@app.command()
def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A .musicxml, .xml, .mxl, .mid or .abc file.")
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="A .musicxml, .mxl, .mei, .pdf, .svg, .png, .mid, .wav, .mp3 or "
            ".timemap.json file.",
        ),
    ],
    page: Annotated[str, typer.Option(help="Size of pages: a4 or letter.")] = "a4",
    dpi: Annotated[int, typer.Option(help="Dots per inch of pictures.", min=20, max=1200)] = 150,
    soundfont: Annotated[
        Path | None, typer.Option(help="File with the instruments.", metavar="PATH")
    ] = None,
    *,
    seconds: Annotated[int, typer.Option(help="How long sound may last.", min=1, max=1500)] = 900,
    cpu_seconds: Annotated[
        int, typer.Option(help="Processor time that it may take.", min=1, max=3600)
    ] = 60,
    memory: Annotated[int, typer.Option(help="Memory that it may take, in MiB.", min=256)] = 2048,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Convert a score: MusicXML, ABC or MIDI into pages, MusicXML, MEI, MIDI or sound.

    Suffixes say what is read and written. SVG and PNG have a file for each page,
    [bold]OUT-1.svg[/bold] and so on, where there are several. ABC and MIDI are read as far as may
    be: see the part on conversion in docs/operators.md. Nothing of a file is run or fetched, and it
    is read in a process that may be killed.

    [bold]Examples[/bold]

    A PDF:
      [cyan]bandpro convert quartet.mxl quartet.pdf[/cyan]

    What it sounds like:
      [cyan]bandpro convert quartet.musicxml quartet.mp3[/cyan]
    """
    from_, to = _formats(source, target)
    if page not in get_args(Page):
        raise usage(f"--page {page}: no size of pages", "Use a4 or letter.")
    options = ToolOptions(
        page=cast("Page", page),
        dots_per_inch=dpi,
        soundfont=None if soundfont is None else str(soundfont.absolute()),
        sound_s_max=seconds,
    )
    data = _read(source)
    converter = Converter(
        limits_of(processes=1, memory_bytes=memory * _MEMORY_MIB, cpu_s=cpu_seconds)
    )
    files = asyncio.run(_converted(converter, data, from_, to, options, source.name))
    names = _names(target, to, len(files))
    for name, content in zip(names, files, strict=True):
        _write(name, content, force=force)
    Console(stderr=True, highlight=False).print(_summary(names), soft_wrap=True)


def _formats(source: Path, target: Path) -> tuple[Format, Format]:
    from_, to = format_of(source), format_of(target)
    for path, form, able in ((source, from_, SOURCES), (target, to, TARGETS)):
        if form not in able:
            known = ", ".join(suffix for suffix, each in SUFFIXES.items() if each in able)
            what = "read" if able is SOURCES else "written"
            raise usage(f"{path.name}: no suffix of a file that is {what}", f"Use {known}.")
    assert from_ is not None
    assert to is not None
    return from_, to


async def _converted(
    converter: Converter,
    data: bytes,
    source: Format,
    target: Format,
    options: ToolOptions,
    title: str,
) -> list[bytes]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=None)
        hear: Callable[[int, int], None] = lambda done, total: progress.update(  # noqa: E731
            task, completed=done, total=total
        )
        try:
            files = await converter.convert(data, source, target, options, hear=hear)
        finally:
            await converter.aclose()
        progress.update(task, completed=len(files), total=len(files))
    return files


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def _write(path: Path, data: bytes, *, force: bool) -> None:
    try:
        if force:
            path.unlink(missing_ok=True)
        write_new_file(path, data)
    except FileExistsError as error:
        raise usage(f"{path} is there already", "Take another name, or --force.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error


def _names(target: Path, form: Format, count: int) -> list[Path]:
    """Names of files: the one that was given, or one with a number for each page."""
    if count == 1:
        return [target]
    suffix = next(
        each
        for each, known in SUFFIXES.items()
        if known is form and target.name.lower().endswith(each)
    )
    stem = target.name[: -len(suffix)]
    return [
        target.with_name(f"{stem}-{number}{target.name[-len(suffix) :]}")
        for number in range(1, count + 1)
    ]


def _summary(names: list[Path]) -> str:
    if len(names) == 1:
        return f"Wrote {names[0]}"
    return f"Wrote {names[0]} to {names[-1].name}, {len(names)} pages"
