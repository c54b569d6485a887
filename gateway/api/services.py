"""What the HTTP API asks of the rooms runner: values out, no live objects.

The runner implements both protocols; the API never reaches around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from collab.access import Claims, Role
from collab.ids import ClientId, Epoch, RoomName, Sequence, SessionId, Subject, UnixSeconds
from persistence.erasure import Erased, ErasureMode


class RoomState(StrEnum):
    """How a room stands on this node."""

    STORED = "stored"  # in the store only; opened when somebody joins
    LOADING = "loading"
    LIVE = "live"
    CLOSING = "closing"
    QUARANTINED = "quarantined"


class WireProtocol(StrEnum):
    """What a session speaks."""

    Y_WEBSOCKET = "y-websocket"
    HOCUSPOCUS = "hocuspocus"


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """One line of the list of rooms.

    Attributes:
        name: the room.
        state: how it stands on this node.
        sessions: how many are in it now.
        head: sequence of the newest update received (of the newest stored, when not live).
        saved: sequence of the newest update that is durable; never above `head`.
        size_bytes: of the document as one update when live, of its newest snapshot otherwise; 0
            when there is no snapshot yet.
        log_bytes: of the rows beyond the newest snapshot; None when it is not live.
        is_bloated: whether that is so much beside the document that an operator should look;
            None when it is not live.
    """

    name: RoomName
    state: RoomState
    sessions: int
    head: Sequence
    saved: Sequence
    size_bytes: int
    log_bytes: int | None = None
    is_bloated: bool | None = None


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One session of a live room.

    Attributes:
        session_id: unique within the node.
        subject: who it is; in open mode everybody is the same.
        role: what it may do now, after revocations.
        protocol: what it speaks.
        client_ids: Yjs clients seen from it.
        joined_at: wall-clock second of the join.
    """

    session_id: SessionId
    subject: Subject
    role: Role
    protocol: WireProtocol
    client_ids: tuple[ClientId, ...]
    joined_at: UnixSeconds


@dataclass(frozen=True, slots=True)
class RoomDescription:
    """All that the API tells about one room.

    Attributes:
        summary: as in the list.
        epoch: incarnation of its log.
        snapshot_sequence: what the newest snapshot holds (0 for no snapshot).
        reason: why it is quarantined, for operators; empty otherwise.
        sessions: who is in it, oldest first.
    """

    summary: RoomSummary
    epoch: Epoch
    snapshot_sequence: Sequence
    reason: str
    sessions: tuple[SessionInfo, ...]


class RoomDirectory(Protocol):
    """The rooms of this node, live and stored."""

    async def list_rooms(self, *, after: RoomName | None, limit: int) -> tuple[RoomSummary, ...]:
        """Rooms in order of name (by code point), strictly after a name, `limit` at most.

        A room that is live but not stored yet is listed in its place. Fewer than `limit` means
        that there are no more.

        Raises:
            StoreUnavailable: the store did not answer.
        """

    async def describe(self, name: RoomName) -> RoomDescription | None:
        """One room, or None when it is neither live nor stored. Opens nothing.

        Raises:
            StoreUnavailable: the store did not answer.
        """

    async def close_session(self, name: RoomName, session_id: SessionId) -> bool:
        """Close one session with the terminal code 4403; False when there is none of that id."""

    async def release(self, name: RoomName, *, accept_loss: bool) -> bool:
        """Make a quarantined room openable again; False when it was not quarantined.

        Args:
            name: the room.
            accept_loss: open it with what is left, although stored content is lost.

        Raises:
            StoreUnavailable: the store did not answer.
        """

    async def erase(self, name: RoomName, mode: ErasureMode, *, accept_loss: bool) -> Erased:
        """Erase a room: everybody is closed, and who holds the old document must reload.

        Args:
            name: the room.
            mode: what is to be left.
            accept_loss: go on although not all content can be carried over.

        Raises:
            StateConflict: some content cannot be carried over, or it is being erased already.
            RoomQuarantined: an operator must release it first.
            WorkerFailed: the content could not be rewritten; nothing was changed.
            StoreUnavailable: the old room is there, or the next open completes the erasure.
        """


class RoomDocuments(Protocol):
    """The documents behind the rooms."""

    async def document(self, name: RoomName, *, state_vector: bytes | None) -> bytes | None:
        """The document as one V1 update, or what it has beyond a state vector.

        Args:
            name: the room; it is opened when it is not live.
            state_vector: an encoded state vector; None for the whole document.

        Returns:
            The update; None when the room is neither live nor stored.

        Raises:
            ProtocolError: the state vector cannot be decoded.
            RoomQuarantined: an operator must release the room first.
            RoomUnavailable: it cannot be loaded now.
        """

    async def state_vector(self, name: RoomName) -> bytes | None:
        """The document's encoded state vector, or None when it is neither live nor stored.

        Raises:
            RoomQuarantined: an operator must release the room first.
            RoomUnavailable: it cannot be loaded now.
        """

    async def append(self, name: RoomName, update: bytes, claims: Claims) -> Sequence:
        """Apply a V1 update as if a session had sent it, and wait until it is durable.

        The same scan, limits, log and fan-out as for updates from sessions. Creates the room
        when there is none.

        Returns:
            A sequence up to which the log is durable, with the update within it; others may have
            come after it.

        Raises:
            MalformedUpdate: not an acceptable update; nothing was applied.
            LimitExceeded: the update or the document would be too large.
            AccessDenied: the claims do not allow editing this room.
            RoomQuarantined: an operator must release the room first.
            RoomUnavailable: it cannot be loaded, or the append failed; repeating is safe.
        """
