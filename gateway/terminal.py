"""How the commands speak: to people, to programs, and of mistakes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

import orjson
import typer

from collab.errors import SettingsError
from collab.limits import KIB, MIB

EXIT_BAD: Final = 1

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

# What moves the cursor, changes the terminal or turns the direction of reading, and what no
# terminal can be sent. Line breaks and tabs are left; JSON needs the former.
_STEERING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def escaped(text: str) -> str:
    """A text that cannot steer a terminal; what could is spelled as JSON spells it."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escaped_line(text: str) -> str:
    """The same as one line."""
    return escaped(text).replace("\n", "\\n").replace("\t", "\\t")


def print_json(value: object) -> None:
    """Show something to programs."""
    typer.echo(escaped(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()))


def shown_size(size_bytes: int) -> str:
    """A size for people."""
    if size_bytes < MIB:
        return f"{size_bytes / KIB:.1f} KiB"
    return f"{size_bytes / MIB:.1f} MiB"


def shown_time(at: int) -> str:
    """A time for people, in UTC, from seconds since 1970."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def usage(message: str, hint: str) -> SettingsError:
    """A mistake on the command line, with a hint."""
    error = SettingsError(message)
    error.add_note(hint)
    return error
