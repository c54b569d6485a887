"""When updates are sent, and which of them travel together; literal times throughout."""

import pytest

from collab.ids import SessionId
from collab.limits import FANOUT_WINDOW_BYTES_MAX, FANOUT_WINDOW_MS_MAX, FANOUT_WINDOW_UPDATES_MAX
from collab.protocol.scanned import ClockRange
from collab.protocol.update_scan import scan_update
from collab.room.doc import RoomDoc
from collab.room.effects import Broadcast, Joint
from collab.room.fanout import Fanout, Round, broadcast_of
from tests.support import wire
from tests.unit.room.building import A, B, C, deletion, words

BUSY = 1e6  # one send takes a second: any room is hot
MANY = 1_000


class Editing:
    """A document whose edits are given to the fan-out."""

    def __init__(self, send_us: float = BUSY) -> None:
        self.doc = RoomDoc()
        self.fanout = Fanout(send_us)

    def edit(
        self, session_id: SessionId | None, update: bytes, at_ms: float, receivers: int = 2
    ) -> Round | None:
        """Apply an update and take it for sending."""
        scanned = scan_update(update)
        outcome = self.doc.apply(update, scanned)
        sent = broadcast_of(outcome, scanned, skip=session_id)
        return self.fanout.take(sent, receivers, at_ms)


def payloads(sent: Round | None, session_id: SessionId) -> list[bytes]:
    """The updates that a session is sent, one for each frame."""
    assert sent is not None
    found = []
    for body in sent.parcel_of(session_id).bodies:
        reader = wire.Reader(body)
        assert (reader.uint(), reader.uint()) == (wire.SYNC, wire.UPDATE)
        found.append(reader.blob())
    return found


def spans(update: bytes) -> list[tuple[int, int, int]]:
    """What an update brings."""
    return [tuple(span) for span in scan_update(update).ranges]  # type: ignore[misc]


def plain(number: int, size: int = 1, skip: SessionId | None = A) -> Broadcast:
    """An update for which only its size and its sender matter."""
    return Broadcast(bytes([number % 256]) * size, skip, {number: 0})


def test_the_first_update_after_a_quiet_spell_goes_out_at_once() -> None:
    """SYNC-19: As it came, to all but its sender, even where the next ones will wait."""
    room = Editing()
    first, later = words(7, 0, "a"), words(7, 1, "b", origin=True)
    assert payloads(room.edit(A, first, 0.0), B) == [first]
    assert room.fanout.end_window(2, 25.0) is None
    assert room.fanout.due_ms is None
    sent = room.edit(A, later, 1_000.0)
    assert payloads(sent, B) == [later]
    assert payloads(sent, A) == []


def test_a_quiet_room_opens_no_window() -> None:
    """SYNC-19: 50 members and 100 updates/s: each goes out when it comes."""
    room = Editing(send_us=5.0)
    for at in range(200):
        update = words(7, at, "x", origin=at > 0)
        assert payloads(room.edit(A, update, at * 10.0, 49), B) == [update]
        assert room.fanout.due_ms is None


@pytest.mark.parametrize(
    ("members", "updates_per_s", "least_ms", "most_ms"),
    [(50, 500, 1.0, 2.0), (50, 2_000, 4.0, 6.0), (200, 100, 3.0, 5.0), (200, 2_000, 25.0, 25.0)],
)
def test_the_window_follows_the_load(
    members: int, updates_per_s: int, least_ms: float, most_ms: float
) -> None:
    """Members times rate; never above the largest window."""
    fanout = Fanout(send_us=5.0)
    windows = []
    for at in range(updates_per_s):
        now_ms = at * 1_000 / updates_per_s
        if fanout.take(plain(at), members - 1, now_ms) and fanout.due_ms is not None:
            windows.append(fanout.due_ms - now_ms)
        assert fanout.due_ms is None or fanout.due_ms - now_ms <= FANOUT_WINDOW_MS_MAX
    assert least_ms <= windows[-1] <= most_ms


def test_what_arrives_in_a_window_travels_together_as_one_update() -> None:
    """SYNC-20: One frame for all of it, in which nothing is missing."""
    room = Editing()
    first = words(7, 0, "a")
    rest = [words(7, 1, "b", origin=True), words(8, 0, "c"), words(7, 2, "d", origin=True)]
    room.edit(A, first, 0.0)
    assert [room.edit(who, u, 5.0) for who, u in zip((A, B, A), rest, strict=True)] == [None] * 3
    sent = room.fanout.end_window(2, 25.0)
    (merged,) = payloads(sent, C)
    assert sorted(spans(merged)) == [(7, 1, 3), (8, 0, 1)]
    assert scan_update(merged).skips == []


