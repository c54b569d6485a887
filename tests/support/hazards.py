"""Bytes that have crashed, hung or confused collaboration servers, and what must answer them.

An update hazard travels as an update and as a step 2, over both protocols; a message hazard is
a message of y-protocols, which both protocols carry.
"""

from collections.abc import Iterator
from typing import Final

from tests.support import wire
from tests.support.updates import (
    ANY,
    ANY_STRING,
    ARRAY_TYPE,
    BINARY,
    GC,
    SKIP,
    STRING,
    TYPE,
    Block,
    Deletes,
    after,
    any_values,
    filler,
    nested_array,
    nested_map,
    one_value,
    rooted,
    text,
    update,
)
from tests.support.wire import State, blob, string, uint

BAD_MESSAGE: Final = 4400
TOO_BIG: Final = 1009
ME: Final = 77

# What Yjs 13.6.33 makes of the text "abc" in its second format: encodeStateAsUpdateV2 of a
# document with client id 1.
V2_UPDATE: Final = bytes.fromhex("00000101000001040a077465787461626304030101000001010000")


def update_hazards() -> Iterator[tuple[str, bytes]]:
    """Updates that must close their sender's connection with 4400."""
    huge = uint(2**53 - 1)
    yield "any nested 26,000 deep", one_value(ME, nested_array(26_000))
    yield "any nested 400 deep", one_value(ME, nested_array(400))
    yield "any nested 65 deep", one_value(ME, nested_array(66))
    yield "maps nested 20,000 deep", one_value(ME, nested_map(20_000))
    yield "second format", V2_UPDATE
    yield "empty", b""
    yield "text instead", b"GET / HTTP/1.1\r\n\r\n"
    yield "giant varint as block count", b"\x80" * 200_000 + b"\x01"
    yield "giant varint as client", b"\x01\x01" + b"\xff" * 200_000 + b"\x01"
    yield "giant varint in delete set", b"\x00" + b"\x81" * 200_000 + b"\x00"
    yield "2^53 blocks", update([], block_count=2**53 - 1)
    yield "2^32 structs", update([Block(ME, 0, [], count=2**32)])
    yield "2^53 deleted clients", update([], delete_count=2**53 - 1)
    yield "2^40 delete ranges", update([], [Deletes(ME, [], count=2**40)])
    yield "string of 2^53 bytes", update([Block(ME, 0, [rooted(STRING, huge + b"abc")])])
    yield "2^53 values", update([Block(ME, 0, [rooted(ANY, huge)])])
    yield "array value of 2^53", one_value(ME, b"\x75" + huge)
    yield "map value of 2^53", one_value(ME, b"\x76" + huge)
    yield "buffer of 2^53 bytes", update([Block(ME, 0, [rooted(BINARY, huge)])])
    yield "string value of 2^53 bytes", one_value(ME, bytes([ANY_STRING]) + huge)
    yield "clock beyond 32 bits", update([Block(ME, 2**33, [text("a")])])
    yield "filler to 2^53", update([Block(ME, 0, [filler(GC, 2**53 - 1)])])
    yield "client beyond 53 bits", update([Block(2**60, 0, [text("a")])])
    yield "struct without length", update([Block(ME, 0, [filler(GC, 0)])])
    yield "same client twice", update([Block(ME, 0, [text("a")]), Block(ME, 1, [text("b")])])
    yield "its own future", update([Block(ME, 0, [after(STRING, string("a"), origin=(ME, 9))])])
    yield "content that does not exist", update([Block(ME, 0, [rooted(31, b"\x00")])])
    yield "type that does not exist", update([Block(ME, 0, [rooted(TYPE, uint(99))])])
    yield "value that does not exist", one_value(ME, b"\x01")
    yield "bytes behind the end", update([Block(ME, 0, [text("a")])]) + b"\x00"
    yield "not UTF-8", update([Block(ME, 0, [rooted(STRING, blob(b"\xff\xfe"))])])
    yield "lone surrogate", update([Block(ME, 0, [rooted(STRING, blob(b"\xed\xa0\x80"))])])
    yield (
        "format deep in JSON",
        update([Block(ME, 0, [rooted(6, string("bold") + string("[" * 20_000 + "]" * 20_000))])]),
    )
    yield "overlapping deletes", update([], [Deletes(ME, [(0, 5), (2, 5)])])
    yield "deletes without length", update([], [Deletes(ME, [(0, 0)])])


