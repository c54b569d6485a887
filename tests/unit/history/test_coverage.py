"""What a merge lost is found by the shape of the updates."""

from __future__ import annotations

import random

import pycrdt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.errors import InvariantViolated, MalformedUpdate
from collab.history.coverage import lost_by_merge
from collab.protocol.scanned import ClockRange
from collab.protocol.update_scan import scan_update
from tests.support.updates import DELETED, GC, SKIP, Block, Deletes, filler, rooted, text, update
from tests.support.wire import uint
from workers.merge import merge


def lost(merged: bytes, *parts: bytes) -> list[ClockRange]:
    return lost_by_merge(scan_update(merged), map(scan_update, parts))


def structs(client: int, start: int, *lengths: int) -> bytes:
    return update([Block(client, start, [filler(GC, length) for length in lengths])])


def deletes(client: int, *ranges: tuple[int, int]) -> bytes:
    return update([], [Deletes(client, list(ranges))])


def test_whole_merge_has_lost_nothing() -> None:
    assert lost(structs(1, 0, 10), structs(1, 0, 4), structs(1, 4, 6), structs(1, 2, 5)) == []


def test_missing_tail_head_and_client_are_found() -> None:
    merged = structs(1, 2, 6)
    assert lost(merged, structs(1, 2, 7)) == [(1, 2, 9)]
    assert lost(merged, structs(1, 1, 7)) == [(1, 1, 8)]
    assert lost(merged, structs(2, 2, 6)) == [(2, 2, 8)]
    assert lost(merged, structs(1, 20, 1)) == [(1, 20, 21)]


def test_skipped_clocks_are_not_there() -> None:
    merged = update([Block(1, 0, [filler(GC, 3), filler(SKIP, 4), filler(GC, 3)])])
    assert lost(merged, structs(1, 0, 3), structs(1, 7, 3)) == []
    assert lost(merged, structs(1, 3, 1)) == [(1, 3, 4)]
    assert lost(merged, structs(1, 2, 6)) == [(1, 2, 8)]


def test_skips_of_a_part_ask_for_nothing() -> None:
    part = update([Block(1, 0, [filler(GC, 3), filler(SKIP, 4), filler(GC, 3)])])
    assert lost(part, part) == []
    assert lost(structs(1, 0, 3), part) == [(1, 7, 10)]


def test_strings_count_in_utf_16_units() -> None:
    """Yjs counts clocks of text as JavaScript counts characters: the emoji is two."""
    assert lost(update([Block(1, 0, [text("a😀b")])]), structs(1, 0, 4)) == []
    assert lost(update([Block(1, 0, [text("a😀b")])]), structs(1, 0, 5)) == [(1, 0, 5)]


def test_deleted_content_is_content() -> None:
    assert lost(update([Block(1, 0, [rooted(DELETED, uint(5))])]), structs(1, 0, 5)) == []


def test_lost_deletions_are_found_although_all_structs_are_there() -> None:
    merged = deletes(1, (0, 2), (5, 2))
    assert lost(merged, deletes(1, (0, 2)), deletes(1, (5, 1), (6, 1))) == []
    assert lost(merged, deletes(1, (1, 2))) == [(1, 1, 3)]
    assert lost(merged, deletes(2, (0, 1))) == [(2, 0, 1)]


def test_neighbouring_deletions_hold_a_range_across_them() -> None:
    assert lost(deletes(1, (0, 2), (2, 3)), deletes(1, (1, 3))) == []


def test_merge_that_drops_an_update_is_refused() -> None:
    """STO-9."""
    parts = [structs(1, 0, 4), structs(2, 0, 4)]
    with pytest.raises(InvariantViolated, match="lost 1 ranges"):
        merge(parts, lambda *updates: pycrdt.merge_updates(*updates[:-1]))


def test_merge_of_what_is_no_update_is_refused_before_the_library_sees_it() -> None:
    def never(*updates: bytes) -> bytes:
        raise AssertionError("the library was called")

    with pytest.raises(MalformedUpdate):
        merge([b"\x01junk"], never)


@given(seed=st.integers(0, 2**32))
def test_library_loses_nothing_of_real_edits_in_any_order_with_gaps_and_repeats(seed: int) -> None:
    draw = random.Random(seed)
    parts = [part for part in _session(draw) if draw.random() < 0.8]
    parts += draw.choices(parts, k=3) if parts else []
    draw.shuffle(parts)
    if parts:
        merged = merge(parts)
        assert lost(merged, *parts) == []
        absent = scan_update(structs(3, 10_000, 1))
        assert lost_by_merge(scan_update(merged), [absent]) == [(3, 10_000, 10_001)]


def _session(draw: random.Random) -> list[bytes]:
    """Updates of two people who type, delete and now and then exchange what they have."""
    updates: list[bytes] = []
    docs: list[pycrdt.Doc[pycrdt.Text]] = [pycrdt.Doc(client_id=client) for client in (1, 2)]
    texts = [doc.get("text", type=pycrdt.Text) for doc in docs]
    for doc in docs:
        doc.observe(lambda event: updates.append(event.update))
    for _ in range(draw.randint(1, 30)):
        here = draw.randrange(2)
        length = len(texts[here])
        if draw.random() < 0.2:
            docs[here].apply_update(docs[1 - here].get_update(docs[here].get_state()))
        elif length > 4 and draw.random() < 0.4:
            start = draw.randrange(length - 2)
            del texts[here][start : start + 2]
        else:
            texts[here].insert(draw.randint(0, length), "ab")
    return updates
