"""The websocket layer by itself against RFC 6455: an echo behind our protocol class.

Some violations are tried by hand in every run. The Autobahn test suite tries some 500 cases in
`make prove`; docs/conformance.md says how to run it alone, and what came of it.
"""

import asyncio
import json
import logging
import os
import shutil
import struct
from asyncio.subprocess import PIPE, STDOUT
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from collab.protocol.websocket_frames import TEXT
from gateway.observe.traffic import Traffic
from gateway.transport.handshake import HandshakeProtocol
from gateway.transport.opening import Opening
from gateway.transport.raw_socket import RawSocket
from gateway.transport.uvicorn_protocol import DetachableProtocol, detach
from tests.support.counts import proving
from tests.support.server import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
SUITE_VERSION: Final = "0.8.2"
# The last virtualenv that runs under Python 2.7.
VIRTUALENV_VERSION: Final = "20.15.1"
SUITE: Final = ROOT / ".cache" / f"autobahn-{SUITE_VERSION}"
NEEDS: Final = (
    "The Autobahn test suite needs Python 2.7 as `python2.7` on PATH, with pip; "
    "docs/conformance.md has the command to run it by hand, in a container."
)
# Its largest message has 16 MiB.
MESSAGE_BYTES_MAX: Final = 17 * 2**20
# A close frame in the middle of a fragmented message: docs/conformance.md says more.
KNOWN: Final = {"direct": {}, "raw": {}, "asgi": {"7.1.5": ("FAILED", "WRONG CODE")}}
SUITE_WITHIN_S: Final = 1500
ANSWER_WITHIN_S: Final = 10

