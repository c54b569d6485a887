"""Tokens: which are believed, what they say, and how the others are told apart."""

import json
from dataclasses import replace

import pytest

from collab.access import Grant, Role
from collab.errors import AuthFailure, Unauthenticated
from collab.ids import Subject, UnixSeconds
from gateway.auth.tokens import SecretKey, TokenContent, TokenRules, TokenVerifier, mint_token
from gateway.setting_types import TokenAlgorithm
from tests.support.tokens import SECRET, base64url, hs256, payload_of, rs256_key, signing_input

NOW = 1_800_000_000
RULES = TokenRules((TokenAlgorithm.HS256,), leeway_s=10, lifetime_s_max=3_600)


def verifier(*, issuer: str | None = None, audience: str | None = None) -> TokenVerifier:
    rules = replace(RULES, issuer=issuer, audience=audience)
    return TokenVerifier(rules, SecretKey(SECRET))


async def refusal(
    token: str, *, now: int = NOW, checked_by: TokenVerifier | None = None
) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        await (checked_by or verifier()).verify(token, UnixSeconds(now))
    return caught.value


async def test_a_good_token_says_who_and_where() -> None:
    """Subject, name, grants and times are the token's; the end is its exp plus the leeway."""
    rooms = {"band/*": "editor", "band/setlist": "owner", "**": "viewer"}
    claims = await verifier().verify(
        hs256(payload_of(NOW, name="Clara", rooms=rooms)), UnixSeconds(NOW)
    )
    assert claims.subject == "u-1"
    assert claims.display_name == "Clara"
    assert set(claims.grants) == {
        Grant("band/*", Role.EDITOR),
        Grant("band/setlist", Role.OWNER),
        Grant("**", Role.VIEWER),
    }
    assert claims.issued_at == NOW
    assert claims.expires_at == NOW + 600 + 10
    assert claims.verified
    assert claims.rulings == ()


async def test_without_a_name_the_subject_is_shown() -> None:
    """In token mode the server always speaks for the name."""
    claims = await verifier().verify(hs256(payload_of(NOW)), UnixSeconds(NOW))
    assert claims.display_name == "u-1"


async def test_without_rooms_nothing_is_granted() -> None:
    """ACC-1: Deny by default."""
    payload = payload_of(NOW)
    del payload["rooms"]
    claims = await verifier().verify(hs256(payload), UnixSeconds(NOW))
    assert claims.grants == ()


async def test_the_signature_example_of_rfc_7515_is_checked_as_published() -> None:
    """RFC 7515, A.1: its signature is accepted, for what is missing is found afterwards."""
    token = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    key = (
        b"\x03\x23\x35\x4b\x2b\x0f\xa5\xbc\x83\x7e\x06\x65\x77\x7b\xa6\x8f\x5a\xb3\x28\xe6\xf0\x54"
        b"\xc9\x28\xa9\x0f\x84\xb2\xd2\x50\x2e\xbf\xd3\xfb\x5a\x92\xd2\x06\x47\xef\x96\x8a\xb4\xc3"
        b"\x77\x62\x3d\x22\x3d\x2e\x21\x72\x05\x2e\x4f\x08\xc0\xcd\x9a\xf5\x67\xd0\x80\xa3"
    )

    class Rfc7515Key(SecretKey):
        def __init__(self) -> None:
            from jwt import PyJWK  # noqa: PLC0415 - one test's key

            self._key = PyJWK({"kty": "oct", "k": base64url(key)}, algorithm="HS256")

    with pytest.raises(Unauthenticated, match="has no sub claim"):
        await TokenVerifier(RULES, Rfc7515Key()).verify(token, UnixSeconds(1_300_819_000))


@pytest.mark.parametrize(
    ("age_s", "reason"),
    [(609, None), (610, AuthFailure.EXPIRED), (10_000, AuthFailure.EXPIRED)],
)
async def test_a_token_ends_with_the_leeway_after_its_exp(
    age_s: int, reason: AuthFailure | None
) -> None:
    """AUTH-9: The exp is 600 s after iat, the leeway is 10 s."""
    token = hs256(payload_of(NOW))
    if reason is None:
        await verifier().verify(token, UnixSeconds(NOW + age_s))
    else:
        assert (await refusal(token, now=NOW + age_s)).reason is reason


@pytest.mark.parametrize("claim", ["nbf", "iat"])
async def test_a_token_of_the_future_waits_but_for_the_leeway(claim: str) -> None:
    """AUTH-9: Both nbf and iat may lie up to 10 s ahead."""
    await verifier().verify(hs256(payload_of(NOW) | {claim: NOW + 10}), UnixSeconds(NOW))
    assert (await refusal(hs256(payload_of(NOW) | {claim: NOW + 11}))).reason is AuthFailure.INVALID


async def test_a_token_that_lives_too_long_is_refused() -> None:
    """AUTH-9: Revocations are kept for the longest life of a token, so that life is bounded."""
    await verifier().verify(hs256(payload_of(NOW, lifetime_s=3_600)), UnixSeconds(NOW))
    error = await refusal(hs256(payload_of(NOW, lifetime_s=3_601)))
    assert "token_lifetime_s_max" in str(error)


