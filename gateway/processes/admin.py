"""The admin port of a server with workers: the metrics of all, and how each of them is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import httpx
import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.observe.health import CHECK_TIMEOUT_S, WELL, healthz, readiness_answer
from gateway.observe.metrics import CONTENT_TYPE
from gateway.processes.child import Worker
from gateway.processes.exposition import LABEL, merged

_NAMESPACE: Final = "bandpro"


class WorkerMetrics:
    """What a supervisor counts.

    Attributes:
        registry: where it is collected.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self.up = Gauge(
            "worker_up",
            "1 while a worker serves (bandpro serve --workers).",
            (LABEL,),
            namespace=_NAMESPACE,
            registry=self.registry,
        )
        self.restarts = Counter(
            "worker_restarts",
            "Workers that died and were started again.",
            (LABEL,),
            namespace=_NAMESPACE,
            registry=self.registry,
        )

    def exposition(self, workers: Sequence[Worker]) -> str:
        """All of it in the text format of Prometheus."""
        for worker in workers:
            self.up.labels(str(worker.number)).set(worker.is_ready)
            self.restarts.labels(str(worker.number))
        return generate_latest(self.registry).decode()


def supervisor_app(
    workers: Sequence[Worker], metrics: WorkerMetrics, is_stopping: Callable[[], bool]
) -> Starlette:
    """An app that serves `/metrics`, `/healthz` and `/readyz`; for loopback only.

    Args:
        workers: whom to ask.
        metrics: of the supervisor itself.
        is_stopping: whether the whole is being shut down.
    """

    async def exposition(_request: Request) -> Response:
        serving = [worker for worker in workers if worker.is_ready]
        answers = await asyncio.gather(*(_asked(worker, "/metrics") for worker in serving))
        texts = {
            str(worker.number): answer.text
            for worker, answer in zip(serving, answers, strict=True)
            if answer is not None
        }
        body = merged({"supervisor": metrics.exposition(workers), **texts})
        return Response(body, headers={"Content-Type": CONTENT_TYPE})

    async def readyz(_request: Request) -> Response:
        said = await asyncio.gather(*map(_state, workers))
        checks = {
            f"worker-{worker.number}": told for worker, told in zip(workers, said, strict=True)
        }
        checks["accepting"] = "shutting down" if is_stopping() else WELL
        # One that serves is enough: nobody is sent to one that died until the next is ready.
        return readiness_answer(checks, is_ready=WELL in said and not is_stopping())

    return Starlette(
        routes=[
            Route("/metrics", exposition),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ]
    )


async def _state(worker: Worker) -> str:
    """How a worker is, in a few words."""
    if not worker.is_ready:
        return "starting"
    answer = await _asked(worker, "/readyz")
    if answer is None:
        return "no answer in time"
    checks: dict[str, Any] = orjson.loads(answer.content)["checks"]
    return "; ".join(f"{name}: {told}" for name, told in checks.items() if told != WELL) or WELL


async def _asked(worker: Worker, path: str) -> httpx.Response | None:
    """Its answer; None when there was none in time."""
    try:
        # Without certificates, which take longer to load than all the rest.
        async with httpx.AsyncClient(timeout=CHECK_TIMEOUT_S, verify=False) as client:  # noqa: S501
            return await client.get(f"http://127.0.0.1:{worker.admin_port}{path}")
    except httpx.HTTPError:
        return None
