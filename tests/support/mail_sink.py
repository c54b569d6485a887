"""A mail server for tests, over real sockets: it keeps what it takes, and can be difficult."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from enum import Enum, auto
from typing import Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.server import free_port

_WITHIN_S: Final = 20.0


class Mood(Enum):
    """How the server takes mails."""

    GOOD = auto()
    REFUSES_RECIPIENTS = auto()  # for good
    REFUSES_MAILS = auto()  # for good
    BUSY = auto()  # refuses for now
    SILENT = auto()  # answers to nothing
    BREAKS_OFF = auto()  # takes the mail, and is gone before it says so


@dataclass(slots=True)
class MailSink:
    """What it has.

    Attributes:
        port: on 127.0.0.1.
        mood: how it takes mails from now on.
        taken: recipient and bytes of each mail that it took, oldest first.
        connections: how often somebody came with a mail or tried to.
    """

    port: int
    mood: Mood = Mood.GOOD
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0

    def mails(self, recipient: str) -> list[EmailMessage]:
        """What somebody got."""
        return [parsed(data) for to, data in self.taken if to == recipient]

    async def mail(self, recipient: str, number: int = 1) -> EmailMessage:
        """The n-th mail that somebody got, once it is there."""
        await _until(lambda: len(self.mails(recipient)) >= number)
        return self.mails(recipient)[number - 1]

    async def come(self, times: int) -> None:
        """Wait until somebody came so often."""
        await _until(lambda: self.connections >= times)

    # What aiosmtpd calls ------------------------------------------------------------------------

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, answer: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        if self.mood is Mood.SILENT:
            await asyncio.sleep(3_600)
        return answer

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        if self.mood is Mood.REFUSES_RECIPIENTS:
            return "550 5.1.1 nobody of that name"
        if self.mood is Mood.BUSY:
            return "451 4.3.2 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.mood is Mood.REFUSES_MAILS:
            return "554 5.7.1 not with that content"
        content = envelope.original_content
        assert content is not None
        self.taken += [(recipient, content) for recipient in envelope.rcpt_tos]
        if self.mood is Mood.BREAKS_OFF:
            self.mood = Mood.GOOD
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"


@contextmanager
def mail_sink(
    tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
) -> Iterator[MailSink]:
    """Serve in a thread.

    Args:
        tls: what STARTTLS is answered with, and demanded.
        login: user and password that are demanded.
    """
    sink = MailSink(free_port())

    def known(
        _server: SMTP, _session: Session, _envelope: Envelope, _: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == login, handled=False)

    controller = Controller(
        sink,
        "127.0.0.1",
        sink.port,
        tls_context=tls,
        require_starttls=tls is not None,
        auth_required=login is not None,
        authenticator=known if login is not None else None,
    )
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


async def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _WITHIN_S
    while not holds():
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(0.02)


def parsed(data: bytes) -> EmailMessage:
    """A mail as a mail program reads it."""
    message = message_from_bytes(data, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """The plain text of a mail, or its HTML."""
    part = mail.get_body((kind,))
    assert part is not None
    found: str = part.get_content()
    return found
