"""What sessions are told of a state that may be theirs, from a connection before this one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collab.awareness import AwarenessTable
from collab.ids import SessionId, Subject
from collab.protocol.messages import AwarenessEntry
from collab.room.session import Session


class Persons:
    """The sessions of each person in a room, by the subjects of verified tokens.

    A table of its own, since a state that may be somebody's own moves with each of their cursor's
    moves: what that costs must not grow with all who are in the room.
    """

    def __init__(self) -> None:
        self._sessions: dict[Subject, dict[SessionId, None]] = {}  # each in the order of joining

    def joined(self, session: Session) -> None:
        """A session is in the room; its subject stays the same as long as it is."""
        if session.claims.verified:
            self._sessions.setdefault(session.claims.subject, {})[session.session_id] = None

    def left(self, session: Session) -> None:
        """It is not any more."""
        of_person = self._sessions.get(session.claims.subject)
        if of_person is not None:
            of_person.pop(session.session_id, None)
            if not of_person:
                del self._sessions[session.claims.subject]
        if not self._sessions:
            self._sessions.clear()  # gives back what an emptied dict keeps

    def clear(self) -> None:
        """Nobody is in the room any more."""
        self._sessions.clear()

    def sessions_of(self, subject: Subject) -> Iterable[SessionId]:
        """A person's sessions."""
        return self._sessions.get(subject, ())


def own_clocks(
    table: AwarenessTable, persons: Persons, changed: Sequence[AwarenessEntry]
) -> dict[SessionId, Sequence[AwarenessEntry]]:
    """Changed states as sessions are told them that may be their owner, back again.

    Somebody whose old connection has not died yet is in the room with a new one that has not shown
    anything. Told of the state with a clock beyond its own, a client takes it for its own
    and loses what it has changed since; so it hears the clock that it gave itself.

    Args:
        table: which has taken the states.
        persons: all who are in the room.
        changed: as everybody is told them.
    """
    told: dict[Subject, list[AwarenessEntry]] = {}
    for client_id in dict.fromkeys(entry.client_id for entry in changed):
        heard = table.heard(client_id)
        owner = table.owner_of(client_id)
        if heard is not None and owner is not None and owner.stamped:
            told.setdefault(owner.subject, []).append(heard)
    return {
        session_id: entries
        for subject, entries in told.items()
        for session_id in persons.sessions_of(subject)
        if not table.owns_any(session_id)
    }
