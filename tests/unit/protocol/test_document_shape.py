"""What only somebody who knows the document can refuse: depth, parents, halved characters."""

from base64 import b64decode
from collections.abc import Callable

import pytest

from collab.errors import LimitExceeded, MalformedUpdate
from collab.limits import CLIENT_IDS_ALIKE_MAX, TYPE_DEPTH_MAX
from collab.protocol.document_shape import DocumentShape, ShapeCheck
from collab.protocol.update_scan import scan_update
from tests import vectors
from tests.unit.protocol.building import (
    NULL,
    block,
    deleted,
    deletes,
    gc,
    shared,
    skip,
    string,
    update,
    values,
)

CLEF = "𝄞"  # two UTF-16 code units


def admit(shape: DocumentShape, *updates: bytes) -> None:
    for encoded in updates:
        shape.admit(encoded, scan_update(encoded))


def shape_of(*updates: bytes) -> DocumentShape:
    shape = DocumentShape()
    admit(shape, *updates)
    return shape


def nest(depth: int) -> bytes:
    """One client's update that nests so many arrays, the first in a root."""
    inner = [shared(0, parent=(5, clock)) for clock in range(depth - 1)]
    return update(block(5, 0, shared(0), *inner))


def test_shared_types_may_be_nested_64_deep_and_no_deeper() -> None:
    """SCAN-15."""
    shape = shape_of(nest(TYPE_DEPTH_MAX))
    last = TYPE_DEPTH_MAX - 1
    inside = update(block(5, last + 1, string("in the innermost", parent=(5, last))))
    admit(shape, inside)
    for too_deep in (TYPE_DEPTH_MAX + 1, 26_000, 100_000):
        with pytest.raises(LimitExceeded) as caught:
            shape_of(nest(too_deep))
        assert caught.value.limit == "type_depth_max"


def test_nesting_one_level_an_update_is_no_way_around() -> None:
    """SCAN-15."""
    shape = shape_of(update(block(5, 0, shared(0))))
    for clock in range(1, TYPE_DEPTH_MAX):
        admit(shape, update(block(5, clock, shared(0, parent=(5, clock - 1)))))
    with pytest.raises(LimitExceeded):
        admit(shape, update(block(5, TYPE_DEPTH_MAX, shared(0, parent=(5, TYPE_DEPTH_MAX - 1)))))


def test_neither_siblings_nor_other_clients_are_a_way_around() -> None:
    """A type beside an item lies as deep as that item, whoever writes either."""

    def beside_a_leaf(client: int) -> bytes:
        leaf = string("x", parent=(client - 1, 1) if client > 2 else (1, 0))
        beside = shared(0, origin=(client, 0)) if client % 2 else shared(0, right=(client, 0))
        return update(block(client, 0, leaf, beside))

    shape = shape_of(update(block(1, 0, shared(0))))
    for client in range(2, TYPE_DEPTH_MAX + 1):
        admit(shape, beside_a_leaf(client))
    with pytest.raises(LimitExceeded):
        admit(shape, beside_a_leaf(TYPE_DEPTH_MAX + 1))


def test_blocks_of_one_update_are_judged_in_the_order_of_their_references() -> None:
    chain = [
        block(client, 0, shared(0, parent=(client + 1, 0) if client < 99 else "t"))
        for client in range(99 - TYPE_DEPTH_MAX, 100)
    ]
    shape_of(update(*chain[1:]))
    shape_of(update(*reversed(chain[1:])))
    for too_deep in (chain, chain[::-1]):
        with pytest.raises(LimitExceeded):
            shape_of(update(*too_deep))


def test_many_types_side_by_side_are_not_deep() -> None:
    row = [shared(1), *(shared(1, origin=(5, clock)) for clock in range(1000))]
    entries = [values(NULL, parent=(5, clock), sub="k") for clock in range(1000)]
    assert shape_of(update(block(5, 0, *row, *entries))).end_of(5) == 2001


@pytest.mark.parametrize("parent", [string("a"), values(NULL)])
def test_a_parent_must_be_a_shared_type(parent: bytes) -> None:
    """SCAN-16."""
    shape = shape_of(update(block(5, 0, parent)))
    with pytest.raises(MalformedUpdate, match="no shared type"):
        admit(shape, update(block(6, 0, string("b", parent=(5, 0)))))
    with pytest.raises(MalformedUpdate, match="no shared type"):
        shape_of(update(block(5, 0, parent, string("b", parent=(5, 0)))))


