"""The TypeScript packages, built from what the sources say now."""

import fcntl
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


def _is_current(stamp: Path, folder: Path) -> bool:
    if not stamp.exists():
        return False
    sources = [_BASE, *folder.glob("*.json"), *(folder / "src").rglob("*")]
    return max(each.stat().st_mtime for each in sources) < stamp.stat().st_mtime
