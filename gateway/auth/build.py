"""Puts the auth parts together as the settings say."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from collab.ids import Milliseconds, UnixSeconds
from gateway.auth.authenticator import Authenticator, Clocks
from gateway.auth.origins import Origins
from gateway.auth.revocations import Revocations, open_revocations
from gateway.auth.tickets import Tickets
from gateway.auth.tokens import SecretKey, TokenRules, TokenVerifier
from gateway.setting_types import AuthMode, BusKind, StoreKind
from gateway.settings import Settings

SYSTEM_CLOCKS: Final = Clocks(
    wall=lambda: UnixSeconds(int(time.time())),
    monotonic=lambda: Milliseconds(time.monotonic_ns() // 1_000_000),
)


@dataclass(frozen=True, slots=True)
class AuthParts:
    """All that guards the doors of one server."""

    authenticator: Authenticator
    tickets: Tickets
    revocations: Revocations
    origins: Origins


def build_auth(settings: Settings, clocks: Clocks = SYSTEM_CLOCKS) -> AuthParts:
    """Build the auth parts; reads the revocations of earlier runs.

    Raises:
        StoreUnavailable: those revocations cannot be read.
    """
    revocations = open_revocations(
        None if settings.store.kind is StoreKind.MEMORY else settings.data,
        lifetime_s=revocation_lifetime_s(settings),
        now=clocks.wall(),
        writes=settings.bus.kind is BusKind.OFF,
    )
    tickets = Tickets()
    verifier, aclose = _verifier(settings)
    authenticator = Authenticator(
        verifier=verifier,
        tickets=tickets,
        revocations=revocations,
        clocks=clocks,
        aclose=aclose,
    )
    loopback_only = settings.is_loopback and not settings.trusted_proxies
    origins = Origins(settings.allowed_origins, loopback_only=loopback_only)
    return AuthParts(authenticator, tickets, revocations, origins)


def revocation_lifetime_s(settings: Settings) -> int:
    """How long a revocation matters: as long as a token that was issued before it can live."""
    return settings.token_lifetime_s_max + 2 * settings.token_leeway_s


def token_rules(settings: Settings) -> TokenRules:
    """What tokens must satisfy under these settings."""
    return TokenRules(
        algorithms=settings.pinned_algorithms,
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        leeway_s=settings.token_leeway_s,
        lifetime_s_max=settings.token_lifetime_s_max,
    )


def _verifier(
    settings: Settings,
) -> tuple[TokenVerifier | None, Callable[[], Awaitable[None]] | None]:
    """What checks tokens, and what closes it."""
    if settings.auth is AuthMode.OPEN:
        return None, None
    rules = token_rules(settings)
    if settings.token_secret is not None:
        secret = SecretKey(settings.token_secret.get_secret_value())
        return TokenVerifier(rules, secret), None
    # An HTTP client takes its time to import, and most servers fetch no keys.
    import httpx  # noqa: PLC0415

    from gateway.auth.jwks import FETCH_TIMEOUT_S, PublicKeys  # noqa: PLC0415

    keys = PublicKeys(
        str(settings.jwks_url),
        rules.algorithms,
        client=httpx.AsyncClient(timeout=FETCH_TIMEOUT_S, follow_redirects=False),
        clock_s=time.monotonic,
    )
    return TokenVerifier(rules, keys), keys.aclose
