"""Slices of updates: small, in an order that integrates, and together the whole."""

from typing import Any

import pytest
from pycrdt import Array, Doc, Map

from collab.limits import SLICE_BRANCHES, SLICE_CLIENTS, SLICE_STRUCTS, SLICE_TARGET_MS
from collab.protocol.state_vector import decode_state_vector
from collab.protocol.update_scan import UpdateScan, scan_update
from collab.protocol.update_slices import slice_update
from tests import vectors
from tests.unit.protocol.building import (
    NULL,
    block,
    deletes,
    gc,
    skip,
    string,
    update,
    values,
)


def slices(encoded: bytes, slice_bytes: int) -> list[bytes]:
    return list(slice_update(encoded, scan_update(encoded), slice_bytes=slice_bytes))


def apply_in_turn(pieces: list[bytes]) -> Doc[Any]:
    """Apply slices, each of which must be a valid update that leaves nothing pending."""
    doc: Doc[Any] = Doc()
    for piece in pieces:
        scanned = scan_update(piece)
        assert scanned.integrates(decode_state_vector(doc.get_state()))
        doc.apply_update(piece)
    return doc


def test_a_small_update_is_its_own_only_slice() -> None:
    whole = update(block(5, 0, string("abc")), delete_set=deletes({5: [(1, 1)]}))
    assert slices(whole, 1000) == [whole]
    assert slices(b"\x00\x00", 1000) == [b"\x00\x00"]


def test_literal_slices_of_a_literal_update() -> None:
    """Higher client ids first, but never before what they refer to; deletes last."""
    whole = update(
        block(5, 0, string("ab"), gc(3), string("c", origin=(9, 0))),
        block(9, 0, string("x", origin=(5, 1)), string("y", origin=(9, 0))),
        delete_set=deletes({9: [(1, 1)], 5: [(0, 1), (2, 3)]}),
    )
    assert slices(whole, 1) == [
        update(block(5, 0, string("ab"))),
        update(block(9, 0, string("x", origin=(5, 1)))),
        update(block(9, 1, string("y", origin=(9, 0)))),
        update(block(5, 2, gc(3))),
        update(block(5, 5, string("c", origin=(9, 0)))),
        update(delete_set=deletes({9: [(1, 1)]})),
        update(delete_set=deletes({5: [(0, 1)]})),
        update(delete_set=deletes({5: [(2, 3)]})),
    ]


def test_a_gap_travels_with_what_follows_it_or_not_at_all() -> None:
    whole = update(block(5, 0, string("a"), skip(3), string("b"), string("c", origin=(5, 4))))
    assert slices(whole, 1) == [
        update(block(5, 0, string("a"))),
        update(block(5, 4, string("b"))),
        update(block(5, 5, string("c", origin=(5, 4)))),
    ]
    together = block(5, 0, string("a"), skip(3), string("b"))
    assert slices(whole, 14)[0] == update(together)


def test_references_outside_the_update_do_not_hold_anything_up() -> None:
    whole = update(
        block(5, 10, string("a", origin=(7, 3)), string("b", origin=(9, 99))),
        block(9, 4, string("x", right=(5, 2))),
    )
    assert slices(whole, 1) == [
        update(block(9, 4, string("x", right=(5, 2)))),
        update(block(5, 10, string("a", origin=(7, 3)))),
        update(block(5, 11, string("b", origin=(9, 99)))),
    ]


def test_a_slice_is_bounded_in_bytes_structs_clients_and_branches() -> None:
    row = [string("ab"), *(string("c", origin=(5, 1 + n)) for n in range(3 * SLICE_STRUCTS))]
    for piece in slices(update(block(5, 0, *row)), 1 << 20):
        assert scan_update(piece).struct_count <= SLICE_STRUCTS
    for piece in slices(update(block(5, 0, *row)), 1000):
        assert len(piece) <= 1000 + 20  # client, clock and counts stand around the structs

    crowd = [block(n, 0, gc(1)) for n in range(3 * SLICE_CLIENTS)]
    for piece in slices(update(*crowd), 1 << 20):
        assert len(scan_update(piece).ranges) <= SLICE_CLIENTS

    bushy = update(
        block(5, 0, *[values(NULL, sub=f"k{n}") for n in range(500)]),
        delete_set=deletes({5: [(2 * n, 1) for n in range(250)]}),
    )
    pieces = slices(bushy, 1 << 20)
    assert max(scan_update(piece).branches for piece in pieces) == SLICE_BRANCHES
    assert sum(scan_update(piece).branches for piece in pieces) == 750


def test_slices_follow_what_applying_them_took() -> None:
    bushy = update(block(5, 0, *[values(NULL, sub=f"k{n}") for n in range(1000)]))
    cut = slice_update(bushy, scan_update(bushy), slice_bytes=1 << 20)

    def branches() -> int:
        return scan_update(next(cut)).branches

    assert branches() == SLICE_BRANCHES
    cut.adapt(SLICE_TARGET_MS * 3)
    assert branches() == SLICE_BRANCHES // 2
    for _ in range(20):
        cut.adapt(SLICE_TARGET_MS * 3)
    assert branches() == 1
    cut.adapt(SLICE_TARGET_MS * 0.9)
    assert branches() == 1
    for _ in range(3):
        cut.adapt(0.1)
    assert branches() == 8


@pytest.mark.parametrize("slice_bytes", [1, 40, 1000])
def test_slices_of_real_updates_add_up(slice_bytes: int) -> None:
    """SYNC-9."""
    for scenarios in vectors.load("updates").values():
        for name, cases in scenarios.items():
            if name == "gap":
                continue
            whole = bytes.fromhex(cases[-1]["update"])
            expected: Doc[Any] = Doc()
            expected.apply_update(whole)
            doc = apply_in_turn(slices(whole, slice_bytes))
            assert decode_state_vector(doc.get_state()) == decode_state_vector(expected.get_state())
            assert facts(doc.get_update()) == facts(expected.get_update())


def facts(encoded: bytes) -> object:
    scanned = scan_update(encoded)
    return sorted(scanned.ranges), sorted(scanned.deletes), scanned.struct_count


def test_sixty_thousand_entries_come_in_small_slices_in_linear_work() -> None:
    """Each struct is looked at a bounded number of times, whatever the number of slices."""
    source: Doc[Any] = Doc(client_id=7)
    source["m"] = entries = Map[Any]()
    source["a"] = Array[Any]()
    with source.transaction():
        for number in range(60_000):
            entries[f"note-{number}"] = {"pitch": number % 128, "ticks": 480}
    whole = source.get_update()
    scan = UpdateScan(whole)
    while not scan.advance(4096):
        pass
    cut = slice_update(whole, scan.result, slice_bytes=64 * 1024)
    doc: Doc[Any] = Doc()
    total = 0
    for piece in cut:
        cut.adapt(0.1)
        assert len(piece) <= 64 * 1024 + 20
        total += len(piece)
        doc.apply_update(piece)
    assert total < len(whole) + 200 * 20
    assert decode_state_vector(doc.get_state()) == {7: 60_000}
    doc["m"] = copy = Map[Any]()
    assert len(copy) == 60_000
