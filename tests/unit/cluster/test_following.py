"""What becomes of rows that other nodes tell of, case by case."""

import pytest

from collab.cluster.envelope import BootEpoch, Content, Envelope, Hello, NodeId, Sender, Updates
from collab.cluster.following import Next, Step, next_step
from collab.ids import Epoch, RoomName, Sequence, room_key

ROOM = room_key(RoomName("quartet"))
ANN = Sender(NodeId("ann"), BootEpoch(1))


def rows(first: int, *updates: bytes, last: int | None = None, epoch: int = 1) -> Envelope:
    end = first + len(updates) - 1 if last is None else last
    return _envelope(Updates(updates), first, end, epoch)


def hello(head: int, epoch: int = 1) -> Envelope:
    return _envelope(Hello(), 0, head, epoch)


def _envelope(content: Content, first: int, last: int, epoch: int) -> Envelope:
    return Envelope(ANN, 1, ROOM, content, Epoch(epoch), Sequence(first), Sequence(last))


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        (rows(11, b"a"), Next(Step.APPLY, (b"a",))),
        (rows(11, b"a", b"b"), Next(Step.APPLY, (b"a", b"b"))),
        (rows(10, b"a", b"b"), Next(Step.APPLY, (b"b",))),  # the first is known
        (rows(9, b"a", b"b", b"c", b"d"), Next(Step.APPLY, (b"c", b"d"))),
        (rows(10, b"a"), Next(Step.IGNORE)),
        (rows(3, b"a", b"b"), Next(Step.IGNORE)),
        (rows(12, b"a"), Next(Step.READ)),  # 11 was missed
        (rows(11, last=11), Next(Step.READ)),  # too large for the bus
        (rows(11, b"a", last=13), Next(Step.READ)),  # not all of what it says
        (rows(10, last=10), Next(Step.IGNORE)),
        (hello(10), Next(Step.IGNORE)),
        (hello(4), Next(Step.IGNORE)),
        (hello(11), Next(Step.READ)),
        (rows(11, b"a", epoch=2), Next(Step.READ)),  # it was erased meanwhile
        (hello(0, epoch=2), Next(Step.READ)),
        (hello(99, epoch=0), Next(Step.IGNORE)),
        (rows(11, b"a", epoch=0), Next(Step.IGNORE)),
    ],
)
def test_rows_are_applied_where_they_go_on_exactly(envelope: Envelope, expected: Next) -> None:
    """BUS-3, with the first epoch and the head 10 known."""
    step, updates = next_step(envelope, Epoch(1), Sequence(10))
    assert (step, tuple(updates)) == (expected.step, expected.updates)
