"""`bandpro convert`: one file into another, by their suffixes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from gateway import score_files as files
from gateway.score_files import CpuSeconds, Dpi, Force, MemoryMib, PageSize, Seconds, SoundFont

app: Final = typer.Typer()


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
    page: PageSize = "a4",
    dpi: Dpi = files.DPI,
    soundfont: SoundFont = None,
    *,
    seconds: Seconds = files.SECONDS,
    cpu_seconds: CpuSeconds = files.CPU_SECONDS,
    memory: MemoryMib = files.MEMORY_MIB,
    force: Force = False,
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
    from_, to = files.source_format(source), files.target_format(target)
    options = files.tool_options(page, dpi, soundfont, seconds)
    data = files.read_score_file(source)
    converter = files.converter_of(memory, cpu_seconds)
    made = files.converted(converter, data, from_, to, options, source.name)
    files.print_written(files.write_score_files(target, to, made, force=force))