def whole_update() -> bytes:
    """An update with a bit of everything, to cut and to bend."""
    return update(
        [
            Block(
                ME,
                0,
                [
                    text("grüße"),
                    rooted(ANY, any_values(nested_array(3), nested_map(2), b"\x7d\x05", b"\x7e")),
                    rooted(TYPE, uint(ARRAY_TYPE)),
                    rooted(BINARY, blob(b"\x00\x01\x02")),
                ],
            )
        ],
        [Deletes(ME, [(1, 2)])],
    )


def cut_updates() -> Iterator[tuple[str, bytes]]:
    """An update cut at every place but its end."""
    whole = whole_update()
    for size in range(len(whole)):
        yield f"cut at {size}", whole[:size]


def message_hazards() -> Iterator[tuple[str, bytes]]:
    """Messages that must close their sender's connection with 4400."""
    state = wire.awareness_payload([State(ME, 1, {"a": 1})])
    yield "unknown sync kind", uint(wire.SYNC) + uint(3) + blob(wire.EMPTY_UPDATE)
    yield "sync without kind", uint(wire.SYNC)
    yield "sync without payload", uint(wire.SYNC) + uint(wire.UPDATE)
    yield "payload cut", uint(wire.SYNC) + uint(wire.UPDATE) + uint(50) + b"\x00\x00"
    yield "payload length giant", uint(wire.SYNC) + uint(wire.UPDATE) + uint(2**53 - 1)
    yield "type a giant varint", b"\xff" * 200_000
    yield "kind a giant varint", uint(wire.SYNC) + b"\x80" * 200_000 + b"\x01"
    yield "state vector cut", wire.sync(wire.STEP_1, b"\x05\x01")
    yield "state vector of 2^40 clients", wire.sync(wire.STEP_1, uint(2**40))
    yield "state vector a giant varint", wire.sync(wire.STEP_1, b"\x80" * 200_000 + b"\x01")
    yield "awareness cut", uint(wire.AWARENESS) + blob(state[:-2])
    yield "awareness without payload", uint(wire.AWARENESS)
    yield "awareness of 2^40 clients", uint(wire.AWARENESS) + blob(uint(2**40))
    yield "awareness with giant varint", uint(wire.AWARENESS) + blob(b"\x80" * 200_000 + b"\x01")
    yield "awareness not JSON", _awareness_with("{'a': 1}")
    yield "awareness not an object", _awareness_with("[1]")
    yield "awareness a number", _awareness_with("1e999")
    yield "awareness NaN", _awareness_with('{"a":NaN}')
    yield "awareness deep in JSON", _awareness_with('{"a":' + "[" * 7_000 + "]" * 7_000 + "}")
    yield (
        "awareness not UTF-8",
        uint(wire.AWARENESS) + blob(uint(1) + uint(ME) + uint(1) + blob(b'{"\xff":1}')),
    )
    yield (
        "awareness of 10,000 invented ids",
        wire.awareness([State(number, 1, {}) for number in range(10_000)]),
    )
    yield (
        "awareness of nine invented ids",
        wire.awareness([State(number, 1, {}) for number in range(9)]),
    )


def unknown_types() -> Iterator[tuple[str, bytes]]:
    """Message types that no client sends."""
    for kind in (11, 12, 100, 101, 127, 128, 255, 2**20, 2**53 - 1):
        yield f"message type {kind}", uint(kind) + string("x")


def fillers_over(client: int, clock: int) -> Iterator[tuple[str, bytes]]:
    """Updates that would use up the clocks which a client is about to need."""
    for name, kind in (("GC", GC), ("Skip", SKIP)):
        structs = [filler(kind, 1000)]
        if kind == SKIP:
            structs.append(after(STRING, string("x"), origin=(client, max(clock - 1, 0))))
        yield f"{name} from its clock", update([Block(client, clock, structs)])
        yield f"{name} from beyond its clock", update([Block(client, clock + 5, structs)])


def _awareness_with(json_text: str) -> bytes:
    return uint(wire.AWARENESS) + blob(uint(1) + uint(ME) + uint(1) + string(json_text))
