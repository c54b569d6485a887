"""The structural scan: what it finds in real updates, and what it does not let through."""

from collections.abc import Callable
from typing import Any

import pytest

from collab.errors import LimitExceeded, MalformedUpdate
from collab.limits import (
    ANY_DEPTH_MAX,
    CLIENT_IDS_ALIKE_MAX,
    CLOCK_MAX,
    JSON_TEXT_BYTES_MAX,
    UPDATE_CLIENTS_MAX,
)
from collab.protocol.update_scan import ClockRange, ScannedUpdate, UpdateScan, scan_update
from tests import vectors
from tests.unit.protocol.building import (
    FALSE,
    NULL,
    TRUE,
    UNDEFINED,
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

REAL = [
    pytest.param(case, id=f"{library}-{name}-{number}")
    for library, scenarios in vectors.load("updates").items()
    for name, cases in scenarios.items()
    for number, case in enumerate(cases)
]


def facts(scanned: ScannedUpdate) -> dict[str, object]:
    return {
        "ranges": scanned.ranges,
        "fillers": scanned.fillers,
        "skips": scanned.skips,
        "deletes": scanned.deletes,
        "needs": scanned.needs,
        "struct_count": scanned.struct_count,
        "branches": scanned.branches,
    }


@pytest.mark.parametrize("case", REAL)
def test_real_updates_hold_what_yjs_reads_in_them(case: dict[str, Any]) -> None:
    encoded = bytes.fromhex(case["update"])
    scanned = scan_update(encoded)

    ranges: dict[int, ClockRange] = {}
    fillers, skips = [], []
    for client, clock, length, struct, _ in case["structs"]:
        span = ClockRange(client, clock, clock + length)
        ranges[client] = span._replace(start=ranges.get(client, span).start)
        if struct in ("GC", "Skip"):
            fillers.append(span)
        if struct == "Skip":
            skips.append(span)
    needs: dict[int, int] = {}
    for client, other, clock in case["references"]:
        if other != client:
            needs[other] = max(needs.get(other, 0), clock + 1)

    assert scanned.ranges == list(ranges.values())
    assert scanned.fillers == fillers
    assert scanned.skips == skips
    assert scanned.needs == needs
    assert scanned.deletes == [ClockRange(c, k, k + length) for c, k, length in case["deletes"]]
    assert scanned.struct_count == len(case["structs"])
    assert scanned.is_empty == (not case["structs"] and not case["deletes"])


@pytest.mark.parametrize("case", REAL)
def test_every_cut_or_extended_real_update_is_refused(case: dict[str, str]) -> None:
    """SCAN-2."""
    encoded = bytes.fromhex(case["update"])
    for cut in range(len(encoded)):
        with pytest.raises(MalformedUpdate):
            scan_update(encoded[:cut])
    with pytest.raises(MalformedUpdate, match="behind the end"):
        scan_update(encoded + b"\x00")


@pytest.mark.parametrize("case", REAL)
def test_scanning_in_the_smallest_slices_finds_the_same(case: dict[str, str]) -> None:
    """SCAN-7."""
    encoded = bytes.fromhex(case["update"])
    scan = UpdateScan(encoded)
    turns = 0
    while not scan.advance(1):
        turns += 1
    assert facts(scan.result) == facts(scan_update(encoded))
    assert turns >= scan.result.struct_count


EVERY_CONTENT = {
    "deleted": (1, uint(7), 7),
    "binary": (3, text(b"\x00\xff"), 1),
    "text": (4, text("aé音𝄞"), 5),  # UTF-16 code units: the clef takes two
    "embed": (5, text('{"a":[1,2.5,null]}'), 1),
    "format": (6, text("bold") + text("true"), 1),
    "array": (7, b"\x00", 1),
    "map": (7, b"\x01", 1),
    "text type": (7, b"\x02", 1),
    "element": (7, b"\x03" + text("ü"), 1),
    "fragment": (7, b"\x04", 1),
    "xml text": (7, b"\x06", 1),
    "any": (8, uint(2) + NULL + UNDEFINED, 2),
    "subdocument": (9, text("guid") + b"\x76\x01" + text("autoLoad") + TRUE, 1),
}


@pytest.mark.parametrize("name", list(EVERY_CONTENT))
def test_every_content_takes_its_number_of_clocks(name: str) -> None:
    content, body, length = EVERY_CONTENT[name]
    scanned = scan_update(update(block(5, 3, item(content, body), gc(2))))
    assert scanned.ranges == [ClockRange(5, 3, 3 + length + 2)]


def test_every_any_value_is_read_to_its_end() -> None:
    body = [
        b"\x74" + text(b"\x00\x01"),  # bytes
        b"\x75\x02" + NULL + TRUE,
        b"\x76\x02" + text("k") + FALSE + text("é") + UNDEFINED,
        b"\x77" + text("𝄞"),
        TRUE,
        FALSE,
        b"\x7a" + bytes(8),  # big integer
        b"\x7b" + bytes(8),  # float64
        b"\x7c" + bytes(4),  # float32
        b"\x7d\x41",  # -1
        b"\x7d\xbf\xff\xff\xff\x0f",  # 2^31 - 1
        NULL,
        UNDEFINED,
    ]
    assert scan_update(update(block(5, 0, values(*body)))).ranges == [ClockRange(5, 0, len(body))]


def test_references_to_other_clients_are_needs_and_to_oneself_are_not() -> None:
    scanned = scan_update(
        update(
            block(
                5,
                10,
                string("ab", origin=(5, 9), right=(6, 3)),
                string("c", origin=(6, 8), right=(5, 2)),
                string("d", parent=(7, 0)),
                string("e", right=(6, 1)),
                string("f", origin=(5, 13)),
            )
        )
    )
    assert scanned.needs == {6: 9, 7: 1}


def test_branches_are_what_does_not_continue_the_struct_before() -> None:
    scanned = scan_update(
        update(
            block(
                5,
                10,
                string("ab", origin=(5, 9)),
                string("c", origin=(5, 11), right=(6, 0)),
                gc(3),
                string("d", origin=(5, 15)),
                string("e"),  # branch
                string("f", origin=(5, 15)),  # branch
                string("g", right=(5, 17)),  # branch
                string("h", origin=(6, 18)),  # branch: another client's clock
            ),
            delete_set=deletes({5: [(0, 1), (3, 2)]}),  # two branches
        )
    )
    assert scanned.branches == 6


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, False),
        ({5: 10, 6: 9}, True),
        ({5: 12, 6: 20, 8: 1}, True),
        ({5: 9, 6: 9}, False),  # starts behind a gap
        ({5: 10, 6: 8}, False),  # refers to what is missing
    ],
)
def test_integrating_needs_no_gap_and_no_missing_reference(
    known: dict[int, int], *, expected: bool
) -> None:
    scanned = scan_update(update(block(5, 10, string("a", origin=(6, 8)))))
    assert scanned.integrates(known) is expected


