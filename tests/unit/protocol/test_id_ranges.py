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


def test_a_set_covers_another_when_it_holds_all_its_ids() -> None:
    whole = ranges((1, 0, 10), (2, 5, 6))
    assert whole.covers_all(ranges((1, 3, 4), (1, 8, 10), (2, 5, 6)))
    assert whole.covers_all(IdRanges())
    assert IdRanges().covers_all(IdRanges())
    assert not whole.covers_all(ranges((1, 3, 11)))
    assert not whole.covers_all(ranges((3, 0, 1)))
    assert not ranges((1, 0, 2), (1, 3, 5)).covers_all(ranges((1, 1, 4)))
