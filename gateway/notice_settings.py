"""The settings of notifications."""

from __future__ import annotations

from pydantic import BaseModel, Field

from gateway.setting_types import HostNames


class NoticeSettings(BaseModel):
    """Notifications."""

    webhook_hosts: HostNames = Field(
        (),
        description="Hosts that webhooks may name although they are not on the public internet, "
        "with http:// as well.",
    )
