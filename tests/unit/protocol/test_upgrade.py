"""The opening handshake: what is read as one, and what is left to the web server."""

import pytest

from collab.limits import HANDSHAKE_BYTES_MAX
from collab.protocol.upgrade import read_upgrade, switching_protocols

# RFC 6455, 1.3: the key and its answer.
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
FIELDS = {
    "Host": "127.0.0.1:8080",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}
# What Firefox sends, which says `keep-alive` as well, and offers compression.
BROWSER = FIELDS | {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept-Language": "de,en;q=0.5",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Extensions": "permessage-deflate",
    "Origin": "http://127.0.0.1:8080",
    "Cookie": "theme=dark; name=Cl\xe4re",
}


def request(
    fields: dict[str, str] | None = None,
    *,
    target: str = "/collab/a%20room?ticket=t-1",
    line: str | None = None,
    more: str = "",
) -> bytes:
    """A request for a websocket, with its fields changed."""
    head = line or f"GET {target} HTTP/1.1"
    named = FIELDS if fields is None else fields
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{head}\r\n{lines}{more}\r\n".encode("latin-1")


@pytest.mark.parametrize("fields", [FIELDS, BROWSER], ids=["bare", "browser"])
def test_a_plain_request_is_read(fields: dict[str, str]) -> None:
    data = request(fields)
    read = read_upgrade(data + b"\x82\x80mask")
    assert read is not None
    assert (read.raw_path, read.query_string) == ("/collab/a%20room", "ticket=t-1")
    assert read.headers == {name.lower(): value for name, value in fields.items()}
    assert (read.key, read.size_bytes) == (KEY, len(data))


def test_names_and_words_are_read_in_any_case_and_blanks_around_values_do_not_count() -> None:
    """RFC 9110, 5.1 and 5.5; RFC 6455, 4.2.1."""
    data = (
        b"GET /hocuspocus HTTP/1.1\r\nHOST:h\r\nupgrade: \t WebSocket \t\r\n"
        b"CONNECTION: close ,upGRADE\r\nsec-websocket-version:13\r\nSEC-WEBSOCKET-KEY:  "
        + KEY.encode()
        + b"\r\n\r\n"
    )
    read = read_upgrade(data)
    assert read is not None
    assert read.headers["host"] == "h"
    assert (read.raw_path, read.query_string, read.key) == ("/hocuspocus", "", KEY)


LEFT = {
    "cut": request()[:-1],
    "nothing": b"",
    "another method": request(line="POST /collab/a HTTP/1.1"),
    "an older version": request(line="GET /collab/a HTTP/1.0"),
    "a newer version": request(line="GET /collab/a HTTP/2.0"),
    "two blanks": request(line="GET  /collab/a HTTP/1.1"),
    "a whole address": request(target="http://127.0.0.1/collab/a"),
    "a fragment": request(target="/collab/a#b"),
    "letters beyond ASCII in the path": request(target="/collab/\xe9"),
    "a quotation mark in the path": request(target='/collab/"'),
    "no host": request({name: value for name, value in FIELDS.items() if name != "Host"}),
    "two hosts": request(more="host: elsewhere\r\n"),
    "two origins": request(FIELDS | {"Origin": "null"}, more="Origin: http://127.0.0.1\r\n"),
    "two keys": request(more=f"Sec-WebSocket-Key: {KEY}\r\n"),
    "two of what nobody asks about": request(more="X-A: 1\r\nx-a: 1\r\n"),
    "no upgrade": request(FIELDS | {"Upgrade": "h2c"}),
    "two upgrades": request(FIELDS | {"Upgrade": "websocket, h2c"}),
    "a connection that is kept": request(FIELDS | {"Connection": "keep-alive"}),
    "a connection that is nearly upgraded": request(FIELDS | {"Connection": "upgraded"}),
    "options that are no tokens": request(FIELDS | {"Connection": "Upgrade, ("}),
    "an older handshake": request(FIELDS | {"Sec-WebSocket-Version": "8"}),
    "a key of 15 bytes": request(FIELDS | {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA"}),
    "a key of 17 bytes": request(FIELDS | {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAA="}),
    "a key that is no base64": request(FIELDS | {"Sec-WebSocket-Key": "!" * 22 + "=="}),
    "a subprotocol": request(FIELDS | {"Sec-WebSocket-Protocol": "y"}),
    "a body": request(more="Content-Length: 1\r\n"),
    "a body in pieces": request(more="Transfer-Encoding: chunked\r\n"),
    "a question before the body": request(more="Expect: 100-continue\r\n"),
    "a folded line": request(more="X-A: 1\r\n  2\r\n"),
    "a name with a blank": request(more="X A: 1\r\n"),
    "a blank before the colon": request(more="X-A : 1\r\n"),
    "no colon": request(more="X-A\r\n"),
    "no name": request(more=": 1\r\n"),
    "a control in a value": request(more="X-A: \x01\r\n"),
    "a bare line feed": request(more="X-A: 1\nX-B: 2\r\n"),
    "a bare carriage return": request(more="X-A: 1\rX-B: 2\r\n"),
    "no fields": b"GET /collab/a HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("left", LEFT)
def test_whatever_is_not_plainly_one_is_left_to_the_web_server(left: str) -> None:
    """It has an answer for each, and knows the rare ways of asking for a websocket."""
    assert read_upgrade(LEFT[left]) is None


def test_a_request_is_read_up_to_its_bound_and_not_beyond() -> None:
    """The last byte of its empty line is the last that counts."""
    filling = HANDSHAKE_BYTES_MAX - len(request(more="X-A: \r\n"))
    longest = request(more=f"X-A: {'a' * filling}\r\n")
    assert len(longest) == HANDSHAKE_BYTES_MAX
    assert read_upgrade(longest) is not None
    assert read_upgrade(request(more=f"X-A: {'a' * (filling + 1)}\r\n")) is None


def test_the_answer_is_the_one_that_the_rfc_shows() -> None:
    """RFC 6455, 1.3 and 4.2.2."""
    status, *fields = switching_protocols(KEY, b"date: today\r\n").split(b"\r\n")
    assert status == b"HTTP/1.1 101 Switching Protocols"
    assert set(fields[:-2]) == {
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + ACCEPT,
        b"date: today",
    }
    assert fields[-2:] == [b"", b""]
