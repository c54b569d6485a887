"""V1 updates built byte by byte, the impossible ones as well.

Source of the format: Yjs, `utils/encoding.js` and `structs/`; lib0, `encoding.writeAny`.
"""

from dataclasses import dataclass, field

from tests.support.wire import string, uint

GC, DELETED, BINARY, STRING, TYPE, ANY, SKIP = 0, 1, 3, 4, 7, 8, 10
HAS_ORIGIN = 0x80
ARRAY_TYPE = 0
ANY_ARRAY, ANY_MAP, ANY_STRING, ANY_NULL = 117, 118, 119, 126


@dataclass(frozen=True, slots=True)
class Block:
    """The structs of one client, from a clock on; `count` may lie about their number."""

    client: int
    clock: int
    structs: list[bytes] = field(default_factory=list)
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Deletes:
    """Deleted ranges of one client, as clock and length; `count` may lie about their number."""

    client: int
    ranges: list[tuple[int, int]] = field(default_factory=list)
    count: int | None = None


def update(
    blocks: list[Block],
    deletes: list[Deletes] | None = None,
    *,
    block_count: int | None = None,
    delete_count: int | None = None,
) -> bytes:
    """An update; the counts are true unless given."""
    deletes = deletes or []
    out = bytearray(uint(len(blocks) if block_count is None else block_count))
    for block in blocks:
        count = len(block.structs) if block.count is None else block.count
        out += uint(count) + uint(block.client) + uint(block.clock) + b"".join(block.structs)
    out += uint(len(deletes) if delete_count is None else delete_count)
    for entry in deletes:
        count = len(entry.ranges) if entry.count is None else entry.count
        out += uint(entry.client) + uint(count)
        out += b"".join(uint(clock) + uint(length) for clock, length in entry.ranges)
    return bytes(out)


def filler(kind: int, length: int) -> bytes:
    """A GC or Skip struct."""
    return bytes([kind]) + uint(length)


def rooted(content: int, body: bytes, *, root: str = "list") -> bytes:
    """A struct at the start of a root type."""
    return bytes([content]) + uint(1) + string(root) + body


def inside(content: int, body: bytes, *, parent: tuple[int, int]) -> bytes:
    """A struct at the start of the type that another struct made, by client and clock."""
    return bytes([content]) + uint(0) + uint(parent[0]) + uint(parent[1]) + body


def after(content: int, body: bytes, *, origin: tuple[int, int]) -> bytes:
    """A struct behind another, by client and clock."""
    return bytes([content | HAS_ORIGIN]) + uint(origin[0]) + uint(origin[1]) + body


def text(words: str, *, root: str = "text") -> bytes:
    """A struct with a string at the start of a root text."""
    return rooted(STRING, string(words), root=root)


def any_values(*encoded: bytes) -> bytes:
    """The content of an item with values."""
    return uint(len(encoded)) + b"".join(encoded)


def nested_array(depth: int) -> bytes:
    """A value: an empty array in `depth - 1` others."""
    return bytes([ANY_ARRAY]) + (uint(1) + bytes([ANY_ARRAY])) * (depth - 1) + uint(0)


def nested_map(depth: int) -> bytes:
    """A value: an empty map in `depth - 1` others."""
    return bytes([ANY_MAP]) + (uint(1) + string("k") + bytes([ANY_MAP])) * (depth - 1) + uint(0)


def one_value(client: int, value: bytes) -> bytes:
    """An update that puts one value into the root list."""
    return update([Block(client, 0, [rooted(ANY, any_values(value))])])


def nested_types(client: int, clock: int, depth: int) -> bytes:
    """An update of shared arrays, each inside the one before; from clock 0 the first is rooted."""
    structs = [
        rooted(TYPE, uint(ARRAY_TYPE))
        if at == 0
        else inside(TYPE, uint(ARRAY_TYPE), parent=(client, at - 1))
        for at in range(clock, clock + depth)
    ]
    return update([Block(client, clock, structs)])
