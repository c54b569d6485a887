"""A session: one connection's membership of one room, and what it is still owed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from collab.access import Action, Claims
from collab.awareness import Publisher
from collab.ids import SessionId
from collab.protocol import hocuspocus, y_sync

READ_ONLY_REASON: Final = "read-only"
_SAVED: Final = hocuspocus.encode_sync_status(applied=True)


class Wire(Enum):
    """Which protocol a session speaks; bodies are shared, acknowledgements differ."""

    Y_WEBSOCKET = "y-websocket"
    HOCUSPOCUS = "hocuspocus"


@dataclass(frozen=True, slots=True)
class Owed:
    """An acknowledgement that waits for the log.

    Attributes:
        ticket: the highest append that it vouches for.
        body: what to send once that append is durable.
        count: how often to send it.
    """

    ticket: int
    body: bytes
    count: int = 1


@dataclass(slots=True)
class Session:
    """What a room knows of one of its sessions.

    Attributes:
        session_id: unique within the node.
        claims: what its token says; replaced on refresh and revocation.
        wire: the protocol spoken.
        owed: acknowledgements in the order of their tickets.
        asked: one item for each step 1 of ours that is not answered yet: how many
            acknowledgements its answer earns.
        is_handshaken: whether the handshake's step 2 has come; till then nothing is acknowledged.
        held: acknowledgements earned before that.
        refused: acknowledgements that were refused since the client began to count.
        rights: what was decided about its claims so far; to be cleared when they change.
        is_settled: whether it has brought all that it had written before it came.
        behind: the clocks it had when its outbox overflowed, or None while it keeps up.
    """

    session_id: SessionId
    claims: Claims
    wire: Wire
    owed: list[Owed] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    is_handshaken: bool = False
    held: int = 0
    refused: int = 0
    is_settled: bool = False
    behind: dict[int, int] | None = None
    rights: dict[Action, bool] = field(default_factory=dict)
    _has_begun: bool = False

    @property
    def publisher(self) -> Publisher:
        """Who publishes awareness through this session."""
        return Publisher(
            self.session_id,
            self.claims.subject,
            self.claims.display_name,
            stamped=self.claims.verified,
        )

    def begin_handshake(self) -> None:
        """A Hocuspocus client sent its step 1, and with that began to count from 1.

        Where that was not its first one, it has forgotten what it sent before; to acknowledge
        that now would count down for what it sends from here on.
        """
        if self._has_begun:
            self.owed.clear()
            self.held = 0
        self._has_begun = True
        self.asked = [0] * len(self.asked)
        self.is_handshaken = False
        self.refused = 0

    def take_answer(self) -> int:
        """A step 2 came: how many acknowledgements it earns; none where nothing was asked."""
        return self.asked.pop(0) if self.asked else 0

    def refuse_edit(self, acknowledgements: int) -> bytes | None:
        """Refuse an edit: what to tell the client, in its protocol's words."""
        if self.wire is Wire.Y_WEBSOCKET:
            return y_sync.encode_denied(READ_ONLY_REASON)
        if not acknowledgements:
            return None
        self.refused += acknowledgements
        return hocuspocus.encode_sync_status(applied=False)

    def owe_update(self, ticket: int, update: bytes) -> None:
        """Owe the acknowledgement of an update frame: the echo, or one SyncStatus."""
        if self.wire is Wire.Y_WEBSOCKET:
            self.owed.append(Owed(ticket, y_sync.encode_update(update)))
        elif self.is_handshaken:
            self.owed.append(Owed(ticket, _SAVED))
        else:
            self.held += 1

    def owe_step2(self, ticket: int, count: int) -> None:
        """Owe what a step 2 earned: one for a handshake's, one for each refusal it makes good.

        A Hocuspocus provider counts down from 1 at every connect while it sends its old queue as
        well, so nothing may be acknowledged before the handshake's step 2 is durable.
        """
        if self.wire is Wire.HOCUSPOCUS and count:
            self.owed.append(Owed(ticket, _SAVED, count + self.held))
            self.held = 0
            self.is_handshaken = True

    def pay(self, durable_ticket: int) -> list[bytes]:
        """Take the acknowledgements that are due."""
        due: list[bytes] = []
        paid = 0
        for owed in self.owed:
            if owed.ticket > durable_ticket:
                break
            due += [owed.body] * owed.count
            paid += 1
        del self.owed[:paid]
        return due
