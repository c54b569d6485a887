"""The stress workloads, tiny, against the real server: all arrives; no times are judged here."""

import json
import random
from pathlib import Path

import pytest
from pycrdt import Doc, Map, merge_updates

from benchmarks.loads import Pace
from benchmarks.machine import Cores
from benchmarks.stress.arrivals import Seen, Written
from benchmarks.stress.cold import ColdOpen
from benchmarks.stress.documents import fingerprint, notes_at_once, pasted_updates, score, whole
from benchmarks.stress.findings import Findings, as_text, keep
from benchmarks.stress.flood import Flood, Heavy
from benchmarks.stress.growth import Growth
from benchmarks.stress.hazards import HeavyUpdates
from benchmarks.stress.idle import IdleConnections, IdleRooms
from benchmarks.stress.joins import JoinStorm
from benchmarks.stress.neighbours import Quarter
from benchmarks.stress.presence import Presence
from benchmarks.stress.reconnects import ReconnectStorm
from benchmarks.stress.session import Messages, Session
from benchmarks.stress.slow import SlowReaders
from benchmarks.stress.soak import Soak, rise
from benchmarks.stress.stage import Goal, Outcome, Stage, Workload
from benchmarks.stress.uploads import count_of, first_state
from benchmarks.systems import BANDPRO, BANDPRO_HOCUSPOCUS, System
from benchmarks.wires import Dialect, Wire
from collab.protocol.varint import write_bytes
from tests.support.counts import proving

ANY_CORE = Cores(None, None)
QUARTER = Quarter(rooms=2, clients=2, updates_per_s=10)
TINY = (
    IdleConnections(connections=12, rooms=3),
    IdleRooms(rooms=5, characters=20),
    JoinStorm(clients=5, document_bytes=300_000, quarter=QUARTER, quiet_s=0.3),
    Presence(clients=6, states_per_s=4, lasts_s=1),
    Flood(clients=3, writers=2, updates_per_s=100, window_s=0.5, turns=1, quarter=QUARTER),
    Heavy(clients=3, writers=2, updates_per_s=8, notes=50, window_s=0.5, quarter=QUARTER),
    SlowReaders(
        clients=6,
        stalled=2,
        updates_per_s=40,
        update_bytes=50,
        writers=2,
        calm_s=0.3,
        brief_s=0.3,
        long_s=0.6,
    ),
    ColdOpen(document_bytes=100_000, opens=1, quarter=QUARTER, quiet_s=0.2),
    ReconnectStorm(rooms=3, clients=3, document_bytes=5_000),
    HeavyUpdates(share=0.001, quiet_s=0.2, quarter=QUARTER),
    # Long enough that a room is unloaded and visited again.
    Soak(lasts_s=5, at_once=2, clients=3, writers=2, updates=3, updates_per_s=20, visits=2),
    Growth(room_clients=(3,), rooms=(2,), document_bytes=(5_000,), pace=Pace(0.1, 0.3)),
)
# The other wire where sessions do something of their own, for half of these: the rest only writes
# and counts.
OTHER_WIRE = (JoinStorm, Presence)
# Long ones that consist of what others do as well.
IN_PROOFS = (IdleRooms, Heavy, HeavyUpdates, Soak, Growth)
CASES = [
    (each, BANDPRO_HOCUSPOCUS if isinstance(each, OTHER_WIRE) else BANDPRO)
    for each in TINY
    if proving() or not isinstance(each, IN_PROOFS)
]


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.parametrize(
    ("workload", "system"), CASES, ids=[f"{each.name}-{system.name}" for each, system in CASES]
)
def test_all_that_must_arrive_under_stress_arrives(
    workload: Workload, system: System, tmp_path: Path
) -> None:
    outcome = workload.run(Stage(system, ANY_CORE, tmp_path, seed=1))
    assert outcome.expected > 0
    assert outcome.is_complete, outcome
    assert {goal.figure for goal in workload.goals} <= set(outcome.figures)


def test_a_document_is_known_by_what_it_shows_and_not_by_its_encoding() -> None:
    parts = [*notes_at_once(5, 2, 3, random.Random(1)), *pasted_updates(6, 2, 40, random.Random(1))]
    told_backwards = whole(reversed(parts))
    changed: Doc[Map[object]] = Doc()
    changed.apply_update(told_backwards)
    changed.get("ev", type=Map)["n5-0-0"] = "erased"
    expected = fingerprint(*parts)
    states = [told_backwards, changed.get_update(), told_backwards, b"\x00\x00"]
    assert count_of(expected, states) == 2


