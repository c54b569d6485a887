"""Updates within all limits that cost a server dearly, and how long each makes others wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

import uvloop

from benchmarks.stress.neighbours import Quarter, Window, neighbours
from benchmarks.stress.session import Messages, Session, leave_all
from benchmarks.stress.stage import Checks, Gauge, Goal, Outcome, Stage
from benchmarks.targets import Target
from benchmarks.undisturbed import no_collector
from benchmarks.wires import Dialect
from collab.protocol.varint import write_string, write_uint

_QUARTER: Final = Quarter(rooms=1, clients=2, updates_per_s=100)
_DONE_WITHIN_S: Final = 30.0
_AFTERWARDS_S: Final = 1.0
_LOOK_AGAIN_S: Final = 0.02
_GC_OF_ONE: Final = b"\x00\x01"
_MARK_ID: Final = 4_242
_STRING, _TYPE, _ANY = b"\x04", b"\x07", b"\x08"
_NULL: Final = b"\x7e"
_ARRAY: Final = b"\x00"

Block = tuple[int, int, bytes]
"""Client id, number of structs, the structs."""


@dataclass(frozen=True, slots=True)
class Hazard:
    """One heavy update, of a size that is chosen later.

    Attributes:
        name: what there is much of.
        count: how much of it.
        update: makes the update from the count.
    """

    name: str
    count: int
    update: Callable[[int], bytes]


def _update(blocks: Iterable[Block], deletes: bytes = b"\x00") -> bytes:
    whole = [
        write_uint(structs) + write_uint(client) + b"\x00" + body
        for client, structs, body in blocks
    ]
    return write_uint(len(whole)) + b"".join(whole) + deletes


def _rooted(content: bytes, body: bytes) -> bytes:
    """A struct at the start of a root type."""
    return content + b"\x01" + write_string("heavy") + body


def _clients(count: int) -> bytes:
    return _update((client, 1, _GC_OF_ONE) for client in range(count))


def _text_clients(count: int) -> bytes:
    letter = _rooted(_STRING, write_string("a"))
    return _update((client, 1, letter) for client in range(count))


def _many(count: int, struct: bytes) -> bytes:
    return _update([(5, count, struct * count)])


def _values(count: int) -> bytes:
    return _update([(7, 1, _rooted(_ANY, write_uint(count) + _NULL * count))])


def _delete_ranges(count: int) -> bytes:
    ranges = b"".join(write_uint(2 * at) + b"\x01" for at in range(count))
    return _update([], b"\x01\x06" + write_uint(count) + ranges)


HAZARDS: Final = (
    Hazard("clients", 100_000, _clients),
    Hazard("text_clients", 50_000, _text_clients),
    Hazard("gc_structs", 400_000, partial(_many, struct=_GC_OF_ONE)),
    Hazard("delete_ranges", 200_000, _delete_ranges),
    Hazard("values", 900_000, _values),
    Hazard("text_items", 100_000, partial(_many, struct=_rooted(_STRING, write_string("a")))),
    Hazard("types", 100_000, partial(_many, struct=_rooted(_TYPE, _ARRAY))),
)


@dataclass(frozen=True, slots=True)
class HeavyUpdates:
    """One heavy update after the other, each into a room of its own, beside one neighbour.

    Attributes:
        share: of the count of each hazard; below 1 for a smaller run.
        quiet_s: how long the neighbour is watched without anything.
        quarter: the neighbour.
    """

    share: float = 1.0
    quiet_s: float = 3.0
    quarter: Quarter = _QUARTER
    name: str = "heavy-updates"
    goals: tuple[Goal, ...] = (Goal("longest_stall_ms", 100.0),)

    @property
    def title(self) -> str:
        """For people."""
        return f"{len(HAZARDS)} heavy updates within all limits, a neighbour looks on"

    def run(self, stage: Stage) -> Outcome:
        """Send them, and see how long the neighbour waits."""
        with stage.target() as target:
            return uvloop.run(self._run(target, stage))

    async def _run(self, target: Target, stage: Stage) -> Outcome:
        figures: dict[str, float] = {}
        checks = Checks()
        windows: list[Window] = []
        with neighbours(target, self.quarter, stage.seed) as others:
            figures["nothing_stall_ms"] = (await others.watch(self.quiet_s)).edit.max_ms
            async with Gauge(target) as gauge:
                for hazard in HAZARDS:
                    update = hazard.update(max(1, int(hazard.count * self.share)))
                    dialect = target.dialect(f"hazard/{hazard.name}")
                    await others.mark()
                    with no_collector():
                        took_s = await _send(target, dialect, update, checks, hazard.name)
                    windows.append(await others.report())
                    figures[f"{hazard.name}_stall_ms"] = windows[-1].edit.max_ms
                    figures[f"{hazard.name}_took_s"] = round(took_s, 2)
        windows[-1].count_in(checks)
        longest_ms = max(window.edit.max_ms for window in windows)
        return checks.outcome({"longest_stall_ms": longest_ms} | figures | gauge.figures())


async def _send(
    target: Target, dialect: Dialect, update: bytes, checks: Checks, name: str
) -> float:
    """Send an update, and tell how long the server took until it was through with it, in seconds.

    An awareness state is sent behind it: when a reader in the room sees that, or the sender has
    been closed, the update has been dealt with.
    """
    messages = Messages()
    writer, reader = Session(dialect, messages), Session(dialect, messages)
    await reader.join(target.port)
    await writer.join(target.port)
    begun_s = time.perf_counter()
    mark = write_uint(_MARK_ID) + b"\x01" + write_string('{"through":true}')
    writer.send_update(update)
    writer.send_awareness(b"\x01" + mark)
    read = 0
    through = False
    while writer.is_connected and not through:
        await asyncio.sleep(_LOOK_AGAIN_S)
        heard = reader.heard[read:]
        read += len(heard)
        through = any(b"through" in messages.kept[number] for number in heard)
        if time.perf_counter() - begun_s > _DONE_WITHIN_S:
            break
    took_s = time.perf_counter() - begun_s
    if not writer.is_connected:
        checks.remarks.append(f"{name}: refused, close {writer.socket.closed.result()}")
    checks.count(1, through or not writer.is_connected)
    await asyncio.sleep(_AFTERWARDS_S)
    await leave_all([writer, reader])
    return took_s
