"""The room: one document live on one node, as a pure state machine.

Values in, effects out; no clock, no I/O. The runner in ``gateway/rooms`` carries the effects out
and calls back with what became of them.

========== ==================== ============ ====================================================
state      event                next         effects
========== ==================== ============ ====================================================
loading    join                 loading      none: the session waits
loading    loaded               live         greetings to all who wait
loading    load failed          closed       close all who wait
live       join                 live         greeting: our step 1, present awareness
live       step 1               live         our step 1 (Hocuspocus), step 2
live       step 2, update       live         broadcast to the others, persist; owe an
                                             acknowledgement
live       appended             live         pay what is owed up to the durable ticket
live       awareness            live         broadcast to all
live       leave                live         broadcast the withdrawal of its awareness
live       discard              closed       close all sessions with one code
closed     anything             closed       none
========== ==================== ============ ====================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from collab.access import Action, Claims, decide
from collab.awareness import AwarenessTable
from collab.errors import ClientIdTaken, LimitExceeded, MalformedUpdate
from collab.ids import ClientId, Milliseconds, RoomName, SessionId
from collab.limits import (
    AWARENESS_CLIENTS_PER_SESSION_MAX,
    AWARENESS_STATE_BYTES_MAX,
    DOCUMENT_BYTES_MAX,
    PENDING_UPDATES_BYTES_MAX,
    SESSIONS_PER_ROOM_MAX,
    STEPS_UNANSWERED_MAX,
)
from collab.protocol import hocuspocus, y_sync
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import (
    AwarenessEntry,
    AwarenessUpdate,
    QueryAwareness,
    RoomMessage,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)
from collab.protocol.state_vector import decode_state_vector, encode_state_vector
from collab.protocol.update_scan import ScannedUpdate
from collab.room.doc import Applied, RoomDoc
from collab.room.effects import Broadcast, Close, Effect, Persist, Refused, Send
from collab.room.session import Session, Wire

READ_ONLY_REASON = "read-only"


class RoomState(Enum):
    """Where a room is in its life."""

    LOADING = "loading"
    LIVE = "live"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """What one room may hold; sizes in bytes."""

    document_bytes_max: int = DOCUMENT_BYTES_MAX
    pending_bytes_max: int = PENDING_UPDATES_BYTES_MAX
    sessions_max: int = SESSIONS_PER_ROOM_MAX
    awareness_clients_per_session_max: int = AWARENESS_CLIENTS_PER_SESSION_MAX
    awareness_state_bytes_max: int = AWARENESS_STATE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Admitted:
    """An update that may be applied: what :meth:`Room.admit` decided about it.

    Attributes:
        session_id: the sender; None for an edit by the server itself.
        update: the bytes as received.
        scanned: their scan.
        is_step2: whether it answers a step 1.
        acknowledge: whether the sender is owed an acknowledgement.
        adds: whether it holds anything new; if not, nothing is applied or stored.
        first: effects that come before those of applying it.
    """

    session_id: SessionId | None
    update: bytes
    scanned: ScannedUpdate
    is_step2: bool
    acknowledge: bool
    adds: bool
    first: tuple[Effect, ...] = ()


class Room:
    """One live document and its sessions."""

    def __init__(self, name: RoomName, limits: RoomLimits) -> None:
        self.name = name
        self.limits = limits
        self.state = RoomState.LOADING
        self.doc = RoomDoc()
        self.sessions: dict[SessionId, Session] = {}
        self.awareness = AwarenessTable(
            limits.awareness_clients_per_session_max, limits.awareness_state_bytes_max
        )
        self.last_ticket = 0
        self.durable_ticket = 0
        self._incomplete_bytes = 0

    # Life -------------------------------------------------------------------------------------

    def loaded(self) -> list[Effect]:
        """The stored updates are all in ``doc``: begin to serve those who wait."""
        self.state = RoomState.LIVE
        return [effect for session in self.sessions.values() for effect in self._greet(session)]

    def discard(self, code: CloseCode, detail: str = "") -> list[Effect]:
        """End the room's life here and close every session; what is not durable is forgotten."""
        self.state = RoomState.CLOSED
        effects: list[Effect] = [Close(session_id, code, detail) for session_id in self.sessions]
        self.sessions.clear()
        return effects

    @property
    def is_saved(self) -> bool:
        """Whether the log holds everything that was accepted."""
        return self.durable_ticket == self.last_ticket

    # Sessions ---------------------------------------------------------------------------------

    def check_join(self) -> None:
        """Refuse one more session in a full room.

        Raises:
            LimitExceeded: it is full.
        """
        if len(self.sessions) >= self.limits.sessions_max:
            raise LimitExceeded("the room is full", limit="sessions_per_room_max")

    def join(self, session: Session) -> list[Effect]:
        """Let a session in; what it may do is decided again for each of its messages.

        Raises:
            LimitExceeded: the room is full.
        """
        self.check_join()
        self.sessions[session.session_id] = session
        return self._greet(session) if self.state is RoomState.LIVE else []

    def leave(self, session_id: SessionId, now_ms: Milliseconds) -> list[Effect]:
        """A session is gone: withdraw what it showed."""
        if self.sessions.pop(session_id, None) is None:
            return []
        return self._broadcast_awareness(self.awareness.leave(session_id, now_ms))

    def set_claims(
        self, session_id: SessionId, claims: Claims, now_ms: Milliseconds
    ) -> list[Effect]:
        """New claims for a live session: refreshed, revoked, or another role, in place."""
        session = self.sessions.get(session_id)
        if session is None:
            return []
        could_edit = decide(session.claims, self.name, Action.EDIT)
        session.claims = claims
        if not decide(claims, self.name, Action.JOIN):
            effects: list[Effect] = [Close(session_id, CloseCode.FORBIDDEN, "access was revoked")]
            return effects + self.leave(session_id, now_ms)
        can_edit = decide(claims, self.name, Action.EDIT)
        effects = []
        if session.wire is Wire.HOCUSPOCUS and can_edit != could_edit:
            body = hocuspocus.encode_authenticated(read_only=not can_edit)
            effects.append(Send(session_id, body))
        if can_edit and not could_edit and self.state is RoomState.LIVE:
            # What was refused so far is still with the client.
            effects += self._ask(session, acknowledge=False)
        return effects

    def tick(self, now_ms: Milliseconds) -> list[Effect]:
        """Let time pass: awareness that was not renewed expires."""
        return self._broadcast_awareness(self.awareness.expire(now_ms))

    def fell_behind(self, session_id: SessionId, rewind: dict[int, int] | None) -> None:
        """A session's outbox overflowed at a broadcast; it gets no more until it has drained."""
        session = self.sessions.get(session_id)
        if session is not None and session.behind is None:
            session.behind = self.doc.rewound(rewind or {})

    def caught_up(self, session_id: SessionId) -> list[Effect]:
        """A session that fell behind has drained: send it at once all that it missed."""
        session = self.sessions.get(session_id)
        if session is None or session.behind is None:
            return []
        since, session.behind = session.behind, None
        missed = self.doc.difference(encode_state_vector(since))
        effects: list[Effect] = [Send(session_id, y_sync.encode_update(missed))]
        return effects + self._present(session_id)

    # Messages ---------------------------------------------------------------------------------

    def receive(
        self, session_id: SessionId, message: RoomMessage, now_ms: Milliseconds
    ) -> list[Effect]:
        """Take a message that carries no update.

        Raises:
            PeerError: the message is refused in a way that ends the connection.
        """
        session = self.sessions.get(session_id)
        if session is None or self.state is not RoomState.LIVE:
            return []
        match message:
            case SyncStep1(state_vector):
                return self._answer_step1(session, state_vector)
            case AwarenessUpdate(entries):
                return self._receive_awareness(session, entries, now_ms)
            case QueryAwareness():
                return self._present(session_id) if self._may(session, Action.READ) else []
            case SyncStep2() | SyncUpdate():
                raise TypeError("updates are scanned first, then given to admit()")

    def admit(
        self,
        session_id: SessionId,
        message: SyncStep2 | SyncUpdate,
        scanned: ScannedUpdate,
        now_ms: Milliseconds,
    ) -> Admitted | list[Effect]:
        """Decide about a session's update before anything is applied.

        Returns:
            What to give to :meth:`apply` (or to apply in pieces, then to :meth:`applied`), or the
            effects of refusing it without closing.

        Raises:
            PeerError: the update is refused in a way that ends the sender's connection.
        """
        session = self.sessions.get(session_id)
        if session is None or self.state is not RoomState.LIVE:
            return []
        is_step2 = isinstance(message, SyncStep2)
        acknowledge = session.asked.popleft() if is_step2 and session.asked else not is_step2
        adds = self.doc.adds(scanned)
        if not self._may(session, Action.EDIT) and (adds or not is_step2):
            return self._refuse_edit(session, acknowledge=acknowledge)
        first: list[Effect] = []
        if adds:
            self._check_fillers(session_id, scanned)
            self._check_size(message.update, scanned)
            first = self._settle_client_ids(session, scanned, now_ms)
            if not is_step2 and len(scanned.ranges) == 1:
                client = ClientId(scanned.ranges[0].client)
                self.awareness.claim(session.publisher, client, now_ms)
        return Admitted(
            session_id, message.update, scanned, is_step2, acknowledge, adds, tuple(first)
        )

    def admit_server_edit(self, update: bytes, scanned: ScannedUpdate) -> Admitted:
        """Decide about an edit that comes through the API or from the server itself.

        Raises:
            PeerError: the update is refused.
        """
        adds = self.doc.adds(scanned)
        if adds:
            self._check_fillers(None, scanned)
            self._check_size(update, scanned)
        return Admitted(None, update, scanned, is_step2=False, acknowledge=False, adds=adds)

    def apply(self, admitted: Admitted) -> list[Effect]:
        """Apply an admitted update at once.

        Raises:
            MalformedUpdate: the CRDT library refused it.
            InvariantViolated: the document can no longer be trusted; discard the room.
        """
        if not admitted.adds:
            return self.applied(admitted, Applied(None, {}, incomplete=False))
        return self.applied(admitted, self.doc.apply(admitted.update, admitted.scanned))

    def applied(self, admitted: Admitted, outcome: Applied) -> list[Effect]:
        """An update is in the document: tell the others, have it stored, owe its sender."""
        effects: list[Effect] = list(admitted.first)
        sender = admitted.session_id
        if outcome.news is not None:
            body = y_sync.encode_update(outcome.news)
            effects.append(Broadcast(body, skip=sender, rewind=outcome.rewind))
        if admitted.adds:
            self.last_ticket += 1
            effects.append(Persist(admitted.update, self.last_ticket))
        if outcome.incomplete:
            self._incomplete_bytes += len(admitted.update)
        elif not self.doc.is_incomplete:
            self._incomplete_bytes = 0
        session = self.sessions.get(sender) if sender is not None else None
        if session is None:
            return effects
        if outcome.incomplete and not session.asked:
            # What is missing is most likely with the sender.
            effects += self._ask(session, acknowledge=False)
        if admitted.acknowledge:
            if admitted.is_step2:
                session.owe_step2(self.last_ticket)
            else:
                session.owe_update(self.last_ticket, admitted.update)
            effects += self._pay(session)
        return effects

    def peer_update(self, update: bytes, scanned: ScannedUpdate) -> list[Effect]:
        """An update that another writer has stored already: apply it and tell the sessions."""
        if not self.doc.adds(scanned):
            return []
        outcome = self.doc.apply(update, scanned)
        if outcome.news is None:
            return []
        body = y_sync.encode_update(outcome.news)
        return [Broadcast(body, skip=None, rewind=outcome.rewind)]

    def appended(self, ticket: int) -> list[Effect]:
        """Everything up to a ticket is durable: pay what is owed for it."""
        self.durable_ticket = max(self.durable_ticket, ticket)
        return [effect for session in self.sessions.values() for effect in self._pay(session)]

    # Inside -----------------------------------------------------------------------------------

    def _may(self, session: Session, action: Action) -> bool:
        return decide(session.claims, self.name, action)

    def _greet(self, session: Session) -> list[Effect]:
        effects: list[Effect] = []
        if session.wire is Wire.Y_WEBSOCKET and self._may(session, Action.EDIT):
            # A reader is not asked: its answer could only be refused.
            effects += self._ask(session, acknowledge=True)
        return effects + self._present(session.session_id)

    def _ask(self, session: Session, *, acknowledge: bool) -> list[Effect]:
        if len(session.asked) >= STEPS_UNANSWERED_MAX:
            raise LimitExceeded(
                f"at most {STEPS_UNANSWERED_MAX} steps 1 may stay unanswered",
                limit="steps_unanswered_max",
            )
        session.asked.append(acknowledge)
        return [Send(session.session_id, y_sync.encode_step1(self.doc.state_vector()))]

    def _answer_step1(self, session: Session, state_vector: bytes) -> list[Effect]:
        decode_state_vector(state_vector)
        if not self._may(session, Action.READ):
            return [Refused(session.session_id, "read")]
        effects: list[Effect] = []
        if session.wire is Wire.HOCUSPOCUS:
            # The provider has reset its count of unsynced changes with this step 1.
            session.handshaken = False
            effects += self._ask(session, acknowledge=True)
        body = y_sync.encode_step2(self.doc.difference(state_vector))
        effects.append(Send(session.session_id, body))
        session.behind = None
        return effects

    def _receive_awareness(
        self, session: Session, entries: Iterable[AwarenessEntry], now_ms: Milliseconds
    ) -> list[Effect]:
        if not self._may(session, Action.PRESENCE):
            return [Refused(session.session_id, "presence")]
        outcome = self.awareness.receive(session.publisher, entries, now_ms)
        effects = self._broadcast_awareness(outcome.changed)
        if outcome.corrections:
            body = y_sync.encode_awareness(outcome.corrections)
            effects.append(Send(session.session_id, body))
        if outcome.conflict is not None:
            newcomer = self._newcomer(session.session_id, outcome.conflict)
            effects += self._evict(newcomer, now_ms)
        return effects

    def _broadcast_awareness(self, entries: tuple[AwarenessEntry, ...]) -> list[Effect]:
        # The sender gets its own back: y-websocket takes 30 s of silence for a dead connection.
        return [Broadcast(y_sync.encode_awareness(entries), skip=None)] if entries else []

    def _present(self, session_id: SessionId) -> list[Effect]:
        present = self.awareness.current()
        return [Send(session_id, y_sync.encode_awareness(present))] if present else []

    def _pay(self, session: Session) -> list[Effect]:
        return [Send(session.session_id, body) for body in session.pay(self.durable_ticket)]

    def _refuse_edit(self, session: Session, *, acknowledge: bool) -> list[Effect]:
        effects: list[Effect] = [Refused(session.session_id, "edit")]
        if session.wire is Wire.Y_WEBSOCKET:
            effects.append(Send(session.session_id, y_sync.encode_denied(READ_ONLY_REASON)))
        elif acknowledge:
            effects.append(Send(session.session_id, hocuspocus.encode_sync_status(applied=False)))
        return effects

    def _check_fillers(self, sender: SessionId | None, scanned: ScannedUpdate) -> None:
        """Refuse GC and Skip structs that use up the clocks of an id in use elsewhere.

        Raises:
            MalformedUpdate: a few bytes would discard all that its owner writes from now on.
        """
        for item in scanned.fillers:
            owner = self.awareness.owner_of(item.client)
            is_others = owner is not None and owner.session_id != sender
            if is_others and item.end > self.doc.clocks.get(item.client, 0):
                raise MalformedUpdate("GC or Skip structs under a client id in use elsewhere")

    def _settle_client_ids(
        self, session: Session, scanned: ScannedUpdate, now_ms: Milliseconds
    ) -> list[Effect]:
        """One client id in two subjects' hands: whoever came later must pick another.

        Raises:
            ClientIdTaken: that is the sender.
        """
        effects: list[Effect] = []
        for item in scanned.ranges:
            owner = self.awareness.owner_of(item.client)
            if owner is None or owner.subject == session.claims.subject:
                continue
            if item.end <= self.doc.clocks.get(item.client, 0):
                continue
            if self._newcomer(session.session_id, owner.session_id) == session.session_id:
                raise ClientIdTaken("new edits under a client id in use by somebody else")
            effects += self._evict(owner.session_id, now_ms)
        return effects

    def _newcomer(self, one: SessionId, other: SessionId) -> SessionId:
        return max((one, other), key=list(self.sessions).index)

    def _evict(self, session_id: SessionId, now_ms: Milliseconds) -> list[Effect]:
        close = Close(session_id, CloseCode.CLIENT_ID_TAKEN)
        return [close, *self.leave(session_id, now_ms)]

    def _check_size(self, update: bytes, scanned: ScannedUpdate) -> None:
        pending_bytes = self._incomplete_bytes + len(update)
        if pending_bytes > self.limits.pending_bytes_max and not self.doc.integrates(scanned):
            raise LimitExceeded(
                f"updates that wait for others may take {self.limits.pending_bytes_max} bytes",
                limit="pending_updates_bytes_max",
            )
        limit = self.limits.document_bytes_max
        if self.doc.size_bytes + len(update) <= limit:
            return
        # The estimate only grows; before refusing, measure.
        if len(self.doc.full_update()) + len(update) > limit:
            raise LimitExceeded(
                f"the document may have at most {limit} bytes", limit="document_bytes_max"
            )
