"""Keys of an identity provider: fetched over real HTTP, followed as they rotate, within bounds."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from collab.errors import AuthFailure, KeysUnavailable, Unauthenticated
from collab.ids import UnixSeconds
from gateway.auth.jwks import FRESH_S, JWKS_BYTES_MAX, RETRY_S, STALE_S, PublicKeys
from gateway.auth.tokens import TokenRules, TokenVerifier
from gateway.setting_types import TokenAlgorithm
from tests.support.tokens import (
    SECRET,
    IdentityProvider,
    KeyPair,
    base64url,
    eddsa_key,
    es256_key,
    hs256,
    identity_provider,
    payload_of,
    rs256_key,
)

NOW = UnixSeconds(1_800_000_000)
ALGORITHMS = (TokenAlgorithm.RS256, TokenAlgorithm.ES256, TokenAlgorithm.EDDSA)


class Timer:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
def clock() -> Timer:
    return Timer()


@pytest.fixture
async def keys(provider: IdentityProvider, clock: Timer) -> AsyncIterator[PublicKeys]:
    client = httpx.AsyncClient(trust_env=False)
    cache = PublicKeys(provider.url, ALGORITHMS, client=client, clock_s=clock)
    yield cache
    await cache.aclose()


async def verified(keys: PublicKeys, token: str) -> str:
    rules = TokenRules(ALGORITHMS)
    return (await TokenVerifier(rules, keys).verify(token, NOW)).subject


async def refused(keys: PublicKeys, token: str) -> AuthFailure:
    with pytest.raises(Unauthenticated) as caught:
        await verified(keys, token)
    return caught.value.reason


@pytest.mark.parametrize("pair", [rs256_key("a"), es256_key("b"), eddsa_key("c")])
async def test_each_pinned_algorithm_is_verified(
    provider: IdentityProvider, keys: PublicKeys, pair: KeyPair
) -> None:
    """With and without an `alg` in the key."""
    for jwk in (pair.jwk(), pair.jwk(alg=None, use=None)):
        provider.keys = [jwk]
        assert await verified(keys, pair.sign(payload_of(NOW))) == "u-1"


async def test_a_key_of_another_is_refused(provider: IdentityProvider, keys: PublicKeys) -> None:
    """The key id names the key; signing with one's own does not help."""
    provider.keys = [es256_key("a").jwk()]
    assert await refused(keys, es256_key("a").sign(payload_of(NOW))) is AuthFailure.INVALID


async def test_the_algorithm_is_the_keys_and_not_the_tokens(
    provider: IdentityProvider, keys: PublicKeys
) -> None:
    """AUTH-7: A token that names another pinned algorithm than its key's is refused."""
    pair = rs256_key("a")
    provider.keys = [pair.jwk()]
    await refused(keys, pair.sign(payload_of(NOW), alg="ES256"))


async def test_symmetric_keys_of_a_jwks_are_passed_over(
    provider: IdentityProvider, keys: PublicKeys
) -> None:
    """A published secret is none, and HS256 is not pinned beside public keys."""
    provider.keys = [{"kty": "oct", "kid": "a", "k": base64url(SECRET.encode()), "use": "sig"}]
    await refused(keys, hs256(payload_of(NOW), header={"kid": "a"}))
    await refused(keys, es256_key("a").sign(payload_of(NOW)))


async def test_short_rsa_keys_are_refused(provider: IdentityProvider, keys: PublicKeys) -> None:
    """1024 bits are too few."""
    pair = rs256_key("a", bits=1024)
    provider.keys = [pair.jwk()]
    assert await refused(keys, pair.sign(payload_of(NOW))) is AuthFailure.INVALID


async def test_encryption_keys_are_not_for_signing(
    provider: IdentityProvider, keys: PublicKeys
) -> None:
    """A key of `use: enc` is passed over."""
    pair = es256_key("a")
    provider.keys = [pair.jwk(use="enc")]
    await refused(keys, pair.sign(payload_of(NOW)))


async def test_without_a_key_id_the_only_key_is_meant(
    provider: IdentityProvider, keys: PublicKeys, clock: Timer
) -> None:
    """With two keys a token must say which."""
    first, second = es256_key("a"), es256_key("b")
    provider.keys = [first.jwk()]
    token = first.sign(payload_of(NOW), kid=None)
    assert await verified(keys, token) == "u-1"
    provider.keys = [first.jwk(), second.jwk()]
    clock.now_s += RETRY_S
    assert await verified(keys, second.sign(payload_of(NOW))) == "u-1"
    await refused(keys, token)


async def test_keys_are_fetched_once_and_kept(provider: IdentityProvider, keys: PublicKeys) -> None:
    """However many tokens come, together or one after the other."""
    pair = es256_key("a")
    provider.keys = [pair.jwk()]
    token = pair.sign(payload_of(NOW))
    await asyncio.gather(*(verified(keys, token) for _ in range(50)))
    await verified(keys, token)
    assert provider.requests == 1


