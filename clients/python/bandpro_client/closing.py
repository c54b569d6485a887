"""What to do when a connection has ended: the one table from close codes to consequences.

====================== ==================================================================
4401                   once more with a token asked anew; at the second time, the end
4409, 4410             begin with an empty document; at the fourth time in a row, the end
other 4400 to 4499     the end: it would end the same way again
1009, 1002, 1003, 1007 the end: something of ours is not acceptable there
anything else          come back, after a pause; some codes ask for one of some seconds
====================== ==================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from bandpro_client.errors import (
    DocumentFull,
    EntryRefused,
    NoSuchRoom,
    Refused,
    RoomOutOfService,
    SignInRefused,
)
from collab.protocol.close_codes import CloseCode, is_terminal

ABNORMAL: Final = 1006
"""What stands for the code of a connection that ended without a close frame."""

REPLACED_IN_A_ROW_MAX: Final = 3

_OUR_FAULT: Final = frozenset({1002, 1003, 1007, CloseCode.TOO_BIG})
_ANEW: Final = frozenset({CloseCode.CLIENT_ID_TAKEN, CloseCode.RELOAD})
_BUSY: Final = frozenset({CloseCode.TRY_AGAIN_LATER, CloseCode.ROOM_UNAVAILABLE})
_CROWDED: Final = frozenset(
    {CloseCode.ROOM_FULL, CloseCode.TOO_MANY_CONNECTIONS, CloseCode.RATE_LIMITED}
)
_BUSY_S: Final = 1.0
_CROWDED_S: Final = 5.0
_ERRORS: Final[dict[int, type[Refused]]] = {
    CloseCode.FORBIDDEN: EntryRefused,
    CloseCode.NOT_FOUND: NoSuchRoom,
    CloseCode.DOCUMENT_FULL: DocumentFull,
    CloseCode.ROOM_QUARANTINED: RoomOutOfService,
    HTTPStatus.FORBIDDEN: EntryRefused,
    HTTPStatus.NOT_FOUND: NoSuchRoom,
}
_CLIENT_ERRORS: Final = range(400, 500)
_PASSING: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


@dataclass(frozen=True, slots=True)
class ComeBack:
    """With the same document, after a pause of at least so long."""

    least_s: float = 0.0


@dataclass(frozen=True, slots=True)
class BeginAnew:
    """With an empty document: what this one holds belongs to one that is gone."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Never again; this is why."""

    error: Refused


Consequence = ComeBack | BeginAnew | GiveUp


def after_close(code: int, reason: str, *, can_sign_in_again: bool, replaced: int) -> Consequence:
    """Decide what follows from a close code.

    Args:
        code: of the close frame, or ``ABNORMAL``.
        reason: what the server said.
        can_sign_in_again: whether a token can be asked for that was not refused just now.
        replaced: how often in a row the document had to be begun anew before.
    """
    said = f"closed with {code}: {reason or 'no reason given'}"
    if code == CloseCode.UNAUTHENTICATED:
        return ComeBack() if can_sign_in_again else GiveUp(SignInRefused(said, code=code))
    if code in _ANEW and replaced < REPLACED_IN_A_ROW_MAX:
        return BeginAnew()
    if is_terminal(code) or code in _OUR_FAULT:
        return GiveUp(_ERRORS.get(code, Refused)(said, code=code))
    return ComeBack(_CROWDED_S if code in _CROWDED else _BUSY_S if code in _BUSY else 0.0)


def after_status(status: int, *, can_sign_in_again: bool) -> Consequence:
    """Decide what follows when the handshake was answered with another HTTP status than 101."""
    said = f"the handshake was answered with {status}"
    if status == HTTPStatus.UNAUTHORIZED:
        return ComeBack() if can_sign_in_again else GiveUp(SignInRefused(said, code=status))
    if status in _CLIENT_ERRORS and status not in _PASSING:
        return GiveUp(_ERRORS.get(status, Refused)(said, code=status))
    return ComeBack(_BUSY_S)
