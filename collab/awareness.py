"""Awareness: ephemeral, clocked states by client id, each owned by one live session.

Rules (y-protocols/awareness, and what a server must add to it):

=====================================  ==========================================================
entry from a session                   outcome
=====================================  ==========================================================
id it owns, newer clock                accepted
id it owns, equal clock, withdrawn     accepted
id nobody owns, newer clock            accepted; the session owns the id from now on
id never heard of, withdrawn           ignored
id of the same person's session,       accepted and taken over, if the session owns nothing yet:
clock not older                        a reconnect whose old socket has not died yet
id of another subject's session,       conflict, if the session owns nothing yet: one client id
newer clock                            lives in two places
id of another session, otherwise       ignored: clients repeat what they have heard
free id, clock too old                 accepted at the next clock, if the session owns nothing
                                       yet: a reconnect that was not told of its withdrawal
own or free id, clock too old,         ignored; the sender is told the newest clock, so that it
otherwise                              goes beyond it at once
=====================================  ==========================================================

Sessions on other nodes own ids as well; what becomes of their entries:

=====================================  ==========================================================
entry from another node                outcome
=====================================  ==========================================================
id that a session of that node owns,   accepted: that node has judged it
or nobody
id of a session elsewhere, or here     taken over, if it is the same person's and the clock is
                                       not older; otherwise ignored
withdrawn                              withdrawn if a session of that node owns it
=====================================  ==========================================================

The same person is the same subject by a verified token; unverified subjects prove nothing.

An owner's clock is compared with what it last said itself. Where others have been told a higher
one (a withdrawal that its owner does not know of), they are told the next one after that; the
owner hears its own states with its own clocks only, else they would undo what it has changed since;
so does the same person's new session that shows nothing yet: it may be the owner, back again.
Nobody can publish or withdraw another's state. The caller passes the time; there is no timer here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from collab.errors import LimitExceeded
from collab.ids import ClientId, Milliseconds, SessionId, Subject
from collab.limits import (
    AWARENESS_CLIENTS_PER_SESSION_MAX,
    AWARENESS_EXPIRY_MS,
    AWARENESS_STATE_BYTES_MAX,
    AWARENESS_TOMBSTONE_MS,
)
from collab.protocol.awareness_state import checked_state
from collab.protocol.messages import AwarenessEntry


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes: a session, the subject behind it, and the name to stamp on its states.

    Attributes:
        session_id: the session.
        subject: whose session it is.
        display_name: stamped as ``user.name``; with `stamped` False the client's word stands.
        stamped: whether ``user.id`` and ``user.name`` are set from the token.
        node: which other node the session is on; empty for this one.
    """

    session_id: SessionId
    subject: Subject
    display_name: str | None = None
    stamped: bool = False
    node: str = ""

    @property
    def stamp(self) -> dict[str, str] | None:
        """What a state says of its user; None where the client's word stands."""
        name = self.display_name or self.subject
        return {"id": self.subject, "name": name} if self.stamped else None


@dataclass(frozen=True, slots=True)
class AwarenessOutcome:
    """What a message changed.

    Attributes:
        changed: entries to send to everybody; to the sender with its own clocks.
        echoes: the same entries with the sender's own clocks.
        corrections: entries to send to the sender alone: its clock was behind.
        conflict: the session that owns an id which another subject's session just used.
    """

    changed: tuple[AwarenessEntry, ...]
    echoes: tuple[AwarenessEntry, ...] = ()
    corrections: tuple[AwarenessEntry, ...] = ()
    conflict: SessionId | None = None


class _Verdict(Enum):
    """What becomes of an entry."""

    ACCEPT = "accept"
    IGNORE = "ignore"
    CORRECT = "correct"
    CONFLICT = "conflict"


@dataclass(slots=True)
class _Record:
    clock: int
    heard: int  # the clock that the owner said itself
    state: str | None
    owner: Publisher | None
    touched_ms: Milliseconds


