"""Tickets: one use, one room, thirty seconds, a bounded number."""

import pytest

from collab.access import ANYBODY, Claims
from collab.errors import AuthFailure, LimitExceeded, Unauthenticated
from collab.ids import Milliseconds, RoomName, Subject
from gateway.auth.tickets import TICKETS_MAX, Tickets

ROOM = RoomName("band/score")
START = Milliseconds(5_000)
CLARA = Claims(Subject("clara"), "Clara", ())


def redeemed(tickets: Tickets, ticket: str, *, room: RoomName = ROOM, at_ms: int = START) -> Claims:
    return tickets.redeem(ticket, room, Milliseconds(at_ms))


def test_a_ticket_stands_for_its_claims_once() -> None:
    """AUTH-2: The second time it is as good as made up."""
    tickets = Tickets()
    ticket = tickets.issue(CLARA, ROOM, START)
    assert redeemed(tickets, ticket) is CLARA
    with pytest.raises(Unauthenticated, match="used before"):
        redeemed(tickets, ticket)


def test_a_ticket_holds_for_thirty_seconds() -> None:
    """AUTH-2: And not a millisecond longer."""
    tickets = Tickets()
    just, late = (tickets.issue(CLARA, ROOM, START) for _ in range(2))
    assert redeemed(tickets, just, at_ms=START + 29_999) is CLARA
    with pytest.raises(Unauthenticated) as caught:
        redeemed(tickets, late, at_ms=START + 30_000)
    assert caught.value.reason is AuthFailure.INVALID


def test_a_ticket_shown_in_another_room_is_spent() -> None:
    """AUTH-2: Trying rooms one after the other gets nobody anywhere."""
    tickets = Tickets()
    ticket = tickets.issue(CLARA, ROOM, START)
    with pytest.raises(Unauthenticated, match="another room"):
        redeemed(tickets, ticket, room=RoomName("band/other"))
    with pytest.raises(Unauthenticated):
        redeemed(tickets, ticket)


@pytest.mark.parametrize("made_up", ["", "x", "\udc80", "é" * 43, "x" * 10_000_000])
def test_made_up_tickets_are_refused(made_up: str) -> None:
    """Whatever they look like, and however long they are."""
    with pytest.raises(Unauthenticated):
        redeemed(Tickets(), made_up)


def test_tickets_are_unguessable_and_fit_into_a_url() -> None:
    """256 bits, in letters that need no encoding."""
    tickets = Tickets()
    made = {tickets.issue(ANYBODY, ROOM, START) for _ in range(100)}
    assert len(made) == 100
    assert all(len(ticket) == 43 for ticket in made)
    assert all(ticket.replace("-", "").replace("_", "").isalnum() for ticket in made)


def test_one_subject_holds_a_bounded_number() -> None:
    """AUTH-12: Others are not held back by it, and used or expired ones count no more."""
    tickets = Tickets(per_subject_max=2)
    first = tickets.issue(CLARA, ROOM, START)
    tickets.issue(CLARA, ROOM, START)
    with pytest.raises(LimitExceeded) as caught:
        tickets.issue(CLARA, ROOM, START)
    assert caught.value.limit == "tickets_per_subject_max"
    tickets.issue(Claims(Subject("ann"), None, ()), ROOM, START)
    redeemed(tickets, first)
    tickets.issue(CLARA, ROOM, START)
    with pytest.raises(LimitExceeded):
        tickets.issue(CLARA, ROOM, START)
    tickets.issue(CLARA, ROOM, Milliseconds(START + 30_000))


def test_expired_tickets_are_forgotten() -> None:
    """Memory does not grow with tickets that nobody uses."""
    tickets = Tickets()
    for at_ms in range(0, 300_000, 3_000):
        tickets.issue(ANYBODY, ROOM, Milliseconds(at_ms))
    assert len(tickets) == 10
    assert tickets._held == {ANYBODY.subject: 10}


def test_in_open_mode_the_total_is_bounded() -> None:
    """Everybody is one subject there, so one person must not use up the others' share early.

    Bears AUTH-12.
    """
    tickets = Tickets(per_subject_max=1)
    for _ in range(TICKETS_MAX):
        tickets.issue(ANYBODY, ROOM, START)
    with pytest.raises(LimitExceeded) as caught:
        tickets.issue(ANYBODY, ROOM, START)
    assert caught.value.limit == "tickets_max"
