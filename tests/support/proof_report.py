"""A pytest plugin that writes what `make prove` found into docs/proofs.md.

Each test marked `prove` becomes one row: its title (the first line of its docstring), where it is,
the figures that it recorded with pytest's `record_property` fixture, its time, its result, and of
which commit that is. A run of some proofs replaces their rows and leaves the others, and whatever
stands below the table, as they are; a row whose test is no more goes.
"""

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TITLE = "title"

_CELLS = ("proof", "test", "figures", "seconds", "result", "commit, day")
_HEAD = f"| {' | '.join(_CELLS)} |"
_RULES = re.compile(r"[A-Z]+-\d+(, [A-Z]+-\d+)*")
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class ProofRow:
    """One proof.

    Attributes:
        title: what it claims.
        test: where it is, as pytest names it, without the first folder.
        figures: what it counted.
        duration_s: how long it took; empty where nobody measured.
        outcome: how it ended.
        run: the commit, and the day.
    """

    title: str
    test: str
    figures: str
    duration_s: str
    outcome: str
    run: str

    @property
    def cells(self) -> tuple[str, ...]:
        """In the order of the table."""
        return (self.title, self.test, self.figures, self.duration_s, self.outcome, self.run)


def title_of(item: pytest.Item) -> str:
    """The first line of a docstring; where that names rules alone, or is missing, the name."""
    name = re.split(r"\[", item.name)[0].removeprefix("test_").replace("_", " ")
    docstring: str | None = getattr(getattr(item, "function", None), "__doc__", None)
    if not docstring:
        return name
    line = docstring.strip().splitlines()[0].rstrip(".")
    return f"{line}: {name}" if _RULES.fullmatch(line) else line


def row_of(report: pytest.TestReport, run: str) -> ProofRow:
    """The row of one finished test."""
    properties = dict(report.user_properties)
    title = str(properties.pop(TITLE, report.nodeid))
    figures = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in properties.items())
    return ProofRow(
        _cell(title),
        _cell(report.nodeid.removeprefix("tests/")),
        _cell(figures) or "-",
        f"{report.duration:.1f}",
        report.outcome,
        run,
    )


def parse(page: str) -> tuple[list[ProofRow], str]:
    """The rows of a page, and what stands below its table."""
    lines = page.splitlines()
    if _HEAD not in lines:
        return [], ""
    first = lines.index(_HEAD) + 2
    end = next((n for n in range(first, len(lines)) if not lines[n].startswith("|")), len(lines))
    rows = [[cell.strip() for cell in _BAR.split(line)[1:-1]] for line in lines[first:end]]
    return [ProofRow(*row) for row in rows], "\n".join(lines[end:]).strip()


def merge(old: Iterable[ProofRow], new: Sequence[ProofRow]) -> list[ProofRow]:
    """Rows by test, each as it was last run; one of all its cases goes when one of these is run."""
    replaced = {row.test.partition("[")[0] for row in new}
    kept = [row for row in old if row.test not in replaced]
    rows = {row.test: row for row in (*kept, *new)}
    return [rows[test] for test in sorted(rows)]


def render(rows: Sequence[ProofRow], below: str, *, machine: str) -> str:
    """The page for `docs/proofs.md`.

    Args:
        rows: one for each proof.
        below: what stands below the table.
        machine: of the last run: Python, system and number of processors, in words.

    Returns:
        Markdown.
    """
    lines = [
        "# Last long proofs",
        "",
        f"Each as `make prove` last ran it; the last of them with {machine}.",
        "",
        _HEAD,
        "| --- | --- | --- | ---: | --- | --- |",
        *(f"| {' | '.join(row.cells)} |" for row in rows),
    ]
    return "\n".join([*lines, "", below] if below else lines) + "\n"


def is_there(row: ProofRow, root: Path = ROOT) -> bool:
    """Whether the test of a row still exists."""
    file, _, test = row.test.partition("::")
    name = re.split(r"\[|::", test)[0]
    path = root / "tests" / file
    return path.is_file() and name in path.read_text(encoding="utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


class ProofReport:
    """Collects the results of one run and writes them when it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[ProofRow] = []
        self._run = f"`{_commit()}`, {datetime.now(UTC).date().isoformat()}"

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Give every test its title, which its report then carries."""
        for item in items:
            item.user_properties.append((TITLE, title_of(item)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the result of a test's call, and of a set-up or tear-down that failed."""
        if report.when == "call" or report.failed:
            self.rows.append(row_of(report, self._run))

    def pytest_sessionfinish(self) -> None:
        """Write the page, unless nothing ran."""
        if not self.rows:
            return
        self.path.parent.mkdir(exist_ok=True)
        page = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        old, below = parse(page)
        rows = merge(filter(is_there, old), self.rows)
        machine = (
            f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
            f"{os.cpu_count()} processors"
        )
        self.path.write_text(render(rows, below, machine=machine), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Take part in this run."""
    config.pluginmanager.register(ProofReport(ROOT / "docs" / "proofs.md"), "proof-report")


def _commit() -> str:
    """The short name of the commit that is tried, and whether more than the page has changed."""
    name = _git("describe", "--always")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/proofs.md")
    return f"{name}-dirty" if changed else name


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()