@dataclass(slots=True)
class AwarenessTable:
    """All awareness states of one room."""

    clients_per_session_max: int = AWARENESS_CLIENTS_PER_SESSION_MAX
    state_bytes_max: int = AWARENESS_STATE_BYTES_MAX
    _records: dict[int, _Record] = field(default_factory=dict)
    _owned: dict[SessionId, set[int]] = field(default_factory=dict)

    def receive(
        self, publisher: Publisher, entries: Iterable[AwarenessEntry], now_ms: Milliseconds
    ) -> AwarenessOutcome:
        """Take a session's entries, by the table at the top of this module.

        Args:
            publisher: the sending session.
            entries: as decoded.
            now_ms: the caller's monotonic clock.

        Returns:
            What changed, what to correct, and with whom the sender conflicts, if with anybody.

        Raises:
            ProtocolError: a state is no JSON object.
            LimitExceeded: the session would own more client ids than it may.
        """
        changed: list[AwarenessEntry] = []
        echoes: list[AwarenessEntry] = []
        corrections: list[AwarenessEntry] = []
        conflict = None
        for entry in entries:
            record = self._records.get(entry.client_id)
            verdict = self._judge(publisher, record, entry)
            if verdict is _Verdict.CONFLICT and record is not None and record.owner is not None:
                conflict = record.owner.session_id
                break
            if verdict is _Verdict.ACCEPT:
                accepted = self._accept(publisher, entry, now_ms)
                changed.append(accepted)
                echoes.append(AwarenessEntry(entry.client_id, entry.clock, accepted.state))
            elif verdict is _Verdict.CORRECT and record is not None:
                corrections.append(AwarenessEntry(entry.client_id, record.clock, None))
        return AwarenessOutcome(tuple(changed), tuple(echoes), tuple(corrections), conflict)

    def owner_of(self, client_id: int) -> Publisher | None:
        """The live session that owns a client id, or None."""
        record = self._records.get(client_id)
        return record.owner if record else None

    def owned_among(self, client_ids: Iterable[int]) -> dict[int, Publisher]:
        """Who owns which of some client ids, for those that are owned."""
        found: dict[int, Publisher] = {}
        for client_id in self._records.keys() & set(client_ids):
            owner = self._records[client_id].owner
            if owner is not None:
                found[client_id] = owner
        return found

    def owns_any(self, session_id: SessionId) -> bool:
        """Whether a session owns a client id."""
        return bool(self._owned.get(session_id))

    def owned_by(self, session_id: SessionId) -> frozenset[int]:
        """The client ids a session owns."""
        return frozenset(self._owned.get(session_id, ()))

    def claim(self, publisher: Publisher, client_id: ClientId, now_ms: Milliseconds) -> None:
        """Let a session that owns no id yet own one that is free: it has just written with it."""
        if self._owned.get(publisher.session_id):
            return
        record = self._records.get(client_id)
        if record is None:
            record = self._records[client_id] = _Record(-1, -1, None, None, now_ms)
        if record.owner is None:
            record.owner = publisher
            self._owned.setdefault(publisher.session_id, set()).add(client_id)

    def leave(self, session_id: SessionId, now_ms: Milliseconds) -> tuple[AwarenessEntry, ...]:
        """Withdraw all that a session owned; returns the entries that tell the others."""
        withdrawn = []
        for client_id in sorted(self._owned.pop(session_id, ())):
            record = self._records[client_id]
            if record.clock < 0:  # it was written with and never shown: nobody must be told
                del self._records[client_id]
                continue
            record.owner = None
            entry = self._withdraw(client_id, record, now_ms)
            if entry is not None:
                withdrawn.append(entry)
        self._give_back()
        return tuple(withdrawn)

    def expire(self, now_ms: Milliseconds) -> tuple[AwarenessEntry, ...]:
        """Withdraw states that were not renewed in time and forget old withdrawn ones."""
        withdrawn = []
        for client_id, record in list(self._records.items()):
            age_ms = now_ms - record.touched_ms
            if record.state is not None and age_ms >= AWARENESS_EXPIRY_MS:
                entry = self._withdraw(client_id, record, now_ms)
                if entry is not None:
                    withdrawn.append(entry)
            elif record.state is None and record.owner is None and age_ms >= AWARENESS_TOMBSTONE_MS:
                del self._records[client_id]
        self._give_back()
        return tuple(withdrawn)

    # Other nodes ----------------------------------------------------------------------------------

    def receive_peer(
        self, publisher: Publisher, entry: AwarenessEntry, heard: int, now_ms: Milliseconds
    ) -> AwarenessEntry | None:
        """Take an entry from another node, which has checked and stamped it.

        Args:
            publisher: the session there, with a session id that is unique among all nodes.
            entry: as that node's own sessions were told it.
            heard: the clock that its owner said itself.
            now_ms: the caller's monotonic clock.

        Returns:
            What to tell the sessions here; None for no news.
        """
        record = self._records.get(entry.client_id)
        owner = record.owner if record is not None else None
        is_theirs = owner is not None and owner.node == publisher.node
        if entry.state is None:
            if record is None or owner is None or not is_theirs:
                return None
            self._disown(owner.session_id, entry.client_id)
            record.owner = None
            record.clock = max(record.clock, entry.clock - 1)
            return self._withdraw(entry.client_id, record, now_ms)
        if record is not None and owner is not None and not is_theirs:
            if not _is_same_person(owner, publisher):
                return None
            # Equal: it may be the old session that is told of, and the one here is in touch.
            if heard < record.heard or (heard == record.heard and not owner.node):
                return None
        if record is not None and is_theirs and record.heard == heard:
            record.touched_ms = now_ms
            if record.state == entry.state:
                return None
        try:
            self._own(publisher, entry.client_id)
        except LimitExceeded:
            return None
        clock = _next_clock(record, entry)
        self._records[entry.client_id] = _Record(clock, heard, entry.state, publisher, now_ms)
        return AwarenessEntry(entry.client_id, clock, entry.state)

    def node_gone(self, node: str, now_ms: Milliseconds) -> tuple[AwarenessEntry, ...]:
        """Withdraw all that sessions of another node own; returns what tells the others."""
        owners = [record.owner for record in self._records.values()]
        sessions = {each.session_id for each in owners if each is not None and each.node == node}
        return tuple(entry for each in sorted(sessions) for entry in self.leave(each, now_ms))

    def of_this_node(
        self, client_ids: Iterable[int] | None = None
    ) -> list[tuple[AwarenessEntry, int, Publisher | None]]:
        """What other nodes should know: states here, withdrawn ones as well.

        Each with the clock that its owner said itself, and with its owner.

        Args:
            client_ids: of those, as far as they are known; None for all that are shown.
        """
        found: list[tuple[AwarenessEntry, int, Publisher | None]] = []
        for client_id in self._records if client_ids is None else client_ids:
            record = self._records.get(client_id)
            if record is None or record.clock < 0 or (record.state is None and client_ids is None):
                continue  # forgotten, or written with and never shown
            if record.owner is None or not record.owner.node:
                entry = AwarenessEntry(client_id, record.clock, record.state)
                found.append((entry, record.heard, record.owner))
        return found

    def heard(self, client_id: int) -> AwarenessEntry | None:
        """A present state with the clock of its owner, where others are told a higher one."""
        record = self._records.get(client_id)
        if record is None or record.state is None or record.clock == record.heard:
            return None
        return AwarenessEntry(client_id, record.heard, record.state)

    def current(
        self,
        *,
        to: Publisher | None = None,
        missed: bool = False,
    ) -> tuple[AwarenessEntry, ...]:
        """All present states, for somebody who joins or asks, but without their own.

        Args:
            to: who that is.
            missed: with withdrawn ones as well, which they may have missed.
        """
        return tuple(
            AwarenessEntry(client_id, _told_clock(record, to), record.state)
            for client_id, record in self._records.items()
            if (record.state is not None or (missed and record.clock >= 0))
            and not _is_owned(record, to)
        )

    def _judge(
        self, publisher: Publisher, record: _Record | None, entry: AwarenessEntry
    ) -> _Verdict:
        """What to do with an entry, by the table at the top."""
        if record is None:
            return _Verdict.IGNORE if entry.state is None else _Verdict.ACCEPT
        if record.owner is None:
            return self._judge_free(publisher, record, entry)
        if record.owner.session_id != publisher.session_id:
            return self._judge_foreign(publisher, record.owner, record, entry)
        if entry.clock > record.heard:
            return _Verdict.ACCEPT
        if entry.state is None:
            is_news = entry.clock == record.heard and record.state is not None
            return _Verdict.ACCEPT if is_news else _Verdict.IGNORE
        is_shown = entry.clock == record.heard and record.state is not None
        return _Verdict.IGNORE if is_shown else _Verdict.CORRECT

    def _judge_free(self, publisher: Publisher, record: _Record, entry: AwarenessEntry) -> _Verdict:
        if entry.clock > record.clock:
            return _Verdict.ACCEPT
        if entry.state is None:
            return _Verdict.IGNORE
        return _Verdict.CORRECT if self._owned.get(publisher.session_id) else _Verdict.ACCEPT

    def _judge_foreign(
        self, publisher: Publisher, owner: Publisher, record: _Record, entry: AwarenessEntry
    ) -> _Verdict:
        if entry.state is None or self._owned.get(publisher.session_id):
            return _Verdict.IGNORE
        if owner.subject != publisher.subject:
            return _Verdict.CONFLICT if entry.clock > record.clock else _Verdict.IGNORE
        # Compared with what its owner said: a reconnect does not know of any other clock.
        may_take_over = _is_same_person(owner, publisher) and entry.clock >= record.heard
        return _Verdict.ACCEPT if may_take_over else _Verdict.IGNORE

    def _accept(
        self, publisher: Publisher, entry: AwarenessEntry, now_ms: Milliseconds
    ) -> AwarenessEntry:
        state = entry.state
        if state is not None:
            state = checked_state(state, publisher.stamp, self.state_bytes_max)
        self._own(publisher, entry.client_id)
        clock = _next_clock(self._records.get(entry.client_id), entry)
        self._records[entry.client_id] = _Record(clock, entry.clock, state, publisher, now_ms)
        return AwarenessEntry(entry.client_id, clock, state)

    def _own(self, publisher: Publisher, client_id: int) -> None:
        owned = self._owned.setdefault(publisher.session_id, set())
        if client_id not in owned and len(owned) >= self.clients_per_session_max:
            raise LimitExceeded(
                f"one session may show at most {self.clients_per_session_max} client ids",
                limit="awareness_clients_per_session_max",
            )
        record = self._records.get(client_id)
        if record is not None and record.owner is not None and client_id not in owned:
            self._disown(record.owner.session_id, client_id)
        owned.add(client_id)

    def _disown(self, session_id: SessionId, client_id: int) -> None:
        owned = self._owned.get(session_id)
        if owned is not None:
            owned.discard(client_id)
            if not owned:
                del self._owned[session_id]

    def _give_back(self) -> None:
        """Free what emptied dicts keep."""
        if not self._owned:
            self._owned.clear()
        if not self._records:
            self._records.clear()

    def _withdraw(
        self, client_id: int, record: _Record, now_ms: Milliseconds
    ) -> AwarenessEntry | None:
        was_shown = record.state is not None
        record.state = None
        record.touched_ms = now_ms
        if not was_shown:
            return None
        record.clock += 1
        return AwarenessEntry(client_id, record.clock, None)


def _next_clock(record: _Record | None, entry: AwarenessEntry) -> int:
    """The clock with which others take an accepted entry."""
    if record is None or entry.clock > record.clock:
        return entry.clock
    is_equal = entry.clock == record.clock
    if is_equal and record.state is not None:
        return entry.clock  # the same state again, or its withdrawal, which wins when equal
    return record.clock + 1


def _is_owned(record: _Record, by: Publisher | None) -> bool:
    return record.owner is not None and by is not None and record.owner.session_id == by.session_id


def _is_same_person(one: Publisher | None, other: Publisher | None) -> bool:
    """By verified tokens; unverified subjects prove nothing."""
    return bool(one and other and one.stamped and other.stamped and one.subject == other.subject)


def _told_clock(record: _Record, to: Publisher | None) -> int:
    """The clock of a state for somebody who may be its owner, back before the old session died."""
    is_back = record.state is not None and _is_same_person(record.owner, to)
    return record.heard if is_back else record.clock
