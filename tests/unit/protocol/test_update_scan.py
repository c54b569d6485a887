"""The structural scan: what it finds in real updates and in updates written by hand."""

from typing import Any

import pytest

from collab.errors import MalformedUpdate
from collab.protocol.update_scan import ClockRange, ScannedUpdate, UpdateScan, scan_update
from tests import vectors
from tests.unit.protocol.building import (
    FALSE,
    NULL,
    TRUE,
    UNDEFINED,
    block,
    deletes,
    gc,
    item,
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


def test_an_update_without_anything_brings_nothing_and_integrates() -> None:
    scanned = scan_update(b"\x00\x00")
    assert (scanned.ranges, scanned.deletes) == ([], [])
    assert scanned.integrates({})


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