MASK: Final = b"\x01\x02\x03\x04"
# RFC 6455, section 1.3: the key and the answer that it must get.
HANDSHAKE: Final = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
ACCEPT: Final = b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send every message back as it came."""
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        content = {"bytes": message["bytes"]} if text is None else {"text": text}
        await send({"type": "websocket.send", **content})


class Echo:
    """Sends back what a socket hears that was taken off the server."""

    def __init__(self, socket: RawSocket) -> None:
        self.socket = socket
        socket.attach(self, Traffic())
        socket.bound_outbox(MESSAGE_BYTES_MAX)
        socket.listen()

    def take(self, frame: bytes) -> None:
        """Send a binary message back."""
        self.socket.push(frame)

    def take_text(self, text: bytes) -> None:
        """Send a text back."""
        self.socket.push(text, TEXT)

    def drained(self) -> None:
        """Nothing was refused."""

    def ended(self) -> None:
        """Nothing to leave."""

    def lost(self) -> None:
        """Nothing to count."""


async def raw_echo(scope: Scope, receive: Receive, send: Send) -> None:
    """The same on the transport itself, as the node serves its sockets."""
    await receive()
    await send({"type": "websocket.accept"})
    socket = detach(scope)
    assert socket is not None
    Echo(socket)


class Anywhere:
    """Lets every handshake in, at every path, without an application."""

    def serves(self, raw_path: str) -> bool:
        """Every path."""
        return raw_path.startswith("/")

    def welcomes(self, opening: Opening) -> bool:
        """Whoever has said where it connects to."""
        return "host" in opening.headers

    def enter(self, socket: RawSocket, opening: Opening) -> None:
        """Echo from now on."""
        del opening
        Echo(socket)


ECHOES: Final = {"direct": raw_echo, "raw": raw_echo, "asgi": echo}
each_way = pytest.mark.parametrize("way", ECHOES)


@asynccontextmanager
async def echoing(way: str) -> AsyncIterator[int]:
    """Serve an echo; yields the port."""
    port = free_port()
    first: Any = partial(HandshakeProtocol, [Anywhere()])
    config = uvicorn.Config(
        ECHOES[way],
        port=port,
        loop="none",
        http=first if way == "direct" else "httptools",
        ws=DetachableProtocol,
        ws_max_size=MESSAGE_BYTES_MAX,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done(), "the echo did not start"
        await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        await running


def frame(first: int, payload: bytes = b"", *, masked: bool = True) -> bytes:
    """A frame of fewer than 126 bytes, as in section 5.2; `first` is its first byte."""
    if not masked:
        return bytes([first, len(payload)]) + payload
    hidden = bytes(byte ^ MASK[place % 4] for place, byte in enumerate(payload))
    return bytes([first, 0x80 | len(payload)]) + MASK + hidden


@asynccontextmanager
async def opened(
    port: int,
) -> AsyncIterator[tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a socket by hand: the head of the answer in lower case, and both directions."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(HANDSHAKE)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), ANSWER_WITHIN_S)
        yield head.lower(), reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def answer_to(port: int, sent: bytes) -> bytes:
    """All frames that come back for some bytes, until the server closes."""
    async with opened(port) as (_, reader, writer):
        writer.write(sent)
        return await asyncio.wait_for(reader.read(), ANSWER_WITHIN_S)


def closed_with(code: int) -> bytes:
    """How a close frame with a code begins, without its length."""
    return struct.pack("!H", code)


VIOLATIONS: Final = {
    "a reserved bit without an extension": (frame(0xC1, b"x"), 1002),
    "an unknown data opcode": (frame(0x83, b"x"), 1002),
    "an unknown control opcode": (frame(0x8B), 1002),
    "a ping in pieces": (frame(0x09, b"x"), 1002),
    "a frame without a mask": (frame(0x81, b"x", masked=False), 1002),
    "a continuation of nothing": (frame(0x80, b"x"), 1002),
    "a message inside another": (frame(0x01, b"x") + frame(0x81, b"y"), 1002),
    "a text that is no UTF-8": (frame(0x81, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80"), 1007),
    "a close frame of one byte": (frame(0x88, b"\x03"), 1002),
    "a close code that may not be sent": (frame(0x88, struct.pack("!H", 1005)), 1002),
    "a close reason that is no UTF-8": (frame(0x88, b"\x03\xe8\xff"), 1007),
    "a message longer than allowed": (b"\x82\xff" + struct.pack("!Q", 2**40) + MASK, 1009),
}


@each_way
@pytest.mark.parametrize("violation", VIOLATIONS)
async def test_violations_of_the_protocol_end_with_the_code_the_rfc_asks_for(
    violation: str, way: str
) -> None:
    """RFC 6455, sections 5 and 7: the close frame says what was wrong, then the socket ends.

    Bears WS-1.
    """
    sent, code = VIOLATIONS[violation]
    async with echoing(way) as port:
        frames = await answer_to(port, sent)
    assert frames[0] == 0x88, frames
    assert frames[2:4] == closed_with(code), frames


@each_way
async def test_good_frames_are_echoed_and_a_close_is_answered(way: str) -> None:
    """RFC 6455, section 5.7: its own examples, in pieces with a ping between, then a close."""
    sent = (
        frame(0x81, b"Hello")
        + frame(0x01, b"Hel")
        + frame(0x89, b"Hello")
        + frame(0x80, b"lo")
        + frame(0x82, b"\x00\xff")
    )
    pong, hello, binary = b"\x8a\x05Hello", b"\x81\x05Hello", b"\x82\x02\x00\xff"
    async with echoing(way) as port, opened(port) as (head, reader, writer):
        writer.write(sent)
        size = len(pong + hello * 2 + binary)
        frames = await asyncio.wait_for(reader.readexactly(size), ANSWER_WITHIN_S)
        # Not together with the rest: a close is answered at once, and no echo may follow it.
        writer.write(frame(0x88, b"\x03\xe8"))
        end = await asyncio.wait_for(reader.read(), ANSWER_WITHIN_S)
    assert head.startswith(b"http/1.1 101 ")
    assert ACCEPT in head
    assert b"permessage-deflate" not in head, "compression is not negotiated"
    # The pong may overtake the echo, which passes through the application.
    assert pong in frames
    assert frames.replace(pong, b"", 1) == hello * 2 + binary
    assert end == b"\x88\x02\x03\xe8"


async def run(*command: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command to its end: exit status and all that it wrote."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=STDOUT,
        env=None if env is None else dict(env), cwd=SUITE,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(process.communicate(), SUITE_WITHIN_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode(errors="replace")


async def python27() -> str:
    """The path of a Python 2.7 that runs; version managers may need to be told which."""
    found = shutil.which("python2.7")
    for choice in ({}, {"PYENV_VERSION": "2.7.18"}):
        if found is None:
            break
        said = "import sys; print(sys.executable)"
        status, output = await run(found, "-c", said, env=dict(os.environ) | choice)
        if status == 0:
            return output.strip()
    return pytest.fail(NEEDS)


async def installed_suite() -> str:
    """The path of Autobahn's command, installed into .cache once."""
    SUITE.mkdir(parents=True, exist_ok=True)
    command = SUITE / "venv" / "bin" / "wstest"
    if command.exists():
        return str(command)
    python = await python27()
    pip = ["pip", "install", "--quiet", "--disable-pip-version-check"]
    tools = str(SUITE / "tools")
    steps = [
        ([python, "-m", *pip, "--target", tools, f"virtualenv=={VIRTUALENV_VERSION}"], {}),
        ([python, "-m", "virtualenv", "--quiet", str(SUITE / "venv")], {"PYTHONPATH": tools}),
        ([str(SUITE / "venv/bin/python"), "-m", *pip, f"autobahntestsuite=={SUITE_VERSION}"], {}),
    ]
    for step, extra in steps:
        status, output = await run(*step, env=dict(os.environ) | extra)
        assert status == 0, f"{NEEDS}\n{step}:\n{output[-3000:]}"
    return str(command)


