"""Tokens: what a JWT must be to be believed, and what it says.

Claims, beside the registered ``sub``, ``exp``, ``iat``, ``nbf``, ``iss`` and ``aud``::

    {"sub": "u-17", "name": "Clara", "iat": 1767225600, "exp": 1767229200,
     "rooms": {"band/*": "editor", "band/setlist": "owner"}}

``rooms`` maps room names or patterns (``*`` within a segment, ``**`` across segments) to
``owner``, ``editor``, ``commenter`` or ``viewer``; the strongest role that matches counts. An
``email`` counts where ``email_verified`` is true.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import jwt
from jwt import PyJWK

from collab.access import Claims, Grant, Role
from collab.errors import AuthFailure, Unauthenticated
from collab.ids import Subject, UnixSeconds
from collab.limits import TOKEN_BYTES_MAX
from gateway.setting_types import TokenAlgorithm

SUBJECT_BYTES_MAX: Final = 255
DISPLAY_NAME_CHARACTERS_MAX: Final = 128
GRANTS_MAX: Final = 256
PATTERN_BYTES_MAX: Final = 512
_CONTROL_END: Final = 0x20
_DELETE: Final = 0x7F
_C1_END: Final = 0xA0


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What every token must satisfy.

    Attributes:
        algorithms: the pinned signature algorithms.
        issuer: the `iss` required; None to require none.
        audience: the `aud` required; None to refuse tokens that name one.
        leeway_s: by how much clocks may differ, 30 at most.
        lifetime_s_max: the longest span from `iat` to `exp`.
    """

    algorithms: tuple[TokenAlgorithm, ...]
    issuer: str | None = None
    audience: str | None = None
    leeway_s: int = 10
    lifetime_s_max: int = 7 * 86_400


class KeySource(Protocol):
    """Where the key that signed a token comes from."""

    async def key(self, kid: str | None) -> PyJWK:
        """The key of that id; the algorithm is bound to the key, not taken from the token.

        Raises:
            Unauthenticated: there is no such key.
            KeysUnavailable: the keys cannot be had now.
        """


class SecretKey:
    """The one shared secret of HS256, whatever key id a token names."""

    def __init__(self, secret: str) -> None:
        self._key = _symmetric(secret)

    async def key(self, kid: str | None) -> PyJWK:  # noqa: ARG002 - one secret has no ids
        """The secret."""
        return self._key


class TokenVerifier:
    """Turns a token into claims, or says why not.

    Args:
        rules: what every token must satisfy.
        keys: where keys come from.
    """

    def __init__(self, rules: TokenRules, keys: KeySource) -> None:
        self._rules = rules
        self._keys = keys

    async def verify(self, token: str, now: UnixSeconds) -> Claims:
        """Check a token's signature, times and claims.

        Args:
            token: the compact JWT as it was received.
            now: the wall clock.

        Returns:
            The claims; they end `leeway_s` after the token's `exp`, so that whoever is let in by
            the leeway is not closed at once.

        Raises:
            Unauthenticated: the token does not hold; the reason tells expired from invalid.
            KeysUnavailable: the identity provider's keys cannot be had now.
        """
        if len(token) > TOKEN_BYTES_MAX or not token.isascii():
            raise _invalid(f"a token has {TOKEN_BYTES_MAX} ASCII characters at most")
        key = await self._keys.key(self._key_id(token))
        payload = self._verified_payload(token, key)
        issued_at, expires_at = self._checked_times(payload, now)
        subject = _subject(payload)
        return Claims(
            subject=subject,
            display_name=_display_name(payload) or subject,
            grants=_grants(payload.get("rooms", {})),
            expires_at=UnixSeconds(expires_at + self._rules.leeway_s),
            issued_at=UnixSeconds(issued_at),
            email=_email(payload),
        )

    def _key_id(self, token: str) -> str | None:
        """The key id a token names, once its algorithm is known to be one of ours."""
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, RecursionError, ValueError):
            raise _invalid("not a token") from None
        if header.get("alg") not in self._rules.algorithms:
            raise _invalid("the token's algorithm is not accepted here")
        kid = header.get("kid")
        return kid if isinstance(kid, str) else None

    def _verified_payload(self, token: str, key: PyJWK) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm.value for algorithm in self._rules.algorithms],
                issuer=self._rules.issuer,
                audience=self._rules.audience,
                options={
                    "require": ["sub", "exp", "iat"],
                    # Times are checked below, against the clock that was passed in.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "enforce_minimum_key_length": True,
                },
            )
        except jwt.MissingRequiredClaimError as error:
            raise _invalid(f"the token has no {error.claim} claim") from None
        except jwt.InvalidAudienceError:
            raise _invalid("the token is meant for another audience") from None
        except jwt.InvalidIssuerError:
            raise _invalid("the token comes from another issuer") from None
        except (jwt.PyJWTError, RecursionError, ValueError):
            raise _invalid("the token's signature or shape is wrong") from None

    def _checked_times(self, payload: Mapping[str, Any], now: UnixSeconds) -> tuple[int, int]:
        """Return `iat` and `exp` in whole seconds, after checking them and `nbf`."""
        leeway_s = self._rules.leeway_s
        issued_at = _seconds(payload, "iat")
        expires_at = _seconds(payload, "exp")
        if expires_at + leeway_s <= now:
            raise Unauthenticated("the token has expired", reason=AuthFailure.EXPIRED)
        if issued_at - leeway_s > now:
            raise _invalid("the token was issued in the future")
        if "nbf" in payload and _seconds(payload, "nbf") - leeway_s > now:
            raise _invalid("the token is not valid yet")
        if expires_at - issued_at > self._rules.lifetime_s_max:
            raise _invalid(
                f"the token lives longer than {self._rules.lifetime_s_max} s (token_lifetime_s_max)"
            )
        return issued_at, expires_at


