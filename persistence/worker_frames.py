"""The frames that the server and its worker processes exchange over a pipe.

A request is a 4-byte length, then an operation (1 byte), then each argument with a 4-byte length
of its own. An answer is a 4-byte length, then a status (1 byte), then the result, or for a refusal
a short reason. All lengths are big-endian.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from enum import IntEnum
from typing import Final

from collab.errors import InvariantViolated

LENGTH_BYTES: Final = 4


class Operation(IntEnum):
    """What a worker can be asked to do."""

    MERGE = 1  # updates -> one update that was verified to hold them all
    STATE_VECTOR = 2  # one update -> the state vector of what it holds without a gap
    STATE = 3  # updates -> one update of what they integrate to, deleted content blanked
    DESCRIBE = 4  # one update -> its roots as JSON
    COMPARE = 5  # two updates and bounds -> what differs as JSON
    RESTORE = 6  # two updates and a client id -> notes as JSON, and the edit from one to the other
    CLIENTS = 33  # updates -> the client ids in them, encoded as `RetiredClients`
    FINGERPRINT = 32  # updates -> a digest of the document that they amount to


class Status(IntEnum):
    """How a worker answers, when it answers."""

    DONE = 0
    REFUSED = 1


def encode_request(operation: Operation, arguments: SequenceOf[bytes]) -> bytes:
    """A request frame with its length in front."""
    size_bytes = 1 + sum(LENGTH_BYTES + len(argument) for argument in arguments)
    pieces = [size_bytes.to_bytes(LENGTH_BYTES, "big"), bytes([operation])]
    for argument in arguments:
        pieces += (len(argument).to_bytes(LENGTH_BYTES, "big"), argument)
    return b"".join(pieces)


def decode_request(frame: bytes) -> tuple[Operation, list[bytes]]:
    """Read a request, without its length.

    Raises:
        InvariantViolated: no such frame; both ends are ours.
    """
    arguments = []
    position = 1
    while position < len(frame):
        start = position + LENGTH_BYTES
        position = start + int.from_bytes(frame[start - LENGTH_BYTES : start], "big")
        arguments.append(frame[start:position])
    if position != len(frame):
        raise InvariantViolated("a request frame ends within an argument")
    return Operation(frame[0]), arguments


def encode_answer(status: Status, result: bytes) -> bytes:
    """An answer frame with its length in front."""
    return (len(result) + 1).to_bytes(LENGTH_BYTES, "big") + bytes([status]) + result
