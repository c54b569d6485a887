"""What the JSON bodies about versions hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from collab.history.versions import VersionKind
from collab.limits import VERSION_MESSAGE_CHARS_MAX, VERSION_NAME_CHARS_MAX
from gateway.api.answers import Answer, Count, Name
from gateway.api.requests import RequestModel
from gateway.api.terms import VERSION_ID_PATTERN, VERSIONS_LIMIT_MAX

VersionIdText = Annotated[str, Field(pattern=VERSION_ID_PATTERN)]
Title = Annotated[str, Field(min_length=1, max_length=VERSION_NAME_CHARS_MAX)]
Message = Annotated[str, Field(max_length=VERSION_MESSAGE_CHARS_MAX)]


class Source(Answer):
    """Where a fork came from."""

    room: Name = Field(description="The room that was forked.")
    version_id: VersionIdText = Field(description="Its version.")


class Version(Answer):
    """One version of a room's document."""

    version_id: VersionIdText = Field(description="Unique in the room; later ones are greater.")
    kind: VersionKind = Field(
        description="`automatic` ones are thinned as they age, `named` ones stay."
    )
    name: str = Field(description="What it is called; empty for an automatic one.")
    message: str = Field(description="More about it.")
    author: str | None = Field(
        description="Subject of the token that asked for it; null when made by activity."
    )
    author_name: str | None = Field(description="The display name in that token.")
    created_at: Count = Field(description="Unix time in seconds.")
    epoch: Count = Field(description="Incarnation of the document.")
    sequence: Count = Field(description="It holds all updates up to and with this one.")
    size_bytes: Count = Field(description="Size of its content as one update.")
    checksum: str = Field(description="SHA-256 of its content, in hex.")
    source: Source | None = Field(description="What the room was forked from, in its first one.")


class Versions(Answer):
    """A page of versions."""

    versions: list[Version] = Field(description="Newest first.")
    next: VersionIdText | None = Field(
        description="What to pass as `before` for the next page; null on the last one."
    )


class VersionsQuery(RequestModel):
    """The query of the list of versions."""

    before: VersionIdText | None = Field(None, description="List versions before this one.")
    kind: VersionKind | None = Field(None, description="List only versions of this kind.")
    limit: int = Field(100, ge=1, le=VERSIONS_LIMIT_MAX, description="How many at most.")


class VersionRequest(RequestModel):
    """A named version to be made."""

    name: Title = Field(description="What it shall be called.")
    message: Message = Field("", description="More about it.")


class VersionChange(RequestModel):
    """What shall be told about a version from now on."""

    name: Title | None = Field(
        None, description="Its new name; an automatic version becomes a named one."
    )
    message: Message | None = Field(None, description="Its new message.")


class Restoration(Answer):
    """A restore that is durable."""

    sequence: Count = Field(description="Sequence under which it is durable.")
    undo: VersionIdText | None = Field(
        description="The version of the state before: restore it to undo; null if that was empty."
    )
    notes: list[str] = Field(description="What could not be brought back; empty if all was.")


class ForkRequest(RequestModel):
    """A room to be made of a version."""

    room: Name = Field(description="Its name; nothing may have been written in it yet.")


class CompareQuery(RequestModel):
    """The query of a comparison."""

    to: VersionIdText | None = Field(
        None, description="The version to compare with; the present document when left out."
    )
    view: Literal["document", "score"] = Field(
        "document",
        description="`document` tells of any content, `score` of the elements in each measure.",
    )
