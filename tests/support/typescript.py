"""The TypeScript packages, built from what the sources say now."""

import fcntl
import os
import subprocess
from pathlib import Path
from typing import Final

from tests.support.sources import ROOT

CLIENTS: Final = ROOT / "clients"
SDK: Final = CLIENTS / "sdk"
MODULES: Final = CLIENTS / "node_modules"
COMPILER: Final = MODULES / ".bin" / "tsc"
_BASE: Final = CLIENTS / "tsconfig.base.json"


def build_sdk() -> None:
    """Write the `dist` of the SDK, and of what it is built upon, where it is not what it would be.

    One process at a time, so that nobody reads what another one is writing.
    """
    with _BASE.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for folder in (CLIENTS / "score", SDK):
            stamp = folder / "dist" / ".stamp"
            if _is_current(stamp, folder):
                continue
            subprocess.run(
                [COMPILER, "--project", "tsconfig.build.json"], cwd=folder, check=True, timeout=60
            )
            stamp.touch()


def run_tests(folder: Path, **environment: str) -> None:
    """Run a package's own tests, which may ask for more than its folder has.

    Args:
        folder: of the package.
        environment: what its tests read of where they run.

    Raises:
        AssertionError: with what was printed, when one of them fails.
    """
    run_in(folder, str(MODULES / ".bin" / "vitest"), "run", **environment)


def run_in(folder: Path, *command: str, **environment: str) -> None:
    """Run a command of a package, in its folder.

    Args:
        folder: of the package.
        command: a program and its arguments; it has five minutes.
        environment: what it reads of where it runs.

    Raises:
        AssertionError: with what was printed, when it fails.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _is_current(stamp: Path, folder: Path) -> bool:
    if not stamp.exists():
        return False
    sources = [_BASE, *folder.glob("*.json"), *(folder / "src").rglob("*")]
    return max(each.stat().st_mtime for each in sources) < stamp.stat().st_mtime