@pytest.mark.parametrize("claim", ["sub", "exp", "iat"])
async def test_required_claims_are_required(claim: str) -> None:
    """The refusal names the claim."""
    assert f"no {claim} claim" in str(await refusal(hs256(payload_of(NOW) | {claim: None})))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": "soon"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"iat": [NOW]},
        {"nbf": "later"},
        {"sub": 17},
        {"sub": ""},
        {"sub": "a\nb"},
        {"sub": "x" * 256},
        {"sub": "\ud800"},
        {"name": 17},
        {"name": "\x1b[31mred"},
        {"name": "x" * 600},
        {"rooms": ["band/*"]},
        {"rooms": {"band/*": "admin"}},
        {"rooms": {"band/*": ["owner"]}},
        {"rooms": {"": "owner"}},
        {"rooms": {"x" * 513: "owner"}},
        {"rooms": {f"r{n}": "viewer" for n in range(257)}},
        {"jti": 5},
    ],
    ids=lambda changes: json.dumps(changes)[:40],
)
async def test_malformed_claims_are_refused(changes: dict[str, object]) -> None:
    """Whatever stands in a signed token, the answer is a refusal and nothing else."""
    assert (await refusal(hs256(payload_of(NOW) | changes))).reason is AuthFailure.INVALID


async def test_an_unsigned_token_is_refused() -> None:
    """AUTH-7: No `alg: none`, in every spelling."""
    for algorithm in ("none", "None", "NONE", ""):
        signed = signing_input(payload_of(NOW), {"alg": algorithm, "typ": "JWT"})
        assert (await refusal(f"{signed}.")).reason is AuthFailure.INVALID


async def test_another_algorithm_is_refused_even_with_the_right_secret() -> None:
    """AUTH-7: The algorithm is pinned here, not chosen by the token."""
    for header in ({"alg": "HS384"}, {"alg": ["HS256"]}, {"alg": None}, {"alg": "RS256"}):
        error = await refusal(hs256(payload_of(NOW), header=header))
        assert error.reason is AuthFailure.INVALID


async def test_a_public_key_is_no_secret() -> None:
    """Algorithm confusion: a token signed with the text of a public key is refused."""
    jwk = json.dumps(rs256_key("k").jwk())
    assert (await refusal(hs256(payload_of(NOW), secret=jwk))).reason is AuthFailure.INVALID


async def test_a_wrong_secret_and_a_changed_payload_are_refused() -> None:
    """The signature covers header and payload."""
    good = hs256(payload_of(NOW))
    header, payload, signature = good.split(".")
    forged = base64url(json.dumps(payload_of(NOW, rooms={"**": "owner"})).encode())
    for token in (
        hs256(payload_of(NOW), secret=SECRET + "x"),
        f"{header}.{forged}.{signature}",
        f"{header}.{payload}.{signature[:-2]}AA",
        f"{header}.{payload}.",
    ):
        assert (await refusal(token)).reason is AuthFailure.INVALID


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "not a token",
        "a.b.c.d",
        "é.é.é",
        "x" * 8_193,
        base64url(b'{"alg":"HS256"}') + ".e30",
        base64url(b"[" * 4_000) + ".e30.e30",
        base64url(b"{}") + ".e30.e30",
        base64url(b'{"alg":"HS256","kid":7}') + ".e30.e30",
        base64url(b'{"alg":"HS256","crit":["exp"]}') + ".e30.e30",
        base64url(b'{"alg":"HS256","b64":false,"crit":["b64"]}') + "..e30",
    ],
    ids=range(13),
)
async def test_what_is_no_token_is_refused(token: str) -> None:
    """Nothing but Unauthenticated comes out, deep nesting and odd headers included."""
    assert (await refusal(token)).reason is AuthFailure.INVALID


async def test_a_signed_payload_that_is_nested_deeply_is_refused() -> None:
    """The JSON reader's own depth limit does not get out."""
    header = base64url(b'{"alg":"HS256"}')
    bomb = f"{header}.{base64url(b'[' * 5_000)}"
    assert (await refusal(f"{bomb}.{base64url(b'x' * 32)}")).reason is AuthFailure.INVALID


async def test_issuer_and_audience_are_required_once_they_are_set() -> None:
    """AUTH-8: Absent or different is refused; one of several audiences is enough."""
    strict = verifier(issuer="https://id.example", audience="bandpro")
    good = {"iss": "https://id.example", "aud": ["other", "bandpro"]}
    await strict.verify(hs256(payload_of(NOW) | good), UnixSeconds(NOW))
    for wrong in (
        {"aud": "bandpro"},
        {"iss": "https://id.example"},
        good | {"iss": "https://id.example.evil"},
        good | {"aud": "other"},
    ):
        await refusal(hs256(payload_of(NOW) | wrong), checked_by=strict)


async def test_a_token_for_another_audience_is_refused_when_none_is_set() -> None:
    """AUTH-8: RFC 7519, 4.1.3: whoever is not in the audience must reject."""
    assert "another audience" in str(await refusal(hs256(payload_of(NOW, aud="billing"))))


async def test_errors_never_quote_the_token() -> None:
    """What is wrong is said without a word of what was sent."""
    token = hs256(payload_of(NOW, sub="\n", name="Clara"))
    said = str(await refusal(token))
    assert not any(part in said for part in [*token.split("."), "Clara"])


async def test_a_minted_token_is_believed() -> None:
    """What `bandpro token` makes passes the server's own check, issuer and audience included."""
    rules = TokenRules((TokenAlgorithm.HS256,), issuer="me", audience="bandpro")
    content = TokenContent(Subject("u-2"), "Ann", {"band/*": Role.COMMENTER}, 60)
    token = mint_token(content, secret=SECRET, rules=rules, now=UnixSeconds(NOW))
    claims = await TokenVerifier(rules, SecretKey(SECRET)).verify(token, UnixSeconds(NOW))
    assert (claims.subject, claims.display_name) == ("u-2", "Ann")
    assert claims.grants == (Grant("band/*", Role.COMMENTER),)
    assert claims.expires_at == NOW + 60 + rules.leeway_s
