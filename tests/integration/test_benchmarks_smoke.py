"""The load generator counts what arrives, and what does not; no times are judged here."""

import asyncio
import json
import random
from array import array
from contextlib import AbstractContextManager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pycrdt import merge_updates

from benchmarks import plots, report
from benchmarks.edits import typed_updates
from benchmarks.goals import verdicts
from benchmarks.ladder import climb
from benchmarks.ledger import Marks, RoomLedger, Tally
from benchmarks.loads import Load, Pace, run_load
from benchmarks.machine import Cores
from benchmarks.memory import KEEP_ROOMS, Sizes, measure_connections, measure_rooms
from benchmarks.results import Results, as_data
from benchmarks.suite import Case, Findings, Suite
from benchmarks.systems import BANDPRO, BANDPRO_HOCUSPOCUS, SYSTEMS, System
from benchmarks.targets import Target, bandpro
from benchmarks.wires import Dialect, Wire
from tests.support.losing_relay import losing_relay

ANY_CORE = Cores(None, None)
# 2 rooms, 2 writers in each, 20 updates/s for half a second: 40 updates, each for 2 others.
LOAD = Load("tiny", "2 rooms of 3, 2 write", rooms=2, clients=3, writers=2, updates_per_s=20)
PACE = Pace(warm_up_s=0.1, measured_s=0.4, answers_within_s=10)
UPDATES = 40
DELIVERIES = 80


@pytest.mark.parametrize("system", [BANDPRO, BANDPRO_HOCUSPOCUS], ids=lambda each: each.name)
def test_every_delivery_and_acknowledgement_of_the_server_is_found(
    system: System, tmp_path: Path
) -> None:
    suite = Suite(ANY_CORE, tmp_path, PACE, repeats=1)
    findings = Findings()
    case = Case(LOAD, system)
    assert len(list(suite.measure_round(findings, (case,)))) == 1

    (run,) = findings.runs[case]
    assert (run.sent, run.expected) == (UPDATES, DELIVERIES)
    assert (run.delivered, run.acknowledged, run.faults) == (DELIVERIES, UPDATES, 0)
    assert run.is_complete
    assert findings.incomplete == []
    assert 0 < run.edit.samples <= DELIVERIES
    assert 0 < run.saved.samples <= UPDATES
    assert run.server_cpu_us > 0


def test_a_round_that_is_broken_off_does_not_count_and_what_it_measured_is_there(
    tmp_path: Path,
) -> None:
    case = Case(LOAD, BANDPRO)
    suite = Suite(ANY_CORE, tmp_path, PACE, repeats=3)
    findings = Findings()
    list(suite.measure_round(findings, (case,)))
    broken_off = suite.measure_round(findings, (case,))
    assert next(broken_off).startswith("2/3 tiny/bandpro: ")
    assert len(findings.runs[case]) == 2
    assert as_data(findings, suite, {})["repeats"] == 1


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
async def test_every_system_that_is_installed_does_the_same_work(
    system: System, tmp_path: Path
) -> None:
    """Peers and floor deliver and acknowledge all, over their own wire, as the server does."""
    missing = system.missing()
    if missing:
        pytest.skip(f"{system.title}: {missing}")
    with system.start(ANY_CORE, tmp_path) as target:
        run = await run_load(LOAD, target, PACE, seed=2)
    assert (run.sent, run.expected) == (UPDATES, DELIVERIES)
    assert (run.delivered, run.acknowledged, run.faults) == (DELIVERIES, UPDATES, 0)
    assert run.server_received_us >= run.server_cpu_us > 0
    assert run.rss_mib > 0


async def test_deliveries_that_a_server_loses_are_missed() -> None:
    # 40 updates go to 3 sockets each, senders included; every 6th of these 120 frames is lost.
    pace = Pace(warm_up_s=0.1, measured_s=0.4, answers_within_s=1)
    with losing_relay(ANY_CORE, lose_every=6) as target:
        run = await run_load(LOAD, target, pace, seed=1)
    assert run.delivered + run.acknowledged == 100
    assert (run.sent, run.expected) == (UPDATES, DELIVERIES)
    assert not run.is_complete


