"""How the commands speak of mistakes."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from collab.errors import BandProError
from gateway.terminal import escaped


def complain(error: BandProError) -> None:
    """Say what went wrong, and what to do about it (the error's notes), on standard error."""
    console = Console(stderr=True, highlight=False)
    line = Text("Error: ", style="bold red")
    line.append(escaped(str(error)), style="default")
    console.print(line, soft_wrap=True)
    for hint in getattr(error, "__notes__", ()):
        console.print(Text(escaped(hint)), soft_wrap=True)
