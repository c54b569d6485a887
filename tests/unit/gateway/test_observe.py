"""Metrics and health."""

import asyncio

import httpx
import pytest

from collab.errors import StoreUnavailable
from gateway.observe.admin import admin_app
from gateway.observe.health import Readiness
from gateway.observe.metrics import LOOP_LAG_PERIOD_S, Metrics, watch_loop_lag


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


async def get(path: str, metrics: Metrics, readiness: Readiness) -> httpx.Response:
    transport = httpx.ASGITransport(admin_app(metrics, readiness))
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
        return await client.get(path)


def test_frames_are_counted_by_protocol_and_size() -> None:
    """In and out apart."""
    metrics = Metrics()
    metrics.traffic("y-websocket").received(10)
    metrics.traffic("y-websocket").received(5)
    metrics.traffic("hocuspocus").sent(7)
    protocol = {"protocol": "y-websocket"}
    assert sample(metrics, "bandpro_frames_received_total", **protocol) == 2
    assert sample(metrics, "bandpro_received_bytes_total", **protocol) == 15
    assert sample(metrics, "bandpro_sent_bytes_total", protocol="hocuspocus") == 7
    assert sample(metrics, "bandpro_sent_bytes_total", **protocol) == 0


def test_each_node_counts_for_itself() -> None:
    """No global registry: two nodes in one process do not mix."""
    first, second = Metrics(), Metrics()
    first.sessions.inc()
    assert sample(first, "bandpro_sessions") == 1
    assert sample(second, "bandpro_sessions") == 0


def test_no_label_could_hold_what_clients_choose() -> None:
    """OPS-5: Labels are of fixed sets."""
    labels = {
        label
        for collector in vars(Metrics()).values()
        for label in getattr(collector, "_labelnames", ())
    }
    http, bus = {"method", "route", "status"}, {"command", "via"}
    assert labels == {"protocol", "kind", "code", "reason", "outcome", *http, *bus}


async def test_loop_lag_is_seen() -> None:
    """A loop that was held up is late by about as much."""
    metrics = Metrics()
    told: list[float] = []
    watching = asyncio.create_task(watch_loop_lag(metrics, told.append))
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0)
    until = loop.time() + LOOP_LAG_PERIOD_S + 0.2
    while loop.time() < until:
        pass
    await asyncio.sleep(0.01)  # the timer that is due runs first
    watching.cancel()
    lag_s = sample(metrics, "bandpro_loop_lag_seconds_sum")
    assert lag_s is not None
    assert lag_s >= 0.15


async def test_metrics_are_served_in_the_text_format() -> None:
    """With the process's own figures."""
    answer = await get("/metrics", Metrics(), Readiness({}))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE bandpro_append_seconds histogram" in answer.text
    assert "process_open_fds" in answer.text


async def test_alive_is_not_ready() -> None:
    """OPS-1: A store that is away makes the node unready, not dead."""

    async def away() -> str | None:
        return "disk full"

    async def well() -> str | None:
        return None

    readiness = Readiness({"store": away, "accepting": well})
    alive = await get("/healthz", Metrics(), readiness)
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    ready = await get("/readyz", Metrics(), readiness)
    assert ready.status_code == 503
    assert ready.json() == {
        "status": "not ready",
        "checks": {"store": "disk full", "accepting": "ok"},
    }


async def test_a_node_whose_checks_pass_is_ready() -> None:
    """OPS-1: Each check is named."""

    async def well() -> str | None:
        return None

    ready = await get("/readyz", Metrics(), Readiness({"store": well}))
    assert (ready.status_code, ready.json()["checks"]) == (200, {"store": "ok"})


@pytest.mark.parametrize("error", [StoreUnavailable("secret path"), ZeroDivisionError()])
async def test_a_check_that_fails_means_not_ready(error: Exception) -> None:
    """Whatever it raises; details stay in the log."""

    async def failing() -> str | None:
        raise error

    failures = await Readiness({"store": failing}).failures()
    assert set(failures) == {"store"}
    assert "secret path" not in failures["store"]


async def test_a_check_that_hangs_means_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes have short patience."""
    monkeypatch.setattr("gateway.observe.health.CHECK_TIMEOUT_S", 0.01)

    async def hanging() -> str | None:
        await asyncio.Event().wait()
        return None

    assert await Readiness({"store": hanging}).failures() == {"store": "no answer in time"}


async def test_many_probes_are_one_check() -> None:
    """Whoever asks often does not make the store work."""
    asked = 0

    async def counting() -> str | None:
        nonlocal asked
        asked += 1
        return None

    readiness = Readiness({"store": counting})
    await asyncio.gather(*(readiness.failures() for _ in range(100)))
    assert asked == 1
