"""V1 state vectors: for each client id, the next clock expected from it.

Bytes: the number of entries, then client id and clock of each, all unsigned integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from collab.errors import LimitExceeded, ProtocolError
from collab.limits import CLOCK_MAX, STATE_VECTOR_CLIENTS_MAX
from collab.protocol.scanned import ClockRange
from collab.protocol.varint import Reader, write_uint

EMPTY_STATE_VECTOR: Final = b"\x00"
_ENTRY_BYTES_MIN: Final = 2


def decode_state_vector(data: bytes) -> dict[int, int]:
    """Decode a state vector.

    Returns:
        Next expected clock by client id.

    Raises:
        LimitExceeded: more than STATE_VECTOR_CLIENTS_MAX entries.
        ProtocolError: anything else than one whole state vector: cut short, trailing bytes, a
            client id twice, a clock that no replica can have.
    """
    reader = Reader(data)
    count = reader.read_uint()
    if count > STATE_VECTOR_CLIENTS_MAX:
        raise LimitExceeded(
            f"a state vector of {count} clients; {STATE_VECTOR_CLIENTS_MAX} are allowed",
            limit="state_vector_clients_max",
        )
    if count * _ENTRY_BYTES_MIN > reader.remaining():
        raise ProtocolError("a state vector claims more entries than it has bytes for")
    clocks: dict[int, int] = {}
    for _ in range(count):
        client_id = reader.read_uint()
        clock = reader.read_uint()
        if clock > CLOCK_MAX:
            raise ProtocolError("a state vector names a clock that no replica can have")
        clocks[client_id] = clock
    if len(clocks) != count:
        raise ProtocolError("a state vector names a client twice")
    if reader.remaining():
        raise ProtocolError("bytes behind the end of a state vector")
    return clocks


def encode_state_vector(clocks: Mapping[int, int]) -> bytes:
    """Encode a state vector, entries in the mapping's order.

    Args:
        clocks: next expected clock by client id.
    """
    parts = [write_uint(len(clocks))]
    for client_id, clock in clocks.items():
        parts.append(write_uint(client_id))
        parts.append(write_uint(clock))
    return b"".join(parts)


def advance_clocks(clocks: dict[int, int], ranges: Iterable[ClockRange]) -> None:
    """Let clocks take in ranges that begin at or before them."""
    for client, start, end in ranges:
        if start <= clocks.get(client, 0) < end:
            clocks[client] = end
