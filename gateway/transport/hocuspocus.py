"""The Hocuspocus endpoint: many documents on one socket, each signed in by a token in band.

Frames are handled one after another, a sign-in included, so what a client sends behind its token
waits in the socket. Only what comes *before* a document's token is queued here, within caps.

=========  ===========================  =======================================================
document   frame                        becomes
=========  ===========================  =======================================================
unknown    token                        joined, or denied and unknown again; or refused
unknown    step 1, in open mode         joined: the frame is given to the room
unknown    close                        unknown
unknown    anything else                waiting: the frame is queued
waiting    token                        joined, the queue is handled; or denied; or refused
waiting    step 1, in open mode         joined, the queue is handled, then the frame
waiting    close                        unknown, the queue is dropped
waiting    anything else                waiting, the frame is queued, within caps
joined     token                        joined with fresh claims; or denied; an expired token
                                        changes nothing
joined     close                        unknown
joined     anything else                joined: given to the room
refused    token, step 1 in open mode   as from unknown: a seat may have become free
refused    close                        unknown
refused    anything else                refused: the frame is dropped
refused    (a pause has passed)         denied, if another document is joined; else the socket
                                        is closed with the retryable code of the refusal
=========  ===========================  =======================================================

Refused is who may come in another time, such as into a full room. For providers a denial is the
last word on a document until their socket connects again, and a close code concerns all that is on
the socket. So the socket is closed only when nothing else would suffer from it, and not before the
other documents on it have had time to sign in.
"""

from __future__ import annotations

import asyncio
from typing import Final

from collab.access import Action, Claims, decide
from collab.errors import (
    AccessDenied,
    AuthFailure,
    BandProError,
    LimitExceeded,
    PeerError,
    RoomQuarantined,
    Unauthenticated,
)
from collab.ids import RoomName, room_name
from collab.protocol import hocuspocus, y_sync
from collab.protocol.close_codes import CloseCode, is_retryable
from collab.protocol.hocuspocus import HocuspocusFrame
from collab.protocol.messages import (
    ChannelMessage,
    CloseDocument,
    Ping,
    Pong,
    Stateless,
    SyncStep1,
    Token,
)
from collab.room.session import Session, Wire
from gateway.transport.connection import Connection
from gateway.transport.doors import Doors
from gateway.transport.endpoint import Endpoint
from gateway.transport.hocuspocus_documents import Document, Joined, Refused, Waiting, outlives
from gateway.transport.opening import Opening
from gateway.transport.refusals import close_code_for
from gateway.transport.sockets import Rest

PATH: Final = "/hocuspocus"
PROTOCOL: Final = "hocuspocus"
_ASK_TOKEN_BEFORE_S: Final = 30.0
_REFUSAL_PAUSE_S: Final = 2.0


class HocuspocusEndpoint(Endpoint):
    """The route ``/hocuspocus``."""

    protocol = PROTOCOL

    def serves(self, raw_path: str) -> bool:
        """Whether a path is the one."""
        return raw_path == PATH

    def begin(self, connection: Connection, opening: Opening) -> Rest:
        """Wait for what the client has to say: who it is and what it wants comes in band."""
        del opening
        connection.hear(_Socket(self._doors, connection))
        return None


