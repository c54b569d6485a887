"""One client id, one writer: who owns an id, and what happens to whoever uses another's."""

import pytest

from collab.access import Role
from collab.errors import ClientIdTaken, MalformedUpdate
from collab.protocol.messages import AwarenessEntry
from collab.protocol.update_scan import scan_update
from collab.room.session import Wire
from tests.support import wire
from tests.support.updates import GC, SKIP, STRING, Block, after, filler, text, update
from tests.support.wire import State
from tests.unit.room.building import (
    HP,
    NOW,
    A,
    B,
    Y,
    announced,
    answer,
    ask,
    closed,
    edit,
    join,
    live_room,
    settled,
    show,
    shown,
    stored,
    words,
)


def gc(client: int, clock: int, length: int = 1000) -> bytes:
    """An update of a few bytes that uses up many clocks."""
    return update([Block(client, clock, [filler(GC, length)])])


def skip(client: int, clock: int) -> bytes:
    """The same with a Skip, which needs a struct behind it."""
    behind = after(STRING, wire.string("x"), origin=(client, 0))
    return update([Block(client, clock, [filler(SKIP, 1000), behind])])


@pytest.mark.parametrize("attack", [gc, skip])
@pytest.mark.parametrize("clock", [3, 4, 100])
def test_nobody_uses_up_the_clocks_of_a_live_session(attack: object, clock: int) -> None:
    """SCAN-6: GC and Skip past the known clock of an id in use elsewhere are refused."""
    room = live_room()
    settled(room, A, client_id=7)
    settled(room, B)
    edit(room, A, words(7, 0, "abc"))
    with pytest.raises(MalformedUpdate):
        edit(room, B, attack(7, clock))  # type: ignore[operator]
    assert dict(room.doc.clocks) == {7: 3}


def test_fillers_up_to_the_known_clock_are_taken() -> None:
    """Everybody's step 2 holds what others' deleted structs left behind."""
    room = live_room()
    settled(room, A, client_id=7)
    settled(room, B)
    edit(room, A, words(7, 0, "abc"))
    fresh = update([Block(9, 0, [text("mine")]), Block(7, 0, [filler(GC, 3)])])
    assert stored(edit(room, B, fresh)) == [(fresh, 2)]


def test_the_owner_itself_may_write_fillers() -> None:
    """Text typed and deleted within one transaction."""
    room = live_room()
    settled(room, A, client_id=7)
    assert stored(edit(room, A, gc(7, 0, 5))) == [(gc(7, 0, 5), 1)]


def test_fillers_of_an_id_that_nobody_owns_are_taken() -> None:
    """Its writer is not here; what it deleted is part of the document."""
    room = live_room()
    settled(room, A)
    assert stored(edit(room, A, gc(7, 0, 5))) == [(gc(7, 0, 5), 1)]


def test_unverified_subjects_protect_their_ids_from_each_other() -> None:
    """In open mode all are the same subject, which proves nothing."""
    room = live_room()
    for session_id in (A, B):
        join(room, session_id, subject="anybody", verified=False)
        answer(room, session_id)
    shown(room, A, 7)
    with pytest.raises(MalformedUpdate):
        edit(room, B, gc(7, 0))
    assert stored(edit(room, B, words(7, 0, "x"))) == [(words(7, 0, "x"), 1)]


def test_a_persons_two_sessions_do_not_refuse_each_other() -> None:
    """A reconnect whose old socket has not died yet brings its own deleted structs."""
    room = live_room()
    for session_id in (A, B):
        join(room, session_id, subject="u-1")
        answer(room, session_id)
    shown(room, A, 7)
    assert stored(edit(room, B, gc(7, 0))) == [(gc(7, 0), 1)]
    assert len(stored(edit(room, B, words(7, 1000, "x", origin=True)))) == 1


def test_new_edits_under_anothers_id_end_the_sender() -> None:
    """AWR-10: With ClientIdTaken, so that it makes a new document; the owner stays."""
    room = live_room()
    settled(room, A)
    settled(room, B, client_id=7)
    with pytest.raises(ClientIdTaken):
        edit(room, A, words(7, 0, "x"))
    assert stored(edit(room, B, words(7, 0, "mine"))) == [(words(7, 0, "mine"), 1)]


def test_known_edits_of_others_may_come_from_anybody() -> None:
    """A reconnecting client repeats what it has heard."""
    room = live_room()
    settled(room, A, client_id=7)
    settled(room, B)
    edit(room, A, words(7, 0, "abc"))
    known_and_own = update([Block(9, 0, [text("mine")]), Block(7, 0, [text("abc")])])
    assert stored(answer(room, B, known_and_own)) == [(known_and_own, 2)]


