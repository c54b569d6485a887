"""What the commands have in common that read and write scores as files: by their suffixes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, cast, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from collab.errors import LimitExceeded, SettingsError
from collab.limits import MIB, SCORE_FILE_BYTES_MAX
from gateway.new_file import write_new_file
from gateway.terminal import usage
from workers.convert import Converter, limits_of
from workers.formats import SOURCES, SUFFIXES, TARGETS, Format, format_of
from workers.tools.options import Page, ToolOptions

PageSize = Annotated[str, typer.Option("--page", help="Size of pages: a4 or letter.")]
Dpi = Annotated[int, typer.Option("--dpi", help="Dots per inch of pictures.", min=20, max=1200)]
SoundFont = Annotated[
    Path | None, typer.Option("--soundfont", help="File with the instruments.", metavar="PATH")
]
Seconds = Annotated[
    int, typer.Option("--seconds", help="How long sound may last.", min=1, max=1500)
]
CpuSeconds = Annotated[
    int, typer.Option("--cpu-seconds", help="Processor time that it may take.", min=1, max=3600)
]
MemoryMib = Annotated[
    int, typer.Option("--memory", help="Memory that it may take, in MiB.", min=256)
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]

SECONDS: Final = 900
CPU_SECONDS: Final = 60
MEMORY_MIB: Final = 2048
DPI: Final = 150


def source_format(path: Path) -> Format:
    """What a file is that is to be read.

    Raises:
        SettingsError: its suffix is none of a file that is read.
    """
    return _format(path, SOURCES, "read")


def target_format(path: Path) -> Format:
    """What a file shall be.

    Raises:
        SettingsError: its suffix is none of a file that is written.
    """
    return _format(path, TARGETS, "written")


def tool_options(page: str, dpi: int, soundfont: Path | None, seconds: int) -> ToolOptions:
    """What was asked of pages and sound.

    Raises:
        SettingsError: there is no such size of pages.
    """
    if page not in get_args(Page):
        raise usage(f"--page {page}: no size of pages", "Use a4 or letter.")
    return ToolOptions(
        page=cast("Page", page),
        dots_per_inch=dpi,
        soundfont=None if soundfont is None else str(soundfont.absolute()),
        sound_s_max=seconds,
    )


def converter_of(memory_mib: int = MEMORY_MIB, cpu_s: int = CPU_SECONDS) -> Converter:
    """Make a converter of one process; it is started when it is needed."""
    return Converter(limits_of(processes=1, memory_bytes=memory_mib * MIB, cpu_s=cpu_s))


def converted(
    converter: Converter,
    data: bytes,
    source: Format,
    target: Format,
    options: ToolOptions,
    title: str,
) -> list[bytes]:
    """Convert a score, with a bar that shows how far it is; see `Converter.convert`."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=None)
        hear: Callable[[int, int], None] = lambda done, total: progress.update(  # noqa: E731
            task, completed=done, total=total
        )

        async def files_of() -> list[bytes]:
            try:
                return await converter.convert(data, source, target, options, hear=hear)
            finally:
                await converter.aclose()

        files = asyncio.run(files_of())
        progress.update(task, completed=len(files), total=len(files))
    return files


def read_score_file(path: Path) -> bytes:
    """Read a file.

    Raises:
        SettingsError: it cannot be read.
        LimitExceeded: it is larger than a score may be.
    """
    try:
        with path.open("rb") as file:
            data = file.read(SCORE_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > SCORE_FILE_BYTES_MAX:
        raise LimitExceeded(
            f"{path} has more than {SCORE_FILE_BYTES_MAX} bytes", limit="SCORE_FILE_BYTES_MAX"
        )
    return data


def write_score_files(target: Path, form: Format, files: list[bytes], *, force: bool) -> list[Path]:
    """Write what a score was made into: one file, or one with a number for each page.

    Returns:
        The names of the files.

    Raises:
        SettingsError: one is there already, or cannot be written.
    """
    names = _names(target, form, len(files))
    for name, content in zip(names, files, strict=True):
        _write(name, content, force=force)
    return names


def print_written(names: list[Path]) -> None:
    """Say on standard error what was written."""
    said = f"Wrote {names[0]}"
    if len(names) > 1:
        said += f" to {names[-1].name}, {len(names)} pages"
    Console(stderr=True, highlight=False).print(said, soft_wrap=True, markup=False)


def _format(path: Path, able: frozenset[Format], what: str) -> Format:
    found = format_of(path)
    if found is None or found not in able:
        known = ", ".join(suffix for suffix, each in SUFFIXES.items() if each in able)
        raise usage(f"{path.name}: no suffix of a file that is {what}", f"Use {known}.")
    return found


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
