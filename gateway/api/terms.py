"""What the HTTP API and those who ask it agree on; commands import this without the rest."""

from __future__ import annotations

from typing import Final

from collab.limits import NODE_ID_CHARS_MAX

PREFIX: Final = "/v1"
"""Where the API's paths begin."""

PROBLEM_TYPE_PREFIX: Final = "urn:bandpro:problem:"
"""How the type of each problem of ours begins (RFC 9457)."""

ROOMS_LIMIT_MAX: Final = 500
"""How many rooms one page of the list may have."""

VERSIONS_LIMIT_MAX: Final = 500
"""How many versions one page of the list may have."""

COMMENT_ID_PATTERN: Final = r"^c[0-9a-f]{32}$"
ID_PREFIX_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$"
IDEMPOTENCY_KEY_HEADER: Final = "Idempotency-Key"
LAST_EVENT_ID_HEADER: Final = "Last-Event-ID"
NODE_NAME_PATTERN: Final = rf"^[A-Za-z0-9._-]{{1,{NODE_ID_CHARS_MAX}}}$"
VERSION_ID_PATTERN: Final = r"^[0-9a-z-]{1,64}$"
JOB_ID_PATTERN: Final = r"^[0-9a-f]{40}$"
EVENT_ID_PATTERN: Final = r"^[0-9a-f]{32}$"
WEBHOOK_ID_PATTERN: Final = r"^w[0-9a-f]{32}$"

CONFIRM_PATH: Final = "/notifications/confirm/"
"""Where the link of a mail confirms an address; its token follows."""

UNSUBSCRIBE_PATH: Final = "/notifications/unsubscribe/"
"""Where the link of a mail ends all mail; its token follows."""
