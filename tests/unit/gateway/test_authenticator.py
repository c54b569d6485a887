"""Who is recognised by what: headers, tickets in the URL, tokens in band, and open mode."""

import pytest

from collab.access import ANYBODY, Claims, Role, role_in
from collab.errors import AuthFailure, Unauthenticated
from collab.ids import Milliseconds, RoomName, Subject, UnixSeconds
from gateway.auth.authenticator import Authenticator, Clocks
from gateway.auth.revocation_file import Revocation
from gateway.auth.revocations import Revocations
from gateway.auth.tickets import Tickets
from gateway.auth.tokens import SecretKey, TokenRules, TokenVerifier
from gateway.setting_types import TokenAlgorithm
from tests.support.tokens import SECRET, hs256, payload_of

NOW = 1_800_000_000
ROOM = RoomName("band/score")


class Door:
    """An authenticator with its parts, and clocks that stand still until they are moved."""

    def __init__(self, *, is_open: bool = False) -> None:
        self.now = NOW
        self.tickets = Tickets()
        self.revocations = Revocations([], file=None, lifetime_s=10_000)
        verifier = TokenVerifier(TokenRules((TokenAlgorithm.HS256,), leeway_s=0), SecretKey(SECRET))
        self.authenticator = Authenticator(
            verifier=None if is_open else verifier,
            tickets=self.tickets,
            revocations=self.revocations,
            clocks=Clocks(
                wall=lambda: UnixSeconds(self.now),
                monotonic=lambda: Milliseconds((self.now - NOW) * 1000),
            ),
        )

    async def ticket(self) -> str:
        claims = await self.authenticator.authenticate_token(hs256(payload_of(NOW)))
        return self.tickets.issue(claims, ROOM, Milliseconds((self.now - NOW) * 1000))

    async def refusal(self, headers: dict[str, str], query: dict[str, str]) -> Unauthenticated:
        with pytest.raises(Unauthenticated) as caught:
            await self.recognise(headers, query)
        return caught.value

    async def recognise(self, headers: dict[str, str], query: dict[str, str]) -> Claims:
        claims = self.authenticator.recognise_socket(headers, query, ROOM)
        return claims or await self.authenticator.authenticate_request(headers)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_request_is_recognised_by_its_bearer_header(scheme: str) -> None:
    """The scheme's case does not count (RFC 9110, 11.1)."""
    headers = {"authorization": f"{scheme} {hs256(payload_of(NOW))}"}
    claims = await Door().authenticator.authenticate_request(headers)
    assert claims.subject == "u-1"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, AuthFailure.MISSING),
        ("", AuthFailure.MISSING),
        ("Bearer", AuthFailure.MISSING),
        ("Bearer  ", AuthFailure.MISSING),
        ("Basic dTpw", AuthFailure.MISSING),
        ("Bearer x", AuthFailure.INVALID),
    ],
)
async def test_without_a_token_nobody_is_recognised(
    header: str | None, reason: AuthFailure
) -> None:
    """Missing and invalid are told apart."""
    headers = {} if header is None else {"authorization": header}
    with pytest.raises(Unauthenticated) as caught:
        await Door().authenticator.authenticate_request(headers)
    assert caught.value.reason is reason


async def test_a_socket_is_recognised_by_a_ticket_once() -> None:
    """The ticket stands for the token's claims."""
    door = Door()
    query = {"ticket": await door.ticket()}
    claims = await door.recognise({}, query)
    assert (claims.subject, role_in(claims, ROOM)) == ("u-1", Role.EDITOR)
    assert (await door.refusal({}, query)).reason is AuthFailure.INVALID


async def test_a_native_client_may_send_the_header() -> None:
    """AUTH-13: Clients that can set headers need no ticket."""
    headers = {"authorization": f"Bearer {hs256(payload_of(NOW))}"}
    claims = await Door().recognise(headers, {})
    assert claims.subject == "u-1"


@pytest.mark.parametrize("parameter", ["token", "access_token", "auth", "jwt"])
async def test_a_token_in_the_url_is_refused_and_the_way_out_told(parameter: str) -> None:
    """AUTH-3: URLs end up in logs."""
    error = await Door().refusal({}, {parameter: hs256(payload_of(NOW))})
    assert error.reason is AuthFailure.INVALID
    assert "/v1/tickets" in str(error)


async def test_a_ticket_outlives_neither_its_token_nor_a_revocation() -> None:
    """What was decided between issue and use counts."""
    expiring = Door()
    query = {"ticket": await expiring.ticket()}
    expiring.now += 600
    # A ticket of thirty seconds cannot get there; one whose token was about to end can.
    late = expiring.tickets.issue(
        await Door().authenticator.authenticate_token(hs256(payload_of(NOW))),
        ROOM,
        Milliseconds(600_000),
    )
    assert (await expiring.refusal({}, {"ticket": late})).reason is AuthFailure.EXPIRED
    assert (await expiring.refusal({}, query)).reason is AuthFailure.INVALID

    revoked = Door()
    query = {"ticket": await revoked.ticket()}
    await revoked.revocations.revoke(Revocation(Subject("u-1"), None, None, UnixSeconds(NOW)))
    assert (await revoked.refusal({}, query)).reason is AuthFailure.REVOKED


async def test_a_token_in_band_is_weighed_against_revocations() -> None:
    """Also when it is shown again to renew a session."""
    door = Door()
    await door.revocations.revoke(Revocation(Subject("u-1"), ROOM, Role.VIEWER, UnixSeconds(NOW)))
    claims = await door.authenticator.authenticate_token(hs256(payload_of(NOW)))
    assert role_in(claims, ROOM) is Role.VIEWER


async def test_an_empty_token_in_band_is_a_missing_one() -> None:
    """Hocuspocus clients without a token send an empty one."""
    with pytest.raises(Unauthenticated) as caught:
        await Door().authenticator.authenticate_token("")
    assert caught.value.reason is AuthFailure.MISSING


async def test_in_open_mode_everybody_is_anybody() -> None:
    """Whatever they show."""
    authenticator = Door(is_open=True).authenticator
    assert authenticator.is_open
    assert await authenticator.authenticate_request({}) is ANYBODY
    assert await authenticator.authenticate_token("anything") is ANYBODY
    query = {"ticket": "made up", "token": "x"}
    assert authenticator.recognise_socket({}, query, ROOM) is ANYBODY


async def test_claims_of_a_session_are_weighed_again_as_time_passes() -> None:
    """AUTH-5: The end is exact to the second."""
    door = Door()
    claims = await door.authenticator.authenticate_token(hs256(payload_of(NOW)))
    door.now = NOW + 599
    assert door.authenticator.still_valid(claims) == claims
    door.now = NOW + 600
    with pytest.raises(Unauthenticated) as caught:
        door.authenticator.still_valid(claims)
    assert caught.value.reason is AuthFailure.EXPIRED
