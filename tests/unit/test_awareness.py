"""Every row of the awareness table, and its clocks."""

import pytest

from collab.awareness import AwarenessTable
from collab.ids import ClientId, Milliseconds
from collab.protocol.messages import AwarenessEntry
from tests.unit.awareness_entries import (
    ANN,
    ANN_AGAIN,
    BOB,
    NOTHING,
    OPEN_1,
    OPEN_2,
    clocks,
    entry,
    give,
)

# Own ids ------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", [0, 1, 7, 2**31 - 2])
def test_a_first_state_is_taken_at_any_clock(clock: int) -> None:
    """Clients may have counted before they came."""
    table = AwarenessTable()
    assert clocks(give(table, ANN, entry(5, clock)).changed) == [(5, clock, True)]
    assert table.owner_of(5) == ANN
    assert table.owned_by(ANN.session_id) == {5}


def test_a_newer_state_replaces_the_older() -> None:
    """By one or by many."""
    table = AwarenessTable()
    give(table, OPEN_1, entry(5, 1, '{"n":1}'))
    give(table, OPEN_1, entry(5, 2, '{"n":2}'))
    assert table.current() == (entry(5, 2, '{"n":2}'),)
    give(table, OPEN_1, entry(5, 9, '{"n":9}'))
    assert table.current() == (entry(5, 9, '{"n":9}'),)


def test_the_same_clock_again_is_no_news() -> None:
    """Clients send back what they have heard; nobody is told or corrected for that."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    assert give(table, ANN, entry(5, 3, '{"other":1}')) == NOTHING


def test_an_older_clock_is_corrected() -> None:
    """The sender is told the newest clock, so that it goes beyond it; nobody else hears of it."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    outcome = give(table, ANN, entry(5, 2))
    assert outcome.changed == ()
    assert outcome.corrections == (entry(5, 3, None),)


@pytest.mark.parametrize("clock", [3, 4])
def test_its_owner_withdraws_a_state(clock: int) -> None:
    """With an equal clock or a newer one; it owns the id all the same."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    assert give(table, ANN, entry(5, clock, None)).changed == (entry(5, clock, None),)
    assert table.current() == ()
    assert table.owner_of(5) == ANN


def test_withdrawing_twice_is_no_news() -> None:
    """At the same clock; an older withdrawal is none either."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    give(table, ANN, entry(5, 4, None))
    assert give(table, ANN, entry(5, 4, None)) == NOTHING
    assert give(table, ANN, entry(5, 3, None)) == NOTHING


def test_a_withdrawn_state_comes_back_with_a_newer_clock_only() -> None:
    """With the clock of the withdrawal the client is told to go beyond it."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    give(table, ANN, entry(5, 4, None))
    assert give(table, ANN, entry(5, 4)).corrections == (entry(5, 4, None),)
    assert clocks(give(table, ANN, entry(5, 5)).changed) == [(5, 5, True)]


# Ids of nobody ------------------------------------------------------------------------------


def test_a_withdrawal_of_what_was_never_shown_is_nothing() -> None:
    """A client that closes says so of its own id, whether or not it showed anything."""
    table = AwarenessTable()
    assert give(table, ANN, entry(5, 3, None)) == NOTHING
    assert table.owner_of(5) is None


def test_a_free_id_is_owned_by_whoever_shows_it_next() -> None:
    """With a clock beyond the withdrawal."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    assert table.leave(ANN.session_id, Milliseconds(0)) == (entry(5, 4, None),)
    assert table.owner_of(5) is None
    assert clocks(give(table, BOB, entry(5, 5)).changed) == [(5, 5, True)]
    assert table.owner_of(5) == BOB


def test_an_owner_hears_its_own_clocks_while_others_are_ahead() -> None:
    """Its client takes a state with a newer clock for its own, and would undo its last change."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    table.leave(ANN.session_id, Milliseconds(0))
    outcome = give(table, ANN_AGAIN, entry(5, 3))
    assert clocks(outcome.changed) == [(5, 5, True)]
    assert clocks(outcome.echoes) == [(5, 3, True)]
    outcome = give(table, ANN_AGAIN, entry(5, 4, None))
    assert (clocks(outcome.changed), clocks(outcome.echoes)) == ([(5, 6, False)], [(5, 4, False)])
    outcome = give(table, ANN_AGAIN, entry(5, 9))
    assert outcome.changed == outcome.echoes
    assert table.current(to=ANN_AGAIN) == ()
    assert table.current(to=ANN_AGAIN, missed=True) == ()


@pytest.mark.parametrize("clock", [0, 3, 4])
def test_a_reconnect_is_shown_at_the_next_clock(clock: int) -> None:
    """It was not told that its state had been withdrawn, and counts from where it was."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    table.leave(ANN.session_id, Milliseconds(0))
    assert clocks(give(table, ANN_AGAIN, entry(5, clock)).changed) == [(5, 5, True)]
    assert table.owner_of(5) == ANN_AGAIN