@pytest.mark.parametrize("parent", [gc(1), deleted(1), shared(2)])
def test_a_parent_may_have_been_deleted_meanwhile(parent: bytes) -> None:
    shape = shape_of(update(block(5, 0, parent)))
    admit(shape, update(block(6, 0, string("b", parent=(5, 0)))))
    assert shape.end_of(6) == 1


@pytest.mark.parametrize(
    "entry",
    [
        string("ab", sub="k"),
        string("ab", parent=(6, 0), sub="k"),
        string("ab", origin=(6, 1)),
        values(NULL, NULL, right=(6, 1)),
        values(NULL, NULL, origin=(6, 1), right=(6, 1)),
    ],
)
def test_under_a_key_stands_one_element_at_a_time(entry: bytes) -> None:
    """SCAN-17."""
    inner = values(NULL, parent=(6, 0), sub="k")
    shape = shape_of(update(block(6, 0, shared(1), inner)))
    with pytest.raises(MalformedUpdate, match="under a key"):
        admit(shape, update(block(5, 0, entry)))


def test_under_a_key_of_a_root_stands_what_was_overwritten_and_is_kept_for_undo() -> None:
    """SCAN-17."""
    # Four values, one after the other, as Yjs 13.6 tells of them when their writer can undo.
    told = b64decode(
        "AQKXs8O3CAAoAQJwdAJuMQN2AQRzdGVwfQB2AQRzdGVwfQF2AQRzdGVwfQKol7PDtwgC"
        "AXYBBHN0ZXB9AwGXs8O3CAEAAw=="
    )
    (span,) = scan_update(told).ranges
    assert shape_of(told).end_of(span.client) == 4


def test_what_stood_under_a_key_may_be_deleted_in_one_piece() -> None:
    shape = shape_of(update(block(6, 0, values(NULL, sub="k"))))
    admit(shape, update(block(5, 0, deleted(4, origin=(6, 0)), values(NULL, origin=(5, 3)))))
    assert shape.end_of(5) == 5


CUTS = {
    "insert behind the first half": update(block(6, 0, string("x", origin=(5, 1)))),
    "insert before the second half": update(block(6, 0, string("x", right=(5, 2)))),
    "insert between the halves": update(block(6, 0, string("x", origin=(5, 1), right=(5, 2)))),
    "delete the first half": update(delete_set=deletes({5: [(1, 1)]})),
    "delete the second half": update(delete_set=deletes({5: [(2, 1)]})),
    "delete up to the middle": update(delete_set=deletes({5: [(0, 2)]})),
}
WHOLE = {
    "insert before": update(block(6, 0, string("x", origin=(5, 0), right=(5, 1)))),
    "insert behind": update(block(6, 0, string("x", origin=(5, 2), right=(5, 3)))),
    "delete it": update(delete_set=deletes({5: [(1, 2)]})),
    "delete all": update(delete_set=deletes({5: [(0, 4)]})),
}
TEXT = update(block(5, 0, string(f"a{CLEF}b")))


@pytest.mark.parametrize("name", list(CUTS))
def test_no_character_is_cut_in_half(name: str) -> None:
    """SCAN-16."""
    with pytest.raises(MalformedUpdate, match="half"):
        admit(shape_of(TEXT), CUTS[name])


@pytest.mark.parametrize("name", list(WHOLE))
def test_characters_may_be_parted_and_deleted_whole(name: str) -> None:
    admit(shape_of(TEXT), WHOLE[name])


def test_a_cut_within_one_update_is_refused_too() -> None:
    with pytest.raises(MalformedUpdate, match="half"):
        shape_of(update(block(5, 0, string(CLEF), string("x", origin=(5, 0)))))


def test_a_repetition_that_begins_with_half_a_character_is_refused() -> None:
    shape = shape_of(update(block(5, 0, string("ab"))))
    admit(shape, update(block(5, 0, string(f"ab{CLEF}"))))  # the new part is whole
    with pytest.raises(MalformedUpdate, match="half"):
        admit(shape, update(block(5, 3, string(CLEF))))


