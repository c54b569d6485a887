"""`bandpro version`."""

from __future__ import annotations

import platform
from importlib.metadata import version as package_version
from typing import Final

import typer

from gateway.server_version import server_version

app: Final = typer.Typer()


@app.command()
def version() -> None:
    """Show the versions of the server and of what matters under it."""
    typer.echo(f"bandpro {server_version()}")
    typer.echo(f"python {platform.python_version()}")
    for package in ("pycrdt", "uvicorn", "uvloop", "starlette", "websockets"):
        typer.echo(f"{package} {package_version(package)}")
