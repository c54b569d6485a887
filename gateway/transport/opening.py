"""What a client said when it opened a websocket, whichever way that was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import QueryParams
from starlette.websockets import WebSocket

FORWARDED: Final = "x-forwarded-for"
_NO_PARAMETERS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Opening:
    """A request for a websocket.

    Attributes:
        raw_path: as it was sent, percent signs and all, without the query.
        query_string: as it was sent, without its question mark; empty where there is none.
        headers: by name in lower case, the first where a name came twice.
        forwarded: all ``X-Forwarded-For`` fields, in order.
        peer: the address that is connected; empty where the server does not tell.
    """

    raw_path: str
    query_string: str
    headers: Mapping[str, str]
    forwarded: Sequence[str]
    peer: str

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the query, decoded."""
        return QueryParams(self.query_string) if self.query_string else _NO_PARAMETERS


def opening_of(websocket: WebSocket) -> Opening:
    """What an ASGI server has read."""
    scope, headers = websocket.scope, websocket.headers
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return Opening(
        raw_path=raw_path.split(b"?", 1)[0].decode("latin-1"),
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        forwarded=headers.getlist(FORWARDED),
        peer=websocket.client.host if websocket.client else "",
    )
