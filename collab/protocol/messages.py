"""What both wire protocols say, as plain values: the vocabulary between codec and room.

``payload`` bytes of sync messages are opaque here; the update scan looks into them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SyncStep1:
    """What the sender has: a V1 state vector, encoded."""

    state_vector: bytes


@dataclass(frozen=True, slots=True)
class SyncStep2:
    """What the receiver lacked: a V1 update, in answer to a step 1."""

    update: bytes


@dataclass(frozen=True, slots=True)
class SyncUpdate:
    """One edit (or a merged few): a V1 update."""

    update: bytes


@dataclass(frozen=True, slots=True)
class AwarenessEntry:
    """The state of one client id at a clock.

    Attributes:
        client_id: whose state.
        clock: grows with every change of it.
        state: JSON text as received, or None where the state was withdrawn (JSON ``null``).
    """

    client_id: int
    clock: int
    state: str | None


@dataclass(frozen=True, slots=True)
class AwarenessUpdate:
    """New states of some client ids."""

    entries: tuple[AwarenessEntry, ...]


@dataclass(frozen=True, slots=True)
class QueryAwareness:
    """The sender asks for all current awareness states."""


@dataclass(frozen=True, slots=True)
class Token:
    """A Hocuspocus token, first or renewed; `provider_version` is what v4 appends."""

    token: str
    provider_version: str | None = None


@dataclass(frozen=True, slots=True)
class Stateless:
    """A Hocuspocus message outside the document; this server has no use for it."""

    payload: str


@dataclass(frozen=True, slots=True)
class CloseDocument:
    """Hocuspocus: the sender leaves this document; the socket stays open for others."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Hocuspocus v4's bare keep-alive, without a document name."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to :class:`Ping`."""


SyncMessage = SyncStep1 | SyncStep2 | SyncUpdate
RoomMessage = SyncMessage | AwarenessUpdate | QueryAwareness
"""What a room understands, whichever protocol brought it."""

ChannelMessage = RoomMessage | Token | Stateless | CloseDocument
"""What travels under a document name in Hocuspocus."""
