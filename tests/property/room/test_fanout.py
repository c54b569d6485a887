"""Replicas that hear of each other through the fan-out alone hear of everything, once, in order."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Map, Text

from collab.ids import SessionId
from collab.protocol.state_vector import encode_state_vector
from collab.protocol.update_scan import scan_update
from collab.room.doc import RoomDoc
from collab.room.fanout import Fanout, Round, broadcast_of
from tests.support import wire
from tests.support.providers import clocks_of

SEND_US = (0.0, 50.0, 5e4)


class Replica:
    """A session with a document of its own; at times it takes nothing for a while."""

    def __init__(self, client_id: int) -> None:
        self.client_id = client_id
        self.doc: Doc[Any] = Doc(client_id=client_id)
        self.text = self.doc.get("text", type=Text)
        self.map = self.doc.get("map", type=Map)
        self.behind: dict[int, int] | None = None
        self.is_full = False

    @property
    def session_id(self) -> SessionId:
        return SessionId(str(self.client_id))

    def edit(self, random: Random) -> bytes:
        """Type, delete, or set a key; returns the update."""
        before = self.doc.get_state()
        with self.doc.transaction():
            length = len(str(self.text))
            choice = random.random()
            if choice < 0.25 and length:
                del self.text[random.randrange(length)]
            elif choice < 0.4:
                self.map[random.choice("kl")] = random.random()
            else:
                self.text.insert(random.randint(0, length), random.choice("abc") * 2)
        return self.doc.get_update(before)

    def hear(self, update: bytes) -> None:
        """Take a broadcast: it brings what comes next, and nothing of one's own."""
        scanned = scan_update(update)
        known = clocks_of(self.doc.get_state())
        assert scanned.integrates(known)
        assert not scanned.skips
        for client, start, end in scanned.ranges:
            assert start == known.get(client, 0), "a gap, or told again"
            assert client != self.client_id
            assert end > start
        self.doc.apply_update(update)

    def content(self) -> tuple[str, object]:
        return str(self.text), self.map.to_py()


class Place:
    """A room: its document, its fan-out, and who is there."""

    def __init__(self, random: Random, send_us: float) -> None:
        self.random = random
        self.doc = RoomDoc()
        self.fanout = Fanout(send_us)
        self.here: list[Replica] = []
        self.next_client = 10
        self.now_ms = 0.0

    def deliver(self, sent: Round | None) -> None:
        for replica in self.here if sent is not None else ():
            assert sent is not None
            parcel = sent.parcel_of(replica.session_id)
            for body in parcel.bodies:
                if replica.is_full:
                    if replica.behind is None:
                        rewind = self.fanout.rewind_of(replica.session_id) | parcel.rewind
                        replica.behind = self.doc.rewound(rewind)
                    break
                replica.hear(_payload(body))

    def join(self) -> None:
        replica = Replica(self.next_client)
        self.next_client += 1
        self.here.append(replica)
        self.sync(replica)

    def leave(self) -> None:
        gone = self.here.pop(self.random.randrange(len(self.here)))
        self.fanout.left(gone.session_id)

    def sync(self, replica: Replica) -> None:
        """Answer its step 1."""
        replica.doc.apply_update(self.doc.difference(replica.doc.get_state()))
        self.fanout.holds_all(replica.session_id)
        replica.behind = None

    def edit(self, replica: Replica) -> None:
        update = replica.edit(self.random)
        scanned = scan_update(update)
        if not self.doc.adds(scanned):
            return
        outcome = self.doc.apply(update, scanned)
        broadcast = broadcast_of(outcome, scanned, skip=replica.session_id)
        self.deliver(self.fanout.take(broadcast, len(self.here) - 1, self.now_ms))

    def wait(self, span_ms: float) -> None:
        self.now_ms += span_ms
        if self.fanout.due_ms is not None and self.now_ms >= self.fanout.due_ms:
            self.deliver(self.fanout.end_window(len(self.here), self.now_ms))

    def stall(self, replica: Replica) -> None:
        """Its outbox is full; something else than an update may be what tells."""
        replica.is_full = True
        if replica.behind is None and self.random.random() < 0.5:
            replica.behind = self.doc.rewound(self.fanout.rewind_of(replica.session_id))

    def drain(self, replica: Replica) -> None:
        replica.is_full = False
        if replica.behind is not None:
            since = encode_state_vector(replica.behind)
            replica.behind = None
            replica.doc.apply_update(self.doc.difference(since))
            self.fanout.holds_all(replica.session_id)

    def step(self) -> None:
        random = self.random
        replica = random.choice(self.here)
        choice = random.random()
        if choice < 0.6:
            self.edit(replica)
        elif choice < 0.75:
            self.wait(random.choice((0.5, 3.0, 30.0)))
        elif choice < 0.8 and len(self.here) < 6:
            self.join()
        elif choice < 0.83 and len(self.here) > 1:
            self.leave()
        elif choice < 0.87:
            self.sync(replica)
        elif choice < 0.92:
            self.stall(replica)
        elif choice < 0.97:
            self.drain(replica)
        else:
            self.deliver(self.fanout.flush())


def _payload(body: bytes) -> bytes:
    reader = wire.Reader(body)
    assert (reader.uint(), reader.uint()) == (wire.SYNC, wire.UPDATE)
    payload = reader.blob()
    assert not reader.rest
    return payload


@given(seed=st.integers(0, 2**64), steps=st.integers(1, 120), send_us=st.sampled_from(SEND_US))
def test_everybody_hears_everything_once_and_in_order(
    seed: int, steps: int, send_us: float
) -> None:
    """SYNC-20: SYNC-21: Whoever joins, leaves, stalls or asks in the middle of a window."""
    place = Place(Random(seed), send_us)
    for _ in range(3):
        place.join()
    for _ in range(steps):
        place.step()
    place.wait(1_000.0)
    truth: Doc[Any] = Doc()
    truth.apply_update(place.doc.full_update())
    expected = (str(truth.get("text", type=Text)), truth.get("map", type=Map).to_py())
    for replica in place.here:
        place.drain(replica)
        assert clocks_of(replica.doc.get_state()) == dict(place.doc.clocks)
        assert replica.content() == expected
