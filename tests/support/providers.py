"""Clients as the stock providers are: what they send, when, and how they count what is saved.

Written from the protocols' and the providers' behaviour; nothing of the server's is used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pycrdt import Doc, Map, Text

from tests.support import wire
from tests.support.wire import Reader, State, string

HANDSHAKES_MAX = 10  # on one connection; the server takes no more than 16 at a time


class Speaks(Enum):
    """Which provider a client uses."""

    Y_WEBSOCKET = "y-websocket"
    HOCUSPOCUS = "hocuspocus"


@dataclass(slots=True)
class Presence:
    """A client's awareness: its own state, and what it knows of the others (y-protocols)."""

    client_id: int
    clock: int = 0
    state: object = None
    others: dict[int, State] = field(default_factory=dict)

    def seen(self) -> dict[int, object]:
        """Whom this client shows as present, itself included."""
        found = {who: one.state for who, one in self.others.items() if one.state is not None}
        if self.state is not None:
            found[self.client_id] = self.state
        return found

    def hear(self, entry: State) -> bool:
        """Take an entry; returns whether the own state has to be announced again."""
        if entry.client_id == self.client_id:
            if entry.clock < self.clock or (entry.clock == self.clock and entry.state is not None):
                return False
            # The library would take a newer state for its own, and undo what was set since.
            assert entry.state is None, "the own state came back from the server with a newer clock"
            # Nobody removes this client's state but itself: it goes beyond.
            self.clock = entry.clock + 1 if self.state is not None else entry.clock
            return self.state is not None
        known = self.others.get(entry.client_id)
        if (
            known is None
            or entry.clock > known.clock
            or (entry.clock == known.clock and entry.state is None)
        ):
            self.others[entry.client_id] = entry
        return False


