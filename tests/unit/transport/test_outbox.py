"""The outbox: in order, bounded for broadcasts, drained before it closes."""

import asyncio

from collab.protocol.close_codes import CloseCode
from gateway.transport.outbox import ClosingFrame, Outbox


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Reader:
    """Takes frames, one for each permission given."""

    def __init__(self, permits: int) -> None:
        self.permits = asyncio.Semaphore(permits)
        self.frames: list[bytes | ClosingFrame] = []

    async def write(self, frame: bytes | ClosingFrame) -> None:
        await self.permits.acquire()
        self.frames.append(frame)


END = ClosingFrame(CloseCode.SERVICE_RESTART, "restarting")


async def test_frames_are_written_in_order_and_the_closing_frame_last() -> None:
    outbox = Outbox(100, lambda: None, Clock())
    reader = Reader(10)
    outbox.push(b"one")
    assert outbox.offer(b"two")
    outbox.close(END)
    outbox.push(b"too late")
    await asyncio.wait_for(outbox.write_all(reader.write), 1)
    assert reader.frames == [b"one", b"two", END]


async def test_a_broadcast_is_taken_at_the_bound_and_refused_above_it() -> None:
    """LIM-7."""
    outbox = Outbox(3, lambda: None, Clock())
    outbox.push(b"abc")
    assert outbox.offer(b"d"), "three bytes wait: the bound is not passed"
    assert not outbox.offer(b"e")
    assert outbox.queued_bytes == 4


async def test_after_a_refusal_nothing_is_taken_until_all_was_written() -> None:
    """LIM-7."""
    drained = asyncio.Event()
    outbox = Outbox(3, drained.set, Clock())
    reader = Reader(0)
    outbox.push(b"abcd")
    assert not outbox.offer(b"e")
    writing = asyncio.create_task(outbox.write_all(reader.write))
    await asyncio.sleep(0)
    outbox.push(b"direct")
    assert not outbox.offer(b"f"), "a gap would be left before it"
    assert not drained.is_set()
    reader.permits.release()
    reader.permits.release()
    await asyncio.wait_for(drained.wait(), 1)
    assert reader.frames == [b"abcd", b"direct"]
    assert outbox.offer(b"g")
    writing.cancel()


async def test_a_reader_that_does_not_read_is_stalled_since_its_last_progress() -> None:
    clock = Clock()
    outbox = Outbox(100, lambda: None, clock)
    assert outbox.stalled_s() == 0
    clock.now_s = 150.0
    outbox.push(b"a")
    clock.now_s = 157.0
    assert outbox.stalled_s() == 7
    outbox.push(b"b")
    assert outbox.stalled_s() == 7, "more to write is no progress"


async def test_a_reader_that_does_not_take_the_closing_frame_is_stalled_too() -> None:
    clock = Clock()
    outbox = Outbox(100, lambda: None, clock)
    outbox.close(END)
    clock.now_s += 12
    assert outbox.stalled_s() == 12
