"""Publishers and entries for tests of awareness."""

from collab.awareness import AwarenessOutcome, AwarenessTable, Publisher
from collab.ids import Milliseconds, SessionId, Subject
from collab.protocol.messages import AwarenessEntry

STATE = '{"a":1}'


def publisher(name: str, subject: str | None = None, *, stamped: bool = True) -> Publisher:
    """A session, by default of a subject of its own."""
    who = Subject(subject or f"u-{name}")
    return Publisher(SessionId(name), who, who.upper(), stamped=stamped)


ANN, BOB = publisher("ann"), publisher("bob")
ANN_AGAIN = publisher("ann-2", "u-ann")
OPEN_1, OPEN_2 = publisher("1", "any", stamped=False), publisher("2", "any", stamped=False)


def entry(client_id: int, clock: int, state: str | None = "{}") -> AwarenessEntry:
    """An entry with a small state."""
    return AwarenessEntry(client_id, clock, state)


def give(
    table: AwarenessTable, who: Publisher, *entries: AwarenessEntry, at_ms: int = 0
) -> AwarenessOutcome:
    """A session's message."""
    return table.receive(who, entries, Milliseconds(at_ms))


def clocks(entries: tuple[AwarenessEntry, ...]) -> list[tuple[int, int, bool]]:
    """Client id, clock, and whether there is a state."""
    return [(one.client_id, one.clock, one.state is not None) for one in entries]


NOTHING = AwarenessOutcome(())
