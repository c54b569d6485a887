"""Which other nodes live: literal times, one change at a time."""

from collab.cluster.envelope import BootEpoch, NodeId, Sender
from collab.cluster.peers import Heard, Peers
from collab.ids import Milliseconds

ANN = Sender(NodeId("ann"), BootEpoch(1))
ANN_AGAIN = Sender(NodeId("ann"), BootEpoch(2))
BOB = Sender(NodeId("bob"), BootEpoch(1))


def at(ms: int) -> Milliseconds:
    return Milliseconds(ms)


def test_a_node_lives_while_it_is_heard_once_in_four_beats() -> None:
    """BUS-9."""
    peers = Peers()
    assert peers.heard(ANN, at(0)) == Heard()
    assert peers.heard(BOB, at(3_000)) == Heard()
    assert peers.expire(at(4_000)) == []
    assert peers.heard(ANN, at(4_000)) == Heard()
    assert peers.expire(at(7_001)) == [BOB]
    assert len(peers) == 1
    assert peers.expire(at(8_001)) == [ANN]
    assert len(peers) == 0
    assert peers.expire(at(99_000)) == []


def test_a_new_run_ends_the_one_before() -> None:
    """BUS-9."""
    peers = Peers()
    peers.heard(ANN, at(0))
    peers.heard(BOB, at(0))
    assert peers.heard(ANN_AGAIN, at(100)) == Heard(gone=ANN)
    assert peers.heard(ANN_AGAIN, at(200)) == Heard()
    assert len(peers) == 2
    assert peers.expire(at(4_150)) == [BOB]


def test_what_an_earlier_run_said_counts_no_more() -> None:
    """BUS-9: late, or played back by a stranger."""
    peers = Peers()
    peers.heard(ANN_AGAIN, at(0))
    assert peers.heard(ANN, at(100)) == Heard(is_stale=True)
    assert len(peers) == 1
    assert peers.expire(at(4_001)) == [ANN_AGAIN]
    assert peers.heard(ANN, at(5_000)) == Heard()  # whose clock went back before it began anew


def test_nobody_is_taken_for_dead_because_the_bus_was_down() -> None:
    """BUS-9."""
    peers = Peers()
    peers.heard(ANN, at(0))
    peers.hear_again(at(60_000))
    assert peers.expire(at(64_000)) == []
    assert peers.expire(at(64_001)) == [ANN]
