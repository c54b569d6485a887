"""Pages: SVG as PDF and as pictures."""

from __future__ import annotations

from pathlib import Path

from workers.tools.engraving import Tell
from workers.tools.failures import Failure, Missing
from workers.tools.options import ToolOptions
from workers.tools.programs import run_program
from workers.tools.words import with_plain_words


def pdf_of(pages: list[bytes], folder: Path) -> bytes:
    """One PDF of all pages.

    Args:
        pages: as SVG.
        folder: an empty one.

    Raises:
        Failure: rsvg-convert is missing, failed or overran a limit.
    """
    names = []
    for number, page in enumerate(pages, start=1):
        names.append(f"{number}.svg")
        (folder / names[-1]).write_bytes(with_plain_words(page))
    run_program("rsvg-convert", "--format=pdf", "--output=out.pdf", *names, folder=folder)
    return (folder / "out.pdf").read_bytes()


def png_of(page: bytes, options: ToolOptions) -> bytes:
    """A picture of a page, on white.

    Raises:
        Failure: resvg is missing, or failed.
    """
    try:
        import resvg_py  # noqa: PLC0415 - optional
    except ImportError as error:
        raise Missing("resvg", "pip install 'bandpro[engraving]'") from error
    try:
        picture = resvg_py.svg_to_bytes(
            svg_string=page.decode(), background="#ffffff", dpi=float(options.dots_per_inch)
        )
    except ValueError as error:
        raise Failure(f"resvg failed: {error}") from error
    return bytes(picture)


def pictures_of(pages: list[bytes], options: ToolOptions, tell: Tell) -> list[bytes]:
    """A picture of each page.

    Raises:
        Failure: resvg is missing, or failed.
    """
    pictures = []
    for number, page in enumerate(pages, start=1):
        pictures.append(png_of(with_plain_words(page), options))
        tell(number, len(pages))
    return pictures
