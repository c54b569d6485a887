"""Tokens made by hand, key pairs, and a small identity provider on loopback.

HS256 tokens are put together from RFC 7515 and RFC 7519 without the library that checks them, so
that also those can be made which no library would sign.
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

SECRET: Final = "a secret of these tests, which has more than 32 bytes"


def base64url(data: bytes) -> str:
    """Base64url without padding, as in RFC 7515, appendix C."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def payload_of(
    now: int, *, lifetime_s: int = 600, rooms: object = None, **claims: object
) -> dict[str, object]:
    """Claims of a token that is good now; further ones are added or, when None, left out."""
    payload: dict[str, object] = {
        "sub": "u-1",
        "iat": now,
        "exp": now + lifetime_s,
        "rooms": {"band/*": "editor"} if rooms is None else rooms,
    } | claims
    return {claim: value for claim, value in payload.items() if value is not None}


def signing_input(payload: object, header: Mapping[str, object]) -> str:
    """The first two parts of a token."""
    return f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(payload).encode())}"


def hs256(
    payload: object, *, secret: str = SECRET, header: Mapping[str, object] | None = None
) -> str:
    """A token signed with HMAC-SHA256, whatever its header claims."""
    signed = signing_input(payload, {"alg": "HS256", "typ": "JWT"} | dict(header or {}))
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64url(mac)}"


@dataclass(frozen=True)
class KeyPair:
    """A key of an identity provider.

    Attributes:
        kid: its id.
        algorithm: RS256, ES256 or EdDSA.
        private: what signs.
    """

    kid: str
    algorithm: str
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

    def jwk(self, **members: object) -> dict[str, Any]:
        """The public half as in a JWKS; members are added or, when None, left out."""
        jwk = {"kid": self.kid, "use": "sig", "alg": self.algorithm} | self._numbers() | members
        return {name: value for name, value in jwk.items() if value is not None}

    def sign(self, payload: object, **header: object) -> str:
        """A token signed with this key; header members are added or, when None, left out."""
        members = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid} | header
        signed = signing_input(payload, {k: v for k, v in members.items() if v is not None})
        return f"{signed}.{base64url(self._signature(signed.encode()))}"

    def _numbers(self) -> dict[str, object]:
        match self.private:
            case rsa.RSAPrivateKey():
                numbers = self.private.public_key().public_numbers()
                return {"kty": "RSA", "n": _integer(numbers.n), "e": _integer(numbers.e)}
            case ec.EllipticCurvePrivateKey():
                point = self.private.public_key().public_numbers()
                x, y = _integer(point.x, 32), _integer(point.y, 32)
                return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
            case ed25519.Ed25519PrivateKey():
                raw = self.private.public_key().public_bytes_raw()
                return {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}

    def _signature(self, signed: bytes) -> bytes:
        match self.private:
            case rsa.RSAPrivateKey():
                return self.private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePrivateKey():
                r, s = decode_dss_signature(self.private.sign(signed, ec.ECDSA(hashes.SHA256())))
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")
            case ed25519.Ed25519PrivateKey():
                return self.private.sign(signed)


def rs256_key(kid: str, *, bits: int = 2048) -> KeyPair:
    """A fresh RSA key."""
    return KeyPair(kid, "RS256", rsa.generate_private_key(public_exponent=65537, key_size=bits))


def es256_key(kid: str) -> KeyPair:
    """A fresh key on P-256."""
    return KeyPair(kid, "ES256", ec.generate_private_key(ec.SECP256R1()))


def eddsa_key(kid: str) -> KeyPair:
    """A fresh Ed25519 key."""
    return KeyPair(kid, "EdDSA", ed25519.Ed25519PrivateKey.generate())


class IdentityProvider:
    """What `identity_provider` serves; may be changed while it does.

    Attributes:
        url: of the JWKS.
        keys: what it holds.
        body: bytes to send instead.
        status: of the answer.
        location: where to redirect to.
        requests: how many were made.
        gate: answers wait for it; open unless cleared.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: list[dict[str, Any]] = []
        self.body: bytes | None = None
        self.status = 200
        self.location: str | None = None
        self.requests = 0
        self.gate = threading.Event()
        self.gate.set()


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """Serve a JWKS over HTTP on a free loopback port, for the time of a `with` block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.requests += 1
            provider.gate.wait(10)
            body = provider.body
            if body is None:
                body = json.dumps({"keys": provider.keys}).encode()
            self.send_response(provider.status)
            if provider.location is not None:
                self.send_header("Location", provider.location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = IdentityProvider(f"http://127.0.0.1:{server.server_address[1]}/jwks.json")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        provider.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _integer(number: int, length: int | None = None) -> str:
    return base64url(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))
