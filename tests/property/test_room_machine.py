"""Several replicas, a room and a store through everything that can happen to them.

Clients of both protocols edit, repeat themselves, go away and come back; frames are delivered one
at a time; commits come late or never; the process crashes, the room is discarded, the log is
compacted, other nodes write into it; readers fall behind; time passes.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pycrdt import Doc, Map, Text

from collab.access import Role
from collab.room.session import Wire
from tests.property.room.node import Node
from tests.support.counts import proving, repeats
from tests.support.providers import Client, Speaks, clocks_of

HISTORIES = repeats(100, proof=5_000)
STEPS = repeats(50, proof=120)
READER, TURNCOAT = "reader", "turncoat"
WIRES = {Speaks.Y_WEBSOCKET: Wire.Y_WEBSOCKET, Speaks.HOCUSPOCUS: Wire.HOCUSPOCUS}
WHO = st.integers(0, 4)


def content(doc: Doc[Any]) -> tuple[str, object]:
    """What a person sees in a replica."""
    return str(doc.get("text", type=Text)), doc.get("map", type=Map).to_py()


def opened(update: bytes) -> Doc[Any]:
    """A new replica with this content."""
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    return doc


class RoomMachine(RuleBasedStateMachine):
    """Two editors of each protocol; one of them may lose its role. One reader that scribbles."""

    @initialize(reader=st.sampled_from(Speaks), turncoat=st.sampled_from(Speaks))
    def begin(self, reader: Speaks, turncoat: Speaks) -> None:
        self.node = Node()
        self.clients = [
            Client("y", 11, Speaks.Y_WEBSOCKET),
            Client("h", 12, Speaks.HOCUSPOCUS),
            Client("h2", 13, Speaks.HOCUSPOCUS),
            Client(TURNCOAT, 14, turncoat),
            Client(READER, 15, reader),
        ]
        self.elsewhere: Doc[Any] = Doc(client_id=16)
        self.roles = {client.name: Role.EDITOR for client in self.clients}
        self.roles[READER] = Role.VIEWER
        self.count = 0
        for client in self.clients:
            self.connect(client)

    # Edits ------------------------------------------------------------------------------------

    @rule(who=WHO, where=st.floats(0, 1), size=st.integers(1, 4))
    def insert(self, who: int, where: float, size: int) -> None:
        self.count += 1
        letters = chr(ord("a") + self.count % 26) * size

        def change(client: Client) -> None:
            client.text.insert(int(where * len(str(client.text))), letters)

        self.clients[who].edit(change)

    @rule(who=WHO, where=st.floats(0, 1), size=st.integers(1, 4))
    def delete(self, who: int, where: float, size: int) -> None:
        client = self.clients[who]
        length = len(str(client.text))
        if not length:
            return
        begin = min(int(where * length), length - 1)

        def change(client: Client) -> None:
            del client.text[begin : min(begin + size, length)]

        client.edit(change)

    @rule(who=WHO, key=st.sampled_from("klm"), erase=st.booleans())
    def set(self, who: int, key: str, *, erase: bool) -> None:
        self.count += 1
        value = self.count

        def change(client: Client) -> None:
            if erase and key in client.map:
                del client.map[key]
            else:
                client.map[key] = value

        self.clients[who].edit(change)

    @rule(who=WHO)
    def repeat(self, who: int) -> None:
        """An application sends its last update once more."""
        client = self.clients[who]
        if client.last_update:
            client.send_update(client.last_update)

    @rule(who=WHO, state=st.one_of(st.none(), st.integers(0, 9)))
    def show(self, who: int, state: int | None) -> None:
        client = self.clients[who]
        if state is None and client.presence.state is None:
            return
        client.show(None if state is None else {"n": state})

    @rule(who=WHO)
    def resync(self, who: int) -> None:
        client = self.clients[who]
        if client.connection is not None:
            client.resync()

    @rule(key=st.sampled_from("xk"))
    def edit_elsewhere(self, key: str) -> None:
        """Another node takes an edit and stores it."""
        self.count += 1
        before = self.elsewhere.get_state()
        self.elsewhere.get("map", type=Map)[key] = self.count
        self.node.append_elsewhere(self.elsewhere.get_update(before))

    @rule(where=st.floats(0, 1))
    def build_elsewhere(self, where: float) -> None:
        """Another node's edit builds on what this one has told and may not have stored."""
        self.elsewhere.apply_update(self.node.room.doc.full_update())
        text = self.elsewhere.get("text", type=Text)
        before = self.elsewhere.get_state()
        text.insert(int(where * len(str(text))), "!")
        self.node.append_elsewhere(self.elsewhere.get_update(before))

    # The network ------------------------------------------------------------------------------

    @rule(who=WHO, count=st.integers(1, 6), in_steps=st.booleans())
    def deliver_to_server(self, who: int, count: int, *, in_steps: bool) -> None:
        for _ in range(count):
            self.step_up(self.clients[who], in_steps=in_steps)

    @rule(who=WHO, count=st.integers(1, 12))
    def deliver_to_client(self, who: int, count: int) -> None:
        for _ in range(count):
            self.step_down(self.clients[who])

    @rule(who=WHO)
    def drop(self, who: int) -> None:
        client = self.clients[who]
        if client.connection is not None:
            self.node.leave(client.connection)
            client.lost()

    @rule(who=WHO)
    def reconnect(self, who: int) -> None:
        client = self.clients[who]
        if client.connection is None:
            self.connect(client)

    @rule(who=WHO, count=st.integers(1, 3))
    def work_offline(self, who: int, count: int) -> None:
        """Edits without a connection, and then everything at once."""
        self.drop(who)
        for _ in range(count):
            self.insert(who, 1.0, 1)
        self.delete(who, 0.5, 1)
        self.connect(self.clients[who])
        self.deliver_to_server(who, 4, in_steps=False)
        self.deliver_to_client(who, 6)

    @rule(who=WHO, up=st.integers(0, 4), down=st.integers(0, 6))
    def lose(self, who: int, up: int, down: int) -> None:
        """An edit is lost on its way, and the next one builds on it."""
        self.insert(who, 0.0, 2)
        self.drop(who)
        self.insert(who, 0.0, 1)
        self.connect(self.clients[who])
        self.deliver_to_server(who, up, in_steps=False)
        self.deliver_to_client(who, down)
        self.deliver_to_server(who, up, in_steps=False)

    @rule(who=WHO)
    def hide_while_away(self, who: int) -> None:
        """Somebody who was seen comes back and shows nothing."""
        self.clients[who].show({"n": 99})
        self.exchange()
        self.drop(who)
        self.clients[who].show(None)
        self.connect(self.clients[who])

    @rule()
    def exchange(self) -> None:
        """A good moment: everything that is on its way arrives, and all comes to rest."""
        for _ in range(5_000):
            moves = [self.step_up(c, in_steps=False) or self.step_down(c) for c in self.clients]
            if not (any(moves) or self.node.end_window() or self.node.end_tick()):
                return
        raise AssertionError("the exchange never ends")

    # The server -------------------------------------------------------------------------------

    @rule(count=st.integers(1, 5))
    def commit(self, count: int) -> None:
        self.node.commit(count)

    @rule()
    def read_peers(self) -> None:
        self.node.read_peers()

    @rule()
    def compact(self) -> None:
        self.node.compact()

    @rule(committed=st.integers(0, 3))
    def crash(self, committed: int) -> None:
        """The process dies, at times between a commit and its acknowledgement."""
        self.node.commit(committed, tell=False)
        self.node.crash()
        self.after_restart()

    @rule()
    def discard(self) -> None:
        self.node.discard()
        self.after_restart()

    @rule(span_ms=st.sampled_from([1_000, 14_000, 31_000]), renew=st.booleans())
    def pass_time(self, span_ms: int, *, renew: bool) -> None:
        self.node.pass_time(span_ms)
        for client in self.clients if renew else ():
            client.renew()

    @rule()
    def end_window(self) -> None:
        """What waited to be sent together is sent."""
        self.node.end_window()

    @rule()
    def end_tick(self) -> None:
        """The states that waited are sent."""
        self.node.end_tick()

    @precondition(lambda self: hasattr(self, "roles"))
    @rule(role=st.sampled_from([Role.VIEWER, Role.EDITOR]))
    def change_role(self, role: Role) -> None:
        client = self.clients[3]
        self.roles[TURNCOAT] = role
        if client.connection is not None:
            self.node.set_role(client.connection, client.name, role)

    # What always holds ------------------------------------------------------------------------

    @invariant()
    def clocks_are_true(self) -> None:
        if not hasattr(self, "node"):
            return
        doc = self.node.room.doc
        assert clocks_of(doc._doc.get_state()) == dict(doc.clocks)
        assert clocks_of(doc.state_vector()) == dict(doc.clocks)

    @invariant()
    def the_reader_changes_nothing(self) -> None:
        if not hasattr(self, "node"):
            return
        assert 15 not in self.node.room.doc.clocks
        for client in self.clients[:-1]:
            assert 15 not in clocks_of(client.doc.get_state())

    @invariant()
    def nothing_said_to_be_saved_is_lost(self) -> None:
        if not hasattr(self, "node"):
            return
        for client in self.clients:
            if client.saved_clock:
                assert self.node.room.doc.clocks[client.client_id] >= client.saved_clock

    def teardown(self) -> None:
        """Let everything come to rest, and compare."""
        if not hasattr(self, "node"):
            return
        self.settle()
        room = self.node.room
        # What waits for ever builds on what somebody, who is a reader by now, may not bring.
        assert not room.doc.is_incomplete or self.roles[TURNCOAT] is Role.VIEWER
        assert room.is_saved
        self.compare_documents()
        self.compare_counters()
        self.compare_presence()
        self.node.compact()
        self.node.crash()
        assert content(opened(self.node.room.doc.full_update())) == content(self.clients[0].doc)

    def settle(self) -> None:
        """Everybody connects, everything arrives, everything is committed."""
        for client in self.clients:
            if client.connection is None:
                self.connect(client)
        self.node.read_peers()
        for _ in range(50):
            self.exchange()
            if not self.node.unsaved:
                break
            self.node.commit(len(self.node.unsaved))
        for client in self.clients:
            client.renew()
        self.exchange()
        assert not self.node.unsaved

    def compare_documents(self) -> None:
        room = self.node.room
        truth = opened(room.doc.full_update())
        stored = self.node.stored()
        assert content(opened(stored.full_update())) == content(truth)
        assert dict(stored.clocks) == dict(room.doc.clocks)
        for client in self.clients:
            if self.roles[client.name] is Role.EDITOR and not client.refusals:
                assert clocks_of(client.doc.get_state()) == dict(room.doc.clocks), client.name
                assert content(client.doc) == content(truth), client.name
            else:
                # A reader has its own scribbles besides.
                have = clocks_of(client.doc.get_state())
                assert all(have[who] >= clock for who, clock in room.doc.clocks.items())

    def compare_counters(self) -> None:
        for client in self.clients:
            assert client.unechoed == [] or client.name in {READER, TURNCOAT}
            if client.speaks is not Speaks.HOCUSPOCUS:
                continue
            if self.roles[client.name] is Role.EDITOR:
                assert client.unsynced == 0, client.name
            if not client.resynced and client.name != TURNCOAT:
                assert client.statuses == client.frames + 1, client.name

    def compare_presence(self) -> None:
        """Everybody who shows a state is seen by everybody, and nobody else is."""
        shown = {
            client.client_id: {**client.presence.state, "user": user_of(client)}
            for client in self.clients
            if isinstance(client.presence.state, dict)
        }
        for client in self.clients:
            seen = client.presence.seen()
            seen.pop(client.client_id, None)
            assert seen == {w: s for w, s in shown.items() if w != client.client_id}, client.name

    # Inside -----------------------------------------------------------------------------------

    def connect(self, client: Client) -> None:
        role = self.roles[client.name]
        client.opened(self.node.join(client.name, role, WIRES[client.speaks]))

    def after_restart(self) -> None:
        for client in self.clients:
            if client.connection is not None:
                client.lost()
        doc = self.node.room.doc
        for client in self.clients:
            assert doc.clocks.get(client.client_id, 0) >= client.saved_clock

    def step_up(self, client: Client, *, in_steps: bool) -> bool:
        """Deliver one frame to the server; False when there was none."""
        if client.connection is None or not client.outgoing:
            return False
        frame = client.outgoing.popleft()
        client.frames += is_update(frame, client)
        self.node.receive(client.connection, frame, in_steps=in_steps)
        return True

    def step_down(self, client: Client) -> bool:
        """Deliver one frame to a client; False when there was none."""
        if client.connection is None or not self.node.seats[client.connection].outbox:
            return False
        if client.receive(self.node.taken(client.connection)):
            self.believe(client)
        return True

    def believe(self, client: Client) -> None:
        """The provider says that all is saved: then all that it wrote has to be in the store."""
        if client.excess and client.edits_here:
            return  # its counter was too low from the start: it did not count its old queue
        if client.resynced:
            return  # acknowledgements that were on their way counted down the new counter
        own = clocks_of(client.doc.get_state()).get(client.client_id, 0)
        assert self.node.stored().clocks.get(client.client_id, 0) == own
        client.saved_clock = own


def user_of(client: Client) -> dict[str, str]:
    """What the server stamps on a client's state."""
    return {"id": client.name, "name": client.name}


def is_update(frame: bytes, client: Client) -> bool:
    """Whether a frame is an update, neither a step nor awareness."""
    at = 8 if client.speaks is Speaks.HOCUSPOCUS else 0
    return frame[at : at + 2] == b"\x00\x02"


@pytest.mark.prove
@pytest.mark.timeout(repeats(300, proof=3600), method="thread")  # see tests/conftest.py
def test_replicas_converge_and_nothing_saved_is_lost(
    record_property: Callable[[str, object], None],
) -> None:
    """Replicas, room and store agree after any history, and nothing said to be saved is lost."""
    record_property("histories", HISTORIES)
    record_property("steps in each at most", STEPS)
    run_state_machine_as_test(
        RoomMachine,
        settings=settings(
            settings.get_profile("bandpro"),
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            print_blob=not proving(),
        ),
    )
