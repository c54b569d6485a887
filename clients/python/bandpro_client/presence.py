"""Who is in a room: what the others show of themselves, and what is shown of this client.

pycrdt's ``Awareness`` remembers the clock of everybody who was ever here and forgets people by the
wall clock. The server withdraws who is gone, so this table holds who is here and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from collab.protocol.messages import AwarenessEntry
from collab.score.schema import Json

PEOPLE_MAX: Final = 4096
"""Of whom one room shows at most; a server allows fewer sessions unless it is told otherwise."""

_NEW_CONNECTION: Final = 2  # the server counted the clock up by one when the last connection ended


@dataclass(frozen=True, slots=True)
class Person:
    """One replica that shows itself in the room; a person may have several.

    Attributes:
        client_id: of the replica, as in the document's structs.
        user_id: the token's ``sub``, as the server has verified it; empty where there are no tokens
            and nothing is said.
        name: what to show beside a cursor; what the token says, where there is one.
        state: all that is shown, such as a cursor or a colour.
    """

    client_id: int
    user_id: str
    name: str
    state: Mapping[str, Json] = field(repr=False)


class Presence:
    """The others, and this client's own state.

    Args:
        client_id: of this client's replica.
    """

    def __init__(self, client_id: int) -> None:
        self.client_id = client_id
        self.others: dict[int, Person] = {}
        self._state: str | None = None
        self._clock = 0

    def show(self, state: Mapping[str, Json] | None) -> None:
        """Set what is shown of this client, or nothing.

        Raises:
            ValueError: it is no JSON.
        """
        text = None if state is None else json.dumps(state, allow_nan=False, separators=(",", ":"))
        self._state, self._clock = text, self._clock + 1

    def own(self, *, renewed: bool = False) -> tuple[AwarenessEntry, ...]:
        """What is to be announced; with a newer clock if it was heard before."""
        if renewed:
            self._clock += 1
        if self._clock == 0:
            return ()
        return (AwarenessEntry(self.client_id, self._clock, self._state),)

    def reconnected(self) -> None:
        """Another connection begins: nobody is known to be there."""
        self.others.clear()
        if self._clock:
            self._clock += _NEW_CONNECTION

    def hear(self, entries: Iterable[AwarenessEntry]) -> bool:
        """Take states that the server sends.

        Returns:
            Whether the own state was withdrawn, though it is still shown, and has to be announced.
        """
        is_withdrawn = False
        for entry in entries:
            if entry.client_id == self.client_id:
                is_withdrawn |= self._hear_own(entry)
            elif entry.state is None:
                self.others.pop(entry.client_id, None)
            elif entry.client_id in self.others or len(self.others) < PEOPLE_MAX:
                self.others[entry.client_id] = _person(entry.client_id, entry.state)
        return is_withdrawn

    def _hear_own(self, entry: AwarenessEntry) -> bool:
        if entry.clock < self._clock or (entry.clock == self._clock and entry.state is not None):
            return False
        self._clock = entry.clock + 1
        return entry.state is None and self._state is not None


def _person(client_id: int, text: str) -> Person:
    try:
        state = json.loads(text)
    except (ValueError, RecursionError):
        state = None
    state = state if isinstance(state, dict) else {}
    user = state.get("user")
    user = user if isinstance(user, dict) else {}
    return Person(client_id, _text(user.get("id")), _text(user.get("name")), state)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
