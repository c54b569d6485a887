"""Which form of the core runs: plain Python, or the same modules compiled to C by mypyc.

The compiled form is a folder of its own, ``bandpro_compiled/KEY/collab``, put in front of the
module path by whoever starts a process. KEY is a digest of every source of the core, of the recipe
and of the interpreter: compiled code of other sources has another name and is never found. So an
edited file runs as it was edited, in the plain form until it is compiled again.

Only the standard library is imported here, because nothing of the core may be loaded before the
form is chosen.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

FORM_VARIABLE: Final = "BANDPRO_COMPILED"
"""Environment variable: `auto` (the default) takes the compiled form if there is one, `1` insists
on it, `0` takes the plain form."""

ROOT: Final = Path(__file__).resolve().parents[2]
FORMS_FOLDER: Final = "bandpro_compiled"
LINES_SOURCE: Final = Path("gateway") / "lines" / "lines.c"
"""Compiled along with the core, as the module `bandpro_lines`."""

_LIBRARY_MARK: Final = "__mypyc"
"""Ends the names of the libraries that hold the code; the modules only point into them."""

_AUTO: Final = "auto"
_INSIST: Final = "1"
_PLAIN: Final = "0"
_KEY_CHARS: Final = 20


class FormUnavailable(Exception):
    """The compiled form was insisted on and cannot be had; the notes say what to do."""


@dataclass(frozen=True, slots=True)
class Form:
    """What runs in this process.

    Attributes:
        name: `compiled` or `plain`.
        reason: why it is plain, in one line; empty when compiled.
        advice: what to do about it; empty when compiled.
    """

    name: str
    reason: str = ""
    advice: str = ""

    @property
    def is_compiled(self) -> bool:
        """Whether the core runs compiled."""
        return self.name == "compiled"


def sources_key(root: Path) -> str:
    """The name of the compiled form that belongs to these sources, this recipe and interpreter.

    Args:
        root: the folder that holds `collab` and `gateway`.
    """
    digest = hashlib.sha256(EXTENSION_SUFFIXES[0].encode())
    recipe = (root / "gateway" / "compiled").glob("*.py")
    lines = (root / LINES_SOURCE).parent.glob("*.c")
    for path in sorted([*(root / "collab").rglob("*.py"), *recipe, *lines]):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:_KEY_CHARS]


def form_folder(root: Path) -> Path:
    """Where the compiled form of the sources is, or would be."""
    return root / FORMS_FOLDER / sources_key(root)


def choose(environ: Mapping[str, str], root: Path = ROOT) -> None:
    """Put the compiled form in front of the module path, if it is there and wanted.

    To be called once, before anything of the core is imported.

    Args:
        environ: where `BANDPRO_COMPILED` may stand.
        root: the folder that holds `collab` and `gateway`.

    Raises:
        FormUnavailable: the variable has an unknown value, or insists on what is not there.
    """
    assert "collab" not in sys.modules, "the form is chosen before the core is imported"
    wish = environ.get(FORM_VARIABLE, _AUTO)
    if wish not in (_AUTO, _INSIST, _PLAIN):
        raise _unavailable(f"{FORM_VARIABLE}={wish} is no form", "It is auto, 1 or 0.")
    if wish == _PLAIN:
        return
    folder = form_folder(root)
    problem = _put_in_front(folder) if folder.is_dir() else "the core is not compiled"
    if problem and wish == _INSIST:
        raise _unavailable(f"{FORM_VARIABLE}=1, but {problem}", _how_to_compile(root))


def running_form(environ: Mapping[str, str] | None = None, root: Path = ROOT) -> Form:
    """Which form of the core this process runs, and if it is the plain one, why.

    Args:
        environ: where `BANDPRO_COMPILED` may stand; the process's environment by default.
        root: the folder that holds `collab` and `gateway`.
    """
    scan = importlib.import_module("collab.protocol.update_scan")
    if str(scan.__file__).endswith(tuple(EXTENSION_SUFFIXES)):
        return Form("compiled")
    if (os.environ if environ is None else environ).get(FORM_VARIABLE) == _PLAIN:
        return Form("plain", f"{FORM_VARIABLE} is 0", f"Unset {FORM_VARIABLE}.")
    if form_folder(root).is_dir():
        advice = f"Start with `bandpro`; with {FORM_VARIABLE}=1 it says what is wrong."
        return Form("plain", "there is a compiled form, but it was not loaded", advice)
    changed = any((root / FORMS_FOLDER).glob("*/collab"))
    reason = "the sources changed since they were compiled" if changed else "it is not compiled"
    return Form("plain", reason, _how_to_compile(root))


def _put_in_front(folder: Path) -> str:
    """Make imports find the compiled form; returns what is wrong with it, or nothing."""
    sys.path.insert(0, str(folder))
    suffix = f"{_LIBRARY_MARK}{EXTENSION_SUFFIXES[0]}"
    try:
        for library in sorted(folder.glob(f"*{suffix}")):
            importlib.import_module(library.name.removesuffix(EXTENSION_SUFFIXES[0]))
        # From now on the package is this one, whatever comes first in the path later.
        importlib.import_module("collab")
    except ImportError as error:
        sys.path.remove(str(folder))
        return f"it cannot be loaded: {error}"
    return ""


def _how_to_compile(root: Path) -> str:
    if (root / "Makefile").is_file():
        return "Run: make compiled"
    return "Install a wheel that `make dist` built for this system and this version of Python."


def _unavailable(message: str, hint: str) -> FormUnavailable:
    error = FormUnavailable(message)
    error.add_note(hint)
    return error
