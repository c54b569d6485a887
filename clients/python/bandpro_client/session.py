"""What keeps a score open: connects, comes back, begins anew, or ends for good."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Mapping
from typing import Final

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from bandpro_client.closing import (
    BeginAnew,
    ComeBack,
    Consequence,
    GiveUp,
    after_close,
    after_status,
)
from bandpro_client.connection import FRAME_BYTES_MAX, Connection
from bandpro_client.errors import ClientError
from bandpro_client.exchange import Exchange
from bandpro_client.patience import Patience
from bandpro_client.presence import Presence
from bandpro_client.replica import Replica
from bandpro_client.tokens import Token, headers_of
from collab.errors import ProtocolError
from collab.protocol.close_codes import CloseCode
from collab.score.schema import Json

_CLOSE_WITHIN_S: Final = 2.0
_lots: Final = random.SystemRandom()
_PASSING: Final = (OSError, TimeoutError, ProtocolError, WebSocketException)


class Session:
    """One room, for as long as it is wanted.

    Args:
        address: of the room's websocket.
        token: what to show there, or where to ask for it.
        patience: how long to wait for what.
        tls: for ``wss``, where it is not the default.

    Attributes:
        replica: the document of now; another one after it was replaced.
        presence: who is here.
        revision: grows with each change of the document, also from one to another.
        error: why it has ended, or None.
        setback: what went wrong last, while it goes on trying.
        lost: what was not saved of a document that is gone, until somebody was told.
        is_open: whether the document has been received at least once.
    """

    def __init__(
        self, address: str, token: Token, patience: Patience, tls: ssl.SSLContext | None
    ) -> None:
        self.revision = 0
        self.error: BaseException | None = None
        self.setback: BaseException | None = None
        self.lost = 0
        self.is_open = False
        self._address = address
        self._token = token
        self._patience = patience
        if tls is None and address.startswith("wss:"):
            tls = ssl.create_default_context()  # once: it reads the system's authorities
        self._tls = tls
        self._exchange: Exchange | None = None
        self._connection: Connection | None = None
        self._may_edit = False
        self._shown: Mapping[str, Json] | None = None
        self._news = asyncio.Event()
        self._failures = self._replaced = 0
        self._was_token_refused = False
        self.replica, self.presence = self._fresh()

    @property
    def is_live(self) -> bool:
        """Whether it is connected and in step with the server."""
        return self._exchange is not None and self._exchange.is_synced

    @property
    def may_edit(self) -> bool:
        """Whether the server takes edits; between connections, whether it did."""
        return self._exchange.may_edit if self._exchange and self.is_live else self._may_edit

    def show(self, state: Mapping[str, Json] | None) -> None:
        """Set what others are shown of this client."""
        self.presence.show(state)
        self._shown = state
        if self._exchange is not None:
            self._exchange.announce()
        self._wake()

    async def news(self) -> None:
        """Wait until anything may be different."""
        await self._news.wait()

    async def run(self) -> None:
        """Stay in the room until that is refused; what ends it is kept in `error`."""
        try:
            while True:
                pause_s = self._prepare(await self._stay())
                await asyncio.sleep(pause_s)
        except Exception as error:  # noqa: BLE001 - whoever uses the score is told, whatever it is
            self.error = error
        finally:
            self._tell()

    def _prepare(self, consequence: Consequence) -> float:
        """Make ready for the next attempt; how long to wait before it, in seconds.

        Raises:
            Refused: there is none.
        """
        least_s = 0.0
        match consequence:
            case GiveUp(error):
                raise error
            case BeginAnew():
                self._begin_anew()
            case ComeBack():
                least_s = consequence.least_s
        self._failures += 1
        return self._patience.pause_s(self._failures, least_s, _lots.random())

    def _begin_anew(self) -> None:
        self._replaced += 1
        self.lost += self.replica.unsaved
        self.replica.close()
        self.replica, self.presence = self._fresh()
        if self._shown is not None:
            self.presence.show(self._shown)
        self._changed()

    # One connection -------------------------------------------------------------------------------

    async def _stay(self) -> Consequence:
        """Connect and take part until that ends; what follows from how it did."""
        try:
            headers = await headers_of(self._token, self._patience.token_within_s)
        except ClientError:
            raise
        except Exception as error:  # noqa: BLE001 - the application's source may fail in any way
            self.setback = error
            return ComeBack()
        try:
            code, reason = await self._take_part(headers)
        except InvalidStatus as error:
            self.setback = error
            status = error.response.status_code
            return after_status(status, can_sign_in_again=self._can_sign_in_again())
        except _PASSING as error:
            self.setback = error
            return ComeBack()
        self.setback = ConnectionError(f"closed with {code}: {reason}")
        again = code == CloseCode.UNAUTHENTICATED and self._can_sign_in_again()
        return after_close(code, reason, can_sign_in_again=again, replaced=self._replaced)

    def _can_sign_in_again(self) -> bool:
        """Whether a token that is asked for now may be better; once, until one is accepted."""
        was_refused, self._was_token_refused = self._was_token_refused, True
        return callable(self._token) and not was_refused

    async def _take_part(self, headers: Mapping[str, str]) -> tuple[int, str]:
        async with connect(
            self._address,
            additional_headers=headers,
            compression=None,
            max_size=FRAME_BYTES_MAX,
            open_timeout=self._patience.connect_within_s,
            close_timeout=_CLOSE_WITHIN_S,
            ssl=self._tls,
        ) as websocket:
            self._exchange = Exchange(self.replica, self.presence)
            self._connection = Connection(websocket, self._exchange, self._heard)
            try:
                return await self._connection.carry(self._patience.sync_within_s)
            finally:
                self._may_edit = self.may_edit
                self._exchange = self._connection = None
                self.replica.disconnected()
                self.presence.others.clear()
                self._tell()

    def _heard(self) -> None:
        if self.is_live:
            self.is_open = True
            self._failures = self._replaced = 0
            self._was_token_refused = False
        self._tell()

    # Telling --------------------------------------------------------------------------------------

    def _fresh(self) -> tuple[Replica, Presence]:
        replica = Replica(self._changed, self._wake)
        return replica, Presence(replica.doc.client_id)

    def _changed(self) -> None:
        self.revision += 1
        self._tell()

    def _wake(self) -> None:
        if self._connection is not None:
            self._connection.wake()

    def _tell(self) -> None:
        """Wake up all who wait; each looks for itself whether what it waits for has come."""
        self._news.set()
        self._news = asyncio.Event()
