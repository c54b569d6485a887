"""Origins: which web pages may talk to the server, and by which name it is addressed."""

import pytest

from gateway.auth.origins import Origins

PUBLIC = Origins(("https://app.example", "null"), loopback_only=False)
LOOPBACK = Origins(("http://dev.example:3000",), loopback_only=True)


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "collab.example", True),
        ("https://collab.example", "collab.example", True),
        ("http://collab.example", "collab.example", True),
        ("https://collab.example:443", "collab.example", True),
        ("https://collab.example", "collab.example:443", True),
        ("http://collab.example:8080", "collab.example:8080", True),
        ("https://COLLAB.example", "collab.EXAMPLE", True),
        ("https://app.example", "collab.example", True),
        ("HTTPS://APP.EXAMPLE", "collab.example", True),
        ("null", "collab.example", True),
        ("http://[2001:db8::1]:8080", "[2001:db8::1]:8080", True),
        ("https://evil.example", "collab.example", False),
        ("https://collab.example.evil", "collab.example", False),
        ("https://evil.collab.example", "collab.example", False),
        ("https://collab.example:8443", "collab.example", False),
        ("http://app.example", "collab.example", False),
        ("https://app.example.evil", "collab.example", False),
        ("file://", "collab.example", False),
        ("ftp://collab.example", "collab.example", False),
        ("https://collab.example@evil.example", "collab.example", False),
        ("https://collab.example:bad", "collab.example", False),
        ("", "collab.example", False),
        ("https://collab.example", None, False),
        ("https://", "", False),
        ("http://[::1", "[::1", False),
        ("https://" + "a" * 10_000, "a" * 10_000, False),
    ],
)
def test_same_origin_and_listed_ones_are_allowed(
    origin: str | None, host: str | None, *, allowed: bool
) -> None:
    """ACC-8: Compared as host and port; the scheme may differ, for TLS may end at a proxy."""
    assert PUBLIC.allows(origin=origin, host=host) is allowed


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("http://localhost:8080", "localhost:8080", True),
        ("http://[::1]:8080", "[::1]:8080", True),
        (None, "127.0.0.1:8080", True),
        (None, "127.1.2.3", True),
        ("http://dev.example:3000", "localhost:8080", True),
        ("http://dev.example:3000", "dev.example:3000", True),
        ("http://evil.example:8080", "evil.example:8080", False),
        (None, "evil.example:8080", False),
        (None, "localhost.evil.example", False),
        (None, "", False),
        (None, None, False),
        ("http://localhost:3000", "localhost:8080", False),
    ],
)
def test_a_loopback_server_is_not_reached_by_a_rebound_name(
    origin: str | None, host: str | None, *, allowed: bool
) -> None:
    """A foreign page whose name points to this machine has an origin that equals its host.

    Bears ACC-9.
    """
    assert LOOPBACK.allows(origin=origin, host=host) is allowed


def test_a_star_allows_every_origin() -> None:
    """For servers that tokens guard."""
    origins = Origins(("*",), loopback_only=False)
    assert origins.allows(origin="https://anything.example", host="collab.example")
