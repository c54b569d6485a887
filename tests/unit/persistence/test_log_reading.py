"""What is made of the rows that a store read."""

import pytest

from collab.errors import StoreUnavailable
from collab.ids import Epoch, Sequence
from collab.ports import LogRow
from persistence.log_reading import Range, found_in


def rows(*sequences: int) -> list[LogRow]:
    return [LogRow(Sequence(sequence), b"x") for sequence in sequences]


@pytest.mark.parametrize(
    ("read", "damaged", "quarantined", "expected"),
    [
        ([3, 4, 5], [], [], ()),
        ([3, 5], [4], [], (4,)),
        ([3, 5], [], [4], ()),
        ([3, 5], [], [], (4,)),  # a row is gone that nobody moved aside
        ([5], [4], [], (3, 4)),
        ([3, 4, 5], [], [4], ()),  # moved aside, and there again
        ([4, 5], [], [4], (3,)),  # which does not stand in for another one
    ],
)
def test_what_no_row_was_read_for_is_damaged(
    read: list[int], damaged: list[int], quarantined: list[int], expected: tuple[int, ...]
) -> None:
    part = Range(after=Sequence(2), head=Sequence(5), epoch=Epoch(1))
    found = found_in(
        part, rows(*read), list(map(Sequence, damaged)), list(map(Sequence, quarantined))
    )
    assert found.damaged == expected
    assert [row.sequence for row in found.tail.rows] == read
    assert (found.tail.head, found.tail.quarantined) == (5, tuple(quarantined))


def test_a_read_beyond_the_head_finds_nothing_wrong() -> None:
    part = Range(after=Sequence(9), head=Sequence(5), epoch=Epoch(1))
    assert found_in(part, [], [], []).damaged == ()


def test_a_log_that_lost_nearly_everything_is_refused() -> None:
    """Its head is what is damaged then; nobody moves a million rows aside."""
    part = Range(after=Sequence(0), head=Sequence(1_000_000), epoch=Epoch(1))
    with pytest.raises(StoreUnavailable, match="999999 rows of a log are missing"):
        found_in(part, rows(1), [], [])