async def results_of_suite(wstest: str, port: int) -> dict[str, dict[str, Any]]:
    """Let Autobahn try all its cases; its report by case number."""
    specification = {
        "outdir": str(SUITE / "reports"),
        "servers": [{"agent": "bandpro", "url": f"ws://127.0.0.1:{port}"}],
        "cases": ["*"],
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    path = SUITE / "fuzzingclient.json"
    path.write_text(json.dumps(specification))
    status, output = await run(wstest, "--mode", "fuzzingclient", "--spec", str(path))
    assert status == 0, output[-3000:]
    report = json.loads((SUITE / "reports" / "index.json").read_text())
    results: dict[str, dict[str, Any]] = report["bandpro"]
    return results


@each_way
@pytest.mark.prove
@pytest.mark.timeout(SUITE_WITHIN_S)
@pytest.mark.skipif(not proving(), reason="the Autobahn test suite runs in `make prove`")
async def test_the_autobahn_test_suite_finds_only_what_is_known(
    way: str, record_property: Callable[[str, object], None], caplog: pytest.LogCaptureFixture
) -> None:
    """The Autobahn test suite finds one deviation, which is known; there is no compression.

    Bears WS-1.
    """
    # A traceback for each text that is no UTF-8, which would bury what a failure has to say.
    caplog.set_level(logging.CRITICAL, logger="uvicorn.error")
    wstest = await installed_suite()
    async with echoing(way) as port:
        results = await results_of_suite(wstest, port)
    ends = {case: (each["behavior"], each["behaviorClose"]) for case, each in results.items()}
    for behaviour, number in sorted(Counter(end[0] for end in ends.values()).items()):
        record_property(behaviour, number)
    # Groups 12 and 13 are compression.
    compressed = {case for case in ends if case.split(".")[0] in {"12", "13"}}
    assert {ends[case][0] for case in compressed} == {"UNIMPLEMENTED"}
    others = {case: end for case, end in ends.items() if case not in compressed}
    assert len(others) == 301, "the whole suite ran"
    good = {"OK", "NON-STRICT", "INFORMATIONAL"}
    assert {case: end for case, end in others.items() if not good.issuperset(end)} == KNOWN[way]
