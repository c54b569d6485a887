"""A score has one view on all replicas, in Python over pycrdt and in TypeScript over Yjs."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from collab.score.normalise import normalise, view_json
from tests.support.counts import repeats
from tests.support.random_edits import read_facets, three_replicas
from tests.support.sources import ROOT

HERE = Path(__file__).parent
PACKAGE = ROOT / "clients" / "score"
RUNS = repeats(1000, proof=10_000)
RUNS_AT_ONCE = 500

Reader = Callable[[Sequence[Sequence[bytes]]], list[str]]


@pytest.fixture(scope="module")
def typescript_views(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Gives, for the updates of each document, the view that the TypeScript package has of it."""
    built = tmp_path_factory.mktemp("score")
    compiler = PACKAGE / "node_modules" / ".bin" / "tsc"
    project = PACKAGE / "tsconfig.build.json"
    subprocess.run([compiler, "--project", project, "--outDir", built], check=True, timeout=60)
    (built / "package.json").write_text('{"type": "module"}')

    def views(documents: Sequence[Sequence[bytes]]) -> list[str]:
        lines = [
            json.dumps([base64.b64encode(update).decode() for update in updates])
            for updates in documents
        ]
        done = subprocess.run(
            ["node", HERE / "score_views.mjs", built / "index.js"],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
        return done.stdout.splitlines()

    return views


@pytest.mark.prove
@pytest.mark.timeout(repeats(300, proof=3600))
def test_merge_10_and_norm_9_three_replicas_have_one_view_in_both_languages(
    typescript_views: Reader, record_property: Callable[[str, object], None]
) -> None:
    """Three people edit one score at once: one view on all replicas, in both languages."""
    edits = 0
    for first in range(0, RUNS, RUNS_AT_ONCE):
        seeds = range(first, min(first + RUNS_AT_ONCE, RUNS))
        views: list[str] = []
        documents: list[list[bytes]] = []
        for seed in seeds:
            replicas, updates, made = three_replicas(seed)
            edits += made
            own = {_view_text(read_facets(doc)) for doc in replicas}
            assert len(own) == 1, f"the replicas of run {seed} differ"
            views += own
            documents.append(updates)
        read = typescript_views(documents)
        differing = [
            seed for seed, view, other in zip(seeds, views, read, strict=True) if view != other
        ]
        assert differing == [], "runs in which Python and TypeScript differ"
    record_property("runs", RUNS)
    record_property("edits", edits)
    assert edits > 4 * RUNS


def _view_text(facets: dict[str, dict[str, object]]) -> str:
    view = view_json(normalise(facets))
    return json.dumps(view, ensure_ascii=False, separators=(",", ":"))
