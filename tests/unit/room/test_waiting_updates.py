"""Updates that come before what they build on: nothing is lost, and nobody is left out."""

from collections.abc import Generator

import pytest

from collab.errors import LimitExceeded, MalformedUpdate
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import SyncUpdate
from collab.protocol.update_scan import scan_update
from collab.room.effects import Effect
from collab.room.room import Admitted, RoomLimits
from tests.support import wire
from tests.support.updates import GC, SKIP, STRING, Block, after, filler, text, update
from tests.unit.room.building import (
    HP,
    NOW,
    A,
    B,
    C,
    Told,
    answer,
    ask,
    broadcast,
    deletion,
    edit,
    join,
    live_room,
    sent,
    settled,
    stored,
    words,
)

Work = Generator[None, float | None, list[Effect]]


class Steps:
    """Runs work in steps and keeps what it returns."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.result: list[Effect] = []

    def __iter__(self) -> Generator[None, None, None]:
        self.result = yield from self.work

    def to_the_end(self) -> list[Effect]:
        """Run it without looking."""
        for _ in self:
            pass
        return self.result


BASE = words(7, 0, "abc")
ON_BASE = update([Block(8, 0, [after(STRING, wire.string("!"), origin=(7, 2))])])
ASKED = Told("step 1", wire.EMPTY_STATE_VECTOR)


def test_what_lacks_its_base_is_stored_and_told_to_nobody() -> None:
    """ACK-14, SYNC-15: Its sender most likely has the base, and is asked for it."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    effects = edit(room, A, ON_BASE)
    assert stored(effects) == [(ON_BASE, 1)]
    assert broadcast(effects) == []
    assert sent(effects, A) == [ASKED]
    assert room.doc.state_vector() == wire.EMPTY_STATE_VECTOR
    assert room.doc.full_update() == wire.EMPTY_UPDATE


def test_the_base_releases_what_waited() -> None:
    """SYNC-15: All who are here hear of both, the sender of the base included."""
    room = live_room()
    for session_id in (A, B, C):
        settled(room, session_id)
    edit(room, A, ON_BASE)
    effects = edit(room, B, BASE)
    assert stored(effects) == [(BASE, 2)]
    (told, skipped) = broadcast(effects)[0]
    assert skipped == B
    whole = scan_update(told.payload)  # type: ignore[arg-type]
    assert sorted(whole.ranges) == [(7, 0, 3), (8, 0, 1)]
    (released,) = sent(effects, B)
    assert released.what == "update"
    assert scan_update(released.payload).ranges == [(8, 0, 1)]  # type: ignore[arg-type]


def test_the_others_hear_of_a_released_deletion() -> None:
    """Somebody deleted what the room did not have yet."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    assert broadcast(edit(room, A, deletion(7, 1, 1))) == []
    effects = edit(room, B, BASE)
    (told, _) = broadcast(effects)[0]
    assert scan_update(told.payload).deletes == [(7, 1, 2)]  # type: ignore[arg-type]
    (released,) = sent(effects, B)
    assert scan_update(released.payload).deletes == [(7, 1, 2)]  # type: ignore[arg-type]


def test_a_deletion_takes_what_is_there_and_waits_for_the_rest() -> None:
    """Clocks 1 and 2 are there, 3 to 5 are not."""
    room = live_room()
    settled(room, A)
    edit(room, A, BASE)
    effects = edit(room, A, deletion(7, 1, 5))
    (told, _) = broadcast(effects)[0]
    assert scan_update(told.payload).deletes == [(7, 1, 3)]  # type: ignore[arg-type]
    assert room.doc.waiting_bytes > 0
    edit(room, A, words(7, 3, "def", origin=True))
    assert room.doc.waiting_bytes == 0
    assert scan_update(room.doc.full_update()).deletes == [(7, 1, 6)]


def test_a_sender_is_asked_once_at_a_time() -> None:
    """Its one answer brings everything."""
    room = live_room()
    settled(room, A)
    assert sent(edit(room, A, words(7, 1, "b", origin=True)), A) == [ASKED]
    assert sent(edit(room, A, words(7, 2, "c", origin=True)), A) == []
    answer(room, A, BASE)
    assert dict(room.doc.clocks) == {7: 3}
    assert not room.doc.is_incomplete


def test_an_answer_that_lacks_something_is_not_asked_for_again() -> None:
    """It would lack that the next time as well, for ever."""
    room = live_room()
    settled(room, A)
    edit(room, A, ON_BASE)
    assert sent(answer(room, A, ON_BASE), A) == []


def test_an_answer_during_the_handshake_of_hocuspocus_is_not_confused() -> None:
    """The first step 2 answers the question about the base, the second is the handshake's."""
    room = live_room()
    join(room, A, HP)
    assert sent(edit(room, A, ON_BASE), A) == [ASKED]
    assert sent(ask(room, A), A)[0] == ASKED
    effects = answer(room, A, BASE)
    assert [told.what for told in sent(effects, A)] == ["update"]  # what it released
    room.appended(2)
    assert sent(answer(room, A, BASE), A) == [Told("saved"), Told("saved")]