@dataclass(frozen=True, slots=True)
class TokenContent:
    """What a development token should say.

    Attributes:
        subject: its `sub`.
        display_name: its `name`; None to leave it out.
        rooms: roles by room name or pattern.
        lifetime_s: from now to `exp`.
    """

    subject: Subject
    display_name: str | None
    rooms: Mapping[str, Role]
    lifetime_s: int


def mint_token(content: TokenContent, *, secret: str, rules: TokenRules, now: UnixSeconds) -> str:
    """Make a token that a verifier with the same rules and secret accepts.

    Args:
        content: what it says.
        secret: the HS256 secret.
        rules: where its `iss` and `aud` come from.
        now: its `iat`.

    Returns:
        The compact JWT.
    """
    payload: dict[str, Any] = {
        "sub": content.subject,
        "iat": now,
        "exp": now + content.lifetime_s,
        "rooms": {pattern: role.value for pattern, role in content.rooms.items()},
    }
    optional = {"name": content.display_name, "iss": rules.issuer, "aud": rules.audience}
    payload |= {claim: value for claim, value in optional.items() if value is not None}
    return jwt.encode(payload, secret, algorithm=TokenAlgorithm.HS256.value)


def _symmetric(secret: str) -> PyJWK:
    encoded = jwt.utils.base64url_encode(secret.encode()).decode()
    return PyJWK({"kty": "oct", "k": encoded}, algorithm=TokenAlgorithm.HS256.value)


def _invalid(message: str) -> Unauthenticated:
    return Unauthenticated(message, reason=AuthFailure.INVALID)


def _seconds(payload: Mapping[str, Any], claim: str) -> int:
    value = payload[claim]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _invalid(f"the token's {claim} is no number")
    return int(value)


def _subject(payload: Mapping[str, Any]) -> Subject:
    subject = payload["sub"]
    if not isinstance(subject, str) or not _is_plain(subject, SUBJECT_BYTES_MAX):
        raise _invalid(f"a token's sub has 1 to {SUBJECT_BYTES_MAX} bytes, no control characters")
    return Subject(subject)


def _display_name(payload: Mapping[str, Any]) -> str:
    name = payload.get("name", "")
    if not isinstance(name, str) or (name and not _is_plain(name, 4 * DISPLAY_NAME_CHARACTERS_MAX)):
        raise _invalid("the token's name is no plain text of reasonable length")
    return name[:DISPLAY_NAME_CHARACTERS_MAX]


def _email(payload: Mapping[str, Any]) -> str | None:
    """The address that the issuer has verified; what is none here only needs a confirmation."""
    email = payload.get("email")
    is_verified = payload.get("email_verified") is True
    return email if is_verified and isinstance(email, str) else None


def _is_plain(text: str, bytes_max: int) -> bool:
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError:
        return False
    return 1 <= size_bytes <= bytes_max and not any(
        ord(character) < _CONTROL_END or _DELETE <= ord(character) < _C1_END for character in text
    )


def _grants(rooms: object) -> tuple[Grant, ...]:
    if not isinstance(rooms, dict) or len(rooms) > GRANTS_MAX:
        raise _invalid(f"the token's rooms are no map of {GRANTS_MAX} entries at most")
    return tuple(_grant(pattern, role) for pattern, role in rooms.items())


def _grant(pattern: str, role: object) -> Grant:
    if not _is_plain(pattern, PATTERN_BYTES_MAX):
        raise _invalid("the token's rooms hold a pattern that matches no room")
    try:
        return Grant(pattern, Role(str(role)))
    except ValueError:
        raise _invalid("the token's rooms hold an unknown role") from None
