"""What the JSON bodies about webhooks and shares hold."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from collab.access import Role
from collab.limits import WEBHOOKS_MAX
from gateway.api.answers import Answer, Count, Name
from gateway.api.comment_answers import SubjectText
from gateway.api.requests import RequestModel
from gateway.api.terms import EVENT_ID_PATTERN, WEBHOOK_ID_PATTERN
from workers.notices.events import EventKind
from workers.notices.public_hosts import URL_CHARS_MAX

KindName = Literal["comment", "mention", "share", "export-ready", "version-named"]
EventIdText = Annotated[str, Field(pattern=EVENT_ID_PATTERN)]
WebhookIdText = Annotated[str, Field(pattern=WEBHOOK_ID_PATTERN)]

assert set(get_args(KindName)) == set(EventKind) - {EventKind.TEST}


class WebhookDelivery(Answer):
    """An attempt to tell of an event."""

    event_id: EventIdText = Field(description="What `webhook-id` said.")
    kind: EventKind = Field(description="What happened.")
    at: Count = Field(description="When it was tried, in Unix seconds.")
    status: Count | None = Field(description="What was answered; null for no answer.")
    error: str = Field(description="What went wrong; empty for nothing.")


class WebhookFacts(Answer):
    """Who is told of events."""

    webhook_id: WebhookIdText = Field(description="Of it.")
    room: Name | None = Field(description="The room that it is told of; null for all rooms.")
    url: str = Field(description="Where events are sent.")
    kinds: list[EventKind] = Field(description="What it is told of; empty for everything.")
    owner: str = Field(description="Subject of the token that made it.")
    created_at: Count = Field(description="When, in Unix seconds.")
    is_off: bool = Field(
        description="Whether it answered 410, and is told nothing until its secret is changed."
    )
    deliveries: list[WebhookDelivery] = Field(description="The last attempts, newest first.")


class WebhookWithSecret(WebhookFacts):
    """The same, with what it is signed with."""

    secret: str = Field(
        description="What deliveries are signed with. It is told this once: keep it."
    )


class WebhookList(Answer):
    """All webhooks of a room alone, or of all rooms."""

    webhooks: list[WebhookFacts] = Field(description=f"{WEBHOOKS_MAX} at most.")


class WebhookRequest(RequestModel):
    """A webhook to be made."""

    url: Annotated[str, Field(min_length=1, max_length=URL_CHARS_MAX)] = Field(
        description="Where events are sent: by HTTPS, to a host on the public internet."
    )
    kinds: Annotated[list[KindName], Field(max_length=len(EventKind))] = Field(
        [], description="What it is told of; empty for everything."
    )


class EventTold(Answer):
    """An event that will be told."""

    event_id: EventIdText = Field(description="What `webhook-id` will say.")


class ShareRequest(RequestModel):
    """Who is to know that a score is theirs too."""

    subject: SubjectText = Field(description="The `sub` of their tokens.")
    role: Role = Field(description="What they are there.")
