"""A score has one view, and edits one plan, in Python over pycrdt and in TypeScript over Yjs."""

from __future__ import annotations

import base64
import json
import random
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from collab.score.normalise import normalise, view_json
from collab.score.operations import Operation, encode_operation
from tests.support.counts import repeats
from tests.support.random_edits import (
    Replica,
    ids,
    random_operation,
    read_facets,
    three_replicas,
)
from tests.support.sources import ROOT
from tests.support.typescript import COMPILER
from tests.vectors.score_edits import make, planned

HERE = Path(__file__).parent
PACKAGE = ROOT / "clients" / "score"
RUNS = repeats(200, proof=10_000)
RUNS_AT_ONCE = 500
PLANS = 3
PREFIX = "yx"


@dataclass(frozen=True)
class Run:
    """A score by its updates, what is seen of it, and operations with their plans."""

    updates: Sequence[bytes]
    view: Any
    operations: Sequence[Operation]
    plans: Sequence[Any]


Reader = Callable[[Sequence[Run]], list[Any]]


@pytest.fixture(scope="module")
def in_typescript(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Gives, for each run, the view and the plans that the TypeScript package has of it."""
    built = tmp_path_factory.mktemp("score")
    project = PACKAGE / "tsconfig.build.json"
    subprocess.run([COMPILER, "--project", project, "--outDir", built], check=True, timeout=60)
    (built / "package.json").write_text('{"type": "module"}')

    def read(runs: Sequence[Run]) -> list[Any]:
        lines = [
            json.dumps(
                {
                    "updates": [base64.b64encode(update).decode() for update in run.updates],
                    "operations": [encode_operation(each) for each in run.operations],
                    "prefix": PREFIX,
                }
            )
            for run in runs
        ]
        done = subprocess.run(
            ["node", HERE / "score_views.mjs", built / "index.js"],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return read


@pytest.mark.prove
@pytest.mark.timeout(repeats(300, proof=3600))
def test_merge_10_norm_9_and_edit_11_three_replicas_have_one_view_in_both_languages(
    in_typescript: Reader, record_property: Callable[[str, object], None]
) -> None:
    """Three people edit one score at once: one view on all replicas, in both languages.

    Both plan the same transactions on what came of it.
    """
    edits = plans = 0
    for first in range(0, RUNS, RUNS_AT_ONCE):
        seeds = range(first, min(first + RUNS_AT_ONCE, RUNS))
        runs: list[Run] = []
        for seed in seeds:
            replicas, updates, made = three_replicas(seed)
            edits += made
            views = [_json(view_json(normalise(read_facets(doc)))) for doc in replicas]
            assert views[0] == views[1] == views[2], f"the replicas of run {seed} differ"
            runs.append(Run(updates, views[0], *_plans(seed, replicas[0])))
        read = in_typescript(runs)
        for seed, run, other in zip(seeds, runs, read, strict=True):
            assert other["view"] == run.view, f"Python and TypeScript see run {seed} differently"
            assert other["plans"] == run.plans, f"Python and TypeScript edit run {seed} differently"
            plans += sum("sets" in plan for plan in run.plans)
    record_property("runs", RUNS)
    record_property("edits", edits)
    record_property("edits planned in both languages", plans)
    assert edits > 4 * RUNS
    assert plans > RUNS


def _plans(seed: int, doc: Replica) -> tuple[list[Operation], list[Any]]:
    """Draw operations, each for the score as those before it leave it, and plan them."""
    facets, rng, new_ids = read_facets(doc), random.Random(f"plans {seed}"), ids(PREFIX)
    operations: list[Operation] = []
    plans: list[Any] = []
    for _ in range(PLANS):
        operations.append(random_operation(rng, facets))
        plans.append(_json(planned(facets, operations[-1], new_ids)))
        make(facets, plans[-1])
    return operations, plans


def _json(value: object) -> Any:  # noqa: ANN401 - JSON of any shape
    return json.loads(json.dumps(value))
