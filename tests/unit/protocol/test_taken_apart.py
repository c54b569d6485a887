"""Updates whose structs are taken apart before the CRDT library sees them."""

import pytest

from collab.errors import MalformedUpdate
from collab.limits import SLICE_CHECKS
from collab.protocol.document_shape import DocumentShape, ShapeCheck
from collab.protocol.update_scan import scan_update
from tests.unit.protocol.building import (
    FALSE,
    NULL,
    TRUE,
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
X = b"\x77\x01x"  # the text "x" as a value
PAIR = b"\x75\x02" + NULL + X  # a list of two values, which is one value

MAP = update(block(6, 0, shared(1, parent="r", sub="m")))
ENTRY = update(block(6, 1, values(X, parent=(6, 0), sub="k")))
KEY = {"parent": (6, 0), "sub": "k"}


def taken(shape: DocumentShape, given: bytes) -> bytes:
    """What becomes of an update that is given to a document of this shape."""
    return shape.admit(given, scan_update(given))


def shape_of(*updates: bytes) -> DocumentShape:
    shape = DocumentShape()
    for each in updates:
        taken(shape, each)
    return shape


def marked(struct: bytes) -> bytes:
    """A struct as Yjs writes it under a key, also where it does not repeat the key."""
    return bytes((struct[0] | 0x20,)) + struct[1:]


def test_what_yjs_keeps_for_undo_is_written_as_deleted() -> None:
    """SCAN-17."""
    # Yjs 13.6.33: a map in a root map, and four values of one key of it, one after the other.
    told = bytes.fromhex(
        "01 03 05 00 27 01036d6170 05696e6e6572 01 28 0005 00016b 037d007d017d02 a8 0503 017d03"
        "01 05 01 01 03"
    )
    # The first two values are deleted clocks, the third is a struct of its own.
    expected = bytes.fromhex(
        "01 04 05 00 27 01036d6170 05696e6e6572 01 21 0005 00016b 02 a8 0502 017d02 a8 0503 017d03"
        "01 05 01 01 03"
    )
    assert taken(DocumentShape(), told) == expected
    assert taken(DocumentShape(), expected) is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([values(NULL, X, **KEY)], [deleted(1, **KEY), marked(values(X, origin=(5, 0)))]),
        (
            [values(PAIR, NULL, PAIR, origin=(6, 1))],
            [deleted(2, origin=(6, 1)), values(PAIR, origin=(5, 1))],
        ),
        (
            [string("a", parent="t"), values(NULL, X, **KEY), values(TRUE, FALSE, origin=(5, 2))],
            [
                string("a", parent="t"),
                deleted(1, **KEY),
                marked(values(X, origin=(5, 1))),
                deleted(1, origin=(5, 2)),
                values(FALSE, origin=(5, 3)),
            ],
        ),
    ],
)
def test_all_values_but_the_last_are_deleted_clocks(
    given: list[bytes], expected: list[bytes]
) -> None:
    """SCAN-17."""
    gone = deletes({5: [(0, 1)], 6: [(1, 1)]})
    shape = shape_of(MAP, ENTRY)
    whole = update(block(5, 0, *given), delete_set=gone)
    assert taken(shape, whole) == update(block(5, 0, *expected), delete_set=gone)
    assert shape.end_of(5) == scan_update(whole).ranges[0].end


def test_each_struct_is_found_in_its_block() -> None:
    """SCAN-17: Whatever the order of the blocks, and with Skips among the structs."""
    plain = [string("a"), string("b", origin=(4, 0))]
    gapped = [gc(1), skip(1), gc(2)]
    shape = shape_of(MAP, update(block(9, 0, gc(3))))
    given = update(
        block(7, 0, gc(1), values(TRUE, X, X, origin=(8, 1))),
        block(4, 0, *plain),
        block(8, 0, values(NULL, X, **KEY)),
        block(9, 0, *gapped),
    )
    assert taken(shape, given) == update(
        block(7, 0, gc(1), deleted(2, origin=(8, 1)), values(X, origin=(7, 2))),
        block(4, 0, *plain),
        block(8, 0, deleted(1, **KEY), marked(values(X, origin=(8, 0)))),
        block(9, 0, *gapped),
    )


