"""Awareness of sessions on other nodes: shown, withdrawn, and owned like those here."""

import pytest

from collab.awareness import AwarenessTable, Publisher
from collab.ids import ClientId, Milliseconds, SessionId, Subject
from collab.protocol.messages import AwarenessEntry
from tests.unit.awareness_entries import (
    ANN,
    ANN_AGAIN,
    BOB,
    OPEN_1,
    STATE,
    clocks,
    entry,
    give,
)

NOW = Milliseconds(0)


def there(name: str, subject: str, *, node: str = "n2", stamped: bool = True) -> Publisher:
    return Publisher(SessionId(f"{node}:{name}"), Subject(subject), stamped=stamped, node=node)


ANN_THERE = there("ann", "u-ann")
BOB_THERE = there("bob", "u-bob")


def tell(
    table: AwarenessTable,
    who: Publisher,
    client_id: int,
    clock: int,
    state: str | None = STATE,
    *,
    heard: int | None = None,
) -> AwarenessEntry | None:
    entry = AwarenessEntry(client_id, clock, state)
    return table.receive_peer(who, entry, clock if heard is None else heard, NOW)


def test_a_state_of_another_node_is_shown_as_it_came() -> None:
    """BUS-8: it was checked and stamped there."""
    table = AwarenessTable()
    assert tell(table, BOB_THERE, 7, 3) == AwarenessEntry(7, 3, STATE)
    assert table.current() == (AwarenessEntry(7, 3, STATE),)
    assert table.owner_of(7) == BOB_THERE
    assert tell(table, BOB_THERE, 7, 3) is None
    assert tell(table, BOB_THERE, 7, 4) == AwarenessEntry(7, 4, STATE)


def test_it_is_withdrawn_by_its_node_alone() -> None:
    """BUS-8."""
    table = AwarenessTable()
    tell(table, BOB_THERE, 7, 3)
    assert tell(table, there("", "", node="n3"), 7, 4, None) is None
    assert tell(table, there("", ""), 7, 4, None) == AwarenessEntry(7, 4, None)
    assert table.current() == ()
    assert table.owner_of(7) is None
    assert tell(table, there("", ""), 7, 5, None) is None
    assert tell(table, there("", ""), 8, 1, None) is None
    assert not table.owns_any(BOB_THERE.session_id)


def test_nobody_here_can_take_a_client_id_that_lives_there() -> None:
    """BUS-8: as AWR-5 says of two sessions on one node."""
    table = AwarenessTable()
    tell(table, BOB_THERE, 7, 3)
    outcome = give(table, ANN, entry(7, 4))
    assert (outcome.changed, outcome.conflict) == ((), BOB_THERE.session_id)
    assert table.owned_among([7]) == {7: BOB_THERE}


@pytest.mark.parametrize("client_clock", [3, 4, 99])
def test_nobody_there_can_take_a_client_id_that_lives_here(client_clock: int) -> None:
    """BUS-8."""
    table = AwarenessTable()
    give(table, ANN, entry(7, 3))
    assert tell(table, BOB_THERE, 7, client_clock) is None
    assert tell(table, there("x", "any", stamped=False), 7, client_clock) is None
    assert table.owner_of(7) == ANN


def test_the_same_person_moves_from_node_to_node() -> None:
    """BUS-8: a reconnect elsewhere, before the old socket has died."""
    table = AwarenessTable()
    give(table, ANN, entry(7, 3))
    assert tell(table, ANN_THERE, 7, 2) is None  # from before
    assert tell(table, ANN_THERE, 7, 3) is None  # which of both is the old session?
    assert tell(table, ANN_THERE, 7, 4) == AwarenessEntry(7, 4, STATE)
    assert not table.owns_any(ANN.session_id)
    assert table.leave(ANN.session_id, NOW) == ()
    moved = give(table, ANN_AGAIN, entry(7, 5))
    assert clocks(moved.changed) == [(7, 5, True)]
    assert table.owner_of(7) == ANN_AGAIN


def test_without_a_token_nobody_is_the_same_person() -> None:
    """BUS-8."""
    table = AwarenessTable()
    give(table, OPEN_1, entry(7, 3))
    assert tell(table, there("1", "any", stamped=False), 7, 4) is None


def test_a_free_client_id_goes_on_from_what_was_told_here() -> None:
    """BUS-8: the others here would not believe an older clock."""
    table = AwarenessTable()
    give(table, ANN, entry(7, 5))
    table.leave(ANN.session_id, NOW)  # told as 6
    assert tell(table, ANN_THERE, 7, 5) == AwarenessEntry(7, 7, STATE)
    assert tell(table, ANN_THERE, 7, 6) == AwarenessEntry(7, 8, STATE)


def test_all_states_of_a_node_go_with_it() -> None:
    """BUS-9."""
    table = AwarenessTable()
    give(table, ANN, entry(1, 1))
    tell(table, BOB_THERE, 7, 3)
    tell(table, there("cec", "u-cec"), 8, 5)
    tell(table, there("dan", "u-dan", node="n3"), 9, 2)
    gone = table.node_gone("n2", NOW)
    assert clocks(gone) == [(7, 4, False), (8, 6, False)]
    assert [each.client_id for each in table.current()] == [1, 9]
    assert table.node_gone("n2", NOW) == ()


def test_who_comes_here_from_another_node_is_known_by_the_clock_that_they_said() -> None:
    """BUS-8: others there were told a greater one, of which they know nothing."""
    table = AwarenessTable()
    assert tell(table, ANN_THERE, 7, 9, heard=5) == AwarenessEntry(7, 9, STATE)
    assert clocks(table.current(to=ANN)) == [(7, 5, True)]
    assert clocks(table.current(to=BOB)) == [(7, 9, True)]
    outcome = table.receive(ANN, [entry(7, 5)], NOW)
    assert clocks(outcome.changed) == [(7, 10, True)]
    assert table.owner_of(7) == ANN


def test_only_what_is_of_this_node_is_told_to_others() -> None:
    """BUS-8: else states would be told in circles."""
    table = AwarenessTable()
    give(table, ANN, entry(1, 1))
    give(table, BOB, entry(2, 1))
    tell(table, there("cec", "u-cec"), 8, 5)
    table.claim(Publisher(SessionId("dan"), Subject("u-dan")), ClientId(4), NOW)
    assert table.of_this_node() == [
        (entry(1, 1, _stamped("u-ann", "U-ANN")), 1, ANN),
        (entry(2, 1, _stamped("u-bob", "U-BOB")), 1, BOB),
    ]
    table.leave(BOB.session_id, NOW)
    assert table.of_this_node([1, 2, 4, 8, 99]) == [
        (entry(1, 1, _stamped("u-ann", "U-ANN")), 1, ANN),
        (entry(2, 2, None), 1, None),
    ]
    assert [each.client_id for each, _, _ in table.of_this_node()] == [1]


def test_a_node_cannot_show_more_for_a_session_than_a_session_may() -> None:
    """BUS-8: as LIM says of a session here."""
    table = AwarenessTable(clients_per_session_max=2)
    assert tell(table, BOB_THERE, 1, 1)
    assert tell(table, BOB_THERE, 2, 1)
    assert tell(table, BOB_THERE, 3, 1) is None


def _stamped(subject: str, name: str) -> str:
    return f'{{"user":{{"id":"{subject}","name":"{name}"}}}}'
