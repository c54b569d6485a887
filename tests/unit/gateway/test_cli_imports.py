"""Commands start fast because each imports only what it uses; see SPEC.md."""

import inspect
import json
import subprocess
import sys
from importlib import import_module

import pytest
from typer.main import get_group

from gateway.cli import COMMANDS, command_of
from gateway.lean_imports import EXTRAS
from tests.support.command import fresh_environment

# The web server, the stores and their services, what they are made of, and what a terminal needs.
HEAVY = {
    "aiobotocore",
    "botocore",
    "cryptography",
    "httpx",
    "jwt",
    "prometheus_client",
    "pycrdt",
    "pymongo",
    "rich",
    "starlette",
    "structlog",
    "uvicorn",
    "zstandard",
}
# What a server with its own store needs of these, with auth open.
OF_A_SERVER = {
    "cryptography",
    "jwt",
    "prometheus_client",
    "pycrdt",
    "rich",
    "starlette",
    "structlog",
    "uvicorn",
    "zstandard",
}


def modules_after(statement: str) -> set[str]:
    """Names of all modules of a fresh process in which a statement was run, or exited."""
    program = (
        "import json, sys\n"
        f"try:\n    {statement}\nexcept SystemExit: pass\n"
        "print('\\n' + json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=fresh_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def run(*args: str) -> str:
    """A statement that runs a command in the process."""
    return f"sys.argv = {['bandpro', *args]!r}; from gateway.launch import main; main()"


def test_the_command_line_imports_no_command_before_it_is_run() -> None:
    """OPS-34: to know all commands takes none of them."""
    found = modules_after("import gateway.cli")
    assert "typer" in found
    assert found & {*HEAVY, *(place.module for place in COMMANDS.values())} == set()


def test_version_imports_nothing_heavy() -> None:
    """OPS-34: it tells of the server without being one."""
    assert modules_after(run("version")) & HEAVY == set()


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        ("token", {"cryptography", "jwt", "rich"}),
        ("versions", {"httpx", "rich", "zstandard"}),
        ("serve", OF_A_SERVER),
    ],
)
def test_a_command_imports_what_it_needs(command: str, needed: set[str]) -> None:
    """OPS-34: whatever else is heavy stays out. Help itself takes rich, as running may not."""
    assert modules_after(run(command, "--help")) & HEAVY == needed


def test_a_server_that_fetches_no_keys_imports_no_http_client() -> None:
    """OPS-34: nor what draws tracebacks that nobody asked for."""
    found = modules_after(
        "from gateway.lean_imports import import_lean; import_lean('structlog'); "
        "import gateway.cli_serve"
    )
    assert found & {"httpx", "pymongo", "aiobotocore", "rich.traceback"} == set()


@pytest.mark.parametrize("library", EXTRAS)
def test_what_a_library_was_spared_can_still_be_imported(library: str) -> None:
    """A lean import leaves no trace: help, for one, does use rich."""
    extras = ", ".join(EXTRAS[library])
    found = modules_after(
        f"from gateway.lean_imports import import_lean; import_lean({library!r}); "
        f"assert not {set(EXTRAS[library])!r} & set(sys.modules); import {extras}"
    )
    assert {library, *EXTRAS[library]} <= found


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_each_command_with_the_beginning_of_its_own(name: str) -> None:
    """The list knows the commands by heart, so it is held against them."""
    command = command_of(name, COMMANDS[name])
    assert command.name == name
    paragraph = inspect.cleandoc(command.help or "").split("\n\n")[0]
    assert " ".join(paragraph.split()) == COMMANDS[name].summary


@pytest.mark.parametrize("module", sorted({place.module for place in COMMANDS.values()}))
def test_every_command_of_a_module_is_listed(module: str) -> None:
    """One that the list does not know could not be run."""
    group = get_group(import_module(module).app)
    listed = {name for name, place in COMMANDS.items() if place.module == module}
    assert listed in ({group.name}, set(group.commands))
