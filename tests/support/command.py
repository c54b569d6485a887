"""The `bandpro` command in a process of its own, as in a fresh shell."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.form import form_environment

BANDPRO: Final = str(Path(sys.executable).with_name("bandpro"))


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
    """Run a command to its end; `given` is what somebody types."""
    return subprocess.run(
        [BANDPRO, *args],
        cwd=cwd,
        env=fresh_environment() | {"COLUMNS": "120", "NO_COLOR": "1"} | dict(env or {}),
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
