"""`bandpro doctor`: shows what the checks found."""

from __future__ import annotations

import asyncio
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from gateway.doctor import Finding, Verdict, examine
from gateway.options import Options, with_setting_options
from gateway.settings import Settings, load_settings
from gateway.terminal import EXIT_BAD, Json, print_json

_MARKS: Final = {Verdict.GOOD: "green", Verdict.WARNING: "yellow", Verdict.BAD: "red"}

app: Final = typer.Typer()


@app.command()
@with_setting_options
def doctor(
    options: Options,
    *,
    as_json: Json = False,
) -> None:
    """Check settings, secret, ports, open files, disk and store, and say what to do.

    Takes the options of [bold]serve[/bold]. The exit code is 1 when the server could not run like
    this. While a server runs, its ports and its folder are in use, which is reported as such.

    [bold]Example[/bold]

      [cyan]bandpro doctor --data ./data[/cyan]
    """
    findings = asyncio.run(_examined(load_settings(options), shown=not as_json))
    if as_json:
        print_json(findings)
    if any(finding.verdict is Verdict.BAD for finding in findings):
        raise typer.Exit(EXIT_BAD)


async def _examined(loaded: Settings, *, shown: bool) -> list[Finding]:
    console = Console(highlight=False)
    findings = []
    async for finding in examine(loaded):
        findings.append(finding)
        if shown:
            line = Text(f"{finding.verdict.value:8}", style=_MARKS[finding.verdict])
            line.append(f"{finding.check:12} ", style="bold")
            line.append(finding.found, style="default")
            console.print(line, soft_wrap=True)
            if finding.advice:
                console.print(Text(f"{'':21}→ {finding.advice}"), soft_wrap=True)
    return findings
