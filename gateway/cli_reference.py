"""`bandpro reference`: prints the tables of the documentation."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from gateway.reference import DOCUMENTS
from gateway.terminal import usage

app: Final = typer.Typer()


@app.command()
def reference(
    table: Annotated[str, typer.Argument(help=f"One of {', '.join(DOCUMENTS)}.")],
) -> None:
    """Print a reference table as Markdown, or the rules for an S3 bucket as JSON."""
    if table not in DOCUMENTS:
        raise usage(f"there is no reference {table!r}", f"There are {', '.join(DOCUMENTS)}.")
    typer.echo(DOCUMENTS[table](), nl=False)
