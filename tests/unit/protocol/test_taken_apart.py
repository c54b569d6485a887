"""Updates whose structs are taken apart before the CRDT library sees them."""

import pytest

from collab.errors import MalformedUpdate
from collab.limits import SLICE_CHECKS
from collab.protocol.document_shape import DocumentShape, ShapeCheck
from collab.protocol.update_scan import scan_update
from tests.unit.protocol.building import (
    NULL,
    TRUE,
    block,
    deleted,
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


def taken(shape: DocumentShape, given: bytes) -> bytes:
    """What becomes of an update that is given to a document of this shape."""
    return shape.admit(given, scan_update(given))


def shape_of(*updates: bytes) -> DocumentShape:
    shape = DocumentShape()
    for each in updates:
        taken(shape, each)
    return shape


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


def test_each_struct_is_found_in_its_block() -> None:
    """SCAN-18: Whatever the order of the blocks, and with Skips among the structs."""
    gapped = [gc(1), skip(1), gc(2)]
    known = update(block(9, 0, gc(3)), block(8, 0, string("a")))
    given = update(
        block(7, 0, string("b", origin=(8, 2))),
        block(8, 0, string("ab"), string("c")),
        block(9, 0, *gapped),
    )
    assert taken(shape_of(known), given) == update(
        block(7, 0, string("b", origin=(8, 2))),
        block(8, 0, string("a"), string("b", origin=(8, 0)), string("c")),
        block(9, 0, *gapped),
    )


def test_large_structs_are_taken_apart_in_slices() -> None:
    """SCAN-7."""
    count = 50_000
    given = update(block(5, 0, values(*[X] * count)))
    known = update(block(5, 0, values(*[X] * (count - 1))))
    check = ShapeCheck(shape_of(known), given, scan_update(given))
    turns = 0
    while not check.advance(10):
        turns += 1
    assert turns > count / SLICE_CHECKS
    assert check.scanned.ranges == scan_update(given).ranges
    assert check.scanned.struct_count == 2


def test_a_refused_update_is_not_taken_apart() -> None:
    """SCAN-16: The shape is judged of what came, and judged again of what was made of it."""
    shape = shape_of(update(block(5, 0, string("ab"))))
    with pytest.raises(MalformedUpdate, match="half"):
        taken(shape, update(block(5, 0, string(f"a{CLEF}b"))))
    below = update(block(5, 0, string("abc"), string("x", parent=(5, 0))))
    with pytest.raises(MalformedUpdate, match="no shared type"):
        taken(shape, below)
    assert shape.end_of(5) == 2
