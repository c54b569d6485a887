"""Compiles the core where a C compiler is at hand: ``python -m gateway.compiled.build``.

Done once for each state of the sources. Without a compiler that is said in one line, and the plain
form runs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from gateway.compiled.form import LINES_SOURCE, ROOT, form_folder

FORMS_KEPT: Final = 4
"""Compiled forms of earlier sources that are kept: a server may still run one of them."""

COMPILE_S_MAX: Final = 600
_MADE_BY: Final = "made_by.txt"
_LINES_TOLD: Final = 20


class CompileFailed(Exception):
    """There is a compiler, but the core did not compile; the message is what it said."""


def obstacle() -> str:
    """What keeps this machine from compiling, in one line; empty when nothing does."""
    missing = [package for package in ("mypy", "setuptools") if _version(package) == ""]
    if missing:
        return f"{' and '.join(missing)} is not installed"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"there is no C compiler ({compiler})"
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        return "Python's headers are missing (Debian: python3-dev)"
    return ""


def build(root: Path = ROOT) -> Path:
    """Compile the core, unless that was done already.

    Args:
        root: the folder that holds `collab` and `gateway`.

    Returns:
        The folder of the compiled form, complete.

    Raises:
        CompileFailed: the compiler refused, or took longer than `COMPILE_S_MAX`.
    """
    folder = form_folder(root)
    if is_current(folder):
        return folder
    folder.parent.mkdir(exist_ok=True)
    # On the same disk, so that the finished folder appears at once and whole.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as name:
        made = Path(name) / "form"
        _compile(root, Path(name) / "sources", made)
        (made / _MADE_BY).write_text(_version("mypy"))
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    _forget_old(folder)
    return folder


def is_current(folder: Path) -> bool:
    """Whether a compiled form is there and was made by the mypy that is installed."""
    made_by = folder / _MADE_BY
    return made_by.is_file() and made_by.read_text() == _version("mypy")


def main(arguments: list[str] | None = None) -> int:
    """Compile and say so; 0 also without a compiler, for the plain form does the same work."""
    parser = argparse.ArgumentParser(prog="python -m gateway.compiled.build", description=__doc__)
    parser.parse_args(arguments)
    problem = obstacle()
    if problem:
        print(f"The core runs as plain Python: {problem}.")  # noqa: T201 - its one line
        return 0
    if is_current(form_folder(ROOT)):
        return 0
    print("Compiling the core (about half a minute, once) ...", flush=True)  # noqa: T201
    begun_s = time.monotonic()
    try:
        build()
    except CompileFailed as error:
        print(f"{error}\nThe core runs as plain Python: it did not compile.", file=sys.stderr)  # noqa: T201
        return 0
    print(f"Compiled in {time.monotonic() - begun_s:.0f} s.")  # noqa: T201
    return 0


def _compile(root: Path, sources: Path, made: Path) -> None:
    """Compile a copy of the core, in a folder that holds nothing else."""
    leave = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
    shutil.copytree(root / "collab", sources / "collab", ignore=leave)
    if os.name == "posix":
        shutil.copyfile(root / LINES_SOURCE, sources / LINES_SOURCE.name)
    recipe = Path(__file__).with_name("recipe.py")
    try:
        done = subprocess.run(  # noqa: S603 - our own program, with arguments written here
            [sys.executable, "-P", str(recipe), str(made)],
            cwd=sources,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMPILE_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CompileFailed(f"the compiler took over {COMPILE_S_MAX} s") from error
    if done.returncode != 0:
        raise CompileFailed("\n".join((done.stdout + done.stderr).splitlines()[-_LINES_TOLD:]))
    for path in sorted((sources / "collab").rglob("*.py")):
        # What is not compiled goes along: a package lies in one folder.
        module = made / path.relative_to(sources)
        if not any(module.parent.glob(f"{module.stem}.*")):
            module.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, module)


def _forget_old(newest: Path) -> None:
    forms = [path for path in newest.parent.iterdir() if path.is_dir() and path != newest]
    forms = [path for path in forms if not path.name.startswith(".")]
    for path in sorted(forms, key=lambda path: path.stat().st_mtime, reverse=True)[FORMS_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
