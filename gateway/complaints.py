"""How the commands speak of mistakes."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from gateway.terminal import escaped


def complain(message: str, *hints: str) -> None:
    """Say what went wrong, and what to do about it, on standard error."""
    console = Console(stderr=True, highlight=False)
    line = Text("Error: ", style="bold red")
    line.append(escaped(message), style="default")
    console.print(line, soft_wrap=True)
    for hint in hints:
        console.print(Text(escaped(hint)), soft_wrap=True)
