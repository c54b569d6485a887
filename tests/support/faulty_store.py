"""Real stores whose calls fail, or wait, when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from collab.errors import StoreUnavailable
from persistence.stores import Stores
from tests.support.store_passage import PassedLog, PassedManifests, PassedSnapshots

_T = TypeVar("_T")


@dataclass(slots=True)
class _Failure:
    call: str | None
    countdown: int
    times: int
    after: bool


@dataclass(slots=True)
class Faults:
    """What goes wrong, and when.

    Attributes:
        calls: names of all calls made so far, such as ``log.append``, in order.
        gates: calls of these names wait for the event before they do anything.
        delays_s: calls of these names wait so long before they do anything.
    """

    calls: list[str] = field(default_factory=list)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    delays_s: dict[str, float] = field(default_factory=dict)
    _failures: list[_Failure] = field(default_factory=list)

    def fail(
        self, call: str | None = None, *, nth: int = 1, times: int = 1, after: bool = False
    ) -> None:
        """Let calls end in StoreUnavailable.

        Args:
            call: the call's name; None for any call.
            nth: the first one to fail, counted from now.
            times: how many fail in a row from there.
            after: fail once the work was done, as when the answer is lost on its way back.
        """
        self._failures.append(_Failure(call, nth, times, after))

    def heal(self) -> None:
        """Let everything work again."""
        self._failures.clear()
        for gate in self.gates.values():
            gate.set()
        self.gates.clear()

    @asynccontextmanager
    async def around(self, call: str) -> AsyncIterator[None]:
        """Pass through one call."""
        self.calls.append(call)
        failure = self._due(call)
        gate = self.gates.get(call)
        if gate is not None:
            await gate.wait()
        if call in self.delays_s:
            await asyncio.sleep(self.delays_s[call])
        if failure is not None and not failure.after:
            raise StoreUnavailable(f"{call} was made to fail before its work")
        yield
        if failure is not None:
            raise StoreUnavailable(f"{call} was made to fail after its work")

    async def through(self, call: str, work: Callable[[], Awaitable[_T]]) -> _T:
        """Carry out one call; see `Passage.through`."""
        async with self.around(call):
            return await work()

    def _due(self, call: str) -> _Failure | None:
        due = None
        for failure in self._failures:
            if failure.call in (None, call):
                failure.countdown -= 1
                if -failure.times < failure.countdown <= 0:
                    due = failure
        return due


def faulty(stores: Stores, faults: Faults) -> Stores:
    """The same stores, with every call of a port going through the faults."""
    return replace(
        stores,
        log=PassedLog(stores.log, faults),
        snapshots=PassedSnapshots(stores.snapshots, faults),
        manifests=PassedManifests(stores.manifests, faults),
    )
