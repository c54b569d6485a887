"""What was found: kept as JSON, workload by workload, and shown as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Spread
from benchmarks.results import write
from benchmarks.stress.stage import Goal, Outcome, Workload


@dataclass(slots=True)
class Findings:
    """All outcomes, by workload and target."""

    outcomes: dict[str, dict[str, list[Outcome]]] = field(default_factory=dict)
    workloads: dict[str, Workload] = field(default_factory=dict)

    def add(self, workload: Workload, target: str, outcome: Outcome) -> None:
        """One more run."""
        self.workloads[workload.name] = workload
        by_target = self.outcomes.setdefault(workload.name, {})
        by_target.setdefault(target, []).append(outcome)

    @property
    def is_complete(self) -> bool:
        """Whether in all runs all arrived that had to."""
        return all(
            outcome.is_complete
            for by_target in self.outcomes.values()
            for outcomes in by_target.values()
            for outcome in outcomes
        )

    @property
    def meets_goals(self) -> bool:
        """Whether the median of the runs of each workload and target keeps all its bounds."""
        return all(
            _is_met(goal, outcomes)
            for name, by_target in self.outcomes.items()
            for outcomes in by_target.values()
            for goal in self.workloads[name].goals
        )


def _is_met(goal: Goal, outcomes: list[Outcome]) -> bool:
    values = [each.figures[goal.figure] for each in outcomes if goal.figure in each.figures]
    return bool(values) and Spread.of(values).median <= goal.at_most


def keep(findings: Findings, path: Path, conditions: Mapping[str, object]) -> None:
    """Write what was found; workloads and targets that were not run now keep what they had.

    Args:
        findings: of this time.
        path: of the JSON file.
        conditions: under which these were found; kept with each of them.
    """
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for name, by_target in findings.outcomes.items():
        workload = findings.workloads[name]
        entry = kept.setdefault(name, {"targets": {}})
        entry["title"] = workload.title
        entry["goals"] = {goal.figure: goal.at_most for goal in workload.goals}
        for target, outcomes in by_target.items():
            entry["targets"][target] = {
                "conditions": dict(conditions),
                "runs": [asdict(each) for each in outcomes],
            }
    write(path, kept)


def as_text(findings: Findings) -> str:
    """One block for each workload: goals first, then the other figures."""
    blocks = []
    for name, by_target in findings.outcomes.items():
        workload = findings.workloads[name]
        lines = [f"{name}: {workload.title}"]
        for target, outcomes in by_target.items():
            lines += _lines(workload, target, outcomes)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _lines(workload: Workload, target: str, outcomes: list[Outcome]) -> list[str]:
    held = [outcome.figures for outcome in outcomes if outcome.figures]
    lines = [f"  {target}: {_arrived(outcomes)}"]
    goals = {goal.figure: goal for goal in workload.goals}
    names = [*goals, *(name for name in (held[0] if held else ()) if name not in goals)]
    for name in names:
        values = [figures[name] for figures in held if name in figures]
        if values:
            verdict = _verdict(goals.get(name), outcomes)
            lines.append(f"    {name:28} {Spread.of(values).text(2)}{verdict}")
    lines += [f"    ! {remark}" for outcome in outcomes for remark in outcome.remarks]
    return lines


def _arrived(outcomes: list[Outcome]) -> str:
    arrived = sum(outcome.arrived for outcome in outcomes)
    expected = sum(outcome.expected for outcome in outcomes)
    faults = sum(outcome.faults for outcome in outcomes)
    whole = "all" if arrived == expected else f"ONLY {arrived:,}"
    return f"{whole} of {expected:,} arrived, {faults} faults"


def _verdict(goal: Goal | None, outcomes: list[Outcome]) -> str:
    if goal is None:
        return ""
    return f"   {'met' if _is_met(goal, outcomes) else 'MISSED'}: at most {goal.at_most:g}"
