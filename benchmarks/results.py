"""What was measured, as it is kept: read back for tables, plots, goals and baselines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Spread
from benchmarks.suite import Findings, Suite
from benchmarks.systems import SYSTEMS

ROOT: Final = Path(__file__).resolve().parent.parent
LATEST: Final = ROOT / "benchmarks" / "results" / "latest.json"
STRESS: Final = ROOT / "benchmarks" / "results" / "stress.json"
CLUSTER: Final = ROOT / "benchmarks" / "results" / "cluster.json"

Conditions = Mapping[str, object]


def write(path: Path, data: object) -> None:
    """Keep something as JSON; an interruption leaves the whole file that was there before."""
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(data, indent=1) + "\n")
    fresh.replace(path)


def as_data(findings: Findings, suite: Suite, conditions: Conditions) -> dict[str, Any]:
    """Every run with all its figures."""
    runs: dict[str, dict[str, list[Any]]] = {}
    for case, found in findings.runs.items():
        runs.setdefault(case.load.name, {})[case.system.name] = [asdict(run) for run in found]
    return {
        "conditions": dict(conditions),
        "pace": asdict(suite.pace),
        "repeats": findings.rounds,
        "patience": {"budget_s": suite.patience.budget_s, "repeated": suite.patience.repeated},
        "systems": {
            system.name: {
                "title": system.title,
                "less": system.less,
                "more": system.more,
                "is_ours": system.is_ours,
                "missing": system.missing(),
            }
            for system in SYSTEMS
        },
        "loads": {case.load.name: asdict(case.load) for case in findings.runs},
        "runs": runs,
        "failures": {case.name: said for case, said in findings.failures.items()},
        "ladders": {
            system.name: [
                asdict(each)
                | {"saturation_per_s": each.saturation_per_s, "is_at_least": each.is_at_least}
                for each in ladders
            ]
            for system, ladders in findings.ladders.items()
        },
    }


class Results:
    """One set of measurements.

    Args:
        data: as :func:`as_data` made it.
        stress: as ``benchmarks.stress`` keeps it; empty where it was not run.
    """

    def __init__(self, data: Mapping[str, Any], stress: Mapping[str, Any] | None = None) -> None:
        self.data = data
        self.stress = stress or {}

    @classmethod
    def kept(cls) -> Results:
        """What was kept last.

        Raises:
            FileNotFoundError: nothing was.
        """
        stress = json.loads(STRESS.read_text()) if STRESS.exists() else {}
        return cls(json.loads(LATEST.read_text()), stress)

    @property
    def systems(self) -> dict[str, dict[str, Any]]:
        """What was measured, in the order of the tables."""
        measured = {name for by_system in self.data["runs"].values() for name in by_system}
        measured |= set(self.data["ladders"])
        return {name: told for name, told in self.data["systems"].items() if name in measured}

    @property
    def peers(self) -> list[str]:
        """Names of the systems that are neither ours nor the floor."""
        told = self.systems
        return [name for name in told if not told[name]["is_ours"] and name != "relay"]

    def title(self, system: str) -> str:
        """A system's name for people."""
        return str(self.data["systems"][system]["title"])

    def runs(self, load: str, system: str) -> list[dict[str, Any]]:
        """The runs of a system under a load; none where it was not measured."""
        found: list[dict[str, Any]] = self.data["runs"].get(load, {}).get(system, [])
        return found

    def all_runs(self) -> list[dict[str, Any]]:
        """All runs of all loads."""
        return [
            run
            for by_system in self.data["runs"].values()
            for runs in by_system.values()
            for run in runs
        ]

    def spread(self, load: str, system: str, figure: str) -> Spread | None:
        """A figure, `edit.p99_ms` for one, over the runs of a system under a load."""
        runs = self.runs(load, system)
        return Spread.of(_value(run, figure) for run in runs) if runs else None

    def saturation(self, system: str) -> Spread | None:
        """Deliveries a second that a system kept up with."""
        ladders = self.data["ladders"].get(system, [])
        return Spread.of(each["saturation_per_s"] for each in ladders) if ladders else None

    def is_at_least(self, system: str) -> bool:
        """Whether a system might have taken more than the generator could offer it."""
        return any(each["is_at_least"] for each in self.data["ladders"].get(system, []))

    def stressed(self, workload: str, figure: str, target: str = "bandpro") -> Spread | None:
        """A figure of a stress workload, where that was run."""
        entry = self.stress.get(workload, {}).get("targets", {}).get(target, {})
        values = [
            run["figures"][figure] for run in entry.get("runs", ()) if figure in run["figures"]
        ]
        return Spread.of(values) if values else None


def _value(run: Mapping[str, Any], figure: str) -> float:
    value: Any = run
    for part in figure.split("."):
        value = value[part]
    return float(value)
