"""An event loop for several processes on one thread, with a clock that jumps to the next event.

Each process (a node, or the world outside) has its own queue, as it has its own event loop in
reality: within one everything runs in the order that asyncio promises, between them the seed
decides. What belongs to whom is told by the context in which it was scheduled, which asyncio hands
down from task to task. So a process can be held for a while, or ended between any two steps, with
nothing of it cleaned up; its clock may be ahead, and go faster or slower than the others'.
"""

from __future__ import annotations

import asyncio
import heapq
import inspect
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, Final, TypeVar, TypeVarTuple

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

WALL_BEGINS_S: Final = 1_800_000_000.0
_EXECUTOR_S: Final = (0.0002, 0.005)
_WORK_MAX: Final = 400_000
"""Steps after which a run must have ended: nothing that was simulated goes on without end."""


class Process:
    """What runs on one event loop of its own, in reality.

    Args:
        name: for traces.
        ahead_s: what its clocks show beyond the world's at its beginning.
        speed: seconds that its clocks advance in each of the world's.

    Attributes:
        is_held: nothing of it runs, as after SIGSTOP.
        is_dead: nothing of it will ever run again, and nothing leaves it.
        effects_left: it dies before its next effect but so many; None to live on.
        in_turn: called once, before some effect of work that is to be done by one node at a time.
        tasks: those that have not ended, and some that have.
        context: what belongs to it is scheduled in this context.
    """

    def __init__(self, name: str, *, ahead_s: float = 0.0, speed: float = 1.0) -> None:
        self.name = name
        self.is_held = False
        self.is_dead = False
        self.effects_left: int | None = None
        self.in_turn: Callable[[], None] | None = None
        self.on_death: Callable[[], None] = _nothing
        self.ahead_s = ahead_s
        self.speed = speed
        self.ready: deque[_Call] = deque()
        self.late: list[_Call] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.context = Context()
        self.context.run(PROCESS.set, self)

    def may(self) -> bool:
        """Whether an effect may leave the process; at times it dies instead."""
        if self.effects_left is not None and not self.is_dead:
            if self.effects_left == 0:
                self.die()
            else:
                self.effects_left -= 1
        return not self.is_dead

    def die(self) -> None:
        """End without cleaning up."""
        if not self.is_dead:
            self.is_dead = True
            self.ready.clear()
            self.late.clear()
            self.on_death()

    def hold(self) -> None:
        """Stand still while time goes on."""
        self.is_held = True

    def release(self) -> None:
        """Go on: first with what has come, then with the timers that are overdue."""
        self.is_held = False
        self.ready.extend(self.late)
        self.late.clear()


PROCESS: Final[ContextVar[Process]] = ContextVar("process")


class _Call(asyncio.TimerHandle):
    """What will be called: without what other loops note besides, which costs more than the rest.

    Args:
        call: it, with `args`.
        context: where; it tells whose it is.
    """

    __slots__ = ("args", "call", "context", "is_off")

    def __init__(
        self, call: Callable[..., object], args: tuple[object, ...], context: Context
    ) -> None:
        self.call = call
        self.args = args
        self.context = context
        self.is_off = False

    def cancel(self) -> None:
        self.is_off = True

    def cancelled(self) -> bool:
        return self.is_off


