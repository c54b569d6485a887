"""The `bandpro` command: what there is, and where each command is imported from when it is run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from collab.errors import BandProError
from gateway.launch import EXIT_USAGE
from gateway.lean_imports import import_lean

_EXIT_BAD: Final = 1


class Place(NamedTuple):
    """Where a command is.

    Attributes:
        module: has the command, or the group of commands, in the app of its own called `app`.
        summary: the first line of its help.
        lean: libraries that it imports and that can do without some of theirs.
    """

    module: str
    summary: str
    lean: tuple[str, ...] = ()


_STORE: Final = ("structlog",)
_SERVER: Final = ("httpx",)

COMMANDS: Final[Mapping[str, Place]] = MappingProxyType(
    {
        "backup": Place(
            "gateway.cli_backup",
            "Back up a store to a folder or a bucket, also while servers use it.",
            _STORE,
        ),
        "backups": Place("gateway.cli_backup", "List the backups of a place.", _STORE),
        "restore": Place(
            "gateway.cli_restore",
            "Restore a backup into an empty store, or one room into a store that may have it.",
            _STORE,
        ),
        "verify": Place(
            "gateway.cli_recovery",
            "Read everything of a store, or of a backup and its parents, and say what is wrong.",
            _STORE,
        ),
        "migrate": Place(
            "gateway.cli_recovery",
            "Copy a store into another one: sqlite:FOLDER or mongodb://..., with blobs in a "
            "bucket or not.",
            _STORE,
        ),
        "drill": Place(
            "gateway.cli_recovery",
            "Prove that a backup brings everything back, and measure how long it takes.",
            _STORE,
        ),
        "orphans": Place(
            "gateway.orphans_command",
            "Tell of snapshots, versions and uploads that nothing names, as crashes leave them.",
            _STORE,
        ),
        "serve": Place("gateway.cli_serve", "Run the server until SIGTERM or Ctrl+C.", _STORE),
        "token": Place(
            "gateway.cli_token",
            "Mint a token for development, signed with the server's secret.",
        ),
        "doctor": Place(
            "gateway.cli_doctor",
            "Check settings, secret, ports, open files, disk and store, and say what to do.",
            _STORE,
        ),
        "settings": Place(
            "gateway.cli_settings", "Show the settings in force, and where each one comes from."
        ),
        "reference": Place(
            "gateway.cli_reference",
            "Print a reference table as Markdown, or the rules for an S3 bucket as JSON.",
        ),
        "version": Place(
            "gateway.cli_version", "Show the versions of the server and of what matters under it."
        ),
        "rooms": Place(
            "gateway.room_commands",
            "List the rooms of a running server or of a store, release or erase one.",
            (*_STORE, *_SERVER),
        ),
        "nodes": Place(
            "gateway.node_commands",
            "List the nodes of a cluster: state, weight, rooms, sessions, load, address.",
            _SERVER,
        ),
        "shards": Place(
            "gateway.node_commands",
            "Show how rooms are spread over the nodes, and what would move if all were at home.",
            _SERVER,
        ),
        "drain": Place(
            "gateway.node_commands",
            "Empty a node before it is stopped: clients come back elsewhere, editing goes on.",
            _SERVER,
        ),
        "rebalance": Place(
            "gateway.node_commands",
            "Send the clients home whose rooms are open on another node than their home.",
            _SERVER,
        ),
        "keys": Place(
            "gateway.key_commands",
            "Make, list or rotate the master keys of the encryption at rest.",
            _STORE,
        ),
        "worker": Place(
            "gateway.cli_worker",
            "Do the jobs of a store (engraving, sound) beside its servers, until SIGTERM.",
            _STORE,
        ),
        "jobs": Place(
            "gateway.job_commands",
            "List the jobs of a store, show, cancel or revive one.",
            _STORE,
        ),
        "convert": Place(
            "gateway.cli_convert",
            "Convert a score: MusicXML, ABC or MIDI into pages, MusicXML, MEI, MIDI or sound.",
        ),
        "import": Place(
            "gateway.cli_scores",
            "Make a score of a file, in a room in which nothing was ever written.",
            (*_STORE, *_SERVER),
        ),
        "export": Place(
            "gateway.cli_scores",
            "Write the score of a room as a file: MusicXML, pages, MEI, MIDI or sound.",
            (*_STORE, *_SERVER),
        ),
        "versions": Place(
            "gateway.version_commands",
            "List, make, open, compare, restore, fork, rename and delete versions of a document.",
            _SERVER,
        ),
    }
)
"""All commands, in the order in which help lists them."""


class _Deferred(TyperCommand):
    """A command that help and suggestions know by its summary; running it imports it."""

    def __init__(self, name: str, place: Place) -> None:
        super().__init__(name, help=place.summary)
        self._place = place

    def make_context(self, *args: Any, **extra: Any) -> Any:  # noqa: ANN401 - as the real one's
        """Begin the real command; the context is its own."""
        return command_of(self.name or "", self._place).make_context(*args, **extra)


def command_of(name: str, place: Place) -> TyperCommand | TyperGroup:
    """Import a command or a group of commands.

    Args:
        name: what it is called.
        place: where it is.
    """
    for library in place.lean:
        import_lean(library)
    group = get_group(import_module(place.module).app)
    found = group.commands.get(name, group)
    assert isinstance(found, TyperCommand | TyperGroup)
    assert found.name == name
    return found


def main() -> None:
    """Run the command line; a known error is one line and a hint, never a traceback."""
    app = TyperGroup(
        name="bandpro",
        commands={name: _Deferred(name, place) for name, place in COMMANDS.items()},
        help="A Yjs-compatible real-time collaboration server for music scores.",
        epilog="Start with [bold]bandpro serve[/bold]; when something is odd, [bold]bandpro "
        "doctor[/bold].",
        no_args_is_help=True,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    try:
        app()
    except BandProError as error:
        from gateway.complaints import complain  # noqa: PLC0415 - most commands have no use for it

        complain(error)
        sys.exit(EXIT_USAGE)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        sys.exit(_EXIT_BAD)


if __name__ == "__main__":
    main()
