"""Which close code each error earns: the one table from the error tree to the catalogue."""

from __future__ import annotations

from typing import Final

from collab.errors import (
    AccessDenied,
    BandProError,
    ClientIdTaken,
    InvalidRoomName,
    KeysUnavailable,
    LimitExceeded,
    PeerError,
    RoomQuarantined,
    RoomUnavailable,
    StoreUnavailable,
    Unauthenticated,
)
from collab.limits import REASON_BYTES_MAX
from collab.protocol.close_codes import MEANING, CloseCode

_BY_LIMIT: Final[dict[str, CloseCode]] = {
    "sessions_per_room_max": CloseCode.ROOM_FULL,
    "document_bytes_max": CloseCode.DOCUMENT_FULL,
    "pending_updates_bytes_max": CloseCode.DOCUMENT_FULL,
    "document_clients_max": CloseCode.DOCUMENT_FULL,
    "messages_per_s": CloseCode.RATE_LIMITED,
    "apply_held_ms_max": CloseCode.RATE_LIMITED,
    "bytes_per_s": CloseCode.RATE_LIMITED,
    "connects_per_s": CloseCode.RATE_LIMITED,
    "connections_max": CloseCode.TOO_MANY_CONNECTIONS,
    "connections_per_address_max": CloseCode.TOO_MANY_CONNECTIONS,
    "documents_per_socket_max": CloseCode.TOO_MANY_CONNECTIONS,
    "frame_before_auth_bytes_max": CloseCode.TOO_BIG,
    "update_bytes_max": CloseCode.TOO_BIG,
    "awareness_state_bytes_max": CloseCode.TOO_BIG,
}
_BY_ERROR: Final[tuple[tuple[type[BandProError], CloseCode], ...]] = (
    (InvalidRoomName, CloseCode.NOT_FOUND),
    (Unauthenticated, CloseCode.UNAUTHENTICATED),
    (AccessDenied, CloseCode.FORBIDDEN),
    (ClientIdTaken, CloseCode.CLIENT_ID_TAKEN),
    (PeerError, CloseCode.BAD_MESSAGE),
    (RoomQuarantined, CloseCode.ROOM_QUARANTINED),
    (RoomUnavailable, CloseCode.ROOM_UNAVAILABLE),
    (StoreUnavailable, CloseCode.ROOM_UNAVAILABLE),
    (KeysUnavailable, CloseCode.TRY_AGAIN_LATER),
)


def close_code_for(error: BandProError) -> CloseCode:
    """The catalogued code with which a connection is closed because of an error."""
    if isinstance(error, LimitExceeded):
        return _BY_LIMIT.get(error.limit, CloseCode.BAD_MESSAGE)
    for kind, code in _BY_ERROR:
        if isinstance(error, kind):
            return code
    return CloseCode.INTERNAL_ERROR


def close_reason(code: CloseCode, detail: str) -> str:
    """What the close frame says: the detail, else the code's meaning; cut to what a frame holds."""
    text = (detail or MEANING[code]).encode()
    return text[:REASON_BYTES_MAX].decode("utf-8", "ignore")
