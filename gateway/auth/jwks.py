"""The public keys of an identity provider, fetched from its JWKS and followed as they rotate.

Keys are renewed in the background once they are a few minutes old; a key id that is not known leads
to a fetch at once, at most every few seconds however many tokens name unknown keys, and never
more than one fetch at a time. When the provider is away, keys stay good for an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import httpx
import orjson
import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from collab.errors import AuthFailure, KeysUnavailable, Unauthenticated
from collab.limits import KIB
from gateway.setting_types import TokenAlgorithm

JWKS_BYTES_MAX: Final = 256 * KIB
KEYS_MAX: Final = 64
FETCH_TIMEOUT_S: Final = 5.0
FRESH_S: Final = 300.0
RETRY_S: Final = 10.0
STALE_S: Final = 3_600.0
_UNCOMPRESSED: Final = {"Accept-Encoding": "identity"}  # so that the cap is on what arrives
_KEY_TYPES: Final = frozenset({"RSA", "EC", "OKP"})  # never `oct`: a public secret is none


class PublicKeys:
    """A cache of one JWKS.

    Args:
        url: where the JWKS is; https, or http on loopback.
        algorithms: the pinned signature algorithms; keys of others are passed over.
        client: an HTTP client that follows no redirects; closed by :meth:`aclose`.
        clock_s: monotonic seconds.
    """

    def __init__(
        self,
        url: str,
        algorithms: tuple[TokenAlgorithm, ...],
        *,
        client: httpx.AsyncClient,
        clock_s: Callable[[], float],
    ) -> None:
        self._url = url
        self._algorithms = frozenset(algorithm.value for algorithm in algorithms)
        self._client = client
        self._clock_s = clock_s
        self._keys: tuple[PyJWK, ...] = ()
        self._fetched_at_s = -STALE_S
        self._tried_at_s = -RETRY_S
        self._fetching: asyncio.Task[None] | None = None
        self._log = structlog.get_logger()

    async def key(self, kid: str | None) -> PyJWK:
        """The key that signed a token.

        Args:
            kid: the token's key id; a token without one is accepted when there is one key only.

        Raises:
            Unauthenticated: the provider has no such key.
            KeysUnavailable: the provider could not be asked, and there is nothing to go by.
        """
        if self._age_s() > FRESH_S:
            self._start_fetch()
        found = self._find(kid)
        if found is None:
            self._start_fetch()
            if self._fetching is not None:
                # Shielded: whoever waits may give up, the others still want the answer.
                await asyncio.shield(self._fetching)
            found = self._find(kid)
        if found is not None:
            return found
        if self._age_s() > STALE_S:
            raise KeysUnavailable("the keys of the identity provider cannot be had now")
        raise Unauthenticated(
            "the token was signed with an unknown key", reason=AuthFailure.INVALID
        )

    async def aclose(self) -> None:
        """Stop fetching and close the client."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        await self._client.aclose()

    def _age_s(self) -> float:
        return self._clock_s() - self._fetched_at_s

    def _find(self, kid: str | None) -> PyJWK | None:
        if self._age_s() > STALE_S:
            return None
        if kid is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.key_id == kid), None)

    def _start_fetch(self) -> None:
        if self._fetching is not None or self._clock_s() - self._tried_at_s < RETRY_S:
            return
        self._tried_at_s = self._clock_s()
        self._fetching = asyncio.create_task(self._fetch(), name="jwks.fetch")

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                body = await self._download()
            self._keys = _usable_keys(body, self._algorithms)
            self._fetched_at_s = self._clock_s()
            self._log.info("jwks.fetched", keys=len(self._keys))
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            self._log.warning("jwks.fetch_failed", kind=type(error).__name__)
        finally:
            self._fetching = None

    async def _download(self) -> bytes:
        async with self._client.stream("GET", self._url, headers=_UNCOMPRESSED) as response:
            response.raise_for_status()
            if response.is_redirect:
                raise ValueError("the JWKS address redirects")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > JWKS_BYTES_MAX:
                    raise ValueError("the JWKS is too large")
            return bytes(body)


def _usable_keys(body: bytes, algorithms: frozenset[str]) -> tuple[PyJWK, ...]:
    """Signing keys of the pinned algorithms; others in the set are none of our business."""
    document = orjson.loads(body)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > KEYS_MAX:
        raise ValueError("not a JWKS")
    keys = (_usable_key(entry, algorithms) for entry in entries)
    return tuple(key for key in keys if key is not None)


def _usable_key(entry: object, algorithms: frozenset[str]) -> PyJWK | None:
    if not isinstance(entry, dict) or entry.get("kty") not in _KEY_TYPES:
        return None
    if entry.get("use", "sig") != "sig":
        return None
    try:
        key = PyJWK(entry)
    except PyJWTError:
        return None
    return key if key.algorithm_name in algorithms else None
