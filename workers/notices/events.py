"""What happens in scores that people and other systems want to know of.

A *cause* is written down before it is tried, and struck when its events were handed on; an *event*
is what is told. Their ids follow from what caused them, so whatever is told twice is recognised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NewType, Self

import orjson

from collab.ids import RoomName, Subject, UnixSeconds

EventId = NewType("EventId", str)
"""32 lower-case hexadecimal digits."""


class EventKind(StrEnum):
    """What happened."""

    COMMENT = "comment"
    MENTION = "mention"
    SHARE = "share"
    EXPORT_READY = "export-ready"
    VERSION_NAMED = "version-named"
    TEST = "test"  # somebody tries whether a webhook works


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that was begun and from which events will follow, if it comes to be.

    Attributes:
        cause_id: of it; the same for what is the same.
        kind: what looks whether it came to be.
        room: the score.
        actor: whose deed it is.
        actor_name: what they are called, where that is known.
        at: when it was written down.
        facts: where to look, as JSON.
        tried_at: when it was last begun; a repeated request begins the same anew.
        revision: of the record.
    """

    cause_id: str
    kind: EventKind
    room: RoomName
    actor: Subject
    actor_name: str | None
    at: float
    facts: Mapping[str, Any] = field(repr=False)
    tried_at: float = 0.0
    revision: int = 0

    def event(
        self,
        kind: EventKind,
        recipients: tuple[Subject, ...],
        data: Mapping[str, Any],
        *distinct: str,
    ) -> Event:
        """An event that follows from this cause.

        Args:
            kind: of it.
            recipients: who is to be told by mail.
            data: what is told, as JSON.
            distinct: tells it from others of the same cause.
        """
        event_id = event_id_of(kind, self.room, self.cause_id, *distinct)
        is_told = kind is EventKind.EXPORT_READY  # who wanted it waits for it
        to = tuple(dict.fromkeys(each for each in recipients if is_told or each != self.actor))
        at = UnixSeconds(int(self.at))
        return Event(event_id, kind, self.room, self.actor, self.actor_name, to, at, data)

    def encode(self) -> bytes:
        """As it is stored."""
        stored = asdict(self)
        del stored["revision"]
        return orjson.dumps(stored)

    @classmethod
    def decode(cls, value: bytes, revision: int) -> Self:
        """Read what `encode` wrote."""
        stored = orjson.loads(value)
        return cls(**stored | {"kind": EventKind(stored["kind"]), "revision": revision})


@dataclass(frozen=True, slots=True)
class Event:
    """What is told.

    Attributes:
        event_id: the same for what is told again.
        kind: what happened.
        room: the score in which it did.
        actor: whose deed it was.
        actor_name: what they are called, where that is known.
        recipients: who is to be told by mail; the actor only of what they waited for.
        at: when it happened.
        data: what else is told, as JSON.
    """

    event_id: EventId
    kind: EventKind
    room: RoomName
    actor: Subject
    actor_name: str | None
    recipients: tuple[Subject, ...]
    at: UnixSeconds
    data: Mapping[str, Any] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """For the payload of a job."""
        return asdict(self)

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `as_json` gave."""
        kind, recipients = EventKind(stored["kind"]), tuple(stored["recipients"])
        return cls(**{**stored, "kind": kind, "recipients": recipients})


def event_id_of(*parts: str) -> EventId:
    """The id of what these say."""
    return EventId(hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32])
