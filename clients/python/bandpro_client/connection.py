"""One websocket, and the exchange that it carries, until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bandpro_client.closing import ABNORMAL
from bandpro_client.exchange import Exchange, StartOver
from collab.errors import ProtocolError
from collab.limits import DOCUMENT_BYTES_MAX

FRAME_BYTES_MAX: Final = 2 * DOCUMENT_BYTES_MAX
"""A whole document in one frame, and room for what its limit does not count."""

RENEW_S: Final = 15.0
"""After which presence is shown anew; the server forgets it after 30 s."""


class Connection:
    """Carries an exchange over an open websocket.

    Args:
        websocket: open, and nobody else's.
        exchange: what is said on it.
        heard: called after each frame that was taken.
    """

    def __init__(
        self, websocket: ClientConnection, exchange: Exchange, heard: Callable[[], None]
    ) -> None:
        self._websocket = websocket
        self._exchange = exchange
        self._heard = heard
        self._has_more = asyncio.Event()
        self._has_more.set()

    def wake(self) -> None:
        """Something may be there to be sent."""
        self._has_more.set()

    async def carry(self, sync_within_s: float) -> tuple[int, str]:
        """Send and receive until the connection ends.

        Args:
            sync_within_s: until the whole document has come.

        Returns:
            The code and the reason of the close frame that the server sent.

        Raises:
            ProtocolError: what came is none of the protocol.
            TimeoutError: the document did not come in time.
        """
        reading = asyncio.create_task(self._read(sync_within_s))
        writing = asyncio.create_task(self._write())
        try:
            # Whichever ends first: sending fails only when the connection has ended.
            await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                writing.result()
            await reading
        except ConnectionClosed as error:
            frame = error.rcvd
            return (frame.code, frame.reason) if frame else (ABNORMAL, "")
        except StartOver:
            return (ABNORMAL, "")
        finally:
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)
        raise AssertionError("reading ends by an error only")

    async def _read(self, sync_within_s: float) -> None:
        async with asyncio.timeout(sync_within_s) as patience:
            while True:
                frame = await self._websocket.recv()
                if isinstance(frame, str):
                    raise ProtocolError("a text frame")
                self._exchange.receive(frame)
                if self._exchange.is_synced:
                    patience.reschedule(None)
                self._has_more.set()
                self._heard()

    async def _write(self) -> None:
        while True:
            try:
                async with asyncio.timeout(RENEW_S):
                    await self._has_more.wait()
            except TimeoutError:
                self._exchange.announce(renewed=True)
            self._has_more.clear()
            for frame in self._exchange.take():
                try:
                    await self._websocket.send(frame)
                except ConnectionClosed:
                    return  # the reader is told why
