"""The frames that the server and its worker processes exchange over a pipe.

A request is a 4-byte length, then an operation (1 byte), then each argument with a 4-byte length
of its own. An answer is a 4-byte length, then a status (1 byte), then the result, or for a refusal
a short reason; answers that tell of progress may come before it. All lengths are big-endian.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from enum import IntEnum
from typing import Final

from collab.errors import InvariantViolated

LENGTH_BYTES: Final = 4

Pieces = tuple[bytes, ...]
"""A frame, to be written piece by piece."""


class Operation(IntEnum):
    """What a worker can be asked to do."""

    MERGE = 1  # updates -> one update that was verified to hold them all
    STATE_VECTOR = 2  # one update -> the state vector of what it holds without a gap
    STATE = 3  # updates -> one update of what they integrate to, deleted content blanked
    DESCRIBE = 4  # one update -> its roots as JSON
    COMPARE = 5  # two updates and bounds -> what differs as JSON
    RESTORE = 6  # two updates and a client id -> notes as JSON, and the edit from one to the other
    CLIENTS = 33  # updates -> the client ids in them, encoded as `RetiredClients`
    COMMENTS = 48  # comments, the score, a request, a client id -> refusal, answer and edit
    COMPARE_SCORES = 49  # as COMPARE, element by element of a score
    SEED_SCORE = 50  # facets as JSON -> what is wrong with them, and the update that makes them
    SET_ENTRIES = 51  # one update, entries of maps as JSON, a client id -> the edit that sets them
    IMPORT_SCORE = 53  # a MusicXML file, a room, an epoch -> findings, and the room's first update
    EDIT_SCORE = 55  # one update, operations as JSON, a client id -> what is told, and the edit
    EXPORT_SCORE = 54  # one update, which part in what transposition -> a MusicXML file
    SUMMARY = 52  # one update -> the score in brief, as JSON
    TITLE = 56  # updates -> what the score that they amount to is called
    FINGERPRINT = 32  # updates -> a digest of the document that they amount to


class Status(IntEnum):
    """How a worker answers, when it answers."""

    DONE = 0
    REFUSED = 1
    PROGRESS = 2  # it is still at it
    # Tools only; see `workers.tools`.
    TIMED_OUT = 3
    OUT_OF_MEMORY = 4
    TOO_LARGE = 5
    TOOL_FAILED = 6
    TOOL_MISSING = 7


def framed(body: bytes) -> bytes:
    """A frame: its length, then what is in it."""
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def join_parts(parts: SequenceOf[bytes]) -> bytes:
    """Parts one after the other, each with its length in front."""
    return b"".join(_in_pieces(parts))


def framed_parts(parts: SequenceOf[bytes], head: bytes = b"") -> Pieces:
    """A frame that holds a few bytes and then parts, as `join_parts` joins them; none is copied.

    Joining documents and files would keep the event loop, and all threads, for as long as it takes.
    """
    pieces = (head, *_in_pieces(parts))
    return (sum(map(len, pieces)).to_bytes(LENGTH_BYTES, "big"), *pieces)


def _in_pieces(parts: SequenceOf[bytes]) -> list[bytes]:
    pieces: list[bytes] = []
    for part in parts:
        pieces += (len(part).to_bytes(LENGTH_BYTES, "big"), part)
    return pieces


def split_parts(joined: bytes) -> list[bytes]:
    """What `join_parts` joined.

    Raises:
        InvariantViolated: it ends within a part; both ends are ours.
    """
    parts = []
    position = 0
    while position < len(joined):
        start = position + LENGTH_BYTES
        position = start + int.from_bytes(joined[start - LENGTH_BYTES : start], "big")
        parts.append(joined[start:position])
    if position != len(joined):
        raise InvariantViolated("a frame ends within an argument")
    return parts


def encode_request(operation: Operation, arguments: SequenceOf[bytes]) -> Pieces:
    """A request frame with its length in front, in pieces."""
    return framed_parts(arguments, bytes([operation]))


def decode_request(frame: bytes) -> tuple[Operation, list[bytes]]:
    """Read a request, without its length.

    Raises:
        InvariantViolated: no such frame; both ends are ours.
    """
    return Operation(frame[0]), split_parts(frame[1:])


def encode_answer(status: Status, result: bytes) -> bytes:
    """An answer frame with its length in front."""
    return framed(bytes([status]) + result)
