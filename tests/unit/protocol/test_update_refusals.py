"""What the structural scan does not let through."""

from collections.abc import Callable

import pytest

from collab.errors import LimitExceeded, MalformedUpdate
from collab.limits import (
    ANY_DEPTH_MAX,
    CLIENT_IDS_ALIKE_MAX,
    CLOCK_MAX,
    JSON_TEXT_BYTES_MAX,
    UPDATE_CLIENTS_MAX,
)
from collab.protocol.update_scan import ClockRange, scan_update
from tests import vectors
from tests.unit.protocol.building import (
    NULL,
    block,
    deleted,
    deletes,
    gc,
    item,
    shared,
    skip,
    string,
    text,
    uint,
    update,
    values,
)

VALID = update(block(5, 0, string("abc")))

REFUSED = {
    "no bytes": b"",
    "no delete set": b"\x00",
    "more blocks than bytes": uint(2**40),
    "more structs than bytes": uint(1) + uint(2**40) + uint(5) + uint(0),
    "no structs in a block": update(uint(0) + uint(5) + uint(0), block(6, 0, string("a"))),
    "a client twice": update(block(5, 0, string("a")), block(5, 1, string("b"))),
    "client id beyond 53 bits": update(block(2**53, 0, string("a"))),
    "clock beyond all": update(block(5, CLOCK_MAX, string("a"))),
    "gc beyond all": update(block(5, 0, gc(CLOCK_MAX + 1))),
    "gc of 2^32 - 1": update(block(5, 0, gc(2**32 - 1))),
    "gc of 2^32": update(block(5, 0, gc(2**32))),
    "gc of 2^53 - 1": update(block(5, 0, gc(2**53 - 1))),
    "clocks that overflow 32 bits in sum": update(block(5, 2**31 - 10, gc(2**31), gc(20))),
    "deleted beyond all": update(block(5, 0, deleted(2**40))),
    "empty gc": update(block(5, 0, gc(0))),
    "empty skip": update(block(5, 0, skip(0), string("a"))),
    "empty deleted": update(block(5, 0, deleted(0))),
    "empty text": update(block(5, 0, string(""))),
    "no values": update(block(5, 0, values())),
    "trailing skip": update(block(5, 0, string("a"), skip(2))),
    "nothing but a skip": update(block(5, 0, skip(2))),
    "skip behind skip": update(block(5, 0, skip(1), skip(1), string("a"))),
    "ContentJSON": update(block(5, 0, item(2, uint(1) + text('"x"')))),
    "content 0 with flags": update(block(5, 0, b"\x80\x06\x00\x01")),
    "content 10 with flags": update(block(5, 0, b"\x8a\x06\x00\x01")),
    "move": update(block(5, 0, item(11, b"\x00\x06\x00"))),
    "unknown content": update(block(5, 0, item(15, b""))),
    "info bit without meaning": update(block(5, 0, item(0x14, text("a")))),
    "parent that is neither": update(block(5, 0, b"\x04\x02\x01t\x01a")),
    "parent info beyond one byte": update(block(5, 0, b"\x04\x81\x80\x80\x80\x10\x01t\x01a")),
    "hook": update(block(5, 0, shared(5, text("h")))),
    "weak link": update(block(5, 0, shared(7, b"\x00"))),
    "undefined type": update(block(5, 0, shared(15))),
    "type beyond a byte": update(block(5, 0, shared(300))),
    "type in two bytes": update(block(5, 0, item(7, b"\x80\x00"))),
    "itself as origin": update(block(5, 4, string("a", origin=(5, 4)))),
    "its future as origin": update(block(5, 0, string("a", origin=(5, 1)), string("b"))),
    "its future as right origin": update(block(5, 0, string("a", right=(5, 7)))),
    "its future as parent": update(block(5, 0, string("a", parent=(5, 0)))),
    "origin beyond all": update(block(5, 0, string("a", origin=(6, CLOCK_MAX)))),
    "text not UTF-8": update(block(5, 0, string(b"\xff"))),
    "text with a surrogate": update(block(5, 0, string(b"\xed\xa0\x80"))),
    "name not UTF-8": update(block(5, 0, b"\x04\x01\x01\xff\x01a")),
    "key not UTF-8": update(block(5, 0, b"\x24\x01\x01t\x01\xff\x01a")),
    "format key not UTF-8": update(block(5, 0, item(6, b"\x01\xff" + text("1")))),
    "format not JSON": update(block(5, 0, item(6, text("b") + text("yes")))),
    "embed not JSON": update(block(5, 0, item(5, text("{")))),
    "embed undefined": update(block(5, 0, item(5, text("undefined")))),
    "embed NaN": update(block(5, 0, item(5, text("[NaN]")))),
    "embed infinite": update(block(5, 0, item(5, text("-Infinity")))),
    "embed beyond a double": update(block(5, 0, item(5, text("1e999")))),
    "embed beyond int64": update(block(5, 0, item(5, text("9223372036854775808")))),
    "embed half a surrogate": update(block(5, 0, item(5, text('"\\ud834"')))),
    "unknown value": update(block(5, 0, values(b"\x73"))),
    "unknown value above": update(block(5, 0, values(b"\x80"))),
    "value key not UTF-8": update(block(5, 0, values(b"\x76\x01\x01\xff" + NULL))),
    "value text not UTF-8": update(block(5, 0, values(b"\x77\x01\xff"))),
    "float cut": update(block(5, 0, values(b"\x7b" + bytes(2)))),
    "more values than bytes": update(block(5, 0, item(8, uint(2**31)))),
    "more elements than bytes": update(block(5, 0, values(b"\x75" + uint(2**50)))),
    "more entries than bytes": update(block(5, 0, values(b"\x76" + uint(2**50)))),
    "binary beyond the end": update(block(5, 0, item(3, uint(2**50)))),
    "subdocument without options": update(block(5, 0, item(9, text("g") + NULL))),
    "subdocument cut": update(block(5, 0, item(9, text("g"))), delete_set=b""),
    "delete of nothing": update(delete_set=deletes({5: [(0, 0)]})),
    "delete beyond all": update(delete_set=deletes({5: [(1, CLOCK_MAX)]})),
    "delete overflow": update(delete_set=deletes({5: [(2**32 - 1, 5)]})),
    "deletes overlap": update(delete_set=deletes({5: [(0, 3), (2, 3)]})),
    "deletes out of order": update(delete_set=deletes({5: [(5, 1), (2, 1)]})),
    "delete client without ranges": update(delete_set=deletes({5: [], 6: [(0, 1)]})),
    "delete client twice": update(delete_set=b"\x02" + deletes({5: [(0, 1)]})[1:] * 2),
    "more delete clients than bytes": update(delete_set=uint(2**40)),
    "more delete ranges than bytes": update(delete_set=b"\x01\x05" + uint(2**40)),
    "overlong varint": VALID[:3] + b"\x80" * 9 + b"\x00" + VALID[4:],
    "giant varint": b"\xff" * 200_000,
    "version 2": bytes.fromhex(vectors.load("y_protocols")["update_v2"]),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name: str) -> None:
    """SCAN-1: Each of these crashes, hangs or confuses a replica, or is no update at all."""
    with pytest.raises(MalformedUpdate):
        scan_update(REFUSED[name])


