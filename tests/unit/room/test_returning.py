"""States of somebody who is in a room twice: with a connection that has not died, and a new one."""

from typing import Final

from collab.ids import SessionId
from collab.protocol.messages import AwarenessEntry
from collab.room.room import Room
from tests.support.lines import lines_run
from tests.support.wire import State
from tests.unit.room.building import NOW, A, B, announced, echoed, join, live_room, show

AGAIN: Final = SessionId("again")
THERE: Final = SessionId("there")
PERSON: Final = "u-1"
CLIENT: Final = 7
USER: Final = {"user": {"id": PERSON, "name": PERSON.upper()}}


def ahead() -> Room:
    """A room in which the others know client 7 by clock 3, and it knows of 1 itself."""
    room = live_room()
    join(room, A, subject=PERSON)
    join(room, B)
    show(room, A, AwarenessEntry(CLIENT, 1, "{}"))
    room.leave(A, NOW)
    join(room, A, subject=PERSON)
    assert announced(show(room, A, AwarenessEntry(CLIENT, 1, "{}"))) == [State(CLIENT, 3, USER)]
    return room


def test_who_comes_back_early_hears_the_clocks_that_it_gave_itself() -> None:
    """AWR-4: As with what it is greeted with; all others hear what is news to them."""
    room = ahead()
    join(room, AGAIN, subject=PERSON)
    effects = show(room, A, AwarenessEntry(CLIENT, 2, '{"n":1}'))
    assert announced(effects) == [State(CLIENT, 4, {"n": 1, **USER})]
    assert echoed(effects, AGAIN) == echoed(effects, A) == [State(CLIENT, 2, {"n": 1, **USER})]
    assert echoed(effects, B) == []


def test_another_client_of_the_same_person_hears_what_all_hear() -> None:
    """It shows itself already, so that it is not the one that comes back."""
    room = ahead()
    join(room, THERE, subject=PERSON)
    show(room, THERE, AwarenessEntry(CLIENT + 1, 1, "{}"))
    effects = show(room, A, AwarenessEntry(CLIENT, 2, '{"n":1}'))
    assert echoed(effects, THERE) == []


def test_a_withdrawal_is_told_with_the_clock_that_makes_it_news() -> None:
    """Whoever comes back goes beyond it."""
    room = ahead()
    join(room, AGAIN, subject=PERSON)
    effects = show(room, A, AwarenessEntry(CLIENT, 2, None))
    assert announced(effects) == [State(CLIENT, 4, None)]
    assert echoed(effects, AGAIN) == []


def test_who_names_itself_without_a_token_hears_what_all_hear() -> None:
    """Anybody may say that they are the same person."""
    room = ahead()
    join(room, AGAIN, subject=PERSON, verified=False)
    effects = show(room, A, AwarenessEntry(CLIENT, 2, '{"n":1}'))
    assert echoed(effects, AGAIN) == []


def test_who_has_left_is_not_told_any_more() -> None:
    """Nor is anybody else of the same person forgotten with them."""
    room = ahead()
    join(room, AGAIN, subject=PERSON)
    join(room, THERE, subject=PERSON)
    room.leave(AGAIN, NOW)
    effects = show(room, A, AwarenessEntry(CLIENT, 2, '{"n":1}'))
    assert echoed(effects, AGAIN) == []
    assert echoed(effects, THERE) == [State(CLIENT, 2, {"n": 1, **USER})]


def test_a_move_costs_the_same_however_many_are_in_the_room() -> None:
    """Whoever came back once stays ahead, and moves all the time; work is counted in lines."""

    def lines_of_a_move(others: int) -> int:
        room = ahead()
        join(room, AGAIN, subject=PERSON)
        for number in range(others):
            watching, showing = SessionId(f"watching-{number}"), SessionId(f"showing-{number}")
            join(room, watching)
            join(room, showing)
            show(room, showing, AwarenessEntry(100 + number, 1, "{}"))
        return lines_run(lambda: show(room, A, AwarenessEntry(CLIENT, 2, '{"n":1}')))

    assert lines_of_a_move(200) == lines_of_a_move(2)
