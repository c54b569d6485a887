"""Sets of ids as ranges."""

import pytest

from collab.protocol.id_ranges import IdRanges


def ranges(*spans: tuple[int, int, int]) -> IdRanges:
    built = IdRanges()
    for client, start, end in spans:
        built.add(client, start, end)
    return built


@pytest.mark.parametrize(
    ("spans", "asked", "expected"),
    [
        ([], (1, 0, 1), False),
        ([], (1, 5, 5), True),  # nothing is always covered
        ([(1, 2, 5)], (1, 2, 5), True),
        ([(1, 2, 5)], (1, 3, 4), True),
        ([(1, 2, 5)], (1, 1, 3), False),
        ([(1, 2, 5)], (1, 4, 6), False),
        ([(1, 2, 5)], (1, 5, 6), False),
        ([(1, 2, 5)], (2, 2, 5), False),
        ([(1, 0, 2), (1, 2, 4)], (1, 0, 4), True),  # touching ranges are joined
        ([(1, 2, 4), (1, 0, 2)], (1, 1, 3), True),
        ([(1, 0, 2), (1, 3, 5)], (1, 0, 5), False),
        ([(1, 0, 2), (1, 3, 5), (1, 2, 3)], (1, 0, 5), True),
        ([(1, 0, 1), (1, 4, 5), (1, 8, 9), (1, 0, 9)], (1, 0, 9), True),
        ([(1, 5, 6), (1, 1, 9)], (1, 1, 9), True),
        ([(1, 1, 9), (1, 3, 4)], (1, 1, 9), True),
        ([(1, 4, 4)], (1, 4, 5), False),  # adding nothing adds nothing
    ],
)
def test_covering(
    spans: list[tuple[int, int, int]], asked: tuple[int, int, int], *, expected: bool
) -> None:
    assert ranges(*spans).covers(*asked) is expected


def test_a_set_is_written_as_the_deletes_of_an_update() -> None:
    """Bytes by hand: no blocks; two clients; for each its id, its ranges, start and length."""
    built = ranges((7, 0, 2), (7, 2, 3), (7, 9, 10), (300, 4, 5))
    written = b"\x00\x02" + b"\x07\x02\x00\x03\x09\x01" + b"\xac\x02\x01\x04\x01"
    assert built.as_delete_update() == written
    again = IdRanges()
    again.add_delete_set(written)
    assert again.as_delete_update() == written
