"""A real HTTP receiver of webhooks on loopback, which behaves as the path of a request says."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

ENDLESS_CHUNK = b"x" * 4096
ENDLESS_CHUNKS = 4_096  # 16 MiB in all, far more than socket buffers hold


@dataclass
class Message:
    """What was received."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        """The body."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def is_signed(self, secret: str) -> bool:
        """Whether one of its signatures is the secret's, as standardwebhooks.com has it."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        head = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}."
        mac = hmac.new(key, head.encode() + self.body, hashlib.sha256).digest()
        return f"v1,{base64.b64encode(mac).decode()}" in self.headers["webhook-signature"].split()


@dataclass
class Receiver:
    """Takes messages: ``/redirect``, ``/slow``, ``/endless``, ``/flaky``, all others well.

    Unless `answer` says what is answered at a path: bytes, or None to say nothing.
    """

    port: int = 0
    messages: list[Message] = field(default_factory=list)
    sent_bytes: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    on_message: Callable[[], None] = lambda: None
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    answer: Callable[[str], bytes | None] | None = None

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def of(self, path: str) -> list[Message]:
        return [each for each in self.messages if each.path == path]

    async def until(self, count: int, path: str = "/") -> list[Message]:
        """The messages to a path, once there are so many; at most 30 s."""
        async with asyncio.timeout(30):
            async with self.arrived:
                await self.arrived.wait_for(lambda: len(self.of(path)) >= count)
        return self.of(path)

    async def until_told(
        self, is_wanted: Callable[[Message], bool], count: int = 1
    ) -> list[Message]:
        """Messages of a kind, once there are so many; at most 60 s."""

        def found() -> list[Message]:
            return [each for each in self.messages if is_wanted(each)]

        async with asyncio.timeout(60):
            async with self.arrived:
                await self.arrived.wait_for(lambda: len(found()) >= count)
        return found()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])
        }
        body = await reader.readexactly(int(headers["content-length"]))
        path = head[0].split()[1]
        self.messages.append(Message(path, headers, body))
        self.on_message()
        async with self.arrived:
            self.arrived.notify_all()
        if self.answer is not None:
            answer = self.answer(path)
            if answer is None:
                await reader.read()
            writer.write(answer or b"")
            return
        match path:
            case "/redirect":
                place = f"Location: {self.url('/elsewhere')}\r\n"
                writer.write(f"HTTP/1.1 307 Away\r\n{place}Content-Length: 0\r\n\r\n".encode())
            case "/slow":
                await reader.read()  # until whoever asks hangs up
                self.hung_up.set()
            case "/endless":
                length = len(ENDLESS_CHUNK) * ENDLESS_CHUNKS
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode())
                for _ in range(ENDLESS_CHUNKS):
                    writer.write(ENDLESS_CHUNK)
                    await writer.drain()
                    self.sent_bytes += len(ENDLESS_CHUNK)
            case "/flaky" if len(self.of(path)) == 1:
                writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
            case _:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