async def test_idle_connections_and_rooms_are_opened_and_weighed(tmp_path: Path) -> None:
    sizes = Sizes(connections=12, connection_rooms=3, rooms=5, room_characters=20)
    with bandpro(ANY_CORE, tmp_path, KEEP_ROOMS) as target:
        cost = await measure_connections(target, Wire.HOCUSPOCUS, sizes)
        rooms = await measure_rooms(target, sizes, seed=1)
        # 3 rooms of connections, 100 that are not counted and the 5 that are, all of them loaded;
        # the server counts them once a second.
        async with asyncio.timeout(10):
            while (metrics := await target.metrics())["rooms"] != 108:  # noqa: ASYNC110 - it says so only when asked
                await asyncio.sleep(0.1)
    assert cost.baseline_mib > 0
    assert rooms.update_bytes > 20
    assert metrics["sessions"] == 0


def test_a_rate_at_which_deliveries_are_missing_ends_the_ladder(tmp_path: Path) -> None:
    def loses(cores: Cores, _folder: Path | None = None) -> AbstractContextManager[Target]:
        return losing_relay(cores, lose_every=50)

    pace = Pace(warm_up_s=0.1, measured_s=0.3, answers_within_s=1)
    lossy = System("lossy", "a relay that loses", loses)
    ladder = climb(lossy, ANY_CORE, tmp_path, rates=(20, 40), pace=pace)
    (step,) = ladder.steps
    # 5 writers, whose updates go to the 49 others.
    assert (step.updates_per_s, step.offered_per_s) == (100, 4900)
    assert not step.kept_up
    assert step.run is not None
    assert step.run.delivered < step.run.expected
    assert ladder.saturation_per_s == 0


def test_results_become_tables_goals_and_plots(tmp_path: Path) -> None:
    """What was measured stands in every table; a goal without figures is said to have none."""
    suite = Suite(ANY_CORE, tmp_path, PACE, repeats=1)
    findings = Findings()
    list(suite.measure_round(findings, (Case(LOAD, BANDPRO),)))
    data = json.loads(json.dumps(as_data(findings, suite, {})))
    results = Results(data, {"presence": _presence(seen_p95_ms=125.0)})
    text = report.as_text(results)
    assert "| 2 rooms of 3, 2 write | BandPro |" in text
    assert "100 % of 80" in text
    said = {verdict.goal: verdict.says for verdict in verdicts(results)}
    presence = "cursors of 500 in one room, once a second: p95, ms: at most 50"
    assert said.pop(presence) == "**missed**: 2.50 times the bound"
    assert set(said.values()) == {"not measured"}
    for svg in (plots.latency_plot(results), plots.cost_plot(results)):
        assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 - we wrote it just now


def _presence(**figures: float) -> dict[str, object]:
    """What `benchmarks.stress` keeps of one workload."""
    runs = [{"figures": figures}]
    return {"title": "presence", "goals": {}, "targets": {"bandpro": {"runs": runs}}}


def _ledger() -> tuple[RoomLedger, Marks]:
    """A room in which client 7 has sent its 4 updates, and a reader of it."""
    source = random.Random(1)
    dialect = Dialect.of(Wire.Y_WEBSOCKET, "room")
    ledger = RoomLedger(dialect, Tally(), {7: typed_updates(7, 4, source)}, receivers=2)
    writer = Marks(ledger, ledger.numbers_of(7))
    for number in ledger.numbers_of(7):
        writer.sent(number, at_s=1.0)
    return ledger, Marks(ledger)


def test_updates_that_a_server_merged_are_found_inside() -> None:
    ledger, reader = _ledger()
    merged = merge_updates(*ledger.by_writer[7][1:])
    for run in ledger.runs_in(merged):
        reader.arrived_together(run, at_s=1.25)
    assert ledger.tally.delivered == 3
    assert ledger.tally.edit_s == array("d", [0.25, 0.25, 0.25])
    assert ledger.tally.outstanding == 4 * 2 - 3


def test_a_repeated_delivery_counts_once_and_is_a_fault() -> None:
    ledger, reader = _ledger()
    reader.arrived(2, at_s=2.0)
    reader.arrived(2, at_s=3.0)
    assert (ledger.tally.delivered, ledger.tally.duplicates) == (1, 1)


def test_an_edit_that_nobody_sent_is_a_fault() -> None:
    ledger, _ = _ledger()
    stranger = typed_updates(7, 5, random.Random(2))[4]
    assert ledger.runs_in(stranger) == []
    assert ledger.tally.unknown == 1