class Client:
    """A replica with a provider.

    Args:
        name: whose.
        client_id: of the replica.
        speaks: the provider.
        document: the name that Hocuspocus frames begin with.

    Attributes:
        doc: the replica.
        outgoing: frames on their way to the server.
        connection: the session that the server knows it by, or None.
        unsynced: Hocuspocus: the provider's counter.
        backlog: Hocuspocus: updates that were sent while there was no connection.
        excess: acknowledgements of this connection that the counter did not count up for.
        edits_here: local edits since this connection was opened.
        unechoed: y-websocket: updates sent on this connection that have not come back.
        statuses: sync statuses received on this connection.
        frames: update frames handled by the server on this connection.
        handshakes: how many it has begun on this connection.
        saved_clock: own clock up to which it was told that all is saved.
    """

    def __init__(
        self, name: str, client_id: int, speaks: Speaks, document: str = "machine"
    ) -> None:
        self.document = document
        self.name = name
        self.client_id = client_id
        self.speaks = speaks
        self.doc: Doc[Any] = Doc(client_id=client_id)
        self.text: Text = self.doc.get("text", type=Text)
        self.map: Map[Any] = self.doc.get("map", type=Map)
        self.presence = Presence(client_id)
        self.outgoing: deque[bytes] = deque()
        self.connection: Any = None
        self.unsynced = 0
        self.backlog: list[bytes] = []
        self.excess = 0
        self.edits_here = 0
        self.unechoed: list[tuple[bytes, int]] = []
        self.statuses = 0
        self.refusals = 0
        self.frames = 0
        self.handshakes = 0
        self.saved_clock = 0
        self.last_update = b""
        self._is_greeted = False
        self._is_synced = False
        self._early: list[bytes] = []

    @property
    def resynced(self) -> bool:
        """Whether it began a second handshake on this connection."""
        return self.handshakes > 1

    @property
    def own_clock(self) -> int:
        """How much this client has written itself."""
        return clocks_of(self.doc.get_state()).get(self.client_id, 0)

    # What the provider does -------------------------------------------------------------------

    def opened(self, connection: object) -> None:
        """The socket is open."""
        self.connection = connection
        self.outgoing.clear()
        self.unechoed.clear()
        self.statuses = self.refusals = self.frames = self.excess = self.edits_here = 0
        self.handshakes = 1
        self._is_greeted = self._is_synced = False
        self.unsynced = 1
        self._send(wire.sync(wire.STEP_1, self.doc.get_state()))
        if self.presence.state is not None:
            self.announce()

    def lost(self) -> None:
        """The socket is gone: what was on its way is lost, and nobody else is shown any more."""
        self.connection = None
        self.outgoing.clear()
        self._early.clear()
        self.presence.others.clear()

    def resync(self) -> None:
        """Begin the handshake again on the same connection (Hocuspocus: forceSync)."""
        if self.handshakes == HANDSHAKES_MAX:
            return
        self.handshakes += 1
        self.unsynced = 1
        self._send(wire.sync(wire.STEP_1, self.doc.get_state()))

    def edit(self, change: Callable[[Client], None]) -> None:
        """Change the replica in one transaction and send the update."""
        before = self.doc.get_state()
        with self.doc.transaction():
            change(self)
        update = self.doc.get_update(before)
        self.send_update(update)

    def send_update(self, update: bytes) -> None:
        """Send an update, or keep it for later where the provider does so."""
        self.last_update = update
        self.edits_here += 1
        if self.speaks is Speaks.HOCUSPOCUS:
            self.unsynced += 1
            if self.connection is None:
                self.backlog.append(update)
        if self.connection is not None:
            if self.speaks is Speaks.Y_WEBSOCKET and not update.startswith(b"\x00"):
                # (What only deletes looks the same whoever sends it: no echo to know one's own by.)
                self.unechoed.append((update, self.own_clock))
            self._send(wire.sync(wire.UPDATE, update))

    def show(self, state: object) -> None:
        """Set the own awareness state; None withdraws it."""
        self.presence.state = state
        self.presence.clock += 1
        if self.connection is not None:
            self.announce()

    def renew(self) -> None:
        """What the library does every fifteen seconds."""
        if self.presence.state is not None:
            self.show(self.presence.state)

    def announce(self) -> None:
        """Send the own awareness state."""
        own = State(self.client_id, self.presence.clock, self.presence.state)
        self._send(wire.awareness([own]))

    def receive(self, frame: bytes) -> bool:
        """Take a frame from the server; returns whether the provider now says "all is saved"."""
        reader = Reader(frame)
        if self.speaks is Speaks.HOCUSPOCUS:
            assert reader.string() == self.document
            self._flush_backlog()
        kind = reader.uint()
        if kind == wire.SYNC:
            return self._receive_sync(reader.uint(), reader.blob())
        if kind == wire.AWARENESS:
            again = [self.presence.hear(entry) for entry in wire.read_states(reader.blob())]
            if any(again) and self.speaks is Speaks.Y_WEBSOCKET:
                self.announce()  # the other provider waits for the next renewal
        elif kind == wire.SYNC_STATUS:
            return self._receive_status(applied=reader.uint() == 1)
        else:
            assert kind == wire.AUTH
        return False

    def _receive_sync(self, kind: int, payload: bytes) -> bool:
        if kind == wire.STEP_1:
            self._send(wire.sync(wire.STEP_2, self.doc.get_update(payload)))
            return False
        echoed = [clock for update, clock in self.unechoed if update == payload]
        if kind == wire.UPDATE and echoed:
            self.unechoed.remove((payload, echoed[0]))
            self.saved_clock = max(self.saved_clock, echoed[0])
        if kind == wire.UPDATE and not echoed and not self._is_synced:
            # Yjs lets it wait, unseen, for what the answer brings; this library would show a part.
            self._early.append(payload)
            return False
        before = self.doc.get_state()
        self.doc.apply_update(payload)
        if kind == wire.UPDATE and echoed:
            assert self.doc.get_state() == before
        if kind == wire.STEP_2:
            self._is_synced = True
            for update in self._early:
                self.doc.apply_update(update)
            self._early.clear()
        return False

    def _receive_status(self, *, applied: bool) -> bool:
        self.statuses += 1
        if not applied:
            self.refusals += 1
            return False
        was = self.unsynced
        self.unsynced = max(0, was - 1)
        return was > 0 and self.unsynced == 0

    def _flush_backlog(self) -> None:
        """The first message on a new socket sends what was queued while there was none."""
        if self._is_greeted:
            return
        self._is_greeted = True
        self.excess += len(self.backlog)
        for update in self.backlog:
            self._send(wire.sync(wire.UPDATE, update))
        self.backlog.clear()

    def _send(self, message: bytes) -> None:
        prefix = string(self.document) if self.speaks is Speaks.HOCUSPOCUS else b""
        self.outgoing.append(prefix + message)


def clocks_of(state_vector: bytes) -> dict[int, int]:
    """Read a state vector, leaving out clients of which nothing is there."""
    reader = Reader(state_vector)
    found = {reader.uint(): reader.uint() for _ in range(reader.uint())}
    return {client: clock for client, clock in found.items() if clock}