async def test_a_new_key_is_found_at_once(
    provider: IdentityProvider, keys: PublicKeys, clock: Timer
) -> None:
    """AUTH-10: Rotation: the first token of an unknown key leads to a fetch."""
    old, new = es256_key("old"), es256_key("new")
    provider.keys = [old.jwk()]
    await verified(keys, old.sign(payload_of(NOW)))
    provider.keys = [old.jwk(), new.jwk()]
    clock.now_s += RETRY_S
    assert await verified(keys, new.sign(payload_of(NOW))) == "u-1"
    assert provider.requests == 2


async def test_unknown_keys_do_not_become_a_storm_of_fetches(
    provider: IdentityProvider, keys: PublicKeys, clock: Timer
) -> None:
    """Between two fetches there is a pause, whatever key ids strangers make up."""
    pair = es256_key("a")
    provider.keys = [pair.jwk()]
    await verified(keys, pair.sign(payload_of(NOW)))
    for number in range(20):
        await refused(keys, pair.sign(payload_of(NOW), kid=f"made-up-{number}"))
    assert provider.requests == 1
    clock.now_s += RETRY_S
    await refused(keys, pair.sign(payload_of(NOW), kid="made-up"))
    assert provider.requests == 2


async def test_a_withdrawn_key_stops_working(
    provider: IdentityProvider, keys: PublicKeys, clock: Timer
) -> None:
    """AUTH-10: Once the keys are no longer fresh they are fetched again, in the background."""
    gone, kept = es256_key("gone"), es256_key("kept")
    provider.keys = [gone.jwk(), kept.jwk()]
    await verified(keys, gone.sign(payload_of(NOW)))
    provider.keys = [kept.jwk()]
    clock.now_s += FRESH_S + 1
    await verified(keys, kept.sign(payload_of(NOW)))
    assert keys._fetching is not None
    await keys._fetching
    await refused(keys, gone.sign(payload_of(NOW)))


async def test_known_keys_do_not_wait_for_a_slow_provider(
    provider: IdentityProvider, keys: PublicKeys, clock: Timer
) -> None:
    """While the fetch hangs, tokens of known keys are verified."""
    pair = es256_key("a")
    provider.keys = [pair.jwk()]
    await verified(keys, pair.sign(payload_of(NOW)))
    provider.gate.clear()
    clock.now_s += FRESH_S + 1
    async with asyncio.timeout(2):
        assert await verified(keys, pair.sign(payload_of(NOW))) == "u-1"


async def test_when_the_provider_is_away_known_keys_last_an_hour(
    provider: IdentityProvider, keys: PublicKeys, clock: Timer
) -> None:
    """AUTH-10: After that, tokens cannot be checked, which is not the client's fault."""
    pair = es256_key("a")
    provider.keys = [pair.jwk()]
    token = pair.sign(payload_of(NOW))
    await verified(keys, token)
    provider.status = 503
    clock.now_s += STALE_S
    assert await verified(keys, token) == "u-1"
    clock.now_s += RETRY_S
    with pytest.raises(KeysUnavailable):
        await verified(keys, token)
    provider.status = 200
    clock.now_s += RETRY_S
    assert await verified(keys, token) == "u-1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"keys": 7}',
        b'{"keys": [' + b'{"kty":"EC"},' * 64 + b'{"kty":"EC"}]}',
        b" " * (JWKS_BYTES_MAX + 1),
    ],
    ids=["empty", "text", "list", "number", "too many", "too large"],
)
async def test_what_is_no_jwks_is_not_taken(
    provider: IdentityProvider, keys: PublicKeys, body: bytes
) -> None:
    """The keys stay unavailable, and nothing else happens."""
    provider.body = body
    with pytest.raises(KeysUnavailable):
        await verified(keys, es256_key("a").sign(payload_of(NOW)))


async def test_odd_entries_do_not_spoil_the_good_ones(
    provider: IdentityProvider, keys: PublicKeys
) -> None:
    """A set may hold keys of kinds that are unknown here."""
    pair = es256_key("a")
    odd: list[dict[str, object]] = [
        {"kty": "EC", "kid": "b"},
        {"kty": "quantum", "kid": "c"},
        {"kid": "d"},
        {"kty": "OKP", "kid": "e", "crv": "X25519", "x": "AA"},
        {"kty": "RSA", "kid": "f", "n": "AA", "e": "AQAB", "alg": "RS512"},
    ]
    provider.keys = [*odd, pair.jwk()]
    assert await verified(keys, pair.sign(payload_of(NOW))) == "u-1"


async def test_redirects_are_not_followed(provider: IdentityProvider, keys: PublicKeys) -> None:
    """The address that was set is the one that is trusted."""
    with identity_provider() as elsewhere:
        pair = es256_key("a")
        elsewhere.keys = [pair.jwk()]
        provider.status, provider.location = 302, elsewhere.url
        with pytest.raises(KeysUnavailable):
            await verified(keys, pair.sign(payload_of(NOW)))
        assert elsewhere.requests == 0
