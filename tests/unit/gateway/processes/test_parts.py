"""What workers are started with, when they are started again, and their metrics together."""

import os
import socket
from contextlib import closing, nullcontext, suppress

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collab.errors import SettingsError
from gateway.observe.metrics import Metrics
from gateway.options import shown_setting
from gateway.processes.exposition import merged
from gateway.processes.port import SPREADS, Port
from gateway.processes.restarts import Restarts
from gateway.processes.supervisor import worker_variables
from gateway.settings import load_settings
from gateway.web_server import listen

OPTIONS = {
    "node": "desk",
    "port": "9000",
    "workers": "2",
    "bus": "redis://127.0.0.1",
    "bus_key": "k" * 32,
    "log_level": "debug",
    "data": None,
}


def test_workers_have_the_settings_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """PROC-8: options win over variables, for workers too, whatever case those are spelled in."""
    variables = {"BANDPRO_DATA": "kept", "bandpro_log_level": "error", "BANDPRO_COMPILED": "0"}
    mine = worker_variables(OPTIONS, variables, 1)
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, text in mine.items():
        monkeypatch.setenv(name, text)
    settings = load_settings()
    assert shown_setting("log_level", settings.log_level) == "debug"
    assert (settings.port, str(settings.data), settings.node) == (9000, "kept", "desk-1")
    assert settings.workers == 1
    assert mine["BANDPRO_COMPILED"] == "0"


def test_workers_differ_in_name_and_one_seeds_the_demo() -> None:
    """PROC-8."""
    first, second = (worker_variables(OPTIONS, {}, number) for number in (0, 1))
    assert first["BANDPRO_NODE"] != second["BANDPRO_NODE"]
    assert (first.get("BANDPRO_DEMO"), second.get("BANDPRO_DEMO")) == (None, "off")


def test_pauses_grow_up_to_ten_seconds_and_begin_anew_after_a_steady_life() -> None:
    """PROC-3: a worker that dies again and again does not use up the machine."""
    restarts = Restarts()
    pauses = [restarts.died(0.5) for _ in range(9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert restarts.died(60) == 0.1
    assert restarts.in_a_row == 1


def test_metrics_of_workers_are_told_apart() -> None:
    """PROC-6: one family each, in a form that a parser takes, nothing added up or lost."""
    texts = {}
    for worker, accepted in (("0", 2), ("1", 5)):
        metrics = Metrics()
        metrics.updates.inc(accepted)
        metrics.append_seconds.observe(0.002)
        metrics.connections.labels("hocuspocus").set(accepted)
        texts[worker] = metrics.exposition().decode()
    text = merged(texts).decode()
    lines = text.splitlines()
    assert 'bandpro_updates_accepted_total{worker="0"} 2.0' in lines
    assert 'bandpro_updates_accepted_total{worker="1"} 5.0' in lines
    assert 'bandpro_connections{protocol="hocuspocus",worker="1"} 5.0' in lines
    assert 'bandpro_append_seconds_bucket{le="0.0025",worker="1"} 1.0' in lines
    types = [line for line in lines if line.startswith("# TYPE ")]
    assert len(types) == len(set(types))
    assert "# TYPE bandpro_append_seconds histogram" in types
    assert "# TYPE bandpro_updates_accepted_total counter" in types
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    one = [s for f in text_string_to_metric_families(texts["0"]) for s in f.samples]
    assert len(samples) == 2 * len(one)


@pytest.mark.parametrize("spreads", [False, SPREADS])
def test_workers_serve_one_port(spreads: bool) -> None:  # noqa: FBT001 - pytest passes it
    """PROC-1: on sockets of their own or on one, and nobody else can have the port meanwhile."""
    with closing(Port("127.0.0.1", 0, spreads=spreads)) as port:
        with pytest.raises(SettingsError, match="cannot listen") if not spreads else nullcontext():
            listen("127.0.0.1", port.number, "port").close()
        with port.opened() as one, port.opened() as other:
            for each in (one, other):
                each.listen()
            clients = [
                socket.create_connection(("127.0.0.1", port.number), timeout=5) for _ in range(64)
            ]
            with pytest.raises(SettingsError, match="cannot listen"):
                listen("127.0.0.1", port.number, "port")
            accepted = [_accepted(each) for each in (one, other)]
        for client in clients:
            client.close()
    assert sum(accepted) == len(clients)
    assert (min(accepted) > 0) is spreads


def _accepted(listener: socket.socket) -> int:
    """How many connections wait there."""
    found = 0
    with suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            found += 1
    return found
