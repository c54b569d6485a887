"""The `bandpro` command in a process of its own, as in a fresh shell."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from tests.support import nursery
from tests.support.form import form_environment

BANDPRO: Final = str(Path(sys.executable).with_name("bandpro"))
Process = nursery.Running | subprocess.Popen[bytes]
_WITHIN_S: Final = 60.0


def fresh_environment() -> dict[str, str]:
    """Variables for a process under test.

    What steers this test run, or a developer's shell, is no setting of it; only the form of the
    core is passed on.
    """
    inherited = {name: text for name, text in os.environ.items() if "BANDPRO" not in name}
    return inherited | form_environment()


def bandpro(
    *args: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    given: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, within a minute; `given` is what somebody types."""
    variables = fresh_environment() | {"COLUMNS": "120", "NO_COLOR": "1"} | dict(env or {})
    with TemporaryFile() as typed, TemporaryFile() as output, TemporaryFile() as error:
        typed.write((given or "").encode())
        typed.seek(0)
        process = start_bandpro(
            args, env=variables, cwd=cwd, stdio=(typed.fileno(), output.fileno(), error.fileno())
        )
        try:
            process.wait(_WITHIN_S)
        finally:
            process.kill()
        output.seek(0)
        error.seek(0)
        return subprocess.CompletedProcess(
            [BANDPRO, *args], process.wait(), output.read().decode(), error.read().decode()
        )


def start_bandpro(
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    stdio: tuple[int, int, int],
    cwd: Path | None = None,
) -> Process:
    """Start a command in a session of its own.

    Args:
        args: what follows `bandpro`.
        env: its variables, all of them.
        stdio: descriptors of its standard input, output and error.
        cwd: where it runs; here unless given.
    """
    command = [BANDPRO, *args]
    fresh = fresh_environment()
    if nursery.takes(env, fresh):
        return nursery.start(command, env=env, fresh=fresh, cwd=cwd, stdio=stdio)
    given, output, error = stdio
    return subprocess.Popen(
        command,
        env=env,
        cwd=cwd,
        stdin=given,
        stdout=output,
        stderr=error,
        start_new_session=True,
    )
