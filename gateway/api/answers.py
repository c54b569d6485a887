"""What the API's JSON bodies hold; the schemas in the OpenAPI document are made of these."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from collab.access import Role
from collab.limits import ROOM_NAME_BYTES_MAX, UINT53_MAX
from gateway.api.endpoints import ROOM_NAME_PATTERN
from gateway.api.requests import RequestModel
from gateway.api.services import (
    RoomDescription,
    RoomState,
    WireProtocol,
)
from gateway.api.terms import ROOMS_LIMIT_MAX
from gateway.auth.tokens import SUBJECT_BYTES_MAX

_STATE_VECTOR_CHARACTERS_MAX: Final = 16_384  # of a URL that every proxy passes on

Count = Annotated[int, Field(ge=0, le=UINT53_MAX)]
Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=ROOM_NAME_BYTES_MAX,
        # For readers of the schema; what counts is `room_name`, which also counts bytes.
        json_schema_extra={"pattern": ROOM_NAME_PATTERN},
    ),
]


class Answer(BaseModel):
    """A JSON body that the server sends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls, value: object) -> Self:
        """The answer that tells of a value: what has each field as an attribute."""
        return cls.model_validate(value, from_attributes=True)


class Session(Answer):
    """One session of a room."""

    session_id: str = Field(description="Unique within the node.")
    subject: str = Field(description="Who it is; in open mode everybody is `anonymous`.")
    role: Role = Field(description="What it may do now, revocations counted in.")
    protocol: WireProtocol = Field(description="What it speaks.")
    client_ids: list[Count] = Field(description="Yjs client ids seen from it.")
    joined_at: Count = Field(description="Unix time of the join, in seconds.")


class Sessions(Answer):
    """The sessions of a room."""

    sessions: list[Session]


class Erasure(Answer):
    """What an erasure did."""

    epoch: Count = Field(description="Incarnation of the document from now on.")
    clients_retired: Count = Field(
        description="Client ids of the old document, and of those before it, that must reload."
    )
    notes: list[str] = Field(description="What the new document lacks of the old one's content.")


class RoomFacts(Answer):
    """What is told about a room wherever it is told."""

    name: Name = Field(description="The room's name.")
    state: RoomState = Field(description="How it stands on this node.")
    head: Count = Field(description="Sequence of the newest update received.")
    saved: Count = Field(description="Sequence of the newest update that is durable.")
    size_bytes: Count = Field(
        description="Size of the document as one update; of its newest snapshot when not live."
    )
    log_bytes: Count | None = Field(
        description="Size of the updates stored beyond its newest snapshot; null when not live."
    )
    is_bloated: bool | None = Field(
        description="Whether that is over three times the document, and over 256 KiB. Where this "
        "stays, compaction waits or fails. Null when not live."
    )


class RoomLine(RoomFacts):
    """One room of the list."""

    sessions: Count = Field(description="How many sessions are in it.")


class Rooms(Answer):
    """A page of rooms."""

    rooms: list[RoomLine] = Field(description="In order of name.")
    next: Name | None = Field(
        description="What to pass as `after` for the next page; null on the last one."
    )


class Room(RoomFacts):
    """One room in full."""

    epoch: Count = Field(description="Incarnation of the document.")
    snapshot_sequence: Count = Field(description="What the newest snapshot holds.")
    reason: str = Field(description="Why it is quarantined; empty otherwise.")
    sessions: list[Session] = Field(description="Who is in it, oldest first.")

    @classmethod
    def of_description(cls, room: RoomDescription) -> Room:
        """The answer for one room."""
        facts = RoomFacts.of(room.summary)
        return cls(
            **dict(facts),
            epoch=room.epoch,
            snapshot_sequence=room.snapshot_sequence,
            reason=room.reason,
            sessions=[Session.of(session) for session in room.sessions],
        )


class Appended(Answer):
    """An update that is durable."""

    sequence: Count = Field(
        description="Sequence under which it is durable; the present one when it added nothing."
    )


class Ticket(Answer):
    """A one-use ticket."""

    ticket: str = Field(description="Goes into the URL of the websocket as `?ticket=`.")
    room: Name = Field(description="The only room that it opens.")
    expires_in_ms: Count = Field(description="How long it can be used.")


class Revoked(Answer):
    """A revocation in force."""

    subject: str = Field(description="Whom it is about.")
    room: Name | None = Field(description="The room; null for all.")
    role: Role | None = Field(description="The most they may still be; null for nothing.")
    revoked_at: Count = Field(
        description="Unix time in seconds; tokens issued up to then are concerned."
    )


class ListQuery(RequestModel):
    """The query of the list of rooms."""

    after: Name | None = Field(None, description="List rooms after this name.")
    limit: int = Field(100, ge=1, le=ROOMS_LIMIT_MAX, description="How many at most.")


class UpdateQuery(RequestModel):
    """The query of a document."""

    state_vector: str | None = Field(
        None,
        max_length=_STATE_VECTOR_CHARACTERS_MAX,
        description="An encoded state vector as base64url: answer only what lies beyond it.",
    )


class ReleaseQuery(RequestModel):
    """The query of a release."""

    accept_loss: bool = Field(
        False,  # noqa: FBT003 - pydantic's default
        description="Open the room with what is left, although snapshots cannot be read and the "
        "rows merged into them are gone, or although the client ids that its erasure retired are "
        "lost, so that whoever still holds the old document may bring it back.",
    )


class ErasureQuery(RequestModel):
    """The query of an erasure."""

    mode: Literal["history", "everything"] = Field(
        description="`history` leaves the document as it is seen now, by one new author; "
        "`everything` leaves an empty one."
    )
    accept_loss: bool = Field(
        False,  # noqa: FBT003 - pydantic's default
        description="Go on although not all content can be carried over into the new document.",
    )


class NoQuery(RequestModel):
    """No query at all."""


class TicketRequest(RequestModel):
    """What a ticket is asked for."""

    room: Name = Field(description="The room that it shall open.")


class RevocationRequest(RequestModel):
    """What shall be revoked."""

    subject: str = Field(
        min_length=1, max_length=SUBJECT_BYTES_MAX, description="The `sub` of the tokens."
    )
    room: Name | None = Field(None, description="The room concerned; absent for all rooms.")
    role: Role | None = Field(
        None, description="The most they may still be in that room; absent for nothing."
    )
