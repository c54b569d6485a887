"""Benchmarks of many nodes: what crosses is counted and multiplied out; no times are judged."""

import json
from pathlib import Path

from benchmarks.cluster.model import Assumed, Measured, rows
from benchmarks.cluster.nodes import OURS, Cluster, Placement
from benchmarks.cluster.page import PAGE, as_page
from benchmarks.cluster.scenes import Scene, play
from benchmarks.loads import Load
from benchmarks.results import CLUSTER

# 2 rooms, one client of three writes 10 updates/s in each, for a second and four: 100 updates.
LOAD = Load("tiny", "2 rooms of 3, 1 writes", rooms=2, clients=3, writers=1, updates_per_s=10)


def test_what_crosses_is_delivered_and_counted(tmp_path: Path) -> None:
    """BUS-6: readers are all on the other node, and Redis is told of each update once."""
    scene = Scene("test", Cluster(OURS, 2, Placement.APART), LOAD, is_pinned=False)
    seen = play(scene, tmp_path, seed=1)
    assert (seen.run.sent, seen.run.delivered, seen.run.acknowledged) == (100, 200, 100)
    assert (seen.unsettled, seen.run.faults) == (0, 0)
    # Besides, each node beats once a second, and greets each room: some dozen in all.
    assert 1 <= seen.redis_calls["publish"] < 1.4


def test_a_model_is_what_was_measured_multiplied_out() -> None:
    """200,000 rooms, 200,000 updates and 800,000 deliveries a second, on ten nodes."""
    has = Measured(50.0, 80.0, 2.0, 1.0, 100.0, 200.0, connection_kib=4.0)
    given = Assumed(nodes=10, connections=1_000_000, room_clients=5, active=0.5, updates_per_s=2)
    said = {what: (at_home, scattered) for what, at_home, scattered in rows(has, given)}
    assert said["nodes on which a room is open"] == ("1.0", "4.1")  # 10 (1 - 0.9^5)
    assert said["processors of each node for edits"] == ("4.00", "6.40")
    assert said["memory of each node for connections, GiB"] == ("0.38", "0.38")
    # 200,000 (2 + 1) us, and 200,000 (2 + 4.0951) us; beats of ten nodes are 0.00012.
    assert said["processors of Redis in all"] == ("0.60", "1.22")
    assert said["appends a second at the store"] == ("200,000", "200,000")
    # Every 0.85 x 4.7 s, 100 us each.
    assert said["logs compared a second, with Redis"] == ("50,063", "205,011")
    assert said["processors of each node for comparing logs"] == ("0.50", "2.05")


def test_the_page_is_made_of_what_was_kept() -> None:
    """OPS-8."""
    assert as_page(json.loads(CLUSTER.read_text())) == PAGE.read_text()
