"""Signing in at a real server: keys of an identity provider, headers, origins, open mode."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.access import mint, ticket
from tests.support.http import request
from tests.support.server import Server, serving
from tests.support.tokens import (
    IdentityProvider,
    KeyPair,
    eddsa_key,
    es256_key,
    hs256,
    identity_provider,
    payload_of,
    rs256_key,
)
from tests.support.ws_client import YWebsocketMember, hocuspocus, open_socket, room_url

ISSUER: Final = "https://id.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("tokens"), auth="token") as running:
        yield running


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture(scope="module")
def jwks_server(
    provider: IdentityProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that trusts the identity provider, and has no secret."""
    args = ["--jwks-url", provider.url, "--token-issuer", ISSUER, "--token-audience", "bandpro"]
    env = {"BANDPRO_TOKEN_SECRET": "", "NO_PROXY": "127.0.0.1"}
    with serving(tmp_path_factory.mktemp("jwks"), auth="token", args=args, env=env) as running:
        yield running


@pytest.fixture(scope="module")
def provider_keys(provider: IdentityProvider) -> list[KeyPair]:
    """One key of each kind, published."""
    keys = [rs256_key("r"), es256_key("e"), eddsa_key("d")]
    provider.keys = [key.jwk() for key in keys]
    return keys


@pytest.fixture
def provider_key(provider_keys: list[KeyPair]) -> KeyPair:
    return provider_keys[0]


def issued(key: KeyPair, **claims: object) -> str:
    """A token of the identity provider."""
    rooms = {"band/*": "editor"}
    return key.sign(
        payload_of(int(time.time()), rooms=rooms) | {"iss": ISSUER, "aud": "bandpro"} | claims
    )


async def status(server: Server, token: str) -> int:
    return (await request(server, "GET", "/v1/rooms", token=token)).status_code


async def test_keys_of_an_identity_provider_open_the_doors(
    provider_keys: list[KeyPair], jwks_server: Server
) -> None:
    """AUTH-10: RS256, ES256 and EdDSA over both protocols and HTTP; keys of others do not."""
    for key in provider_keys:
        token = issued(key)
        assert await status(jwks_server, token) == 200
        async with hocuspocus(jwks_server.hocuspocus_url, "band/a", token=token) as member:
            await member.until(lambda: member.synced)
            assert member.scope == "read-write"
        one_use = await ticket(jwks_server, "band/a", token)
        async with open_socket(room_url(jwks_server.collab_url, "band/a", ticket=one_use)) as it:
            await YWebsocketMember(it).send(b"\x00\x00\x01\x00")
            assert (await it.receive())[:2] == b"\x00\x00"
    assert await status(jwks_server, issued(es256_key("e"))) == 401


async def test_issuer_and_audience_of_the_provider_are_required(
    provider_key: KeyPair, jwks_server: Server
) -> None:
    """AUTH-8: A token that the same provider made for somebody else is refused."""
    key = provider_key
    assert await status(jwks_server, issued(key)) == 200
    for claims in ({"iss": "https://evil.example"}, {"aud": "billing"}, {"aud": None}):
        assert await status(jwks_server, issued(key, **claims)) == 401


async def test_a_shared_secret_is_worth_nothing_where_public_keys_are_pinned(
    jwks_server: Server,
) -> None:
    """AUTH-7: HS256 is refused, whatever it was signed with."""
    now = int(time.time())
    payload = payload_of(now) | {"iss": ISSUER, "aud": "bandpro"}
    assert await status(jwks_server, hs256(payload, secret=jwks_server.secret)) == 401


async def test_a_native_client_signs_in_with_a_header(server: Server) -> None:
    """AUTH-1, AUTH-13: Clients that can set headers need no ticket."""
    token = mint(server, {"native": "editor"})
    headers = {"Authorization": f"Bearer {token}"}
    url = room_url(server.collab_url, "native")
    async with (
        open_socket(url, headers=headers) as socket,
        YWebsocketMember(socket) as member,
    ):
        await member.until(lambda: member.synced)
        await member.edit(lambda each: each.text.insert(0, "native"))
        await member.until_saved()


@pytest.mark.parametrize("path", ["collab", "hocuspocus"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
async def test_a_foreign_page_does_not_get_a_socket(server: Server, path: str, origin: str) -> None:
    """ACC-8: The handshake is refused, before anything is read."""
    url = room_url(server.collab_url, "x") if path == "collab" else server.hocuspocus_url
    with pytest.raises(InvalidStatus) as caught:
        async with open_socket(url, origin=origin):
            pass
    assert caught.value.response.status_code == 403


async def test_the_servers_own_page_gets_a_socket(server: Server) -> None:
    """ACC-8: Same origin needs no listing."""
    token = mint(server, {"own": "editor"})
    url = room_url(server.collab_url, "own", ticket=await ticket(server, "own", token))
    async with open_socket(url, origin=server.url) as socket, YWebsocketMember(socket) as member:
        await member.until(lambda: member.synced)


async def test_open_mode_lets_everybody_in_and_has_nobody_to_revoke(tmp_path: Path) -> None:
    """What a client shows is not looked at; a revocation is refused rather than pretended.

    Bears AUTH-14.
    """
    with serving(tmp_path) as own:
        async with hocuspocus(own.hocuspocus_url, "open", token="anything") as member:
            await member.edit(lambda each: each.text.insert(0, "open"))
            await member.until_saved()
        revoked = await request(own, "POST", "/v1/revocations", json={"subject": "anonymous"})
        assert (revoked.status_code, revoked.json()["type"]) == (
            409,
            "urn:bandpro:problem:conflict",
        )
        issued_in_open_mode = await request(own, "POST", "/v1/tickets", json={"room": "open"})
        assert issued_in_open_mode.status_code == 201


async def test_a_name_and_a_subject_of_many_scripts_are_shown_as_they_are(server: Server) -> None:
    """What the token says arrives whole in presence."""
    token = mint(server, {"names": "editor"}, subject="ü-楽", name="Åsa 🎻 楽譜")
    async with hocuspocus(server.hocuspocus_url, "names", token=token) as member:
        await member.until(lambda: member.synced)
        await member.set_state({"user": {"name": "Mallory", "id": "root", "color": "#f00"}})
        await member.until(lambda: member.doc.client_id in member.present())
        assert member.present()[member.doc.client_id] == {
            "user": {"name": "Åsa 🎻 楽譜", "id": "ü-楽", "color": "#f00"}
        }


async def test_many_tickets_of_one_subject_are_refused(server: Server) -> None:
    """AUTH-12: 64 unused ones are out at most."""
    token = mint(server, {"hoard": "viewer"}, subject="hoarder")
    answers = [
        await request(server, "POST", "/v1/tickets", token=token, json={"room": "hoard"})
        for _ in range(65)
    ]
    assert [answer.status_code for answer in answers] == [201] * 64 + [429]
    assert answers[-1].json()["limit"] == "tickets_per_subject_max"
