"""What is compiled and how; run as a program, in a folder that holds a copy of the core.

``python recipe.py OUTPUT``: writes the libraries and modules into OUTPUT. The folder must hold
nothing else: the build tool would read a project file that it finds beside it.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Final

# Two groups, so that both cores compile. Calls inside a group are calls in C; calls between them
# cost a look into a table, and the room calls the codec once an update.
_LOWER: Final = ("access", "errors", "ids", "limits", "protocol/*")
_UPPER: Final = ("awareness", "history/*", "room/*")

# Left plain: what only names shapes (ports), what no edit passes through (score), and what a node
# by itself has no use for (cluster).
_MARK: Final = "__init__"

# Measured: the second level takes half as long again to compile and wins nothing here.
_OPTIMISATION: Final = "1"

LINES: Final = Path("lines.c")
"""What is written in C itself, a copy of it in the current folder; only systems with sockets as
POSIX has them are given one."""


def modules(root: Path, patterns: tuple[str, ...]) -> list[str]:
    """Paths of the modules to compile, from the folder that holds `collab`."""
    found = [path for pattern in patterns for path in (root / "collab").glob(f"{pattern}.py")]
    return sorted(path.relative_to(root).as_posix() for path in found if path.stem != _MARK)


def compile_into(output: Path) -> None:
    """Compile the core of the current folder."""
    lower, upper = modules(Path.cwd(), _LOWER), modules(Path.cwd(), _UPPER)
    # Types are checked by `make check`; here the CRDT library's may be missing.
    options = ["--ignore-missing-imports", "--no-error-summary", "--hide-error-context"]
    extensions = importlib.import_module("mypyc.build").mypycify(
        [*options, *lower, *upper],
        opt_level=_OPTIMISATION,
        debug_level="0",
        separate=[(lower, "collab_lower"), (upper, "collab_upper")],
        target_dir="c",
    )
    setuptools = importlib.import_module("setuptools")
    if LINES.is_file():
        extensions.append(setuptools.Extension(f"bandpro_{LINES.stem}", [LINES.name]))
    setuptools.setup(
        name="collab",
        packages=[],
        ext_modules=extensions,
        script_args=[
            *("--quiet", "build_ext", "--parallel", "2"),
            *("--build-lib", str(output), "--build-temp", "objects"),
        ],
    )


if __name__ == "__main__":
    compile_into(Path(sys.argv[1]))
