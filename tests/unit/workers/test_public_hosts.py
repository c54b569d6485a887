"""Addresses that people gave: which are public, however spelled, and whose certificate counts."""

import socket
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import self_signed
from tests.support.http_receiver import receiving
from workers.notices import public_hosts
from workers.notices.public_hosts import HostRefused, is_public, post

# Of the registries of special-purpose addresses (RFC 6890 and what followed it).
NOT_PUBLIC = """
    0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.0.0.1 192.0.2.1 192.168.1.1
    198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe
    64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 2002:a00:1:: fc00::1 fd00:ec2::254 fe80::1
    fec0::1 ff02::1 3fff::1
"""
PUBLIC = (
    "1.1.1.1 93.184.215.14 2606:4700:4700::1111 2a00:1450:4001::1 ::ffff:1.1.1.1 64:ff9b::1.1.1.1"
)


def test_only_addresses_that_are_anybodys_are_public() -> None:
    """NOTE-7: Whatever carries an IPv4 address inside goes by that."""
    assert [each for each in NOT_PUBLIC.split() if is_public(ip_address(each))] == []
    assert [each for each in PUBLIC.split() if not is_public(ip_address(each))] == []


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1"])
async def test_names_of_what_is_not_public_are_refused_when_resolved(host: str) -> None:
    """NOTE-7: However an address is spelled."""
    with pytest.raises(HostRefused):
        await post(f"https://{host}/", b"{}", {}, ())


async def test_the_connection_is_made_to_what_was_looked_at_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NOTE-7: A name is resolved once; certificate and Host are still the name's."""
    made = self_signed(tmp_path, "hook.test")
    mine = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    mine.load_cert_chain(made.certificate, made.key)
    believed = ssl.create_default_context(cafile=made.certificate)
    monkeypatch.setattr(public_hosts, "authorities", lambda: believed)
    resolve, asked = socket.getaddrinfo, []

    def told(host: Any, *more: Any, **named: Any) -> Any:  # noqa: ANN401 - as socket has it
        if host not in {"hook.test", "other.test"}:
            return resolve(host, *more, **named)
        asked.append(host)
        # The next time it would mean something else.
        return resolve("127.0.0.1" if len(asked) < 3 else "0.0.0.1", *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", told)
    async with receiving(mine) as receiver:
        url = f"https://hook.test:{receiver.port}/in"
        assert (await post(url, b"{}", {"X": "y"}, ("hook.test",))).status == 200
        (came,) = receiver.messages
        assert (came.headers["host"], came.body) == (f"hook.test:{receiver.port}", b"{}")
        assert asked == ["hook.test"]
        with pytest.raises(Exception, match="certificate verify failed"):
            await post(url.replace("hook.", "other."), b"{}", {}, ("other.test",))
