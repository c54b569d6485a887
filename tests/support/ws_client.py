"""Clients of both wire protocols, written from the protocols' descriptions over pycrdt's Doc.

They share no code with the server, so that what they expect comes from outside of it, and they
show what stock providers hide: every frame, every acknowledgement, every close code.
"""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

from pycrdt import Array, Doc, Map, Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from tests.support import wire
from tests.support.closes import Closed, ClosedBeforeError, closed_by
from tests.support.server import Server
from tests.support.wire import Reader, State, string, uint

PATIENCE_S: Final = 20.0
FRAME_BYTES_MAX: Final = 64 * 2**20


class Socket:
    """One websocket connection: frames in and out, with patience but never for ever."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, frame: bytes | str) -> None:
        """Send one frame; nothing happens when the connection is closed already."""
        with contextlib.suppress(ConnectionClosed):
            await self.connection.send(frame)

    async def receive(self, *, within_s: float = PATIENCE_S) -> bytes:
        """The next frame.

        Raises:
            ConnectionClosed: the peer closed.
            TimeoutError: nothing came in time.
        """
        frame = await asyncio.wait_for(self.connection.recv(), within_s)
        assert isinstance(frame, bytes), "the server sent a text frame"
        return frame

    async def receive_or_closed(self, *, within_s: float = PATIENCE_S) -> bytes | Closed:
        """The next frame, or how the peer closed instead."""
        try:
            return await self.receive(within_s=within_s)
        except ConnectionClosed as error:
            return closed_by(error)

    async def closed(self, *, within_s: float = PATIENCE_S) -> Closed:
        """Read on until the peer closes, and tell how."""
        async with asyncio.timeout(within_s):
            while True:
                try:
                    await self.connection.recv()
                except ConnectionClosed as error:
                    return closed_by(error)

    async def drop(self) -> None:
        """Cut the connection without a close frame, as a network does."""
        self.connection.transport.abort()
        await self.connection.wait_closed()


@asynccontextmanager
async def open_socket(
    url: str,
    *,
    origin: str | None = None,
    headers: Mapping[str, str] | None = None,
    compression: str | None = None,
) -> AsyncIterator[Socket]:
    """Open a websocket for the time of an `async with` block.

    Args:
        url: the address, query included.
        origin: the `Origin` header that a browser would send.
        headers: more request headers.
        compression: `deflate` to offer permessage-deflate.
    """
    async with connect(
        url,
        origin=Origin(origin) if origin else None,
        additional_headers=dict(headers or {}),
        compression=compression,
        max_size=FRAME_BYTES_MAX,
        ping_interval=None,
        proxy=None,
        close_timeout=2,
    ) as connection:
        yield Socket(connection)


def room_url(collab_url: str, room: str, **query: str) -> str:
    """The address of a room for y-websocket, encoded as a browser would."""
    encoded = f"?{urlencode(query)}" if query else ""
    return f"{collab_url}/{quote(room, safe='/')}{encoded}"


class Member(ABC):
    """A replica that takes part in one room; what both protocols have in common.

    Attributes:
        doc: the replica.
        states: the newest awareness entry of each client id.
        synced: whether the server has answered step 1.
        unacknowledged: updates sent whose acknowledgement has not come, oldest first.
        acknowledged: updates that the server has said are saved.
        denied: reasons given in permission-denied messages.
        ended: how the connection ended, once it has.
        blind: whether updates are left unapplied, for those that would end this process as well.
    """

    def __init__(self, socket: Socket, *, client_id: int | None = None) -> None:
        self.socket = socket
        self.doc: Doc[Any] = Doc() if client_id is None else Doc(client_id=client_id)
        self.states: dict[int, State] = {}
        self.synced = False
        self.unacknowledged: list[bytes] = []
        self.acknowledged: list[bytes] = []
        self.denied: list[str] = []
        self.ended: Closed | None = None
        self.frames_seen = 0
        self.blind = False
        self._clock = 0
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    @property
    def text(self) -> Text:
        """The root text `text`."""
        found: Text = self.doc.get("text", type=Text)
        return found

    @property
    def map(self) -> Map[object]:
        """The root map `map`."""
        found: Map[object] = self.doc.get("map", type=Map)
        return found

    @property
    def array(self) -> Array[object]:
        """The root array `list`."""
        found: Array[object] = self.doc.get("list", type=Array)
        return found

    async def __aenter__(self) -> Self:
        self._reader = asyncio.create_task(self._read())
        await self._greet()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._reader is not None
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader

    async def until(
        self, condition: Callable[[], bool], *, what: str = "", within_s: float = PATIENCE_S
    ) -> None:
        """Wait until a condition on this member holds; it is looked at after every frame.

        Raises:
            AssertionError: it did not come to hold, in time or before the connection ended.
        """
        deadline = asyncio.get_running_loop().time() + within_s
        while not condition():
            if self.ended is not None:
                raise ClosedBeforeError(self.ended, what or "it held")
            self._changed.clear()
            left_s = deadline - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._changed.wait(), left_s)
            except TimeoutError:
                raise AssertionError(f"not within {within_s} s: {what or condition}") from None

    async def until_closed(self, *, within_s: float = PATIENCE_S) -> Closed:
        """Wait until the server closes the connection, and tell how."""
        assert self._reader is not None
        await asyncio.wait_for(asyncio.shield(self._reader), within_s)
        assert self.ended is not None
        return self.ended

    async def until_saved(self, *, within_s: float = PATIENCE_S) -> None:
        """Wait until everything sent has been acknowledged."""
        await self.until(lambda: not self.unacknowledged, what="all is saved", within_s=within_s)

    async def edit(self, change: Callable[["Member"], None]) -> bytes:
        """Change the replica in one transaction, send the update and return it."""
        before = self.doc.get_state()
        with self.doc.transaction():
            change(self)
        update = self.doc.get_update(before)
        await self.send_update(update)
        return update

    async def send_update(self, update: bytes) -> None:
        """Send an update as an edit of this member's own."""
        self.unacknowledged.append(update)
        await self.send(wire.sync(wire.UPDATE, update))

    async def set_state(self, state: object, *, client_id: int | None = None) -> None:
        """Publish an awareness state; None withdraws it."""
        self._clock += 1
        owner = self.doc.client_id if client_id is None else client_id
        await self.send(wire.awareness([State(owner, self._clock, state)]))

    @abstractmethod
    async def send(self, message: bytes) -> None:
        """Send one message of y-protocols in the protocol's envelope."""

    @abstractmethod
    async def _greet(self) -> None:
        """Send what a client sends first."""

    @abstractmethod
    def _open_envelope(self, frame: bytes) -> Reader:
        """Take the envelope off a frame."""

    async def _read(self) -> None:
        while True:
            try:
                frame = await self.socket.connection.recv()
            except ConnectionClosed as error:
                self.ended = closed_by(error)
                self._changed.set()
                return
            assert isinstance(frame, bytes), "the server sent a text frame"
            self.frames_seen += 1
            await self._handle(self._open_envelope(frame))
            self._changed.set()

    async def _handle(self, reader: Reader) -> None:
        while reader.rest:
            kind = reader.uint()
            if kind == wire.SYNC:
                await self._handle_sync(reader.uint(), reader.blob())
            elif kind == wire.AWARENESS:
                self._handle_awareness(reader.blob())
            elif kind == wire.AUTH:
                await self._handle_auth(reader)
            else:
                await self._handle_other(kind, reader)

    async def _handle_sync(self, kind: int, payload: bytes) -> None:
        if kind == wire.STEP_1:
            await self._answer(self.doc.get_update(payload))
            return
        if not self.blind:
            self.doc.apply_update(payload)
        if kind == wire.STEP_2:
            self.synced = True
        else:
            self._seen_update(payload)

    async def _answer(self, update: bytes) -> None:
        await self.send(wire.sync(wire.STEP_2, update))

    @abstractmethod
    def _seen_update(self, update: bytes) -> None:
        """Told of every update that arrives."""

    def _handle_awareness(self, payload: bytes) -> None:
        for entry in wire.read_states(payload):
            known = self.states.get(entry.client_id)
            newer = known is None or entry.clock > known.clock
            if newer or (known and entry.clock == known.clock and entry.state is None):
                self.states[entry.client_id] = entry

    async def _handle_auth(self, reader: Reader) -> None:
        kind = reader.uint()
        assert kind == wire.TOKEN, f"an auth message of kind {kind}"
        self.denied.append(reader.string())

    async def _handle_other(self, kind: int, reader: Reader) -> None:
        raise AssertionError(f"the server sent a message of type {kind}")

    def present(self) -> dict[int, object]:
        """The awareness states in force, by client id."""
        return {who: entry.state for who, entry in self.states.items() if entry.state is not None}


