"""Ratios that are kept: what BandPro costs and takes, against the floor and each peer."""

from __future__ import annotations

from typing import Any, Final

from benchmarks.results import ROOT, Results

FOLDER: Final = ROOT / "benchmarks" / "baselines"
RATIOS: Final = FOLDER / "ratios.json"
_FIGURES: Final = ("server_cpu_us", "edit.p50_ms", "edit.p99_ms")


def ratios(results: Results) -> dict[str, Any]:
    """BandPro's median divided by that of the relay and of each peer, figure by figure.

    Returns:
        load, then figure, then system, to the ratio; below 1 BandPro needs less. Under
        ``saturation`` more is better.
    """
    others = [name for name in results.systems if name != "bandpro"]
    found: dict[str, Any] = {
        load: {
            figure: {
                other: round(ours.median / theirs.median, 3)
                for other in others
                if (theirs := results.spread(load, other, figure)) is not None and theirs.median
            }
            for figure in _FIGURES
            if (ours := results.spread(load, "bandpro", figure)) is not None
        }
        for load in results.data["runs"]
        if len(results.data["runs"][load]) > 2
    }
    ours = results.saturation("bandpro")
    if ours is not None:
        found["saturation"] = {
            other: round(ours.median / theirs.median, 3)
            for other in others
            if (theirs := results.saturation(other)) is not None and theirs.median
        }
    told = results.data["conditions"]
    return {"of": f"{told['date']}, commit {told['commit']}, {told['cpu']}", "ratios": found}