def test_nobody_is_sent_its_own_updates() -> None:
    """Its acknowledgement is the only place where it meets them again."""
    room = Editing()
    room.edit(None, words(9, 0, "-"), 0.0)
    room.edit(A, words(7, 0, "a"), 1.0)
    room.edit(B, words(8, 0, "b"), 2.0)
    room.edit(A, words(7, 1, "c", origin=True), 3.0)
    sent = room.fanout.end_window(3, 25.0)
    assert [spans(each) for each in payloads(sent, A)] == [[(8, 0, 1)]]
    assert [spans(each) for each in payloads(sent, B)] == [[(7, 0, 2)]]
    assert [sorted(spans(each)) for each in payloads(sent, C)] == [[(7, 0, 2), (8, 0, 1)]]


def test_a_merge_never_has_a_gap() -> None:
    """SYNC-20: Where one's own update stood in between, the others come in two frames."""
    room = Editing()
    room.edit(None, words(9, 0, "-"), 0.0)
    room.edit(A, words(7, 0, "a"), 1.0)
    room.edit(B, words(7, 1, "b", origin=True), 2.0)
    room.edit(A, words(7, 2, "c", origin=True), 3.0)
    sent = room.fanout.end_window(3, 25.0)
    assert [spans(each) for each in payloads(sent, B)] == [[(7, 0, 1)], [(7, 2, 3)]]
    assert [spans(each) for each in payloads(sent, C)] == [[(7, 0, 3)]]


def test_deletions_are_merged_as_well() -> None:
    """They have no clocks of their own."""
    room = Editing()
    room.edit(None, words(9, 0, "abc"), 0.0)
    room.edit(A, deletion(9, 0, 1), 1.0)
    room.edit(A, deletion(9, 2, 1), 2.0)
    (merged,) = payloads(room.fanout.end_window(2, 25.0), B)
    assert [tuple(span) for span in scan_update(merged).deletes] == [(9, 0, 1), (9, 2, 3)]


def test_what_overlaps_what_is_known_is_sent_by_itself() -> None:
    """It is not merged, and keeps its place among the others."""
    room = Editing()
    room.edit(None, words(7, 0, "a"), 0.0)
    room.edit(A, words(8, 0, "x"), 1.0)
    room.edit(A, words(7, 0, "ab"), 2.0)
    room.edit(A, words(8, 1, "y", origin=True), 3.0)
    first, second, third = payloads(room.fanout.end_window(2, 25.0), B)
    assert [spans(each) for each in (first, second, third)] == [
        [(8, 0, 1)],
        [(7, 0, 2)],
        [(8, 1, 2)],
    ]


def test_who_joins_in_a_window_is_sent_what_comes_after() -> None:
    """SYNC-21: What came before is in the answer to its step 1."""
    room = Editing()
    room.edit(A, words(7, 0, "a"), 0.0)
    room.edit(A, words(7, 1, "b", origin=True), 1.0)
    room.fanout.holds_all(C)
    room.edit(A, words(7, 2, "c", origin=True), 2.0)
    sent = room.fanout.end_window(3, 25.0)
    assert [spans(each) for each in payloads(sent, B)] == [[(7, 1, 3)]]
    assert [spans(each) for each in payloads(sent, C)] == [[(7, 2, 3)]]


def test_who_has_all_that_waits_is_sent_none_of_it() -> None:
    """And in the next window it is like everybody again."""
    room = Editing()
    room.edit(A, words(7, 0, "a"), 0.0)
    room.edit(A, words(7, 1, "b", origin=True), 1.0)
    room.fanout.holds_all(C)
    assert payloads(room.fanout.end_window(2, 25.0), C) == []
    room.edit(A, words(7, 2, "c", origin=True), 26.0)
    assert [spans(each) for each in payloads(room.fanout.end_window(2, 50.0), C)] == [[(7, 2, 3)]]


def test_a_session_that_takes_nothing_is_rewound_to_before_what_waits() -> None:
    """Its own updates left out: it has them."""
    room = Editing()
    room.edit(A, words(7, 0, "a"), 0.0)
    room.edit(A, words(7, 1, "bc", origin=True), 1.0)
    room.edit(B, words(8, 0, "x"), 2.0)
    room.edit(A, words(7, 3, "d", origin=True), 3.0)
    assert room.fanout.rewind_of(C) == {7: 1, 8: 0}
    assert room.fanout.rewind_of(B) == {7: 1}
    room.fanout.holds_all(C)
    assert room.fanout.rewind_of(C) == {}
    sent = room.fanout.end_window(2, 25.0)
    assert sent is not None
    assert sent.common.rewind == {7: 1, 8: 0}
    assert sent.parcel_of(A).rewind == {8: 0}
    assert room.fanout.rewind_of(C) == {}


def test_what_must_go_first_goes_before_its_time() -> None:
    """The window goes on for what comes after."""
    fanout = Fanout(BUSY)
    fanout.take(plain(1), 2, 0.0)
    fanout.take(plain(2), 2, 1.0)
    sent = fanout.flush()
    assert sent is not None
    assert sent.parcel_of(B).bodies == (b"\x02",)
    assert fanout.due_ms == 25.0
    assert fanout.flush() is None
    assert fanout.take(plain(3), 2, 2.0) is None


