"""The page of the long proofs: what a run of some of them does to the rows of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.proof_report import ProofReport, parse

PAGE = """# Last long proofs

Each as `make prove` last ran it; the last of them with a machine.

| proof | test | figures | seconds | result | commit, day |
| --- | --- | --- | ---: | --- | --- |
| Nothing is lost | contract/test_races.py::test_gone | kills: 7 | 1.0 | passed | `a1`, 1 May |
| A page \\| a bar | unit/test_proof_report.py::test_a_part | rows: 1 | 1.0 | failed | `a1`, 1 May |
| Others | unit/test_proof_report.py::test_a_part[x] | rows: 2 | 2.0 | passed | `a1`, 1 May |

What was found besides.

| by hand | 1 |
"""


def finished(test: str, title: str, **figures: int) -> pytest.TestReport:
    report = pytest.TestReport(
        nodeid=f"tests/{test}",
        location=("", None, ""),
        keywords={},
        outcome="passed",
        longrepr=None,
        when="call",
        duration=3.14,
    )
    report.user_properties = [("title", title), *figures.items()]
    return report


def test_a_part_of_the_proofs_replaces_its_rows_alone(tmp_path: Path) -> None:
    path = tmp_path / "proofs.md"
    path.write_text(PAGE)
    run = ProofReport(path)
    run.pytest_runtest_logreport(
        finished("unit/test_proof_report.py::test_a_part", "A page | a bar", rows_kept=3)
    )
    run.pytest_sessionfinish()
    rows, below = parse(path.read_text())
    assert [(row.title, row.figures, row.outcome) for row in rows] == [
        ("A page \\| a bar", "rows kept: 3", "passed"),
        ("Others", "rows: 2", "passed"),
    ], "the test of the first one is no more"
    assert (rows[0].duration_s, rows[1].run) == ("3.1", "`a1`, 1 May")
    assert below == "What was found besides.\n\n| by hand | 1 |"


def test_the_first_run_makes_the_page(tmp_path: Path) -> None:
    run = ProofReport(tmp_path / "proofs.md")
    run.pytest_sessionfinish()
    assert not run.path.exists(), "nothing ran"
    run.pytest_runtest_logreport(finished("unit/test_proof_report.py::test_the_first", "It is"))
    run.pytest_sessionfinish()
    ((row,), below) = parse(run.path.read_text())
    assert (row.title, row.test, row.figures) == (
        "It is",
        "unit/test_proof_report.py::test_the_first",
        "-",
    )
    assert below == ""
