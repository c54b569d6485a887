"""Large documents brought into rooms, and whether what comes out is what went in."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from pycrdt import Doc, merge_updates

from benchmarks.stress.documents import fingerprint
from benchmarks.stress.session import Messages, Session, is_answer, updates_in
from benchmarks.targets import Target
from benchmarks.wires import Dialect

_WITHIN_S: Final = 60.0
_LOOK_AGAIN_S: Final = 0.2
_RESTS_WITHIN_S: Final = 20.0
_RESTING_BUSY_MAX: Final = 0.05
_LOOK_S: Final = 0.5
_EMPTY: Final = b"\x00\x00"


async def upload(target: Target, dialect: Dialect, content: bytes) -> Session:
    """Bring a document into a room, as a client does that has it, and wait until others get it.

    Returns:
        Who brought it, still in the room: a server that stores nothing forgets the document when
        the last one leaves.

    Raises:
        TimeoutError: they did not within a minute.
    """
    session = Session(dialect, Messages(), content)
    async with asyncio.timeout(_WITHIN_S):
        await session.join(target.port)
        await session.asked
        clocks = _clocks(content)
        while _clocks(await download(target, dialect)) != clocks:  # noqa: ASYNC110 - it says so only when asked
            await asyncio.sleep(_LOOK_AGAIN_S)
    return session


async def settled(target: Target) -> None:
    """Wait until the server rests: what an upload leaves to do is not part of what follows."""
    give_up_s = time.perf_counter() + _RESTS_WITHIN_S
    busy = 1.0
    while busy > _RESTING_BUSY_MAX and time.perf_counter() < give_up_s:
        before_s, begun_s = target.cpu_s(), time.perf_counter()
        await asyncio.sleep(_LOOK_S)
        busy = (target.cpu_s() - before_s) / (time.perf_counter() - begun_s)


async def download(target: Target, dialect: Dialect) -> bytes:
    """What somebody gets who joins a room with nothing.

    Raises:
        ConnectionError: the server does not let them in.
    """
    messages = Messages()
    session = Session(dialect, messages)
    await session.join(target.port)
    await session.leave()
    return first_state(session, messages)


def first_state(session: Session, messages: Messages) -> bytes:
    """What a session had when it was told that it has everything, as one update.

    A server may send a large document in parts, the last of them as its answer.
    """
    parts: list[bytes] = []
    for number in session.heard:
        message = messages.kept[number]
        parts += (part for part in updates_in(session.dialect, message) if part != _EMPTY)
        if is_answer(session.dialect, message):
            break
    return merge_updates(*parts) if len(parts) > 1 else b"".join(parts) or _EMPTY


def count_of(expected: str, states: list[bytes]) -> int:
    """How many of these updates show what is expected; equal ones are looked at once."""
    known: dict[bytes, bool] = {}
    for state in states:
        if state not in known:
            known[state] = fingerprint(state) == expected
    return sum(known[state] for state in states)


def _clocks(update: bytes) -> frozenset[tuple[int, int]]:
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    return _as_set(doc.get_state())


def _as_set(state_vector: bytes) -> frozenset[tuple[int, int]]:
    """A state vector without the order in which it happens to list its clients."""
    numbers = []
    value = shift = 0
    for byte in state_vector:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(value)
            value = shift = 0
    return frozenset(zip(numbers[1::2], numbers[2::2], strict=True))
