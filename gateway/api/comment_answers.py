"""What the JSON bodies about comments hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from collab.limits import (
    COMMENT_CHARS_MAX,
    COMMENT_MENTIONS_MAX,
    COMMENTS_PAGE_MAX,
    UINT53_MAX,
)
from collab.score.anchors import Anchor, AnchorState
from collab.score.comments import Words
from collab.score.schema import ID_CHARS_MAX
from gateway.api.answers import Answer, Count
from gateway.api.requests import RequestModel
from gateway.api.terms import COMMENT_ID_PATTERN
from gateway.auth.tokens import SUBJECT_BYTES_MAX

_CURSOR_PATTERN = r"^[0-9]{16}\.c[0-9a-f]{32}$"

CommentId = Annotated[str, Field(pattern=COMMENT_ID_PATTERN)]
ElementId = Annotated[str, Field(min_length=1, max_length=ID_CHARS_MAX)]
SubjectText = Annotated[str, Field(min_length=1, max_length=SUBJECT_BYTES_MAX)]
Text = Annotated[str, Field(min_length=1, max_length=COMMENT_CHARS_MAX)]
Numerator = Annotated[int, Field(ge=0, le=UINT53_MAX)]
Denominator = Annotated[int, Field(ge=1, le=UINT53_MAX)]
Mentions = Annotated[list[SubjectText], Field(max_length=COMMENT_MENTIONS_MAX)]


class Message(Answer):
    """One message of a thread."""

    message_id: CommentId = Field(description="Unique in the room.")
    author: str = Field(description="Subject of its author's token; empty once erased.")
    name: str | None = Field(description="The display name in that token.")
    text: str = Field(description="Plain text; empty once deleted.")
    mentions: list[str] = Field(description="Subjects who are to know of it.")
    at_ms: Count = Field(description="Unix time of its writing, in milliseconds.")
    edited_ms: Count | None = Field(description="The same of its last edit; null for none.")
    is_deleted: bool = Field(description="Whether only its place is left.")


class Resolution(Answer):
    """Who resolved a thread."""

    by: str = Field(description="Subject of that token; empty once erased.")
    name: str | None = Field(description="The display name in it.")
    at_ms: Count = Field(description="Unix time in milliseconds.")


class Thread(Answer):
    """A thread of comments, and where it stands in the score now."""

    thread_id: CommentId = Field(description="Unique in the room; its first message has it too.")
    element: str | None = Field(description="Id of what it is about; null for a place or all.")
    anchor: AnchorState = Field(
        description="`attached` to what it is about, `detached` from it because that is gone, or "
        "about the `whole` score."
    )
    is_detached: bool = Field(description="Whether what it is about is gone.")
    part: str | None = Field(description="Id of the part where it stands now, or stood last.")
    measure: str | None = Field(description="The same of the measure; null if that is gone.")
    onset: list[int] | None = Field(
        description="Numerator and denominator, in quarter notes from the measure's start."
    )
    resolved: Resolution | None = Field(description="Who resolved it; null while it is open.")
    messages: list[Message] = Field(description="Oldest first.")


class Threads(Answer):
    """A page of threads."""

    threads: list[Thread] = Field(description="Oldest first.")
    next: str | None = Field(
        description="What to pass as `after` for the next page; null on the last one."
    )


class Place(RequestModel):
    """What a thread is about; the whole score where nothing is named."""

    element: ElementId | None = Field(
        None, description="Id of an event, direction, spanner, measure or part."
    )
    measure: ElementId | None = Field(
        None, description="Where it stands, to fall back to; what it is about without an element."
    )
    part: ElementId | None = Field(None, description="The part there.")
    onset: tuple[Numerator, Denominator] | None = Field(
        None, description="Where in the measure, in quarter notes."
    )

    def anchor(self) -> Anchor:
        """The same as a value of the core."""
        return Anchor(self.element, self.part, self.measure, self.onset)


class ReplyRequest(RequestModel):
    """What somebody says, in a thread or instead of what they said."""

    text: Text = Field(description="Plain text.")
    mentions: Mentions = Field([], description="Subjects who are to know of it.")

    def words(self, message_id: str = "", request: str = "") -> Words:
        """The same as a value of the core, each mention once."""
        return Words(self.text, tuple(dict.fromkeys(self.mentions)), message_id, request)


class ThreadRequest(ReplyRequest):
    """A thread to be begun."""

    place: Place = Field(Place(), description="What it is about.")


class ThreadChange(RequestModel):
    """What shall become of a thread."""

    is_resolved: bool = Field(description="Whether it is settled.")


class ForgetRequest(RequestModel):
    """Whose name shall be taken out."""

    subject: SubjectText = Field(description="The `sub` of their tokens.")


class ThreadsQuery(RequestModel):
    """The query of the list of threads."""

    after: str | None = Field(
        None, pattern=_CURSOR_PATTERN, description="List threads after this place."
    )
    limit: int = Field(100, ge=1, le=COMMENTS_PAGE_MAX, description="How many at most.")
    is_resolved: bool | None = Field(None, description="Only those that are, or are not.")
    element: ElementId | None = Field(None, description="Only those about this element.")