def test_a_window_is_bounded_in_updates() -> None:
    """LIM-18: The last one that fits sends all of them."""
    fanout = Fanout(BUSY)
    fanout.take(plain(0), 2, 0.0)
    for at in range(FANOUT_WINDOW_UPDATES_MAX - 1):
        assert fanout.take(plain(at), 2, 1.0) is None
    sent = fanout.take(plain(99), 2, 1.0)
    assert sent is not None
    assert len(sent.parcel_of(B).bodies) == FANOUT_WINDOW_UPDATES_MAX
    assert fanout.due_ms == 26.0


def test_a_window_is_bounded_in_bytes() -> None:
    """LIM-18: What reaches the bound sends all that waits."""
    fanout = Fanout(BUSY)
    fanout.take(plain(0), 2, 0.0)
    assert fanout.take(plain(1, FANOUT_WINDOW_BYTES_MAX - 1), 2, 1.0) is None
    sent = fanout.take(plain(2), 2, 1.0)
    assert sent is not None
    assert [len(body) for body in sent.parcel_of(B).bodies] == [FANOUT_WINDOW_BYTES_MAX - 1, 1]


def test_a_window_that_should_have_ended_does_not_go_on() -> None:
    """A loop that is late with its timers sends at the next update."""
    fanout = Fanout(BUSY)
    fanout.take(plain(0), 2, 0.0)
    fanout.take(plain(1), 2, 24.0)
    sent = fanout.take(plain(2), 2, 25.0)
    assert sent is not None
    assert sent.parcel_of(B).bodies == (b"\x01", b"\x02")
    assert fanout.take(plain(3), 2, 49.0) is None
    assert fanout.end_window(2, 50.0) is not None
    assert fanout.take(plain(4), 2, 75.0) is not None, "nothing waited: sent at once"


def test_a_window_begins_when_the_sending_is_over_and_lasts_as_long_as_that_took() -> None:
    """Else a room that takes longer to send to than it collects would collect nothing."""
    fanout = Fanout(BUSY)
    fanout.take(plain(0), 2, 0.0)
    fanout.sent(30.0)
    assert fanout.due_ms == 55.0
    short = Fanout(send_us=2_500.0)
    short.take(plain(0), 2, 0.0)
    assert short.due_ms == pytest.approx(4.0)
    short.sent(4.5)
    assert short.due_ms == pytest.approx(9.0)
    short.end_window(2, 9.0)
    short.take(plain(1), 2, 300.0)
    short.sent(400.0)
    assert short.due_ms == 425.0


def test_no_window_begins_in_a_quiet_room_however_long_sending_takes() -> None:
    """SYNC-19: A process that was held up for a moment has no load for that."""
    quiet = Fanout(send_us=5.0)
    quiet.take(plain(0), 2, 0.0)
    quiet.sent(14.0)
    assert quiet.due_ms is None


def test_alone_in_a_room_there_is_nothing_to_send() -> None:
    """And nothing to keep."""
    fanout = Fanout(BUSY)
    assert fanout.take(plain(0), 0, 0.0) is None
    assert fanout.due_ms is None


def test_what_waits_is_forgotten_with_the_room() -> None:
    """Nothing is sent after the end."""
    fanout = Fanout(BUSY)
    fanout.take(plain(0), 2, 0.0)
    fanout.take(plain(1), 2, 1.0)
    fanout.holds_all(C)
    fanout.left(C)
    fanout.clear()
    assert fanout.due_ms is None
    assert fanout.end_window(2, 25.0) is None


def test_updates_of_many_structs_are_not_merged() -> None:
    """LIM-18: Merging holds up everybody, so that what it may cost is bounded."""
    update = words(7, 0, "a")
    big = Joint(update, [ClockRange(7, 0, 1)], 4_096)
    fanout = Fanout(BUSY)
    fanout.take(plain(0), 2, 0.0)
    fanout.take(Broadcast(b"one", None, {7: 0}, big), 2, 1.0)
    fanout.take(Broadcast(b"two", None, {7: 0}, big), 2, 1.0)
    sent = fanout.end_window(2, 25.0)
    assert sent is not None
    assert sent.common.bodies[1] == b"two"


def test_what_cannot_be_merged_after_all_is_sent_one_by_one() -> None:
    """The library refuses; nothing is lost."""
    fanout = Fanout(BUSY)
    fanout.take(plain(0), 2, 0.0)
    for at in range(2):
        joint = Joint(b"\xff", [ClockRange(7, at, at + 1)], 1)
        fanout.take(Broadcast(b"body", None, {7: at}, joint), 2, 1.0)
    sent = fanout.end_window(2, 25.0)
    assert payloads(sent, A) == [b"\xff", b"\xff"]