class _Socket:
    """All documents of one socket."""

    def __init__(self, doors: Doors, connection: Connection) -> None:
        self._doors = doors
        self._connection = connection
        self._documents: dict[bytes, Document] = {}
        self._is_trusted = False
        self._deadline: asyncio.TimerHandle | None = None
        self._signing: bytes | None = None  # the document whose sign-in is under way
        self._overdue: CloseCode | None = None
        self._loop = asyncio.get_running_loop()
        self._expect_document()

    def on_frame(self, frame: bytes) -> Rest:
        """Handle one frame.

        Raises:
            BandProError: it ends the socket.
        """
        self._doors.check_size(hocuspocus.peek(frame), frame)
        decoded = hocuspocus.decode(frame)
        if isinstance(decoded, Ping):
            self._connection.push(hocuspocus.PONG)
            return None
        if isinstance(decoded, Pong):
            return None
        self._doors.metrics.message(PROTOCOL, decoded.message)
        document = self._documents.get(decoded.prefix)
        message = decoded.message
        if isinstance(message, Token):
            return self._sign_in(decoded, message, document)
        if isinstance(document, Joined):
            return self._handle(document, message)
        if self._needs_no_token(message):
            return self._sign_in_and_receive(decoded, document)
        if isinstance(message, CloseDocument):
            self._forget(decoded.prefix)
        elif not isinstance(document, Refused):
            self._queue(decoded, document, len(frame))
        return None

    def on_end(self) -> None:
        """The socket is gone: leave every room."""
        if self._deadline is not None:
            self._deadline.cancel()
        for document in list(self._documents.values()):
            if isinstance(document, Joined):
                self._leave(document)
        self._documents.clear()  # they know this socket: none would ever be freed

    @property
    def _has_joined(self) -> bool:
        return any(isinstance(document, Joined) for document in self._documents.values())

    # Signing in -------------------------------------------------------------------------------

    def _needs_no_token(self, message: ChannelMessage) -> bool:
        """Version 2 of the provider sends no token unless it has one; open mode asks for none."""
        return isinstance(message, SyncStep1) and self._doors.auth.authenticator.is_open

    async def _sign_in(
        self, frame: HocuspocusFrame, message: Token, document: Document | None
    ) -> None:
        self._signing = frame.prefix
        try:
            await self._sign_in_now(frame, message, document)
        finally:
            self._signing = None
            if self._overdue is not None:
                self._connection.close(self._overdue)

    async def _sign_in_now(
        self, frame: HocuspocusFrame, message: Token, document: Document | None
    ) -> None:
        try:
            claims = await self._doors.auth.authenticator.authenticate_token(message.token)
            name = room_name(frame.document_name)
            if isinstance(document, Joined):
                self._doors.check_join(claims, name)
                self._refresh(document, claims)
                return
            self._check_number()
            joined = await self._join(frame.prefix, name, claims)
        except (PeerError, RoomQuarantined) as error:
            self._turn_away(frame.prefix, error)
            return
        for early in document.messages if isinstance(document, Waiting) else ():
            await self._receive(joined, early)

    async def _sign_in_and_receive(
        self, frame: HocuspocusFrame, document: Waiting | Refused | None
    ) -> None:
        await self._sign_in(frame, Token(""), document)
        entered = self._documents.get(frame.prefix)
        if isinstance(entered, Joined):
            await self._receive(entered, frame.message)

    async def _join(self, prefix: bytes, name: RoomName, claims: Claims) -> Joined:
        doors = self._doors
        runner, claims = await doors.open_room(name, claims)
        claims = doors.claims_in(runner, claims)
        session_id = doors.new_session_id()
        now = doors.clocks.wall()
        joined = Joined(prefix, self._connection, session_id, runner, now, self._forget)
        read_only = not decide(claims, name, Action.EDIT)
        self._connection.push(prefix + hocuspocus.encode_authenticated(read_only))
        self._documents[prefix] = joined
        runner.join(Session(session_id, claims, Wire.HOCUSPOCUS), joined)
        self._watch_expiry(joined, claims)
        self._expect_nothing()
        if not self._is_trusted:
            self._is_trusted = True
            self._connection.bound_frames(doors.limits.frame_bytes_max)
        return joined

    def _refresh(self, document: Joined, claims: Claims) -> None:
        session = document.runner.room.sessions.get(document.session_id)
        if session is None or session.claims.subject != claims.subject:
            raise AccessDenied("a renewed token must be of the same subject")
        claims = self._doors.claims_in(document.runner, claims)
        read_only = not decide(claims, document.runner.name, Action.EDIT)
        document.push(document.prefix + hocuspocus.encode_authenticated(read_only))
        document.runner.set_claims(document.session_id, claims)
        self._watch_expiry(document, claims)

    def _turn_away(self, prefix: bytes, error: BandProError) -> None:
        code = close_code_for(error)
        is_joined = isinstance(self._documents.get(prefix), Joined)
        is_stale = isinstance(error, Unauthenticated) and error.reason is AuthFailure.EXPIRED
        if is_joined and is_stale:
            return  # no renewal: the token that holds now does so until its end, which is watched
        if is_joined or not is_retryable(code):
            self._deny(prefix, code, str(error))
            return
        refused = self._documents[prefix] = Refused(code, str(error))
        self._loop.call_later(_REFUSAL_PAUSE_S, self._tell_refused, prefix, refused)

    def _tell_refused(self, prefix: bytes, refused: Refused) -> None:
        if self._documents.get(prefix) is not refused or self._connection.is_closing:
            return
        if self._has_joined:
            self._deny(prefix, refused.code, refused.reason)
        else:
            self._connection.close(refused.code, refused.reason)

    def _deny(self, prefix: bytes, code: CloseCode, reason: str) -> None:
        self._doors.metrics.refused.labels(reason="sign_in").inc()
        document = self._documents.get(prefix)
        if isinstance(document, Joined):
            self._leave(document)
        self._forget(prefix)
        self._connection.push(prefix + hocuspocus.encode_permission_denied(reason, code))

    def _watch_expiry(self, document: Joined, claims: Claims) -> None:
        document.stop_timers()
        document.expires_at = claims.expires_at
        left_s = self._doors.expires_in_s(claims)
        if left_s is None:
            return
        request = document.prefix + hocuspocus.encode_token_request()
        ask_in_s = max(left_s - _ASK_TOKEN_BEFORE_S, left_s / 2)
        document.timers.append(self._loop.call_later(ask_in_s, document.push, request))
        document.timers.append(self._loop.call_later(left_s, self._expire, document))

    def _expire(self, document: Joined) -> None:
        """End a document with its token; the socket too, if nothing on it outlives the token.

        Documents often share a token: closing the socket once brings them all back at once.
        """
        if any(outlives(other, document) for other in self._documents.values()):
            code = CloseCode.UNAUTHENTICATED
            document.runner.expel(document.session_id, code, "expired")
        else:
            self._connection.close(CloseCode.UNAUTHENTICATED, "expired")

    # Documents --------------------------------------------------------------------------------

    def _handle(self, document: Joined, message: ChannelMessage) -> Rest:
        match message:
            case CloseDocument():
                self._leave(document)
                self._forget(document.prefix)
            case Stateless() | Token():
                pass  # nothing of this server's answers to stateless messages
            case _:
                runner = document.runner
                if self._connection.socket.is_full or not runner.try_receive(
                    document.session_id, message
                ):
                    return runner.receive(document.session_id, message)
        return None

    async def _receive(self, document: Joined, message: ChannelMessage) -> None:
        # A client that does not read its answers gets no more of them.
        await self._connection.socket.writable()
        rest = self._handle(document, message)
        if rest is not None:
            await rest

    def _queue(self, frame: HocuspocusFrame, document: Waiting | None, frame_bytes: int) -> None:
        doors = self._doors
        if frame_bytes > doors.limits.frame_before_auth_bytes_max:
            raise LimitExceeded(
                f"before its token a document may send {frame_bytes} bytes in one frame",
                limit="frame_before_auth_bytes_max",
            )
        if document is None:
            self._check_number()
            document = self._documents[frame.prefix] = Waiting()
            self._loop.call_later(
                doors.limits.auth_timeout_ms / 1000, self._deny_waiting, frame.prefix, document
            )
        document.messages.append(frame.message)
        document.queued_bytes += frame_bytes
        if (
            len(document.messages) > doors.queue_before_auth_messages_max
            or document.queued_bytes > doors.queue_before_auth_bytes_max
        ):
            raise LimitExceeded(
                "too much was sent for a document before its token",
                limit="frame_before_auth_bytes_max",
            )

    def _check_number(self) -> None:
        if len(self._documents) >= self._doors.documents_per_socket_max:
            raise LimitExceeded(
                f"one socket may open {self._doors.documents_per_socket_max} documents",
                limit="documents_per_socket_max",
            )

    def _deny_waiting(self, prefix: bytes, document: Waiting) -> None:
        is_late = self._documents.get(prefix) is document and prefix != self._signing
        if is_late and not self._connection.is_closing:
            self._deny(prefix, CloseCode.UNAUTHENTICATED, "no token came")

    def _leave(self, document: Joined) -> None:
        document.stop_timers()
        document.runner.leave(document.session_id)

    def _forget(self, prefix: bytes) -> None:
        document = self._documents.pop(prefix, None)
        if isinstance(document, Joined):
            document.stop_timers()
            # Whoever never joined, and is denied again and again, gains no time by that.
            if not self._has_joined:
                self._expect_document()

    # Time -------------------------------------------------------------------------------------

    def _expect_document(self) -> None:
        """A socket on which no document is open is closed after a while."""
        self._expect_nothing()
        limits = self._doors.limits
        if self._is_trusted:
            wait_ms, code = limits.idle_timeout_ms, CloseCode.IDLE_TIMEOUT
        else:
            wait_ms, code = limits.auth_timeout_ms, CloseCode.UNAUTHENTICATED
        self._deadline = self._loop.call_later(wait_ms / 1000, self._miss_deadline, code)

    def _miss_deadline(self, code: CloseCode) -> None:
        if self._signing is None:
            self._connection.close(code)
        else:
            self._overdue = code  # a sign-in that waits for us is not the client's delay

    def _expect_nothing(self) -> None:
        self._overdue = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def heartbeat(self) -> bytes | None:
        """An awareness update of nobody in any document."""
        for prefix, document in self._documents.items():
            if isinstance(document, Joined):
                return prefix + y_sync.EMPTY_AWARENESS
        return None

    def on_drained(self) -> None:
        """Catch up, in every document, on what was refused meanwhile."""
        for document in list(self._documents.values()):
            if isinstance(document, Joined):
                document.runner.caught_up(document.session_id)