def test_what_is_known_already_changes_nothing() -> None:
    """Replicas keep the first that they heard of an id, and so does the shape."""
    shape = shape_of(update(block(5, 0, shared(0), string("abc", parent=(5, 0)))))
    admit(shape, update(block(5, 0, string("x"), shared(0, origin=(5, 0)))))
    assert shape.end_of(5) == 4
    admit(shape, update(block(6, 0, string("y", parent=(5, 0)))))  # still a shared type


def test_the_new_part_of_a_repetition_lies_where_the_known_part_does() -> None:
    """The library puts it behind the known part, whatever the repetition says of its place."""
    shape = shape_of(nest(TYPE_DEPTH_MAX))
    last = TYPE_DEPTH_MAX - 1
    admit(shape, update(block(6, 0, string("ab", parent=(5, last)))))
    admit(shape, update(block(6, 1, string("bc"))))
    with pytest.raises(LimitExceeded):
        admit(shape, update(block(6, 3, shared(0, origin=(6, 2)))))


@pytest.mark.parametrize(
    "encoded",
    [
        update(block(5, 1, string("a"))),
        update(block(5, 0, string("a"), skip(2), string("b"))),
        update(block(5, 0, string("a", origin=(6, 0)))),
        update(block(5, 0, string("a", right=(6, 0)))),
        update(block(5, 0, string("a", parent=(6, 0)))),
    ],
)
def test_an_update_that_does_not_integrate_is_not_admitted(encoded: bytes) -> None:
    with pytest.raises(MalformedUpdate):
        shape_of(encoded)


def test_a_refused_update_leaves_no_trace() -> None:
    shape = shape_of(update(block(5, 0, string("a"))))
    bad = update(block(6, 0, shared(0), string("b", parent=(5, 0))))
    with pytest.raises(MalformedUpdate):
        admit(shape, bad)
    assert shape.end_of(6) == 0
    admit(shape, update(block(6, 0, string("b"))))


def test_other_updates_may_be_admitted_while_a_large_one_is_checked() -> None:
    shape = shape_of(update(block(5, 0, shared(0))))
    large = update(block(6, 0, *[string("x", parent=(5, 0)), *[gc(1)] * 99]))
    check = ShapeCheck(shape, large, scan_update(large))
    turns = 1
    while not check.advance(10):
        turns += 1
        admit(shape, update(block(7, turns - 2, string("y", parent=(5, 0)))))
    admit(shape, update(block(6, 0, string("x", parent=(5, 0)))))
    check.commit()
    assert turns > 9
    assert (shape.end_of(6), shape.end_of(7)) == (100, turns - 1)


def test_client_ids_that_collide_are_refused_even_one_at_a_time() -> None:
    shape = DocumentShape()
    for number in range(CLIENT_IDS_ALIKE_MAX):
        admit(shape, update(block((number + 1) << 33, 0, gc(1))))
    with pytest.raises(MalformedUpdate, match="low bits"):
        admit(shape, update(block(2**50, 0, gc(1))))
    admit(shape, update(block(1 << 33, 1, gc(1))))  # known already
    admit(shape, update(block(2**50 + 1, 0, gc(1))))  # agrees with nobody


@pytest.mark.parametrize("library", ["yjs13", "yjs14"])
def test_what_real_libraries_write_is_admitted(library: str) -> None:
    for name, cases in vectors.load("updates")[library].items():
        updates = [bytes.fromhex(case["update"]) for case in cases]
        if name == "gap":
            continue
        shape_of(updates[-1])  # the whole document
        if name != "strangers":
            shape_of(*updates[:-1])  # edit by edit


@pytest.mark.parametrize(
    "grow",
    [
        lambda n: [string("a") if k == 0 else string("a", origin=(5, k - 1)) for k in range(n)],
        lambda n: [values(NULL, sub=f"k{k}") for k in range(n)],
        lambda n: [shared(1, sub=f"k{k}") for k in range(n)],
    ],
    ids=["text", "entries", "types"],
)
def test_memory_does_not_grow_with_what_lies_side_by_side(
    grow: Callable[[int], list[bytes]],
) -> None:
    shape = shape_of(update(block(5, 0, *grow(5000))))
    (client,) = shape._clients.values()
    assert len(client.ends) == len(client.values) == 1
