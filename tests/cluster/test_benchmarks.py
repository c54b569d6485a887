"""The measurement of several nodes finds every delivery; no times are judged here."""

import asyncio
from contextlib import nullcontext
from pathlib import Path

import pytest

from benchmarks import nodes
from benchmarks.nodes import Load, measure


def test_every_delivery_between_two_nodes_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "SECONDS", 0.4)
    monkeypatch.setattr(nodes, "WARM_UP_S", 0.1)
    with (
        nodes.redis(tmp_path) as (bus, server),
        nullcontext("sqlite") as store,
        nodes.nodes(2, tmp_path, store, bus) as targets,
    ):
        found = asyncio.run(measure(Load("tiny", 2, 3, 20), targets, server))
    # Each of 2 writers makes 10 updates, 8 of them after the warm-up, for 2 others.
    assert 0 < found.seen.samples <= 40
    assert 0 < found.saved.samples <= 20
    assert found.nodes_us > 0
    assert found.redis_us > 0
