"""A pytest plugin that writes what `make prove` found into docs/proofs.md.

Each test marked `prove` becomes one row: its title (the first line of its docstring), the figures
that it recorded with pytest's `record_property` fixture, its time and its result.
"""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TITLE = "title"


@dataclass(frozen=True, slots=True)
class ProofRow:
    """One proof: what it claims, what it counted, how long it took (seconds), how it ended."""

    title: str
    figures: str
    duration_s: float
    outcome: str


def title_of(item: pytest.Item) -> str:
    """The first line of a test's docstring, or its name in words."""
    docstring: str | None = getattr(getattr(item, "function", None), "__doc__", None)
    if docstring:
        return docstring.strip().splitlines()[0].rstrip(".")
    return item.name.removeprefix("test_").replace("_", " ")


def row_of(report: pytest.TestReport) -> ProofRow:
    """The row of one finished test."""
    properties = dict(report.user_properties)
    title = str(properties.pop(TITLE, report.nodeid))
    figures = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in properties.items())
    return ProofRow(title, figures or "-", report.duration, report.outcome)


def render(rows: Sequence[ProofRow], *, commit: str, day: str, machine: str) -> str:
    """The page for `docs/proofs.md`.

    Args:
        rows: One row for each proof, in the order in which they ran.
        commit: The short name of the commit that was proved.
        day: The date of the run, as in 2026-01-31.
        machine: Python, system and number of processors, in words.

    Returns:
        Markdown.
    """
    lines = [
        "# Last long proofs",
        "",
        f"Written by `make prove` on {day} at commit `{commit}`, with {machine}.",
        "",
        "| proof | figures | seconds | result |",
        "| --- | --- | ---: | --- |",
    ]
    lines += [
        f"| {_cell(row.title)} | {_cell(row.figures)} | {row.duration_s:.1f} | {row.outcome} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


class ProofReport:
    """Collects the results of one run and writes them when it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[ProofRow] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Give every test its title, which its report then carries."""
        for item in items:
            item.user_properties.append((TITLE, title_of(item)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the result of a test's call, and of a set-up or tear-down that failed."""
        if report.when == "call" or report.failed:
            self.rows.append(row_of(report))

    def pytest_sessionfinish(self) -> None:
        """Write the page, unless nothing ran."""
        if not self.rows:
            return
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(
            render(
                self.rows,
                commit=_commit(),
                day=datetime.now(UTC).date().isoformat(),
                machine=f"Python {platform.python_version()} on {platform.system()} "
                f"{platform.machine()}, {os.cpu_count()} processors",
            ),
            encoding="utf-8",
        )


def pytest_configure(config: pytest.Config) -> None:
    """Take part in this run."""
    config.pluginmanager.register(ProofReport(ROOT / "docs" / "proofs.md"), "proof-report")


def _commit() -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
