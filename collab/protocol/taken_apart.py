"""Takes structs apart where a replica would go wrong with them whole.

What is applied, stored and passed on is then another form of the same update: it brings the same
clocks, and deletes the same.

=========================================  ==================================================
a struct before                            after
=========================================  ==================================================
from clock c on, of which the document     the known part as it was; behind it the rest,
knows what is before clock k               whose origin is the clock before k
n values under a key, from clock c on      n - 1 deleted clocks, in the same place; behind
                                           them one value
=========================================  ==================================================

Replicas put the rest of a struct behind the part that they know, and yet believe what the struct
says of its parent. Where that is not the known part's parent, the rest is counted by one and lies
in the other, and outlives the one that it names. So a rest says nothing of its parent here, nor
does it where Yjs writes one: it belongs where its origin does.

A Yjs editor that can undo keeps what it overwrites, and joins neighbours: values that it put under
one key one after the other travel as one struct. An editor that cannot undo tells of the same
edits as of deleted clocks and a last value. A value that is followed by another under its key is
deleted as soon as that one is integrated, so that replicas come to the same from either form.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final, NamedTuple

from collab.limits import SLICE_CHECKS
from collab.protocol.scanned import ScannedUpdate
from collab.protocol.update_format import (
    ANY,
    CONTENT_BITS,
    DELETED,
    HAS_ANY_ORIGIN,
    HAS_ORIGIN,
    HAS_PARENT_SUB,
    HAS_RIGHT_ORIGIN,
    STRING,
)
from collab.protocol.update_scan import UpdateScan
from collab.protocol.update_values import AnyScan, read_count, skip_text
from collab.protocol.varint import Reader, decode_utf8, write_string, write_uint

_UTF_16: Final = "utf-16-le"

Rewritten = tuple[bytes, ScannedUpdate]


class Cut(NamedTuple):
    """A struct to take apart.

    Attributes:
        place: in the index of structs.
        known: the clock behind what the document knows of it; its first one for nothing.
        is_overwritten: whether all its values but the last were overwritten.
    """

    place: int
    known: int
    is_overwritten: bool


class _Piece(NamedTuple):
    """A part of a struct: its first clock, the kind of its content, and that content's bytes."""

    clock: int
    content: int
    body: bytes


def take_apart(
    update: bytes, scanned: ScannedUpdate, cuts: list[Cut]
) -> Generator[None, None, Rewritten]:
    """Rewrite an update, in bounded steps.

    Args:
        update: a whole update.
        scanned: its scan.
        cuts: which structs to take apart, in any order.

    Returns:
        The rewritten update, with its scan.
    """
    index = scanned.index
    left = sorted(cuts, reverse=True)  # the next one is the last
    struct = _Struct(update)
    parts = [write_uint(len(scanned.ranges))]
    begin = 0
    for block, (client, start, _) in enumerate(scanned.ranges):
        end = index.ends[block]
        count_at, count = len(parts), end - begin
        parts += (b"", write_uint(client), write_uint(start))
        written = index.offsets[begin]
        while left and left[-1].place < end:
            cut = left.pop()
            at = cut.place
            parts.append(update[written : index.offsets[at]])
            written = index.offsets[at + 1]
            struct.begin(index.offsets[at], written)
            pieces = yield from struct.pieces(cut, index.clocks[at], index.clocks[at + 1])
            parts += struct.written(pieces, client)
            count += len(pieces) - 1
        parts[count_at] = write_uint(count)
        parts.append(update[written : index.offsets[end]])
        begin = end + 1
        if block % SLICE_CHECKS == 0:
            yield
    parts.append(update[index.offsets[begin - 1] :])
    rewritten = b"".join(parts)
    # How much of everything one update may have was asked when it came.
    scan = UpdateScan(rewritten, stored=True)
    while not scan.advance(SLICE_CHECKS):
        yield
    return rewritten, scan.result


class _Struct:
    """The struct of an update that is being cut up."""

    __slots__ = ("_end", "_info", "_place", "_reader", "_right", "_values")

    def __init__(self, update: bytes) -> None:
        self._reader: Reader = Reader(update)
        self._values: AnyScan = AnyScan(self._reader)
        self._info: int = 0
        self._place: bytes = b""
        self._right: bytes = b""
        self._end: int = 0

    def begin(self, start: int, end: int) -> None:
        """Go to the one between two offsets, and read it up to its content."""
        reader = self._reader
        reader.at = start
        self._info = info = reader.read_u8()
        if info & HAS_ORIGIN:
            _skip_id(reader)
        right_at = reader.at
        if info & HAS_RIGHT_ORIGIN:
            _skip_id(reader)
        self._right = reader.data[right_at : reader.at]
        if not info & HAS_ANY_ORIGIN:
            if reader.read_uint() == 1:
                skip_text(reader)
            else:
                _skip_id(reader)
            if info & HAS_PARENT_SUB:
                skip_text(reader)
        self._place = reader.data[start + 1 : reader.at]
        self._end = end

    def pieces(self, cut: Cut, first: int, end: int) -> Generator[None, None, list[_Piece]]:
        """Cut it up; it has the clocks from `first` up to `end`."""
        reader = self._reader
        known = cut.known
        content = self._info & CONTENT_BITS
        if content == DELETED:
            return _deleted(first, known, end)
        if content == STRING:
            units = decode_utf8(reader.read_bytes(reader.remaining())).encode(_UTF_16)
            before, behind = units[: (known - first) * 2], units[(known - first) * 2 :]
            return [
                _Piece(first, STRING, write_string(before.decode(_UTF_16))),
                _Piece(known, STRING, write_string(behind.decode(_UTF_16))),
            ]
        rest_at = end - 1 if cut.is_overwritten else known
        read_count(reader, 1)
        before_at = reader.at
        self._values.begin(rest_at - first)
        while not self._values.is_done:
            self._values.advance(SLICE_CHECKS)
            yield
        before = reader.data[before_at : reader.at]
        behind = reader.data[reader.at : self._end]
        rest = _Piece(rest_at, ANY, write_uint(end - rest_at) + behind)
        if cut.is_overwritten:
            return [*_deleted(first, known, rest_at), rest]
        return [_Piece(first, ANY, write_uint(known - first) + before), rest]

    def written(self, pieces: list[_Piece], client: int) -> Iterator[bytes]:
        """Write pieces: the first one in the struct's place, each other one behind the last."""
        bits = self._info & ~CONTENT_BITS
        for number, (clock, content, body) in enumerate(pieces):
            if number == 0:
                yield bytes((bits | content,)) + self._place + body
                continue
            yield bytes((bits | HAS_ORIGIN | content,))
            yield write_uint(client) + write_uint(clock - 1) + self._right + body


def _deleted(*bounds: int) -> list[_Piece]:
    """Deleted clocks from each bound up to the next one, where there are any."""
    return [
        _Piece(bounds[at], DELETED, write_uint(bounds[at + 1] - bounds[at]))
        for at in range(len(bounds) - 1)
        if bounds[at + 1] > bounds[at]
    ]


def _skip_id(reader: Reader) -> None:
    reader.read_uint()
    reader.read_uint()
