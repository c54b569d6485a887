"""``python -m benchmarks.cluster``: several nodes under load, beside one node and beside a peer."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.cluster.nodes import StoreKind
from benchmarks.cluster.page import PAGE, as_page
from benchmarks.cluster.scenes import Scene, play, scenes
from benchmarks.cluster.standing import publish_costs, standing_cost
from benchmarks.machine import Cores, allow_many_files, conditions, load_average
from benchmarks.peers import installed
from benchmarks.results import CLUSTER, write


def main() -> int:
    """Run scenes, keep what they showed, write the page; 1 when something of ours was missing."""
    arguments = _arguments()
    known = [each for each in scenes() if arguments.only is None or arguments.only in each.name]
    if arguments.list:
        print("\n".join(each.name for each in known))
        return 0
    data: dict[str, Any] = json.loads(CLUSTER.read_text()) if CLUSTER.exists() else {}
    if arguments.standing:
        data = _stood(arguments, data)
    elif not arguments.page:
        allow_many_files()
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            told = conditions(Cores.choose(), Path(folder))
        data = _measured(known, arguments, told, data)
    if not arguments.dry:
        PAGE.write_text(as_page(data))
    return 0 if all(map(_is_whole, data["scenes"].items())) else 1


def _measured(
    known: list[Scene], arguments: argparse.Namespace, told: dict[str, object], data: dict[str, Any]
) -> dict[str, Any]:
    kept = dict(data.get("scenes", {}))
    for scene in known:
        runs = []
        for number in range(arguments.repeats):
            try:
                seen = play(scene, arguments.folder, seed=number)
            except installed.NotInstalled as reason:
                print(f"{scene.name}: {reason}", file=sys.stderr)
                break
            runs.append(asdict(seen))
            run = seen.run
            print(
                f"{scene.name}: {run.deliveries_per_s:.0f}/s, p50 {run.edit.p50_ms} "
                f"p99 {run.edit.p99_ms} max {run.edit.max_ms} saved {run.saved.p50_ms}/"
                f"{run.saved.p99_ms}, {run.server_cpu_us} + {seen.redis_us} us, missing "
                f"{seen.unsettled}, faults {run.faults}, others {run.others_busy}",
                flush=True,
            )
        if runs:
            kept[scene.name] = runs
            told |= {
                "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
                "load_after": load_average(),
                "peers": installed.versions(),
            }
            data = data | {"conditions": told, "scenes": kept}
            if not arguments.dry:
                write(CLUSTER, data)
    return data


def _stood(arguments: argparse.Namespace, data: dict[str, Any]) -> dict[str, Any]:
    """What is used while nobody writes, and by Redis alone; kept beside the scenes."""
    cores = Cores.choose()
    cores.pin_generator()
    data = data | {
        "publish": [asdict(each) for each in publish_costs(cores, arguments.folder)],
        "standing": {
            store: asdict(standing_cost(store, cores, arguments.folder)) for store in StoreKind
        },
    }
    print(json.dumps({name: data[name] for name in ("publish", "standing")}, indent=1))
    if not arguments.dry:
        write(CLUSTER, data)
    return data


def _is_whole(item: tuple[str, list[dict[str, Any]]]) -> bool:
    name, runs = item
    return "/hocuspocus-" in name or all(not run["unsettled"] for run in runs)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--only", help="scenes that have this in their name")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each scene")
    parser.add_argument("--list", action="store_true", help="name what there is and stop")
    parser.add_argument("--page", action="store_true", help="only write the page again")
    parser.add_argument(
        "--standing", action="store_true", help="what is used while nobody writes, and by Redis"
    )
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    parser.add_argument("--dry", action="store_true", help="keep no results, write no page")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
