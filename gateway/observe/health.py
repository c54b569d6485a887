"""Health: alive (the process answers) and ready (it can serve)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from collab.errors import BandProError
from persistence.stores import Stores

CHECK_TIMEOUT_S: Final = 2.0
KEPT_FOR_S: Final = 0.5
WELL: Final = "ok"
"""What stands for a check that found nothing."""

STORE: Final = "store"
"""The name of the check of the store."""

_NO_STORE: Final = {"Cache-Control": "no-store"}

ReadinessCheck = Callable[[], Awaitable[str | None]]
"""Answers None when all is well, else a few words on what is not."""


class Readiness:
    """Asks all checks at once, and keeps the answer for a time whoever asks.

    Args:
        checks: by the name under which they are shown.
        kept_for_s: how long an answer is good for.
    """

    def __init__(
        self, checks: Mapping[str, ReadinessCheck], kept_for_s: float = KEPT_FOR_S
    ) -> None:
        self._checks = dict(checks)
        self._kept_for_s = kept_for_s
        self._lock = asyncio.Lock()
        self._kept: dict[str, str] | None = None
        self._kept_at_s = 0.0

    async def failures(self) -> dict[str, str]:
        """What is not well, by name of the check; empty when the server can serve."""
        async with self._lock:
            now_s = asyncio.get_running_loop().time()
            if self._kept is None or now_s - self._kept_at_s > self._kept_for_s:
                answers = await asyncio.gather(*map(self._ask, self._checks.values()))
                named = zip(self._checks, answers, strict=True)
                self._kept = {name: said for name, said in named if said is not None}
                self._kept_at_s = now_s
            return self._kept

    async def _ask(self, check: ReadinessCheck) -> str | None:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                return await check()
        except TimeoutError:
            return "no answer in time"
        except BandProError as error:
            return type(error).__name__
        except Exception as error:  # noqa: BLE001 - a broken check means "not ready", not a crash
            structlog.get_logger().error("ready.check_failed", exc_info=error)
            return "the check itself failed"

    def names(self) -> tuple[str, ...]:
        """The checks that are asked."""
        return tuple(self._checks)


def store_check(stores: Stores) -> ReadinessCheck:
    """Whether a store serves."""

    async def check() -> str | None:
        return "; ".join(await stores.check()) or None

    return check


def health_routes(readiness: Readiness) -> list[BaseRoute]:
    """`/healthz` and `/readyz`, for the main and the admin port."""

    async def readyz(_request: Request) -> Response:
        failures = await readiness.failures()
        checks = {name: failures.get(name, WELL) for name in readiness.names()}
        return readiness_answer(checks, is_ready=not failures)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


async def healthz(_request: Request) -> Response:
    """The answer of whatever can answer."""
    return json_answer({"status": "alive"}, 200)


def readiness_answer(checks: Mapping[str, str], *, is_ready: bool) -> Response:
    """What `/readyz` says.

    Args:
        checks: `WELL`, or a few words on what is not, by name of the check.
        is_ready: whether clients may be sent here.
    """
    status = "ready" if is_ready else "not ready"
    return json_answer({"status": status, "checks": checks}, 200 if is_ready else 503)


def json_answer(body: object, status: int) -> Response:
    """An answer that is not to be kept anywhere."""
    return Response(orjson.dumps(body), status, _NO_STORE, "application/json")
