"""The one catalogue of websocket close codes: what each means and whether to try again.

4400 to 4499 are terminal (a client that knows us stops), 4500 to 4599 and the standard 1011,
1012 and 1013 ask for another try. Most stock providers reconnect whatever the code, so a terminal
code must also be cheap to repeat.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class CloseCode(IntEnum):
    """Why a connection was closed by the server; the value is what travels."""

    NORMAL = 1000
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013

    BAD_MESSAGE = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    CLIENT_ID_TAKEN = 4409
    RELOAD = 4410
    DOCUMENT_FULL = 4413
    ROOM_QUARANTINED = 4423

    ROOM_UNAVAILABLE = 4503
    IDLE_TIMEOUT = 4508
    SLOW_CONSUMER = 4509
    ROOM_FULL = 4513
    TOO_MANY_CONNECTIONS = 4528
    RATE_LIMITED = 4529


MEANING: Final[dict[CloseCode, str]] = {
    CloseCode.NORMAL: "closed as asked",
    CloseCode.TOO_BIG: "a frame was larger than is allowed here",
    CloseCode.INTERNAL_ERROR: "the server failed; unsaved edits are sent again on reconnect",
    CloseCode.SERVICE_RESTART: "the server is restarting",
    CloseCode.TRY_AGAIN_LATER: "the server is busy",
    CloseCode.BAD_MESSAGE: "a message was not one of the protocol",
    CloseCode.UNAUTHENTICATED: "no valid token or ticket, or it has expired",
    CloseCode.FORBIDDEN: "the token does not allow this room or action",
    CloseCode.NOT_FOUND: "no such room or path",
    CloseCode.CLIENT_ID_TAKEN: "the client id is in use by somebody else; make a new document",
    CloseCode.RELOAD: "the document was replaced; load it afresh",
    CloseCode.DOCUMENT_FULL: "the document has reached its size limit",
    CloseCode.ROOM_QUARANTINED: "the room was taken out of service; ask the operator",
    CloseCode.ROOM_UNAVAILABLE: "the room could not be loaded",
    CloseCode.IDLE_TIMEOUT: "nothing was heard from the client for too long",
    CloseCode.SLOW_CONSUMER: "the client did not read what it was sent",
    CloseCode.ROOM_FULL: "the room has as many sessions as it may",
    CloseCode.TOO_MANY_CONNECTIONS: "too many connections",
    CloseCode.RATE_LIMITED: "messages, large updates or connections came faster than is allowed",
}

NEVER_SENT: Final[dict[CloseCode, str]] = {
    CloseCode.NORMAL: "clients send it; the server does not",
    CloseCode.SLOW_CONSUMER: "only counted in metrics: the connection is cut without a close frame "
    "that nobody would read, and its client sees 1006",
}
"""Codes that no client gets from this server, and why they are here."""

_RETRYABLE_STANDARD: Final = frozenset({1011, 1012, 1013})
_TERMINAL_BAND: Final = range(4400, 4500)
_RETRYABLE_BAND: Final = range(4500, 4600)


def is_retryable(code: CloseCode) -> bool:
    """Whether a client that gets this code should come back by itself."""
    return code in _RETRYABLE_STANDARD or code in _RETRYABLE_BAND


def is_terminal(code: int) -> bool:
    """Whether coming back with the same request is pointless."""
    return code in _TERMINAL_BAND