def test_integrating_counts_what_the_update_itself_brings_but_not_its_gaps() -> None:
    both = update(block(6, 0, string("abc")), block(5, 0, string("x", origin=(6, 2))))
    assert scan_update(both).integrates({})
    deleting = update(block(6, 0, string("abc")), delete_set=deletes({6: [(0, 3)], 5: [(1, 1)]}))
    assert scan_update(deleting).integrates({5: 2})
    assert not scan_update(deleting).integrates({5: 1})
    gap = scan_update(update(block(5, 0, string("a"), skip(2), string("b"))))
    assert not gap.integrates({})
    assert not gap.integrates({5: 2})
    assert gap.integrates({5: 3})


def test_an_update_without_anything_is_empty() -> None:
    scanned = scan_update(b"\x00\x00")
    assert scanned.is_empty
    assert scanned.integrates({})


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


def test_the_index_says_where_each_struct_stands_and_each_block_ends() -> None:
    two, three = string("ab", origin=(9, 0)), gc(3)
    index = scan_update(update(block(9, 7, string("x")), block(5, 2, two, three))).index
    at = len(update(block(9, 7))) - 1
    behind = at + len(string("x"))
    first = behind + len(block(5, 2))
    assert list(index.offsets) == [
        at,
        behind,
        first,
        first + len(two),
        first + len(two) + len(three),
    ]
    assert list(index.clocks) == [7, 8, 2, 4, 7]
    assert index.ends == [1, 4]


CIRCLES = {
    "two": [block(9, 0, string("a", origin=(5, 0))), block(5, 0, string("b", origin=(9, 0)))],
    "three": [
        block(9, 0, string("a", origin=(5, 0))),
        block(5, 0, string("b", right=(7, 1))),
        block(7, 0, string("c"), string("d", parent=(9, 0))),
    ],
    "late": [
        block(9, 3, string("x"), string("a", origin=(5, 8))),
        block(5, 7, string("b"), string("c", origin=(9, 4))),
    ],
}


@pytest.mark.parametrize("name", list(CIRCLES))
def test_structs_that_wait_for_each_other_in_a_circle_are_refused(name: str) -> None:
    """SCAN-14."""
    with pytest.raises(MalformedUpdate, match="circle"):
        scan_update(update(*CIRCLES[name]))
    with pytest.raises(MalformedUpdate, match="circle"):
        scan_update(update(*reversed(CIRCLES[name])))


def test_blocks_that_take_turns_are_no_circle() -> None:
    turns = update(
        block(9, 0, string("a"), string("c", origin=(5, 0)), string("e", right=(5, 1))),
        block(5, 0, string("b", origin=(9, 0)), string("d", parent=(9, 1))),
    )
    assert scan_update(turns).needs == {5: 2, 9: 2}


def test_references_into_a_gap_wait_for_nothing() -> None:
    """What a Skip leaves out is known already, or comes with another update."""
    gap = update(
        block(9, 0, string("a"), skip(3), string("b", origin=(5, 0))),
        block(5, 0, string("c", origin=(9, 2))),
    )
    assert scan_update(gap).needs == {5: 1, 9: 3}


@pytest.mark.parametrize("build", ["structs", "values", "deletes", "maps"])
def test_the_work_is_linear_in_the_bytes(build: str) -> None:
    """Turns of one step each are counted: twice the update takes at most twice the turns.

    Bears SCAN-7.
    """

    def turns(size: int) -> int:
        parts = {
            "structs": update(block(5, 0, *[gc(1)] * size)),
            "values": update(block(5, 0, values(*[b"\x75\x01" + NULL] * size))),
            "deletes": update(delete_set=deletes({5: [(2 * n, 1) for n in range(size)]})),
            "maps": update(block(5, 0, values(*[b"\x76\x01\x01k" + NULL] * size))),
        }
        scan = UpdateScan(parts[build])
        count = 1
        while not scan.advance(1):
            count += 1
        return count

    once = turns(500)
    assert once <= 1_010
    assert turns(1000) <= 2 * once
