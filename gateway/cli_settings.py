"""`bandpro settings`: shows what is in force."""

from __future__ import annotations

from typing import Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.options import Options, setting_names, shown_setting, with_setting_options
from gateway.settings import ENV_PREFIX, Settings, load_settings
from gateway.terminal import Json, print_json

app: Final = typer.Typer()


@app.command()
@with_setting_options
def settings(
    options: Options,
    *,
    as_json: Json = False,
) -> None:
    """Show the settings in force, and where each one comes from.

    Takes the options of [bold]serve[/bold]; secrets are masked.
    """
    loaded = load_settings(options)
    rows = [
        (title, name, _shown(loaded, name), _source(loaded, name, options))
        for title, names in setting_names()
        for name in names
    ]
    if as_json:
        values = {name: {"value": value, "from": source} for _, name, value, source in rows}
        print_json(values)
        return
    table = Table("setting", "value", "from", box=None, header_style="bold")
    previous = ""
    for title, name, value, source in rows:
        if title != previous:
            table.add_row(Text(f"\n{title}", style="bold cyan"))
            previous = title
        style = "" if source == "default" else "green"
        table.add_row(name, Text(value, style=style), Text(source, style=style or "dim"))
    Console().print(table)


def _shown(loaded: Settings, name: str) -> str:
    if name == "token_algorithms":
        return ",".join(algorithm.value for algorithm in loaded.pinned_algorithms)
    return shown_setting(name, getattr(loaded, name))


def _source(loaded: Settings, name: str, options: Options) -> str:
    if options.get(name) is not None:
        return f"--{name.replace('_', '-')}"
    if name == "token_secret" and loaded.token_secret_file is not None:
        return "token_secret_file"
    return f"{ENV_PREFIX}{name.upper()}" if name in loaded.model_fields_set else "default"
