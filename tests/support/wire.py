"""Just enough of lib0's encoding to write frames by hand, independent of the server's codec.

Formats: lib0 variable length unsigned integers (seven bits a byte, least significant first),
length-prefixed strings and byte arrays; y-protocols and Hocuspocus message numbers.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

SYNC, AWARENESS, AUTH, QUERY_AWARENESS = 0, 1, 2, 3
SYNC_REPLY, STATELESS, BROADCAST_STATELESS, CLOSE, SYNC_STATUS, PING, PONG = 4, 5, 6, 7, 8, 9, 10
STEP_1, STEP_2, UPDATE = 0, 1, 2
TOKEN, DENIED, AUTHENTICATED = 0, 1, 2

EMPTY_UPDATE = b"\x00\x00"
EMPTY_STATE_VECTOR = b"\x00"


def uint(number: int) -> bytes:
    """Encode a variable length unsigned integer."""
    out = bytearray()
    while number > 0x7F:
        out.append(0x80 | (number & 0x7F))
        number >>= 7
    out.append(number)
    return bytes(out)


def blob(data: bytes) -> bytes:
    """Encode a byte array with its length."""
    return uint(len(data)) + data


def string(text: str) -> bytes:
    """Encode a string with the length of its UTF-8."""
    return blob(text.encode())


class Reader:
    """Reads what the functions above write, from left to right."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def rest(self) -> bytes:
        """What has not been read yet."""
        return self.data[self.at :]

    def uint(self) -> int:
        """Read a variable length unsigned integer."""
        number = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def blob(self) -> bytes:
        """Read a byte array with its length."""
        size = self.uint()
        found = self.data[self.at : self.at + size]
        assert len(found) == size, "the frame ends early"
        self.at += size
        return found

    def string(self) -> str:
        """Read a string."""
        return self.blob().decode()


def sync(kind: int, payload: bytes) -> bytes:
    """A sync message: step 1 with a state vector, step 2 or update with an update."""
    return uint(SYNC) + uint(kind) + blob(payload)


@dataclass(frozen=True, slots=True)
class State:
    """One entry of an awareness message; a `state` of None withdraws it."""

    client_id: int
    clock: int
    state: object


def awareness_payload(states: list[State]) -> bytes:
    """What an awareness message carries."""
    entries = (
        uint(entry.client_id) + uint(entry.clock) + string(json.dumps(entry.state))
        for entry in states
    )
    return uint(len(states)) + b"".join(entries)


def awareness(states: list[State]) -> bytes:
    """An awareness message."""
    return uint(AWARENESS) + blob(awareness_payload(states))


def read_states(payload: bytes) -> Iterator[State]:
    """Read what an awareness message carries."""
    reader = Reader(payload)
    for _ in range(reader.uint()):
        client_id, clock = reader.uint(), reader.uint()
        yield State(client_id, clock, json.loads(reader.string()))


def token(text: str, *, version: str | None = None) -> bytes:
    """A Hocuspocus token message, without its document name."""
    return uint(AUTH) + uint(TOKEN) + string(text) + (string(version) if version else b"")