def test_a_late_echo_of_somebody_who_left_is_corrected() -> None:
    """Whoever shows an id of its own already is no reconnect of another; no ghost comes back."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    give(table, BOB, entry(6, 1))
    table.leave(ANN.session_id, Milliseconds(0))
    assert give(table, BOB, entry(5, 3)).corrections == (entry(5, 4, None),)
    assert give(table, BOB, entry(5, 3, None)) == NOTHING
    assert table.owner_of(5) is None


# Ids of others ------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["{}", None])
@pytest.mark.parametrize("clock", [2, 3])
def test_what_is_repeated_of_anothers_id_is_ignored(clock: int, state: str | None) -> None:
    """AWR-11: Equal or older, a state or a withdrawal: clients repeat what they have heard."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    assert give(table, BOB, entry(5, clock, state)) == NOTHING
    assert clocks(table.current()) == [(5, 3, True)]


def test_a_newcomer_with_a_newer_state_of_anothers_id_conflicts() -> None:
    """One client id lives in two places; the owner and its state stay."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    outcome = give(table, BOB, entry(5, 4))
    assert outcome.conflict == ANN.session_id
    assert outcome.changed == ()
    assert table.owner_of(5) == ANN
    assert clocks(table.current()) == [(5, 3, True)]


def test_nobody_withdraws_anothers_state() -> None:
    """AWR-4: However new the clock."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    assert give(table, BOB, entry(5, 99, None)) == NOTHING
    assert clocks(table.current()) == [(5, 3, True)]


def test_whoever_shows_an_id_of_its_own_does_not_conflict() -> None:
    """Tabs of one browser hear from each other before the server does, and pass it on."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    give(table, BOB, entry(6, 1))
    assert give(table, BOB, entry(5, 4)) == NOTHING
    assert table.owner_of(5) == ANN


@pytest.mark.parametrize("clock", [3, 4])
def test_the_same_person_takes_its_id_over(clock: int) -> None:
    """A reconnect whose old socket has not died yet; that one's end withdraws nothing."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    assert clocks(give(table, ANN_AGAIN, entry(5, clock)).changed) == [(5, clock, True)]
    assert table.owner_of(5) == ANN_AGAIN
    assert table.owned_by(ANN.session_id) == frozenset()
    assert table.leave(ANN.session_id, Milliseconds(0)) == ()
    assert clocks(table.current()) == [(5, clock, True)]


@pytest.mark.parametrize("taken", [entry(5, 2), entry(5, 3, None), entry(5, 9, None)])
def test_an_older_clock_or_a_withdrawal_takes_nothing_over(taken: AwarenessEntry) -> None:
    """The new socket of a reconnect shows the state it has."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    assert give(table, ANN_AGAIN, taken) == NOTHING
    assert table.owner_of(5) == ANN


def test_a_second_tab_of_the_same_person_takes_nothing_over() -> None:
    """It has an id of its own, and passes on what it heard."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    give(table, ANN_AGAIN, entry(6, 1))
    assert give(table, ANN_AGAIN, entry(5, 4)) == NOTHING
    assert table.owner_of(5) == ANN


@pytest.mark.parametrize("stolen", [entry(5, 3), entry(5, 4), entry(5, 4, None)])
def test_unverified_subjects_take_nothing_over_and_do_not_conflict(stolen: AwarenessEntry) -> None:
    """In open mode everybody is the same subject."""
    table = AwarenessTable()
    give(table, OPEN_1, entry(5, 3))
    assert give(table, OPEN_2, stolen) == NOTHING
    assert table.owner_of(5) == OPEN_1