def test_a_part_is_integrated_while_the_rest_waits() -> None:
    """One client's structs are complete, the other's lack their base."""
    room = live_room()
    settled(room, A)
    both = update([
        Block(9, 0, [text("whole")]),
        Block(8, 0, [text("a"), after(STRING, wire.string("b"), origin=(7, 0))]),
    ])  # fmt: skip
    effects = edit(room, A, both)
    assert stored(effects) == [(both, 1)]
    (told, _) = broadcast(effects)[0]
    assert sorted(scan_update(told.payload).ranges) == [(8, 0, 1), (9, 0, 5)]  # type: ignore[arg-type]
    assert dict(room.doc.clocks) == {8: 1, 9: 5}
    edit(room, A, BASE)
    assert dict(room.doc.clocks) == {7: 3, 8: 2, 9: 5}


def test_a_skip_leaves_a_gap_and_what_is_behind_it_waits() -> None:
    """Until the gap is filled; no update that is sent out ever has a Skip."""
    room = live_room()
    settled(room, A)
    gap = update([Block(7, 0, [text("a"), filler(SKIP, 2), text("d")])])
    (told, _) = broadcast(edit(room, A, gap))[0]
    assert told.payload == words(7, 0, "a")
    (told, _) = broadcast(edit(room, A, words(7, 1, "bc")))[0]
    assert scan_update(told.payload).ranges == [(7, 1, 4)]  # type: ignore[arg-type]
    assert scan_update(told.payload).skips == []  # type: ignore[arg-type]


def test_overlapping_updates_count_each_clock_once() -> None:
    """SCAN-18: A step 2 often repeats the beginning of what an update brought meanwhile."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    edit(room, A, words(7, 0, "ab"))
    effects = edit(room, A, words(7, 0, "abcd"))
    rest = after(STRING, wire.string("cd"), origin=(7, 1))
    told = update([Block(7, 0, [text("ab"), rest])])
    assert broadcast(effects) == [(Told("update", told), A)]
    assert stored(effects) == [(told, 2)]
    assert dict(room.doc.clocks) == {7: 4}


def test_blocks_that_refer_to_each_other_come_in_together() -> None:
    """A merge of two writers' offline work is whole in itself."""
    room = live_room()
    settled(room, A)
    woven = update([
        Block(8, 0, [text("a"), after(STRING, wire.string("c"), origin=(7, 0))]),
        Block(7, 0, [after(STRING, wire.string("b"), origin=(8, 0))]),
    ])  # fmt: skip
    assert broadcast(edit(room, A, woven)) == [(Told("update", woven), A)]
    assert dict(room.doc.clocks) == {7: 1, 8: 2}


def test_updates_that_wait_for_each_other_wait_for_ever_and_harm_nobody() -> None:
    """Two hostile updates, a circle between them; others write on as before."""
    room = live_room()
    settled(room, A)
    one = update([Block(8, 0, [after(STRING, wire.string("b"), origin=(7, 0))])])
    other = update([Block(7, 0, [after(STRING, wire.string("a"), origin=(8, 0))])])
    edit(room, A, one)
    edit(room, A, other)
    assert dict(room.doc.clocks) == {}
    assert broadcast(edit(room, A, words(9, 0, "fine"))) == [
        (Told("update", words(9, 0, "fine")), A)
    ]
    assert dict(room.doc.clocks) == {9: 4}


def test_the_same_update_is_kept_waiting_once() -> None:
    """A client that reconnects again and again does not use up the room's patience."""
    room = live_room()
    settled(room, A)
    edit(room, A, ON_BASE)
    size = room.doc.waiting_bytes
    edit(room, A, ON_BASE)
    assert room.doc.waiting_bytes == size


def test_nothing_waits_any_more_when_all_has_come() -> None:
    """The account is closed to the byte."""
    room = live_room()
    settled(room, A)
    for late in (ON_BASE, words(7, 2, "c", origin=True), deletion(7, 1, 9), deletion(8, 0, 1)):
        edit(room, A, late)
    assert room.doc.waiting_bytes > 0
    edit(room, A, BASE)
    edit(room, A, words(7, 3, "defghijkl", origin=True))
    assert room.doc.waiting_bytes == 0
    assert not room.doc.is_incomplete


def test_a_room_bounds_what_waits() -> None:
    """What fits is kept; what would pass the bound is refused, and what integrates is not.

    Bears LIM-3.
    """
    room = live_room(RoomLimits(pending_bytes_max=4_000))
    settled(room, A)
    big = words(7, 5, "x" * 2_000, origin=True)
    edit(room, A, big)
    with pytest.raises(LimitExceeded) as excess:
        edit(room, A, words(8, 5, "y" * 2_000, origin=True))
    assert excess.value.limit == "pending_updates_bytes_max"
    assert stored(edit(room, A, words(9, 0, "z" * 4_000))) != []
    assert stored(edit(room, A, words(7, 0, "abcde"))) != []
    assert room.doc.waiting_bytes == 0