class YWebsocketMember(Member):
    """Speaks y-websocket; an update is acknowledged when the server echoes it."""

    async def send(self, message: bytes) -> None:
        """Send one message: in this protocol it is the frame."""
        await self.socket.send(message)

    async def _greet(self) -> None:
        await self.send(wire.sync(wire.STEP_1, self.doc.get_state()))

    def _open_envelope(self, frame: bytes) -> Reader:
        return Reader(frame)

    def _seen_update(self, update: bytes) -> None:
        if update in self.unacknowledged:
            self.unacknowledged.remove(update)
            self.acknowledged.append(update)


class HocuspocusMember(Member):
    """Speaks Hocuspocus; each update is acknowledged, in order, by a sync status.

    Args:
        socket: the connection.
        room: the document's name.
        token: sent first, unless None.

    Attributes:
        scope: what the server answered to the token.
        refused: how many sync status messages said that nothing was applied.
        surplus: how many answered nothing that this member counts.
        token_asked: how often the server asked for a fresh token.
        left: reasons of CLOSE messages.
        codes: the close codes behind both kinds of reasons, in the order in which they came.
    """

    def __init__(
        self, socket: Socket, room: str, *, token: str | None = "", client_id: int | None = None
    ) -> None:
        super().__init__(socket, client_id=client_id)
        self.room = room
        self.token = token
        self.scope: str | None = None
        self.refused = 0
        self.surplus = 0
        self.token_asked = 0
        self.left: list[str] = []
        self.codes: list[int] = []

    async def send(self, message: bytes) -> None:
        """Send one message under the document's name."""
        await self.socket.send(string(self.room) + message)

    async def send_token(self, token: str) -> None:
        """Send a token, the first or a fresh one."""
        await self.send(wire.token(token))

    async def leave(self) -> None:
        """Close the document and keep the connection."""
        await self.send(uint(wire.CLOSE) + string("left"))

    async def _greet(self) -> None:
        if self.token is not None:
            await self.send_token(self.token)
        await self.send(wire.sync(wire.STEP_1, self.doc.get_state()))

    def _open_envelope(self, frame: bytes) -> Reader:
        reader = Reader(frame)
        assert reader.string() == self.room, "a message for another document"
        return reader

    async def _answer(self, update: bytes) -> None:
        self.unacknowledged.append(update)
        await super()._answer(update)

    def _seen_update(self, update: bytes) -> None:
        """An update from others says nothing about this member's own."""

    async def _handle_auth(self, reader: Reader) -> None:
        kind = reader.uint()
        if kind == wire.TOKEN:
            self.token_asked += 1
        elif kind == wire.DENIED:
            self.denied.append(reader.string())
            self.codes.append(reader.uint())
        else:
            self.scope = reader.string()

    async def _handle_other(self, kind: int, reader: Reader) -> None:
        if kind == wire.SYNC_STATUS:
            applied = reader.uint() == 1
            update = self.unacknowledged.pop(0) if self.unacknowledged else None
            if not applied:
                self.refused += 1
            elif update is not None:
                self.acknowledged.append(update)
            else:
                self.surplus += 1
        elif kind == wire.CLOSE:
            self.left.append(reader.string())
            self.codes.append(reader.uint())
        else:
            await super()._handle_other(kind, reader)


