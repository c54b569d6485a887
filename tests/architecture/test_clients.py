"""What packages of `clients/` share: one workspace, one lock, one version of each dependency."""

import json
from collections.abc import Iterator
from typing import Any, Final

from tests.support.sources import ROOT, tracked_paths

CLIENTS: Final = ROOT / "clients"
KINDS: Final = ("dependencies", "devDependencies")


def test_packages_of_the_workspace_have_one_lock() -> None:
    """A package with a lock of its own would bring its own copies of what must be there once."""
    locks = {path for path in tracked_paths() if path.endswith("/package-lock.json")}
    assert "clients/package-lock.json" in locks
    assert locks.isdisjoint({f"clients/{name}/package-lock.json" for name in _workspaces()})


def test_the_workspace_has_one_copy_of_what_documents_and_hooks_stand_on() -> None:
    """Two copies of Yjs do not know each other's types, and two of React break hooks."""
    installed = list(_read("package-lock.json")["packages"])
    for name in ("yjs", "y-protocols", "lib0", "react", "react-dom"):
        copies = [path for path in installed if path.endswith(f"node_modules/{name}")]
        assert copies == [f"node_modules/{name}"]


def test_packages_of_the_workspace_agree_on_exact_versions() -> None:
    """What two of them name has one version in both, which is the one that is installed."""
    installed = _read("package-lock.json")["packages"]
    named = [each for folder in (".", *_workspaces()) for each in _dependencies(folder)]
    assert len(named) > len(KINDS)
    for name, version in named:
        if not version.startswith("file:"):
            assert (name, installed[f"node_modules/{name}"]["version"]) == (name, version)


def _workspaces() -> list[str]:
    return [str(name) for name in _read("package.json")["workspaces"]]


def _dependencies(folder: str) -> Iterator[tuple[str, str]]:
    package = _read(f"{folder}/package.json")
    for kind in KINDS:
        yield from package.get(kind, {}).items()


def _read(path: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((CLIENTS / path).read_text(encoding="utf-8"))
