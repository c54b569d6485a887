"""The one store of a simulated cluster: the reference implementation behind an unreliable way.

A call travels to the store, is carried out there in one moment, and its answer travels back. Either
may fail or take too long. A caller that has died, or has given up, does not keep a call that is
under way from being carried out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar, cast

from collab.errors import BandProError, StoreUnavailable
from persistence.blob_snapshots import BlobSnapshots
from persistence.stores import Stores
from tests.simulation.loop import Process, Simulation
from tests.simulation.network import Weather
from tests.support.store_passage import (
    PassedBlobs,
    PassedHeads,
    PassedLeases,
    PassedLog,
    PassedManifests,
    PassedRecords,
)

_T = TypeVar("_T")
TIMEOUT_S: Final = 1.5
TURN: Final[ContextVar[int]] = ContextVar("turn", default=0)
"""The token of the lease under which a call is made; 0 outside of turns."""


@dataclass(slots=True)
class StoreWeather(Weather):
    """How the store is just now, and the way there.

    Attributes:
        fails: the part of all calls that fail before their work.
        unknown: the part of all calls that fail after it.
    """

    delay_s: float = 0.002
    least_s: float = 0.0001
    fails: float = 0.0
    unknown: float = 0.0

    def heal(self) -> None:
        """Be well again."""
        self.slow, self.fails, self.unknown = 1.0, 0.0, 0.0


class StoreWay:
    """One process's way to the store; see `tests.support.store_passage.Passage`.

    Args:
        loop: the simulation's.
        process: whose calls they are.
        weather: what may happen to them.
        trace: told of each call that is carried out.
        under: told in whose turn, just before.

    Attributes:
        is_cut: nothing gets through, in neither direction.
    """

    def __init__(
        self,
        loop: Simulation,
        process: Process,
        weather: StoreWeather,
        trace: Callable[[str, str], None],
        under: Callable[[int], None],
    ) -> None:
        self.loop = loop
        self.weather = weather
        self.trace = trace
        self.under = under
        self._process = process
        self.is_cut = False

    async def through(self, call: str, work: Callable[[], Awaitable[_T]]) -> _T:
        """Carry out a call, or fail in its place."""
        if TURN.get() and self._process.in_turn is not None and self.weather.random.random() < 0.4:
            strike, self._process.in_turn = self._process.in_turn, None
            strike()
            await asyncio.sleep(0)
        future: asyncio.Future[_T] = self.loop.create_future()
        if self._process.may():
            _Call(self, call, work, future).begin()
        return await future


class _Call(Generic[_T]):
    """One call on its way, and its answer on the way back."""

    def __init__(
        self,
        way: StoreWay,
        name: str,
        work: Callable[[], Awaitable[_T]],
        future: asyncio.Future[_T],
    ) -> None:
        weather = way.weather
        self._way, self._name, self._work, self._future = way, name, work, future
        self._turn = TURN.get()
        self._there_s, self._back_s = weather.delay(), weather.delay()
        chance = weather.random.random()
        self._fails = chance < weather.fails
        self._is_unknown = not self._fails and chance < weather.fails + weather.unknown

    def begin(self) -> None:
        """Go to the store; whoever waits is answered in time in any case."""
        loop = self._way.loop
        loop.later(loop.world, self._there_s, self._arrive)
        if self._there_s + self._back_s > TIMEOUT_S:
            loop.later(loop.world, TIMEOUT_S, self._answer, None, self._timeout())

    def _arrive(self) -> None:
        loop = self._way.loop
        if self._way.is_cut:
            loop.later(loop.world, TIMEOUT_S, self._answer, None, self._timeout())
        elif self._fails:
            error = StoreUnavailable(f"{self._name} was made to fail before its work")
            loop.later(loop.world, self._back_s, self._answer, None, error)
        else:
            loop.later(loop.world, self._back_s, self._answer, *self._carry_out())

    def _carry_out(self) -> tuple[_T | None, BandProError | None]:
        result, error = None, None
        self._way.under(self._turn)
        try:
            result = at_once(self._work())
        except BandProError as raised:
            error = raised
        self._way.trace(self._name, "" if error is None else type(error).__name__)
        if self._is_unknown:
            error = StoreUnavailable(f"{self._name} was made to fail after its work")
        return result, error

    def _answer(self, result: _T | None, error: BandProError | None) -> None:
        if self._future.done():
            return
        if self._way.is_cut:
            error = self._timeout()
        if error is None:
            self._future.set_result(cast("_T", result))
        else:
            self._future.set_exception(error)

    def _timeout(self) -> StoreUnavailable:
        return StoreUnavailable(f"{self._name} was not answered in time")


def reached(stores: Stores, way: StoreWay) -> Stores:
    """The same stores, as a process sees them at the end of a way."""
    blobs = PassedBlobs(stores.blobs, way)
    return replace(
        stores,
        log=PassedLog(stores.log, way),
        manifests=PassedManifests(stores.manifests, way),
        records=PassedRecords(stores.records, way),
        leases=PassedLeases(stores.leases, way),
        heads=PassedHeads(stores.heads, way),
        blobs=blobs,
        snapshots=BlobSnapshots(blobs),
    )


def at_once(work: Awaitable[_T]) -> _T:
    """Run a coroutine that never waits."""
    try:
        cast("Coroutine[Any, Any, _T]", work).send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    raise AssertionError("the memory store waited")