@pytest.mark.parametrize(
    ("place", "rest"),
    [
        ({}, {}),
        ({"parent": (6, 0)}, {}),
        ({"origin": (6, 1)}, {}),
        ({"right": (6, 1)}, {"right": (6, 1)}),
        ({"origin": (6, 1), "right": (6, 2)}, {"right": (6, 2)}),
    ],
)
def test_the_rest_of_a_struct_has_its_place_from_the_known_part(
    place: dict[str, object], rest: dict[str, object]
) -> None:
    """SCAN-18: Strings, values and deleted clocks; as Yjs writes the part that somebody lacks."""
    base = update(block(6, 0, shared(0), string("ab", parent=(6, 0))))

    def cut(whole: bytes, *parts: bytes) -> None:
        shape = shape_of(base, update(block(5, 0, string("xy", **place))))
        assert taken(shape, update(block(5, 0, whole))) == update(block(5, 0, *parts))
        assert shape.end_of(5) == 5

    behind = {"origin": (5, 1), **rest}
    cut(string("xyzäb", **place), string("xy", **place), string("zäb", **behind))
    cut(string(f"xy{CLEF}b", **place), string("xy", **place), string(f"{CLEF}b", **behind))
    cut(string(f"{CLEF}äbc", **place), string(CLEF, **place), string("äbc", **behind))
    cut(deleted(5, **place), deleted(2, **place), deleted(3, **behind))
    cut(
        values(NULL, PAIR, X, PAIR, TRUE, **place),
        values(NULL, PAIR, **place),
        values(X, PAIR, TRUE, **behind),
    )


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (
            1,
            [
                deleted(1, **KEY),
                marked(deleted(2, origin=(5, 0))),
                marked(values(X, origin=(5, 2))),
            ],
        ),
        (3, [deleted(3, **KEY), marked(values(X, origin=(5, 2)))]),
    ],
)
def test_of_overwritten_values_some_may_be_known(known: int, expected: list[bytes]) -> None:
    """SCAN-17, SCAN-18."""
    whole = values(NULL, TRUE, FALSE, X, **KEY)
    each = [values(NULL, **KEY), *(values(NULL, origin=(5, at)) for at in range(known - 1))]
    shape = shape_of(MAP, update(block(5, 0, *each)))
    assert taken(shape, update(block(5, 0, whole))) == update(block(5, 0, *expected))
    assert taken(shape, update(block(5, 0, whole))) == update(block(5, 0, whole))  # all is known


def test_large_structs_are_taken_apart_in_slices() -> None:
    """SCAN-7."""
    count = 20_000
    given = update(block(5, 0, *(values(*[X] * count, **KEY) for _ in range(5))))
    check = ShapeCheck(shape_of(MAP), given, scan_update(given))
    turns = 0
    while not check.advance(10):
        turns += 1
    assert turns > 5 * count / SLICE_CHECKS
    assert check.scanned.ranges == scan_update(given).ranges
    assert check.scanned.struct_count == 10
    assert len(check.update) < 200


def test_a_refused_update_is_not_taken_apart() -> None:
    """SCAN-16: The shape is judged of what came, and judged again of what was made of it."""
    shape = shape_of(MAP, update(block(5, 0, string("ab"))))
    half = update(block(5, 0, string(f"a{CLEF}b")))
    with pytest.raises(MalformedUpdate, match="half"):
        taken(shape, half)
    below = update(block(7, 0, values(X, X, **KEY), string("x", parent=(7, 0))))
    with pytest.raises(MalformedUpdate, match="no shared type"):
        taken(shape, below)
    assert shape.end_of(7) == 0
