"""The one place where a request, a socket or an in-band token becomes claims."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from collab.access import ANYBODY, Claims
from collab.errors import AuthFailure, Unauthenticated
from collab.ids import Milliseconds, RoomName, UnixSeconds
from gateway.auth.revocations import Revocations
from gateway.auth.tickets import Tickets
from gateway.auth.tokens import TokenVerifier

_BEARER: Final = "bearer"
_TICKET: Final = "ticket"
_TOKEN_PARAMETERS: Final = frozenset({"token", "access_token", "auth", "jwt"})


@dataclass(frozen=True, slots=True)
class Clocks:
    """The two clocks of the gateway, read through functions.

    Attributes:
        wall: seconds since 1970 UTC, as tokens count.
        monotonic: milliseconds that never jump, for time limits.
    """

    wall: Callable[[], UnixSeconds]
    monotonic: Callable[[], Milliseconds]


class Authenticator:
    """Recognises whoever asks; what they may do is for ``collab.access.decide``.

    Args:
        verifier: checks tokens; None for open mode, where everybody is the same owner.
        tickets: where tickets are spent.
        revocations: what was decided since the tokens were issued.
        clocks: the time.
        aclose: what to do when the server ends.
    """

    def __init__(
        self,
        *,
        verifier: TokenVerifier | None,
        tickets: Tickets,
        revocations: Revocations,
        clocks: Clocks,
        aclose: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._verifier = verifier
        self._tickets = tickets
        self._revocations = revocations
        self._clocks = clocks
        self._aclose = aclose

    @property
    def is_open(self) -> bool:
        """Whether everybody gets in."""
        return self._verifier is None

    async def authenticate_request(self, headers: Mapping[str, str]) -> Claims:
        """Recognise an HTTP request by its ``Authorization: Bearer`` header.

        Raises:
            Unauthenticated: no token, or one that does not hold.
            KeysUnavailable: the identity provider's keys cannot be had now.
        """
        if self._verifier is None:
            return ANYBODY
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != _BEARER or not token.strip():
            raise Unauthenticated(
                "an Authorization: Bearer header is needed", reason=AuthFailure.MISSING
            )
        return await self.authenticate_token(token.strip())

    def recognise_socket(
        self, headers: Mapping[str, str], query: Mapping[str, str], room: RoomName
    ) -> Claims | None:
        """Recognise a y-websocket handshake by the ticket in its URL, or leave that to its header.

        Native clients may send the header; browsers cannot, and trade their token for a ticket
        first. A token in the URL is refused, because URLs end up in logs.

        Args:
            headers: of the handshake, by lower-case name.
            query: of its URL, decoded.
            room: the room that the URL names.

        Returns:
            The claims; None where they are for :meth:`authenticate_request` to find.

        Raises:
            Unauthenticated: nothing that could hold was shown.
        """
        if self._verifier is None:
            return ANYBODY
        ticket = query.get(_TICKET)
        if ticket is not None:
            claims = self._tickets.redeem(ticket, room, self._clocks.monotonic())
            return self.still_valid(claims)
        if "authorization" not in headers:
            told = "tokens must not stand in URLs; ask POST /v1/tickets for a ticket"
            if any(parameter in query for parameter in _TOKEN_PARAMETERS):
                raise Unauthenticated(told, reason=AuthFailure.INVALID)
            raise Unauthenticated("a ticket or a token is needed", reason=AuthFailure.MISSING)
        return None

    async def authenticate_token(self, token: str) -> Claims:
        """Recognise a token that came in band, as Hocuspocus clients send it.

        In open mode any token is taken, also none; clients send what their author wrote.

        Raises:
            Unauthenticated: the token does not hold.
            KeysUnavailable: the identity provider's keys cannot be had now.
        """
        if self._verifier is None:
            return ANYBODY
        if not token:
            raise Unauthenticated("a token is needed", reason=AuthFailure.MISSING)
        claims = await self._verifier.verify(token, self._clocks.wall())
        return self._revocations.effective_claims(claims)

    def still_valid(self, claims: Claims) -> Claims:
        """Weigh claims that were verified before against the clock and later revocations.

        Raises:
            Unauthenticated: they have expired, or were revoked as a whole.
        """
        if claims.expires_at is not None and claims.expires_at <= self._clocks.wall():
            raise Unauthenticated("the token has expired", reason=AuthFailure.EXPIRED)
        return self._revocations.effective_claims(claims)

    async def aclose(self) -> None:
        """Let go of what the verifier holds."""
        if self._aclose is not None:
            await self._aclose()