def test_the_base_of_the_refused_ones_is_itself_accepted() -> None:
    assert scan_update(VALID).ranges == [ClockRange(5, 0, 3)]


def nested(depth: int) -> bytes:
    return update(block(5, 0, values(b"\x75\x01" * (depth - 1) + b"\x75\x00")))


def nested_maps(depth: int) -> bytes:
    return update(block(5, 0, values(b"\x76\x01\x01k" * (depth - 1) + b"\x76\x00")))


def nested_json(depth: int) -> bytes:
    return update(block(5, 0, item(5, text("[" * depth + "]" * depth))))


@pytest.mark.parametrize("build", [nested, nested_maps, nested_json])
def test_values_may_be_nested_64_deep_and_no_deeper(build: Callable[[int], bytes]) -> None:
    """SCAN-4."""
    assert scan_update(build(ANY_DEPTH_MAX)).struct_count == 1
    for depth in (ANY_DEPTH_MAX + 1, 820, 26_000, 300_000):
        with pytest.raises(MalformedUpdate, match=r"nested deeper|JSON"):
            scan_update(build(depth))


def test_json_brackets_inside_texts_are_not_depth() -> None:
    embed = '"' + "[" * 500 + '"'
    assert scan_update(update(block(5, 0, item(5, text(embed))))).struct_count == 1


def test_json_wide_and_shallow_is_accepted() -> None:
    embed = "[" + "[]," * 500 + "{}]"
    assert scan_update(update(block(5, 0, item(5, text(embed))))).struct_count == 1


@pytest.mark.parametrize(
    "embed",
    [
        "9223372036854775807",
        "-9223372036854775809",
        "18446744073709551616",
        "1" * 300,
        '"\\ud834\\udd1e"',
        " [1 , 2] ",
        '"é"',
    ],
)
def test_json_that_every_replica_reads_is_accepted(embed: str) -> None:
    assert scan_update(update(block(5, 0, item(5, text(embed))))).struct_count == 1


def test_json_texts_are_bounded() -> None:
    """SCAN-5."""
    most = '"' + "x" * (JSON_TEXT_BYTES_MAX - 2) + '"'
    assert scan_update(update(block(5, 0, item(5, text(most))))).struct_count == 1
    with pytest.raises(LimitExceeded) as caught:
        scan_update(update(block(5, 0, item(5, text(most + " ")))))
    assert caught.value.limit == "json_text_bytes_max"


def test_the_number_of_clients_is_bounded() -> None:
    """SCAN-5."""
    padding = b"\x00" * (5 * (UPDATE_CLIENTS_MAX + 1))
    with pytest.raises(LimitExceeded) as caught:
        scan_update(uint(UPDATE_CLIENTS_MAX + 1) + padding)
    assert caught.value.limit == "update_clients_max"
    with pytest.raises(LimitExceeded) as caught:
        scan_update(b"\x00" + uint(UPDATE_CLIENTS_MAX + 1) + padding)
    assert caught.value.limit == "update_clients_max"


def test_client_ids_that_collide_in_hash_tables_are_refused() -> None:
    """SCAN-12: The library hashes them to themselves: 20,000 of these cost it seconds, for ever."""
    colliding = [block((n + 1) << 33, 0, string("a")) for n in range(CLIENT_IDS_ALIKE_MAX + 1)]
    assert len(scan_update(update(*colliding[:-1])).ranges) == CLIENT_IDS_ALIKE_MAX
    with pytest.raises(MalformedUpdate, match="low bits"):
        scan_update(update(*colliding))
    in_a_row = update(*(block(n, 0, string("a")) for n in range(10_000)))
    assert len(scan_update(in_a_row).ranges) == 10_000