def test_every_passage_of_a_pasted_text_has_as_many_clocks() -> None:
    doc: Doc[Map[object]] = Doc()
    for update in pasted_updates(6, 12, 40, random.Random(1)):
        doc.apply_update(update)
    assert doc.get_state() == bytes([1, 6, 0xE0, 0x03])  # 12 times 40


def test_scores_are_drawn_from_their_seed_and_about_as_large_as_asked() -> None:
    assert 0.8 < len(score(200_000, seed=3)) / 200_000 < 1.2
    assert fingerprint(score(20_000, seed=3)) != fingerprint(score(20_000, seed=4))


def test_equal_messages_are_kept_once_and_large_ones_each() -> None:
    messages = Messages()
    heard = [b"a", b"b", b"a", bytes(100_000), bytes(100_000)]
    assert [messages.number(each) for each in heard] == [0, 1, 0, 2, 3]
    assert [messages.kept[number] for number in (0, 1, 2)] == [b"a", b"b", bytes(100_000)]


async def test_an_update_that_did_not_come_is_missing_whatever_the_wrapping() -> None:
    dialect, messages = Dialect.of(Wire.Y_WEBSOCKET, "room"), Messages()
    session = Session(dialect, messages)
    seen = Seen(session, Written(dialect, messages, {6: 5}, clocks_each=40))
    updates = pasted_updates(6, 5, 40, random.Random(1))
    session._on_message(dialect.update(updates[0]), at_s=1.0)
    session._on_message(dialect.update(merge_updates(updates[2], updates[3])), at_s=2.0)
    session._on_message(dialect.update(updates[2]), at_s=3.0)
    assert seen.read() == 2
    assert list(seen.at_s) == [1.0, 0.0, 2.0, 2.0, 0.0]
    session._on_message(b"\x00\x01" + write_bytes(whole(updates)), at_s=4.0)
    assert seen.read() == 0
    assert list(seen.at_s) == [1.0, 4.0, 2.0, 2.0, 4.0]


async def test_a_state_that_comes_in_parts_is_taken_whole_and_nothing_after_the_answer() -> None:
    dialect, messages = Dialect.of(Wire.HOCUSPOCUS, "room"), Messages()
    session = Session(dialect, messages)
    first, second, later = pasted_updates(6, 3, 40, random.Random(1))
    session._on_message(dialect.update(first), at_s=1.0)
    session._on_message(dialect.prefix + b"\x00\x01" + write_bytes(second), at_s=2.0)
    session._on_message(dialect.update(later), at_s=3.0)
    assert fingerprint(first_state(session, messages)) == fingerprint(first, second)
    assert fingerprint(first, second) != fingerprint(first, second, later)


def test_findings_are_judged_by_the_median_and_by_completeness() -> None:
    workload = JoinStorm(goals=(Goal("synced_p50_ms", 500.0),))
    findings = Findings()
    for p50_ms in (400.0, 900.0, 450.0):
        findings.add(workload, "bandpro", Outcome({"synced_p50_ms": p50_ms}, 5, 5))
    assert findings.is_complete
    assert findings.meets_goals
    worse = Findings()
    worse.add(workload, "bandpro", Outcome({"synced_p50_ms": 501.0}, 5, 4))
    assert not worse.meets_goals
    assert not worse.is_complete
    assert "ONLY 4 of 5 arrived" in as_text(worse)


def test_kept_findings_outlive_a_run_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "stress.json"
    for workload, target in ((JoinStorm(), "bandpro"), (JoinStorm(), "peer"), (Flood(), "bandpro")):
        findings = Findings()
        findings.add(workload, target, Outcome({"figure_ms": 1.0}, 1, 1))
        keep(findings, path, {"date": "today"})
    kept = json.loads(path.read_text())
    assert {name: sorted(entry["targets"]) for name, entry in kept.items()} == {
        "join-storm": ["bandpro", "peer"],
        "flood": ["bandpro"],
    }
    assert kept["flood"]["targets"]["bandpro"]["runs"][0]["figures"] == {"figure_ms": 1.0}


def test_a_steady_rise_is_found_and_a_warm_up_or_a_wobble_is_none() -> None:
    steady = [(float(at), 3.0 * at) for at in range(30)]
    warm_up = [(float(at), min(at, 10) * 50.0) for at in range(30)]
    wobble = [(float(at), at % 2 * 40.0) for at in range(30)]
    assert rise(steady) == 3
    assert rise(warm_up) == 0
    assert rise(wobble) == 0
    assert rise([(0, 5), (1, 9)]) == 0
