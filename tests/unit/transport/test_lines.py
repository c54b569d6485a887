"""Broadcasts straight to sockets, in C and in Python, over real connections on both event loops."""

import asyncio
import importlib.util
import shutil
import socket
import subprocess
import sysconfig
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uvloop
from websockets.utils import apply_mask

from collab.protocol.websocket_frames import Frame, FrameReader, server_frame
from gateway.compiled.build import obstacle
from gateway.lines import plain
from gateway.observe.traffic import Traffic
from gateway.transport.raw_socket import RawSocket
from tests.support.sources import ROOT
from tests.unit.transport.test_raw_socket import OUTBOX_BYTES_MAX, Told, read

SMALL = b"a broadcast"
LARGE = Frame(bytes(range(256)) * 8_000)
FORMS = ["plain", "c"]
LOOPS = [asyncio.run, uvloop.run]


@pytest.fixture(scope="module")
def c_form(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The module made of the C source."""
    if obstacle():
        pytest.skip(f"cannot compile: {obstacle()}")
    library = tmp_path_factory.mktemp("lines") / "bandpro_lines.so"
    compiler = shutil.which("cc") or "gcc"
    include = f"-I{sysconfig.get_path('include')}"
    source = str(ROOT / "gateway" / "lines" / "lines.c")
    flags = ("-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", include)
    subprocess.run([compiler, *flags, source, "-o", str(library)], check=True)
    return loaded(library)


def loaded(library: Path) -> ModuleType:
    """A compiled module."""
    spec = importlib.util.spec_from_file_location("bandpro_lines", library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Each form in turn; sockets made meanwhile have lines of this form."""
    module: ModuleType = plain if request.param == "plain" else request.getfixturevalue("c_form")
    monkeypatch.setattr("gateway.transport.raw_socket.Line", module.Line)
    return module


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends; neither waits."""
    ours, peer = socket.socketpair()
    ours.setblocking(False)  # noqa: FBT003 - positional only
    peer.setblocking(False)  # noqa: FBT003 - positional only
    return ours, peer


def all_of(peer: socket.socket) -> bytes:
    """What has arrived by now."""
    data = b""
    while True:
        try:
            part = peer.recv(1 << 20)
        except BlockingIOError:
            return data
        if not part:
            return data
        data += part


def test_each_line_gets_the_bytes_or_is_left_over(form: ModuleType) -> None:
    """FORM-6: One that is not ready, one that is full, one that is broken; the others get all."""
    pairs = [pair() for _ in range(6)]
    lines = [form.Line(ours.fileno()) for ours, _ in pairs]
    _, waiting, full, _, skipped, _ = lines
    for line in lines:
        line.ready = line is not waiting
    taken = 1
    while taken:
        full.ready = True
        _, ((_, taken),) = form.send_all([full], LARGE.framed, set())
    full.ready, filled = True, full.bytes_out
    pairs[3][1].close()
    assert form.send_all(lines, SMALL, {skipped}) == (2, [(1, 0), (2, 0), (3, 0)])
    assert [line.ready for line in lines] == [True, False, False, False, True, True]
    assert [line.bytes_out for line in lines] == [len(SMALL), 0, filled, 0, 0, len(SMALL)]
    got = [all_of(peer) for at, (_, peer) in enumerate(pairs) if at not in (2, 3)]
    assert got == [SMALL, b"", b"", SMALL]
    for ours, peer in pairs:
        ours.close()
        peer.close()


def test_it_is_said_where_a_line_stopped(form: ModuleType) -> None:
    """FORM-6: The peer has exactly the bytes that are told as taken, from the first on."""
    ours, peer = pair()
    line = form.Line(ours.fileno())
    line.ready = True
    sent, left = form.send_all([line], LARGE.framed, frozenset())
    ((at, taken),) = left
    assert (sent, at) == (0, 0)
    assert 0 < taken == line.bytes_out < len(LARGE.framed)
    assert all_of(peer) == LARGE.framed[:taken]
    ours.close()
    peer.close()


def test_what_is_no_line_is_refused(c_form: ModuleType) -> None:
    """FORM-6: C looks at what it is given before it uses it."""
    foreign: list[tuple[Any, ...]] = [
        ([plain.Line(0)], b"", set()),
        ((), b"", set()),
        ([], bytearray(), set()),
        ([], b"", []),
        ([], b""),
    ]
    for arguments in foreign:
        with pytest.raises(TypeError):
            c_form.send_all(*arguments)


async def opened() -> tuple[RawSocket, Told, socket.socket]:
    """A socket that listens, and the peer's end."""
    ours, peer = pair()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    raw = RawSocket(transport, FrameReader(1_000_000, apply_mask), silence_s_max=60, peers=set())
    transport.set_protocol(raw)
    told = Told()
    raw.attach(told, Traffic())
    raw.bound_outbox(OUTBOX_BYTES_MAX)
    raw.listen()
    return raw, told, peer


def is_ready(way: plain.Line) -> bool:
    """Its flag, asked anew each time."""
    return way.ready


def broadcast(form: ModuleType, raw: RawSocket, frame: Frame) -> bool:
    """As a room does it: past the transport what can be, the rest through it."""
    ways = raw.line()
    assert ways is not None
    _, left = form.send_all([ways[0]], frame.framed, set())
    return all(raw.offer(frame, taken) for _, taken in left)


@pytest.mark.parametrize("run", LOOPS)
def test_nothing_overtakes_what_waits(
    form: ModuleType, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    """FORM-6, LIM-7: Parts, answers and broadcasts arrive in order; none after a refusal."""

    async def exchange() -> None:
        raw, told, peer = await opened()
        raw.push(b"hello")
        ways = raw.line()
        assert ways is not None
        way = ways[0]
        assert is_ready(way)
        expected = server_frame(b"hello")
        small = Frame(SMALL)
        assert broadcast(form, raw, small)
        assert broadcast(form, raw, LARGE), "a part of it was taken, so the rest has to follow"
        expected += small.framed + LARGE.framed
        assert not is_ready(way)
        assert raw.is_full
        raw.push(b"an answer")
        expected += server_frame(b"an answer")
        assert not broadcast(form, raw, small)
        assert way.bytes_out == len(expected)
        assert await read(peer, len(expected)) == expected
        await asyncio.wait_for(told.was_drained.wait(), 20)
        for _ in range(2):  # first through the transport, which is empty, then past it
            assert broadcast(form, raw, small)
        assert is_ready(way)
        assert await read(peer, 2 * len(small.framed)) == small.framed * 2
        raw.abort()
        peer.close()

    run(exchange())


@pytest.mark.parametrize("run", LOOPS)
def test_a_few_bytes_that_wait_below_the_bound_are_not_overtaken(
    form: ModuleType, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    """FORM-6: A transport that holds something back takes broadcasts as well, behind that."""

    async def exchange() -> None:
        raw, _, peer = await opened()
        raw.bound_outbox(100 * len(LARGE.framed))
        frames = [Frame(bytes([number]) * 50_000) for number in range(100)]
        for frame in frames:
            assert broadcast(form, raw, frame)
        assert raw.waiting_bytes > 0
        expected = b"".join(frame.framed for frame in frames)
        assert await read(peer, len(expected)) == expected
        raw.abort()
        peer.close()

    run(exchange())


@pytest.mark.parametrize("run", LOOPS)
def test_a_connection_that_breaks_in_a_broadcast_ends_and_the_others_get_it(
    form: ModuleType, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    """FORM-6: Its transport finds that out; its number is not written to afterwards."""

    async def exchange() -> None:
        ends = [await opened() for _ in range(3)]
        frame = Frame(SMALL)
        for raw, _, _ in ends:
            assert broadcast(form, raw, frame)
        raw, told, peer = ends[1]
        peer.close()
        lines = [way for each, _, _ in ends if (way := (each.line() or (None,))[0]) is not None]
        sent, left = form.send_all(lines, frame.framed, set())
        assert (sent, left) == (2, [(1, 0)])
        raw.offer(frame, 0)
        await asyncio.wait_for(told.has_ended.wait(), 20)
        assert raw.line() is None
        assert form.send_all(lines, frame.framed, set()) == (2, [(1, 0)])
        assert raw.offer(frame), "who is gone does not fall behind"
        for each, _, other in (ends[0], ends[2]):
            assert await read(other, 3 * len(frame.framed)) == frame.framed * 3
            each.abort()
            other.close()

    run(exchange())
