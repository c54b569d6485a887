"""The TypeScript packages, built from what the sources say now."""

import subprocess
from typing import Final

from tests.support.sources import ROOT

CLIENTS: Final = ROOT / "clients"
SDK: Final = CLIENTS / "sdk"
MODULES: Final = CLIENTS / "node_modules"
COMPILER: Final = MODULES / ".bin" / "tsc"


def build_sdk() -> None:
    """Write the `dist` of the SDK, and of what it is built upon."""
    for folder in (CLIENTS / "score", SDK):
        subprocess.run(
            [COMPILER, "--project", "tsconfig.build.json"], cwd=folder, check=True, timeout=60
        )