def test_entries_before_a_conflict_are_taken() -> None:
    """And told; what stands behind it is not looked at."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    outcome = give(table, BOB, entry(5, 3), entry(5, 4), entry(6, 1))
    assert outcome.conflict == ANN.session_id
    assert outcome.changed == ()
    assert table.owner_of(6) is None


# Claims by writing --------------------------------------------------------------------------


def test_a_claimed_id_is_owned_without_a_state() -> None:
    """And shown at any clock from then on."""
    table = AwarenessTable()
    table.claim(ANN, ClientId(5), Milliseconds(0))
    assert table.owner_of(5) == ANN
    assert table.current() == ()
    assert table.current(missed=True) == ()
    assert clocks(give(table, ANN, entry(5, 0)).changed) == [(5, 0, True)]


def test_only_a_session_without_an_id_claims_one_and_only_a_free_one() -> None:
    """What others' writing looks like is no claim to it."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 1))
    table.claim(ANN, ClientId(6), Milliseconds(0))
    table.claim(BOB, ClientId(5), Milliseconds(0))
    assert table.owner_of(6) is None
    assert table.owner_of(5) == ANN
    assert table.owned_by(BOB.session_id) == frozenset()


def test_leaving_gives_up_a_claim_in_silence() -> None:
    """Nothing was shown."""
    table = AwarenessTable()
    table.claim(ANN, ClientId(5), Milliseconds(0))
    assert table.leave(ANN.session_id, Milliseconds(0)) == ()
    table.claim(BOB, ClientId(5), Milliseconds(0))
    assert table.owner_of(5) == BOB


def test_owners_are_found_among_many_ids() -> None:
    """Ids that nobody owns any more are not among them."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 1), entry(6, 1))
    give(table, BOB, entry(7, 1))
    table.leave(ANN.session_id, Milliseconds(0))
    assert table.owned_among([5, 7, 8]) == {7: BOB}


# Time ---------------------------------------------------------------------------------------


def test_leaving_withdraws_all_that_a_session_showed() -> None:
    """In order of client id, each with the next clock."""
    table = AwarenessTable()
    give(table, ANN, entry(9, 4), entry(5, 1))
    give(table, BOB, entry(7, 2))
    assert table.leave(ANN.session_id, Milliseconds(0)) == (entry(5, 2, None), entry(9, 5, None))
    assert clocks(table.current()) == [(7, 2, True)]
    assert table.leave(ANN.session_id, Milliseconds(0)) == ()


def test_a_state_expires_thirty_seconds_after_its_last_renewal() -> None:
    """AWR-8: To the millisecond; its owner keeps the id and goes on with a newer clock."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 1), at_ms=1_000)
    give(table, ANN, entry(5, 2), at_ms=16_000)
    assert table.expire(Milliseconds(45_999)) == ()
    assert table.expire(Milliseconds(46_000)) == (entry(5, 3, None),)
    assert table.expire(Milliseconds(46_001)) == ()
    assert table.owner_of(5) == ANN
    outcome = give(table, ANN, entry(5, 3), at_ms=46_002)
    assert clocks(outcome.changed) == [(5, 4, True)]
    assert clocks(outcome.echoes) == [(5, 3, True)]


def test_what_only_repeats_does_not_renew() -> None:
    """AWR-11: Else an echo would keep a ghost alive."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 1), at_ms=0)
    give(table, ANN, entry(5, 1), at_ms=20_000)
    give(table, BOB, entry(5, 1), at_ms=20_000)
    assert table.expire(Milliseconds(30_000)) == (entry(5, 2, None),)


def test_a_withdrawn_state_is_remembered_for_two_minutes() -> None:
    """So that an echo of it, which is late, does not bring a ghost back."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    give(table, BOB, entry(6, 1, None), entry(7, 1))
    give(table, BOB, entry(7, 2, None))
    table.leave(ANN.session_id, Milliseconds(1_000))
    assert entry(5, 4, None) in table.current(missed=True)
    table.expire(Milliseconds(120_999))
    assert give(table, BOB, entry(5, 3)).corrections == (entry(5, 4, None),)
    table.expire(Milliseconds(121_000))
    assert table.current(missed=True) == (entry(7, 2, None),)
    assert clocks(give(table, BOB, entry(5, 1)).changed) == [(5, 1, True)]


def test_a_withdrawn_state_of_a_live_session_is_not_forgotten() -> None:
    """Its owner may stay hidden for hours and keeps its id."""
    table = AwarenessTable()
    give(table, ANN, entry(5, 3))
    give(table, ANN, entry(5, 4, None))
    table.expire(Milliseconds(10_000_000))
    assert table.owner_of(5) == ANN


def test_those_who_missed_something_are_told_withdrawals_too() -> None:
    """Those who join only what is present."""
    table = AwarenessTable()
    give(table, OPEN_1, entry(5, 3))
    give(table, OPEN_2, entry(6, 1))
    table.leave(OPEN_2.session_id, Milliseconds(0))
    assert table.current() == (entry(5, 3),)
    assert table.current(missed=True) == (entry(5, 3), entry(6, 2, None))