@asynccontextmanager
async def y_websocket(
    url: str, room: str, *, client_id: int | None = None, **query: str
) -> AsyncIterator[YWebsocketMember]:
    """Join a room over y-websocket; `url` is the server's `collab_url`."""
    async with (
        open_socket(room_url(url, room, **query)) as socket,
        YWebsocketMember(socket, client_id=client_id) as member,
    ):
        yield member


@asynccontextmanager
async def hocuspocus(
    url: str, room: str, *, token: str | None = "", client_id: int | None = None
) -> AsyncIterator[HocuspocusMember]:
    """Join a document over Hocuspocus; `url` is the server's `hocuspocus_url`."""
    async with (
        open_socket(url) as socket,
        HocuspocusMember(socket, room, token=token, client_id=client_id) as member,
    ):
        yield member


PROTOCOLS: Final = ("y-websocket", "hocuspocus")


@asynccontextmanager
async def join(
    server: Server, protocol: str, room: str, *, blind: bool = False
) -> AsyncIterator[Member]:
    """Join a room of a server in open mode over one of PROTOCOLS, and be in sync with it."""
    y = protocol == "y-websocket"
    async with open_socket(room_url(server.collab_url, room) if y else server.hocuspocus_url) as it:
        member = YWebsocketMember(it) if y else HocuspocusMember(it, room)
        member.blind = blind
        async with member:
            await member.until(lambda: member.synced, what="the first synchronisation")
            yield member