@pytest.mark.parametrize("lost", [words(7, 0, "lost"), gc(7, 0)])
def test_lost_edits_come_back_through_others_first(lost: bytes) -> None:
    """After a crash a step 2 may bring what its writer, here again, has not had time to bring."""
    room = live_room()
    join(room, A)
    shown(room, A, 7)
    join(room, B)
    assert stored(answer(room, B, lost)) == [(lost, 1)]
    assert stored(answer(room, A, lost)) == []


@pytest.mark.parametrize("on", [Y, HP])
@pytest.mark.parametrize("lost", [words(7, 0, "lost"), gc(7, 0)])
def test_lost_edits_of_somebody_who_is_a_reader_by_now_come_back_through_others(
    lost: bytes, on: Wire
) -> None:
    """Nobody else can bring them; and those who can must not be sent away for it."""
    room = live_room()
    join(room, A, on, role=Role.VIEWER)
    if on is HP:
        ask(room, A)
        assert stored(answer(room, A, lost)) == []
    shown(room, A, 7)
    join(room, B)
    assert stored(answer(room, B, lost)) == [(lost, 1)]


@pytest.mark.parametrize("lost", [words(7, 0, "lost"), gc(7, 0)])
def test_once_its_owner_has_answered_an_id_is_protected(lost: bytes) -> None:
    """Then nobody else can have anything of it that the room lacks."""
    room = live_room()
    join(room, A)
    shown(room, A, 7)
    join(room, B)
    answer(room, A)
    with pytest.raises((ClientIdTaken, MalformedUpdate)):
        answer(room, B, lost)


@pytest.mark.parametrize("lost", [words(7, 0, "lost"), gc(7, 0)])
def test_an_update_is_no_answer_and_brings_nothing_of_others(lost: bytes) -> None:
    """Clients send their own edits in updates."""
    room = live_room()
    join(room, A)
    shown(room, A, 7)
    settled(room, B)
    with pytest.raises((ClientIdTaken, MalformedUpdate)):
        edit(room, B, lost)


def test_writing_claims_an_id_that_nobody_owns() -> None:
    """Clients without awareness are protected too."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    edit(room, A, words(7, 0, "abc"))
    with pytest.raises(MalformedUpdate):
        edit(room, B, gc(7, 3))
    with pytest.raises(ClientIdTaken):
        edit(room, B, words(7, 3, "x", origin=True))


def test_a_claim_ends_with_its_session() -> None:
    """Whoever comes next may use the id."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    edit(room, A, words(7, 0, "abc"))
    assert announced(room.leave(A, NOW)) == []
    assert len(stored(edit(room, B, words(7, 3, "x", origin=True)))) == 1


def test_only_an_edit_of_ones_own_claims() -> None:
    """Neither a step 2, nor an update of several writers, nor one that adds nothing."""
    room = live_room()
    settled(room, A)
    answer(room, A, words(7, 0, "abc"))
    edit(room, A, update([Block(8, 0, [text("a")]), Block(9, 0, [text("b")])]))
    edit(room, A, words(7, 0, "abc"))
    assert room.awareness.owned_by(A) == frozenset()


def test_an_edit_of_the_server_uses_nobodys_id() -> None:
    """An application's back end has an id of its own."""
    room = live_room()
    settled(room, A, client_id=7)
    with pytest.raises(ClientIdTaken):
        room.admit_server_edit(words(7, 0, "x"), scan_update(words(7, 0, "x")))
    with pytest.raises(MalformedUpdate):
        room.admit_server_edit(gc(7, 0), scan_update(gc(7, 0)))
    fine = words(9, 0, "x")
    assert room.admit_server_edit(fine, scan_update(fine)).adds


def test_a_newcomer_that_shows_anothers_id_is_closed() -> None:
    """AWR-10: With 4409; the owner stays, and what it shows stands."""
    room = live_room()
    settled(room, A, client_id=7)
    settled(room, B)
    effects = show(room, B, AwarenessEntry(7, 5, '{"x":1}'))
    assert closed(effects) == [(B, 4409)]
    assert B not in room.sessions
    assert A in room.sessions
    assert [entry.clock for entry in room.awareness.current()] == [1]


def test_what_a_conflicting_message_showed_before_is_told_and_withdrawn() -> None:
    """Its other ids were its own for a moment."""
    room = live_room()
    settled(room, A, client_id=7)
    settled(room, B)
    shown(room, B, 9)
    effects = show(room, B, AwarenessEntry(7, 5, "{}"))
    assert closed(effects) == []  # it owns an id: this is no newcomer that needs another
    effects = show(room, B, AwarenessEntry(9, 2, '{"a":1}'), AwarenessEntry(7, 6, "{}"))
    assert announced(effects) == [State(9, 2, {"a": 1, "user": {"id": "u-b", "name": "U-B"}})]
