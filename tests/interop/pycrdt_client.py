"""pycrdt's own provider over a websocket: the stock client of Python."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pycrdt import Doc, Provider
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.ws_client import FRAME_BYTES_MAX, room_url


class WebsocketChannel:
    """What pycrdt asks of a transport."""

    def __init__(self, connection: ClientConnection, path: str) -> None:
        self._connection = connection
        self._path = path

    @property
    def path(self) -> str:
        """The room."""
        return self._path

    def __aiter__(self) -> "WebsocketChannel":
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self.recv()
        except ConnectionClosed:
            raise StopAsyncIteration from None

    async def send(self, message: bytes) -> None:
        """Send one message."""
        await self._connection.send(message)

    async def recv(self) -> bytes:
        """Receive one message."""
        frame = await self._connection.recv()
        assert isinstance(frame, bytes)
        return frame


@asynccontextmanager
async def pycrdt_provider(url: str, room: str, *, token: str = "") -> AsyncIterator[Doc[Any]]:
    """Keep a Doc in step with a room; it is given once the first synchronisation is done."""
    doc: Doc[Any] = Doc()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        connect(
            room_url(url, room),
            additional_headers=headers,
            max_size=FRAME_BYTES_MAX,
            compression=None,
            proxy=None,
        ) as connection,
        Provider(doc, WebsocketChannel(connection, room)) as provider,
    ):
        await provider.synced.wait()
        yield doc
