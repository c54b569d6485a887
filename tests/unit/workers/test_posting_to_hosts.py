"""Where messages to addresses that people gave may go, and what is waited for and read there."""

import asyncio
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from tests.support.certificates import self_signed
from tests.support.http_receiver import ENDLESS_CHUNK, ENDLESS_CHUNKS, receiving
from workers.notices.public_hosts import HostRefused, check_url, post
from workers.notices.webhooks import signature_of

LOOPBACK = ("127.0.0.1",)


def test_the_signature_is_that_of_the_standard() -> None:
    """NOTE-3: It is the example that the libraries of receivers are tested with."""
    signature = signature_of(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1]/",
        "https://user:secret@example.org/",
        "file:///etc/passwd",
    ],
)
def test_what_is_not_public_or_not_secret_is_refused(url: str) -> None:
    """NOTE-7: Before anything is stored, let alone sent."""
    with pytest.raises(HostRefused):
        check_url(url, ())


async def test_a_name_is_resolved_once_and_the_connection_made_to_that_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """NOTE-7: A name that means another address later gains nothing by it; TLS still names it."""
    answers = iter(["127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.1"])
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def rebinding(host: str, port: int, **options: int) -> object:
        if host != "hook.example":
            return await resolve(host, port, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    allowed = ("hook.example",)
    async with receiving() as receiver:
        url = f"http://hook.example:{receiver.port}/"
        assert (await post(url, b"{}", {}, allowed)).status == 200
        assert receiver.messages[0].headers["host"] == f"hook.example:{receiver.port}"
        with pytest.raises(httpx.ConnectError):  # the second address, where nobody listens
            await post(url, b"{}", {}, allowed)
    with pytest.raises(HostRefused):
        await post("https://hook.example/", b"{}", {}, ())
    certificate = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.certificate, certificate.key)
    names: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    async with receiving(tls) as receiver:
        with pytest.raises(httpx.ConnectError):  # of no authority that is known
            await post(f"https://hook.example:{receiver.port}/", b"{}", {}, allowed)
        assert names == ["hook.example"]
        assert receiver.messages == []


async def test_answers_are_cut_and_redirects_are_not_followed() -> None:
    """NOTE-8: Whoever answers endlessly, slowly, or with another place gets no more than that."""
    async with receiving() as receiver:
        away = await post(receiver.url("/redirect"), b"{}", {}, LOOPBACK)
        assert (away.status, receiver.of("/elsewhere")) == (307, [])
        endless = await post(receiver.url("/endless"), b"{}", {}, LOOPBACK)
        assert (endless.status, endless.is_cut) == (200, True)
        assert receiver.sent_bytes < len(ENDLESS_CHUNK) * ENDLESS_CHUNKS
        with pytest.raises(TimeoutError):
            await post(receiver.url("/slow"), b"{}", {}, LOOPBACK)
        await receiver.hung_up.wait()
