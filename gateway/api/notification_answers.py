"""What the JSON bodies about notifications hold."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from collab.limits import MAIL_ADDRESS_CHARS_MAX
from gateway.api.answers import Answer
from gateway.api.requests import RequestModel
from workers.notices.preferences import DEFAULT_TIMINGS, Period, Timing

KindName = Literal["comment", "export-ready", "mention", "share", "version-named"]
TimingName = Literal["at-once", "digest", "never"]
PeriodName = Literal["hourly", "daily", "weekly"]

assert set(get_args(KindName)) == set(DEFAULT_TIMINGS)
assert set(get_args(TimingName)) == set(Timing)
assert set(get_args(PeriodName)) == set(Period)


class NotificationPreferences(Answer):
    """What the token's subject is told by mail."""

    is_available: bool = Field(description="Whether this server sends mail.")
    address: str | None = Field(description="Where to; null for nowhere.")
    is_confirmed: bool = Field(
        description="Whether the address was confirmed; nothing else is sent there before."
    )
    is_unsubscribed: bool = Field(
        description="Whether all mail was ended, by the link in one or here."
    )
    kinds: dict[KindName, TimingName] = Field(description="When each kind of event is told.")
    digest: PeriodName = Field(
        description="How often what is collected comes: each hour, each day at 06:00 UTC, or "
        "Mondays at 06:00 UTC."
    )


class NotificationChange(RequestModel):
    """What is to be changed; what is left out stays."""

    address: str | None = Field(
        None,
        min_length=1,
        max_length=MAIL_ADDRESS_CHARS_MAX,
        description="Where to. It gets a link by mail that confirms it, unless the token says "
        "that it was verified (`email`, `email_verified`); once more for one that is not yet.",
    )
    is_unsubscribed: bool | None = Field(None, description="End all mail, or have it again.")
    kinds: dict[KindName, TimingName] | None = Field(
        None, description="When each of these kinds of events is told."
    )
    digest: PeriodName | None = Field(None, description="How often what is collected comes.")
