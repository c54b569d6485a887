"""What sessions are told of a state that may be theirs, from a connection before this one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collab.awareness import AwarenessTable
from collab.ids import SessionId
from collab.protocol.messages import AwarenessEntry
from collab.room.session import Session


def own_clocks(
    table: AwarenessTable, sessions: Iterable[Session], changed: Sequence[AwarenessEntry]
) -> dict[SessionId, Sequence[AwarenessEntry]]:
    """Changed states as sessions are told them that may be their owner, back again.

    Somebody whose old connection has not died yet is in the room with a new one that has not shown
    anything. Told of the state with a clock beyond its own, a client takes it for its own
    and loses what it has changed since; so it hears the clock that it gave itself.

    Args:
        table: which has taken the states.
        sessions: all of the room.
        changed: as everybody is told them.
    """
    ahead = {entry.client_id for entry in changed if table.leads(entry.client_id)}
    found: dict[SessionId, Sequence[AwarenessEntry]] = {}
    for session in sessions if ahead else ():
        if not table.owns_any(session.session_id):
            told = table.current(to=session.publisher, among=ahead)
            if any(entry not in changed for entry in told):
                found[session.session_id] = told
    return found
