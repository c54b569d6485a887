"""What one node says to the others, as values.

An envelope only ever speaks of what is durable, or of what is not kept at all (presence). It may be
lost, arrive twice or late: whoever receives one compares it with what the log is known to hold
(:mod:`collab.cluster.following`), and reads the log where that does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NewType

from collab.ids import FIRST_EPOCH, NO_SEQUENCE, Epoch, RoomKey, Sequence, SessionId, Subject

NodeId = NewType("NodeId", str)
"""Names a node among those of its cluster; the same after a restart if the operator wants so."""

BootEpoch = NewType("BootEpoch", int)
"""Differs between two runs of one node; a later run has a greater one, clocks permitting."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One run of one node."""

    node: NodeId
    boot: BootEpoch

    def __str__(self) -> str:
        """As leases and awareness name it."""
        return f"{self.node}:{self.boot}"


@dataclass(frozen=True, slots=True)
class SharedState:
    """An awareness state, and the session that it belongs to.

    Attributes:
        client_id: whose state.
        clock: as the sender's own sessions were told it.
        heard: as its owner said it.
        state: JSON; None where it was withdrawn.
        session_id: the session that owns the client id, unique on the sender's node; empty for a
            withdrawn state that nobody owns any more.
        subject: whose session it is.
        is_stamped: whether that is proved by a token.
    """

    client_id: int
    clock: int
    heard: int
    state: str | None = field(repr=False)
    session_id: SessionId = SessionId("")
    subject: Subject = field(default=Subject(""), repr=False)
    is_stamped: bool = False


@dataclass(frozen=True, slots=True)
class Updates:
    """Rows that were appended to the room's log.

    Attributes:
        updates: the rows `first` to `last` of the envelope; none where they are to be read from
            the log, because they are large.
    """

    updates: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class States:
    """Awareness states of the sender's sessions in the room that have changed."""

    states: tuple[SharedState, ...]


@dataclass(frozen=True, slots=True)
class Hello:
    """The sender hears the room from now on, and knows its log up to `last`.

    It wants to be told the states of all who are in the room elsewhere.
    """


@dataclass(frozen=True, slots=True)
class Beat:
    """The sender lives; said to all nodes."""


@dataclass(frozen=True, slots=True)
class News:
    """Something that concerns all nodes has changed in the store: they look there at once."""


Content = Updates | States | Hello | Beat | News


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message between nodes.

    Attributes:
        sender: the node that says so, and its run.
        number: grows with every envelope of that run.
        room: which room it is about; `NO_ROOM` for what all nodes are told.
        content: what is said.
        epoch: the log's, for what concerns a log.
        first: sequence of the first row that it speaks of; 0 for none.
        last: of the last one; for a :class:`Hello`, the head that the sender knows.
    """

    sender: Sender
    number: int
    room: RoomKey
    content: Content
    epoch: Epoch = FIRST_EPOCH
    first: Sequence = NO_SEQUENCE
    last: Sequence = NO_SEQUENCE
