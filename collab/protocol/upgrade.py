"""A websocket's opening handshake as a server reads and answers it (RFC 6455, 4.2), without I/O.

Only what every client sends is read here: one whole request, spelled plainly, that asks for a
websocket and for nothing else. About anything else nothing is said; a web server that knows all of
HTTP reads that, and answers it.
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_base64
from dataclasses import dataclass
from typing import Final

from collab.limits import HANDSHAKE_BYTES_MAX

_END: Final = b"\r\n\r\n"
_REQUEST_LINE: Final = re.compile(
    # A path and a query of the characters of RFC 3986; no fragment.
    r"GET (/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)(?:\?([A-Za-z0-9._~!$&'()*+,;=:@%/?-]*))? HTTP/1\.1"
)
_FIELDS: Final = re.compile(
    # Lines of RFC 9112, 5: a token, a colon, and a value without controls; none is folded.
    r"(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*)+"
)
_OPTIONS: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9a-z-]+)*")
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")
_GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BEYOND: Final = frozenset(
    # A body, an answer before the end, a choice of ours: all of that is the web server's.
    {"content-length", "transfer-encoding", "expect", "sec-websocket-protocol"}
)


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """A request for a websocket.

    Attributes:
        raw_path: as it was sent, percent signs and all, without the query.
        query_string: as it was sent, without its question mark; empty where there is none.
        headers: by name in lower case; none came twice. Values are decoded as ISO-8859-1.
        key: what the answer is made from.
        size_bytes: how much of the bytes the request was; frames may follow it.
    """

    raw_path: str
    query_string: str
    headers: dict[str, str]
    key: str
    size_bytes: int


def read_upgrade(data: bytes) -> UpgradeRequest | None:
    """Read a request for a websocket; None for whatever is not, as a whole, exactly that.

    Args:
        data: all that a client has sent since it connected.
    """
    end = data.find(_END, 0, HANDSHAKE_BYTES_MAX)
    if end < 0:
        return None
    text = data[:end].decode("latin-1")
    line = _REQUEST_LINE.match(text)
    if line is None or _FIELDS.fullmatch(text, line.end()) is None:
        return None
    headers = _headers(text[line.end() + 2 :])
    if headers is None or not _BEYOND.isdisjoint(headers) or not _asks_for_websocket(headers):
        return None
    return UpgradeRequest(
        raw_path=line.group(1),
        query_string=line.group(2) or "",
        headers=headers,
        key=headers["sec-websocket-key"],
        size_bytes=end + len(_END),
    )


def switching_protocols(key: str, fields: bytes = b"") -> bytes:
    """The answer that makes a connection a websocket, without an extension or a subprotocol.

    Args:
        key: of the request.
        fields: more lines for it, each with its end.
    """
    digest = hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n%b\r\n" % (b2a_base64(digest, newline=False), fields)
    )


def _headers(text: str) -> dict[str, str] | None:
    """Header fields by name; None where one name comes twice."""
    lines = text.split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip(" \t")
    return headers if len(headers) == len(lines) else None


def _asks_for_websocket(headers: dict[str, str]) -> bool:
    if headers.get("upgrade", "").lower() != "websocket":
        return False
    if headers.get("sec-websocket-version") != "13" or "host" not in headers:
        return False
    if _KEY.fullmatch(headers.get("sec-websocket-key", "")) is None:
        return False
    options = headers.get("connection", "").lower()
    if options == "upgrade":
        return True
    wanted = [option.strip(" \t") for option in options.split(",")]
    return _OPTIONS.fullmatch(options) is not None and "upgrade" in wanted