class Simulation(asyncio.AbstractEventLoop):
    """The loop.

    Args:
        random: decides whose turn it is.

    Attributes:
        now_s: the world's time since the beginning.
        world: everything that is no node.
        failures: what was raised where nobody caught it.
    """

    def __init__(self, random: Random) -> None:
        self.now_s = 0.0
        self.world = Process("world")
        self.failures: list[str] = []
        self._random = random
        self._processes = [self.world]
        self._alive = [self.world]
        self._timers: list[tuple[float, float, _Call, Process]] = []
        self._steps = 0
        self._is_closed = False

    # Processes --------------------------------------------------------------------------------

    def start(self, process: Process) -> None:
        """Let a process run."""
        self._processes.append(process)
        self._alive = [each for each in self._alive if not each.is_dead]
        self._alive.append(process)

    def wall_s(self) -> float:
        """The wall clock of the process that asks."""
        return WALL_BEGINS_S + self.time()

    def at(
        self, process: Process, when_s: float, call: Callable[[*_Ts], object], *args: *_Ts
    ) -> None:
        """Call a function in a process at a time of the world, if it lives then."""
        handle = _Call(call, args, process.context.copy())
        heapq.heappush(self._timers, (when_s, self._random.random(), handle, process))

    def later(
        self, process: Process, delay_s: float, call: Callable[[*_Ts], object], *args: *_Ts
    ) -> None:
        """The same after a while."""
        self.at(process, self.now_s + delay_s, call, *args)

    def spawn(self, process: Process, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Begin a task in a process."""
        return process.context.copy().run(self.create_task, work)

    def begin(self, process: Process, work: Coroutine[Any, Any, object]) -> None:
        """The same, of which nobody waits for the end."""
        self.spawn(process, work).add_done_callback(self._ended)

    # Running ----------------------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run until a task of the world is done.

        Raises:
            AssertionError: nothing is left to be done, or it goes on without end.
        """
        asyncio._set_running_loop(self)
        try:
            task = self.spawn(self.world, work)
            while not task.done():
                self._step()
            return task.result()
        finally:
            asyncio._set_running_loop(None)

    def _step(self) -> None:
        runnable = [each for each in self._alive if each.ready and not each.is_held]
        if not runnable:
            self._advance()
            return
        self._steps += 1
        assert self._steps < _WORK_MAX, "the simulated work never ends"
        process = runnable[0]
        if len(runnable) > 1:
            process = runnable[int(self._random.random() * len(runnable))]
        due = process.ready.popleft()
        if due.is_off:
            return
        try:
            due.context.run(due.call, *due.args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - as of a real loop: it ends nothing else
            self.call_exception_handler({"message": f"raised by {due.call}", "exception": error})

    def _advance(self) -> None:
        """Let time pass to the next timer, and make all ready that is due then."""
        timers = self._timers
        assert timers, "everything waits for something that never comes"
        now_s = self.now_s = max(self.now_s, timers[0][0])
        while timers and timers[0][0] <= now_s:
            _, _, due, process = heapq.heappop(timers)
            if not (due.is_off or process.is_dead):
                (process.late if process.is_held else process.ready).append(due)

    def close(self) -> None:
        """End all that is left, as the garbage collector would some day, without an effect."""
        asyncio._set_running_loop(self)
        try:
            self._is_closed = True
            # What is begun while others end belongs to nobody, and so to the world: it comes last.
            for process in reversed(self._processes):
                process.is_dead = True
                while process.tasks:
                    _end(process.tasks.pop())
        finally:
            asyncio._set_running_loop(None)

    def _ended(self, task: asyncio.Task[object]) -> None:
        """Nobody else will ask how."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.call_exception_handler({"message": "work broke", "exception": error})

    # What asyncio asks of a loop --------------------------------------------------------------

    def time(self) -> float:
        """The monotonic clock of the process that asks."""
        process = PROCESS.get(self.world)
        return process.ahead_s + self.now_s * process.speed

    def call_soon(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.Handle:
        if context is None:
            context = copy_context()
        handle = _Call(callback, args, context)
        process = context.get(PROCESS, self.world)
        if not process.is_dead:
            process.ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        if context is None:
            context = copy_context()
        handle = _Call(callback, args, context)
        process = context.get(PROCESS, self.world)
        if not process.is_dead:
            when_s = max(self.now_s, (when - process.ahead_s) / process.speed)
            # Timers of the same moment come in any order, as the heap of a real loop has them.
            heapq.heappush(self._timers, (when_s, self._random.random(), handle, process))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Generator[Any, None, _T] | Coroutine[Any, Any, _T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[_T]:
        owner = PROCESS.get(self.world) if context is None else context.get(PROCESS, self.world)
        task = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        tasks = owner.tasks
        if len(tasks) > 200:
            tasks[:] = [each for each in tasks if not each.done()]
        tasks.append(task)
        return task

    def run_in_executor(
        self, executor: object, func: Callable[..., _T], *args: object
    ) -> asyncio.Future[_T]:
        """Work of a thread: done at some later moment, in which nothing else happens."""
        future: asyncio.Future[_T] = self.create_future()

        def work() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                future.set_exception(error)

        self.call_later(self._random.uniform(*_EXECUTOR_S), work)
        return future

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return self._is_closed

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self._is_closed:
            error = context.get("exception")
            self.failures.append(f"{context.get('message')}: {error!r}")


def new_simulation(random: Random) -> Simulation:
    """A loop of which nothing is asked but what is written here: no sockets, no signals."""
    kind: Any = Simulation
    loop: Simulation = kind(random)
    return loop


def _end(task: asyncio.Task[Any]) -> None:
    if task.done():
        return
    work = task.get_coro()
    if isinstance(work, Coroutine):
        _close(work)


def _close(work: Coroutine[Any, Any, object]) -> None:
    """End a coroutine, and what it was given to wait for if it never began."""
    frame = getattr(work, "cr_frame", None)
    if frame is not None and inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
        for value in list(frame.f_locals.values()):
            if inspect.iscoroutine(value):
                _close(value)
    with suppress(BaseException):  # it is dead: nobody hears it
        work.close()


def _nothing() -> None:
    return
