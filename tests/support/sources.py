"""The project's own files, for the tests that read them."""

import ast
import gc
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file: its path from the root, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, also nested ones."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@lru_cache(maxsize=1)
def tracked_paths() -> tuple[str, ...]:
    """Paths, from the root, of all files under version control that exist."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return tuple(path for path in listed if path and (ROOT / path).is_file())


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Path and content of every tracked file that is text."""
    for path in tracked_paths():
        try:
            yield path, (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@lru_cache(maxsize=1)
def python_modules() -> tuple[Module, ...]:
    """Every tracked Python file, parsed."""
    gc.disable()  # it would go through all trees again and again, and find nothing
    try:
        return tuple(
            Module(path, text, ast.parse(text, filename=path))
            for path, text in tracked_texts()
            if path.endswith(".py")
        )
    finally:
        gc.freeze()
        gc.enable()
