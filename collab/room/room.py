"""The room: one document live on one node, as a pure state machine.

Values in, effects out; no clock, no I/O. The runner in ``gateway/rooms`` carries the effects out
and calls back with what became of them.

========== ==================== ============ ====================================================
state      event                next         effects
========== ==================== ============ ====================================================
loading    join                 loading      none: the session waits
loading    loaded               live         greetings to all who wait
loading    discard              closed       close all who wait
live       join                 live         greeting: our step 1 (y-websocket editors), present
                                             awareness
live       step 1               live         our step 1 (Hocuspocus), step 2; behind: the states too
live       step 2, update       live         broadcast to the others, persist; owe an
                                             acknowledgement
live       the same, no news    live         owe an acknowledgement
live       the same, by a       live         refuse, in the protocol's words
           reader
live       update that lacks    live         the same, and our step 1 to the sender; the others
           its base                          hear of it when the base is there
live       appended             live         pay what is owed up to the durable ticket
live       update of a peer     live         broadcast to all
live       awareness            live         announce to all
live       leave                live         announce the withdrawal of its awareness
live       new claims           live         tell; ask an editor again for what was refused
live       fell behind          live         none until it has caught up
live       caught up            live         what it missed
live       step 1, 2, update    live         close it with 4410
           of before an erasure
any        discard              closed       close all sessions with one code
closed     join                 closed       none: RoomUnavailable
closed     anything else        closed       none
========== ==================== ============ ====================================================
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from collab.access import Action, Claims, decide
from collab.awareness import AwarenessTable
from collab.errors import LimitExceeded, RoomUnavailable, StateConflict
from collab.history.retired import RetiredClients
from collab.ids import ClientId, Milliseconds, RoomName, SessionId
from collab.limits import STEPS_UNANSWERED_MAX
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
from collab.room.admission import Admitted, RoomLimits, check_client_ids, check_size, holds_retired
from collab.room.applied import Applied
from collab.room.doc import RoomDoc
from collab.room.effects import Announce, Close, Effect, Pending, Persist, Refused, Send, announced
from collab.room.fanout import broadcast_of, news_of_peer
from collab.room.returning import Persons, own_clocks
from collab.room.session import Session, Wire
from collab.room.state import RoomState

__all__ = ["Admitted", "Room", "RoomLimits", "RoomState"]


class Room:
    """One live document and its sessions."""

    def __init__(self, name: RoomName, limits: RoomLimits) -> None:
        self.name = name
        self.limits = limits
        self.state = RoomState.LOADING
        self.doc = RoomDoc(limits.document_bytes_max)
        self.sessions: dict[SessionId, Session] = {}
        self.persons = Persons()
        self.awareness = AwarenessTable(
            limits.awareness_clients_per_session_max, limits.awareness_state_bytes_max
        )
        self.last_ticket = 0
        self.durable_ticket = 0
        self.retired: RetiredClients | None = None

    # Life -------------------------------------------------------------------------------------

    def loaded(self, retired: RetiredClients | None = None) -> list[Effect]:
        """The stored updates are in ``doc``: serve all but who has client ids of an erased one."""
        if self.state is not RoomState.LOADING:
            return []
        self.retired = retired
        self.state = RoomState.LIVE
        return [effect for session in self.sessions.values() for effect in self._greet(session)]

    def discard(self, code: CloseCode, detail: str = "") -> list[Effect]:
        """End the room's life here and close every session; what is not durable is forgotten."""
        self.state = RoomState.CLOSED
        effects: list[Effect] = [Close(session_id, code, detail) for session_id in self.sessions]
        self.sessions.clear()
        self.persons.clear()
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
            RoomUnavailable: its life here has ended.
        """
        if self.state is RoomState.CLOSED:
            raise RoomUnavailable("the room was closed")
        if len(self.sessions) >= self.limits.sessions_max:
            raise LimitExceeded("the room is full", limit="sessions_per_room_max")

    def join(self, session: Session) -> list[Effect]:
        """Let a session in; what it may do is decided again for each of its messages.

        Raises:
            LimitExceeded: the room is full.
            RoomUnavailable: its life here has ended.
        """
        self.check_join()
        self.sessions[session.session_id] = session
        self.persons.joined(session)
        return self._greet(session) if self.state is RoomState.LIVE else []

    def leave(self, session_id: SessionId, now_ms: Milliseconds) -> list[Effect]:
        """A session is gone: withdraw what it showed."""
        session = self.sessions.pop(session_id, None)
        if session is None:
            return []
        self.persons.left(session)
        if not self.sessions:
            self.sessions.clear()  # gives back what an emptied dict keeps
        return announced(self.awareness.leave(session_id, now_ms))

    def set_claims(
        self, session_id: SessionId, claims: Claims, now_ms: Milliseconds
    ) -> list[Effect]:
        """New claims for a live session: refreshed, revoked, or another role, in place."""
        session = self.sessions.get(session_id)
        if session is None:
            return []
        could_edit = self._may(session, Action.EDIT)
        session.claims = claims
        session.rights.clear()
        if not self._may(session, Action.JOIN):
            effects: list[Effect] = [Close(session_id, CloseCode.FORBIDDEN, "access was revoked")]
            return effects + self.leave(session_id, now_ms)
        can_edit = self._may(session, Action.EDIT)
        effects = []
        if session.wire is Wire.HOCUSPOCUS and can_edit != could_edit:
            body = hocuspocus.encode_authenticated(read_only=not can_edit)
            effects.append(Send(session_id, body))
        if can_edit and not could_edit and self.state is RoomState.LIVE:
            effects += self._ask_for_refused(session)
        return effects

    def tick(self, now_ms: Milliseconds) -> list[Effect]:
        """Let time pass: awareness that was not renewed expires."""
        if self.state is not RoomState.LIVE:
            return []
        return announced(self.awareness.expire(now_ms))

    def fell_behind(self, session_id: SessionId, rewind: dict[int, int]) -> None:
        """A session's outbox overflowed at a broadcast; it gets no more until it has drained.

        Args:
            session_id: whose.
            rewind: the clocks before the first update that it was not sent, of those that moved.
        """
        session = self.sessions.get(session_id)
        if session is not None and session.behind is None:
            session.behind = self.doc.rewound(rewind)

    def caught_up(self, session_id: SessionId) -> list[Effect]:
        """A session that fell behind has drained: send it at once all that it missed."""
        session = self.sessions.get(session_id)
        if session is None or session.behind is None:
            return []
        since, session.behind = session.behind, None
        missed = self.doc.difference(encode_state_vector(since))
        body = y_sync.encode_update(missed)
        return [Send(session_id, body, Pending.HELD), *self._present(session_id, missed=True)]

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
                clocks = decode_state_vector(state_vector)
                if self.retired is not None and any(map(self.retired.__contains__, clocks)):
                    return self._send_to_reload(session_id, now_ms)
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
            What to give to :meth:`apply` or :meth:`apply_in_steps`, or the effects of refusing it
            without closing.

        Raises:
            PeerError: the update is refused in a way that ends the sender's connection.
        """
        session = self.sessions.get(session_id)
        if session is None or self.state is not RoomState.LIVE:
            return []
        if self.retired is not None and holds_retired(scanned, self.retired):
            return self._send_to_reload(session_id, now_ms)
        is_step2 = isinstance(message, SyncStep2)
        acknowledgements = session.take_answer() if is_step2 else 1
        may_edit = self._may(session, Action.EDIT)
        if not (may_edit or is_step2):
            return self._refuse_edit(session, acknowledgements)
        adds = self.doc.adds(scanned, exact=is_step2)
        if adds:
            if not may_edit:
                return self._refuse_edit(session, acknowledgements)
            # The answer to a step 1 may hold what others have not had the time to answer.
            unsettled = self.sessions if is_step2 else {}
            check_client_ids(session, scanned, self.doc.clocks, self.awareness, unsettled)
            check_size(message.update, scanned, self.doc, self.limits)
        session.is_settled |= is_step2 and may_edit
        return Admitted(
            session_id, message.update, scanned, is_step2, acknowledgements, adds, now_ms
        )

    def admit_server_edit(self, update: bytes, scanned: ScannedUpdate) -> Admitted:
        """Decide about an edit that comes through the API or from the server itself.

        Raises:
            PeerError: the update is refused.
            RoomUnavailable: the room is not live.
        """
        if self.state is not RoomState.LIVE:
            raise RoomUnavailable("the room is not open")
        if self.retired is not None and holds_retired(scanned, self.retired):
            raise StateConflict("the edit builds on a document that was erased: load it afresh")
        adds = self.doc.adds(scanned)
        if adds:
            check_client_ids(None, scanned, self.doc.clocks, self.awareness, {})
            check_size(update, scanned, self.doc, self.limits)
        return Admitted(None, update, scanned, False, 0, adds, Milliseconds(0))  # noqa: FBT003

    def apply(self, admitted: Admitted) -> list[Effect]:
        """Apply an admitted update at once.

        Raises:
            PeerError: as :meth:`RoomDoc.apply`; nothing changed.
            InvariantViolated: the document can no longer be trusted; discard the room.
        """
        if not admitted.adds:
            return self._applied(admitted, Applied(admitted.update, None, {}, incomplete=False))
        return self._applied(admitted, self.doc.apply(admitted.update, admitted.scanned))

    def apply_in_steps(self, admitted: Admitted) -> Generator[None, float | None, list[Effect]]:
        """Apply an admitted update step by step; the generator returns the effects.

        Send it how many milliseconds each step took. Until it has returned, no other update may be
        admitted: it could build on this one and be stored before it. Once begun it must be run to
        its end, unless the room is discarded.

        Raises:
            PeerError: as :meth:`apply`.
            InvariantViolated: as :meth:`apply`.
        """
        if not admitted.adds:
            return self._applied(admitted, Applied(admitted.update, None, {}, incomplete=False))
        outcome = yield from self.doc.apply_in_steps(admitted.update, admitted.scanned)
        return self._applied(admitted, outcome)

    def peer_update(self, update: bytes, scanned: ScannedUpdate) -> list[Effect]:
        """An update that another writer has stored already: apply it and tell the sessions."""
        if self.state is not RoomState.LIVE or not self.doc.adds(scanned):
            return []
        return news_of_peer(self.doc.apply(update, scanned, stored=True), scanned)

    def peer_update_in_steps(
        self, update: bytes, scanned: ScannedUpdate
    ) -> Generator[None, float | None, list[Effect]]:
        """As :meth:`peer_update`, step by step; no other update may be admitted meanwhile."""
        if self.state is not RoomState.LIVE or not self.doc.adds(scanned):
            return []
        outcome = yield from self.doc.apply_in_steps(update, scanned, stored=True)
        return news_of_peer(outcome, scanned)

    def appended(self, ticket: int) -> list[Effect]:
        """Everything up to a ticket is durable: pay what is owed for it."""
        self.durable_ticket = max(self.durable_ticket, ticket)
        owed = [session for session in self.sessions.values() if session.owed]
        return [effect for session in owed for effect in self._pay(session)]

    # Inside -----------------------------------------------------------------------------------

    def _applied(self, admitted: Admitted, outcome: Applied) -> list[Effect]:
        """An update is in the document: tell the others, have it stored, owe its sender."""
        if self.state is not RoomState.LIVE:
            return []
        effects: list[Effect] = []
        sender = admitted.session_id
        if outcome.news is not None:
            effects.append(broadcast_of(outcome, admitted.scanned, skip=sender))
        if admitted.adds:
            self.last_ticket += 1
            effects.append(Persist(outcome.update, self.last_ticket))
        if sender is not None and (session := self.sessions.get(sender)) is not None:
            effects += self._answer_sender(session, admitted, outcome)
        return effects

    def _may(self, session: Session, action: Action) -> bool:
        may = session.rights.get(action)
        if may is None:
            may = session.rights[action] = decide(session.claims, self.name, action)
        return may

    def _send_to_reload(self, session_id: SessionId, now_ms: Milliseconds) -> list[Effect]:
        """A session holds the document of before an erasure: nothing of it may come back."""
        refused = Refused(session_id, "retired")
        return [refused, Close(session_id, CloseCode.RELOAD), *self.leave(session_id, now_ms)]

    def _greet(self, session: Session) -> list[Effect]:
        effects: list[Effect] = []
        if session.wire is Wire.Y_WEBSOCKET and self._may(session, Action.EDIT):
            # A reader is not asked: its answer could only be refused.
            effects += self._ask(session, acknowledgements=0)
        return effects + self._present(session.session_id)

    def _ask(self, session: Session, *, acknowledgements: int) -> list[Effect]:
        if len(session.asked) >= STEPS_UNANSWERED_MAX:
            raise LimitExceeded(
                f"at most {STEPS_UNANSWERED_MAX} steps 1 may stay unanswered",
                limit="steps_unanswered_max",
            )
        session.asked.append(acknowledgements)
        return [Send(session.session_id, y_sync.encode_step1(self.doc.state_vector()))]

    def _ask_for_refused(self, session: Session) -> list[Effect]:
        """A reader became an editor: what was refused is still with the client, and counted."""
        refused, session.refused = session.refused, 0
        if session.asked:
            session.asked[-1] += refused
            return []
        return self._ask(session, acknowledgements=refused)

    def _answer_step1(self, session: Session, state_vector: bytes) -> list[Effect]:
        if not self._may(session, Action.READ):
            return [Refused(session.session_id, "read")]
        effects: list[Effect] = []
        if session.wire is Wire.HOCUSPOCUS:
            session.begin_handshake()
            effects += self._ask(session, acknowledgements=1)
        for message in self.doc.messages(state_vector):
            effects.append(Send(session.session_id, message, Pending.HELD))
        if session.behind is not None:
            # The document has caught up, and nothing else will tell of the states it missed.
            session.behind = None
            effects += self._present(session.session_id, missed=True)
        return effects

    def _answer_sender(
        self, session: Session, admitted: Admitted, outcome: Applied
    ) -> list[Effect]:
        effects: list[Effect] = []
        if outcome.released is not None:
            body = y_sync.encode_update(outcome.released)
            effects.append(Send(session.session_id, body, Pending.FIRST))
        if outcome.incomplete and not admitted.is_step2 and not session.asked:
            # What is missing is most likely with the sender. (An answer that lacks something will
            # lack it the next time as well.)
            effects += self._ask(session, acknowledgements=0)
        if admitted.is_step2:
            session.owe_step2(self.last_ticket, admitted.acknowledgements)
        else:
            session.owe_update(self.last_ticket, admitted.update)
            if (
                admitted.adds
                and len(admitted.scanned.ranges) == 1
                and not self.awareness.owns_any(session.session_id)
            ):
                client = ClientId(admitted.scanned.ranges[0].client)
                self.awareness.claim(session.publisher, client, admitted.now_ms)
        return effects + self._pay(session)

    def _receive_awareness(
        self, session: Session, entries: Iterable[AwarenessEntry], now_ms: Milliseconds
    ) -> list[Effect]:
        if not self._may(session, Action.PRESENCE):
            return [Refused(session.session_id, "presence")]
        outcome = self.awareness.receive(session.publisher, entries, now_ms)
        own = own_clocks(self.awareness, self.persons, outcome.changed)
        if outcome.echoes != outcome.changed:
            own[session.session_id] = outcome.echoes
        effects: list[Effect] = [Announce(outcome.changed, own)] if outcome.changed else []
        if outcome.corrections:
            effects.append(Send(session.session_id, y_sync.encode_awareness(outcome.corrections)))
        if outcome.conflict is not None:
            effects.append(Close(session.session_id, CloseCode.CLIENT_ID_TAKEN))
            effects += self.leave(session.session_id, now_ms)
        return effects

    def _present(self, session_id: SessionId, *, missed: bool = False) -> list[Effect]:
        table, to = self.awareness, self.sessions[session_id].publisher
        states = table.current(to=to, missed=missed)
        return [Send(session_id, y_sync.encode_awareness(states))] if states else []

    def _pay(self, session: Session) -> list[Effect]:
        return [Send(session.session_id, body) for body in session.pay(self.durable_ticket)]

    def _refuse_edit(self, session: Session, acknowledgements: int) -> list[Effect]:
        refused = Refused(session.session_id, "edit")
        body = session.refuse_edit(acknowledgements)
        return [refused] if body is None else [refused, Send(session.session_id, body)]
