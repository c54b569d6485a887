"""One-use tickets: how a stock y-websocket client, which can only send a URL, signs in.

``POST /v1/tickets`` trades a token for a ticket; the client connects with ``?ticket=`` within 30 s.
A ticket is spent when it is shown, for whatever room. Only its hash is kept, so that a lookup
tells nothing by its timing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Final

from collab.access import Claims
from collab.errors import AuthFailure, LimitExceeded, Unauthenticated
from collab.ids import Milliseconds, RoomName, Subject

TICKET_LIFETIME_MS: Final = 30_000
TICKETS_PER_SUBJECT_MAX: Final = 64
TICKETS_MAX: Final = 20_000
TICKET_CHARACTERS_MAX: Final = 64
_TICKET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class _Entry:
    claims: Claims
    room: RoomName
    expires_at_ms: Milliseconds


class Tickets:
    """The tickets that are out.

    Args:
        per_subject_max: how many one verified subject may hold at once. In open mode everybody is
            the same subject, so only the total counts.
    """

    def __init__(self, *, per_subject_max: int = TICKETS_PER_SUBJECT_MAX) -> None:
        self._per_subject_max = per_subject_max
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()  # oldest, so soonest spent, first
        self._held: Counter[Subject] = Counter()

    def __len__(self) -> int:
        return len(self._entries)

    def issue(self, claims: Claims, room: RoomName, now_ms: Milliseconds) -> str:
        """Make a ticket that stands for these claims in this room, once.

        Args:
            claims: whom it stands for; whether they may join is the caller's to decide.
            room: the only room it opens.
            now_ms: the monotonic clock.

        Returns:
            The ticket, safe in a URL.

        Raises:
            LimitExceeded: the subject, or everybody together, holds too many.
        """
        self._drop_expired(now_ms)
        if len(self._entries) >= TICKETS_MAX:
            raise LimitExceeded("too many tickets are out", limit="tickets_max")
        if claims.verified and self._held[claims.subject] >= self._per_subject_max:
            raise LimitExceeded(
                f"{self._per_subject_max} unused tickets are out already",
                limit="tickets_per_subject_max",
            )
        ticket = secrets.token_urlsafe(_TICKET_BYTES)
        expires_at_ms = Milliseconds(now_ms + TICKET_LIFETIME_MS)
        self._entries[_digest(ticket)] = _Entry(claims, room, expires_at_ms)
        self._held[claims.subject] += 1
        return ticket

    def redeem(self, ticket: str, room: RoomName, now_ms: Milliseconds) -> Claims:
        """Spend a ticket.

        Raises:
            Unauthenticated: unknown, spent, expired, or made for another room.
        """
        self._drop_expired(now_ms)
        entry = None
        if len(ticket) <= TICKET_CHARACTERS_MAX:
            entry = self._entries.pop(_digest(ticket), None)
        if entry is None:
            raise Unauthenticated(
                "the ticket was used before, or has expired", reason=AuthFailure.INVALID
            )
        self._let_go(entry.claims.subject)
        if entry.room != room:
            raise Unauthenticated("the ticket is for another room", reason=AuthFailure.INVALID)
        return entry.claims

    def _drop_expired(self, now_ms: Milliseconds) -> None:
        while self._entries:
            entry = next(iter(self._entries.values()))
            if entry.expires_at_ms > now_ms:
                return
            self._entries.popitem(last=False)
            self._let_go(entry.claims.subject)

    def _let_go(self, subject: Subject) -> None:
        self._held[subject] -= 1
        if self._held[subject] <= 0:
            del self._held[subject]


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()