def test_a_parent_that_is_no_shared_type_refuses_the_update() -> None:
    """The CRDT library would stop half-way through it; nothing of it is taken in."""
    room = live_room()
    settled(room, A)
    edit(room, A, BASE)
    inside = bytes([STRING, 0, 7, 1]) + wire.string("x")
    bad = update([Block(8, 0, [text("good"), inside])])
    with pytest.raises(MalformedUpdate):
        edit(room, A, bad)
    assert dict(room.doc.clocks) == {7: 3}
    assert room.last_ticket == 1


def test_a_trap_for_whoever_comes_later_harms_nobody() -> None:
    """A struct inside what will be a text is dropped; who writes the text is not blamed."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    trap = update([Block(8, 0, [bytes([STRING, 0, 7, 1]) + wire.string("x")])])
    edit(room, A, trap)
    assert broadcast(edit(room, B, BASE)) == [(Told("update", BASE), B)]
    assert dict(room.doc.clocks) == {7: 3}
    assert not room.doc.is_incomplete


def test_a_stored_trap_is_left_out_when_the_room_is_loaded() -> None:
    """Alone or merged with what it was laid for: the room opens, with everything else in it."""
    trap = bytes([STRING, 0, 7, 1]) + wire.string("x")
    merged = update([Block(8, 0, [text("ok"), trap]), Block(7, 0, [text("abc")])])
    for rows in ([update([Block(8, 0, [text("ok"), trap])]), BASE], [merged]):
        room = live_room()
        for row in rows:
            room.doc.apply(row, scan_update(row, stored=True), stored=True)
        assert dict(room.doc.clocks) == {7: 3, 8: 2}


def test_a_stored_circle_is_left_waiting_when_the_room_is_loaded() -> None:
    """Merging rows makes one update of it, which must not keep the room from opening."""
    merged = update([
        Block(9, 0, [text("fine")]),
        Block(8, 0, [after(STRING, wire.string("b"), origin=(7, 0))]),
        Block(7, 0, [after(STRING, wire.string("a"), origin=(8, 0))]),
    ])  # fmt: skip
    with pytest.raises(MalformedUpdate):
        scan_update(merged)
    room = live_room()
    room.doc.apply(merged, scan_update(merged, stored=True), stored=True)
    assert dict(room.doc.clocks) == {9: 4}
    assert room.doc.is_incomplete


def test_an_update_applied_in_steps_is_told_and_stored_when_it_is_whole() -> None:
    """Until then no state vector has it, and whoever repeats it adds something."""
    room = live_room()
    settled(room, A)
    big = update([Block(7, 0, [text("x" * 50), *[filler(GC, 1)] * 9_000])])
    scanned = scan_update(big)
    admitted = room.admit(A, SyncUpdate(big), scanned, NOW)
    assert isinstance(admitted, Admitted)
    steps = Steps(room.apply_in_steps(admitted))
    count = 0
    for _ in steps:
        count += 1
        assert room.doc.state_vector() == wire.EMPTY_STATE_VECTOR
        assert room.doc.adds(scanned)
        assert room.last_ticket == 0
    assert count > 2
    effects = steps.result
    assert broadcast(effects) == [(Told("update", big), A)]
    assert stored(effects) == [(big, 1)]
    assert dict(room.doc.clocks) == {7: 9_050}


def test_a_peers_update_between_two_steps_is_told_and_known() -> None:
    """It is durable elsewhere already; the unfinished update stays unknown."""
    room = live_room()
    settled(room, A)
    big = update([Block(7, 0, [text("x" * 50), *[filler(GC, 1)] * 9_000])])
    admitted = room.admit(A, SyncUpdate(big), scan_update(big), NOW)
    assert isinstance(admitted, Admitted)
    steps = room.apply_in_steps(admitted)
    for _ in range(3):
        next(steps)
    rest = Steps(steps)
    peer = words(9, 0, "peer")
    assert broadcast(room.peer_update(peer, scan_update(peer))) == [(Told("update", peer), None)]
    assert dict(room.doc.clocks) == {9: 4}
    assert stored(rest.to_the_end()) == [(big, 1)]
    assert dict(room.doc.clocks) == {7: 9_050, 9: 4}


def test_a_room_discarded_between_two_steps_stays_closed() -> None:
    """The update is neither told nor stored."""
    room = live_room()
    settled(room, A)
    big = update([Block(7, 0, [*[filler(GC, 1)] * 9_000])])
    admitted = room.admit(A, SyncUpdate(big), scan_update(big), NOW)
    assert isinstance(admitted, Admitted)
    steps = room.apply_in_steps(admitted)
    next(steps)
    room.discard(CloseCode.INTERNAL_ERROR)
    assert Steps(steps).to_the_end() == []
    assert room.last_ticket == 0
