"""The server that takes the mails: what it accepts, refuses for good, or not now."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from collab.errors import OperatingError, PeerError

if TYPE_CHECKING:
    import aiosmtplib

SEND_S: Final = 10.0
"""For all that one mail takes, from the connection to the answer."""

_GOODBYE_S: Final = 1.0
_PERMANENT: Final = range(500, 600)


class MailTls(StrEnum):
    """How a connection to a mail server is encrypted."""

    STARTTLS = "starttls"  # after the greeting, and never without
    TLS = "tls"  # from the first byte
    OFF = "off"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed in.

    Attributes:
        host: of the server.
        port: of it.
        tls: how the connection is encrypted.
        user: who signs in; empty for nobody.
        password: of them.
        sender: whom mails are from.
    """

    host: str
    port: int
    tls: MailTls
    user: str
    password: str = field(repr=False)
    sender: Address


class MailNotSent(OperatingError):
    """A mail was not accepted, or nobody knows; it is tried again."""


class MailServerSilent(MailNotSent):
    """There was no connection, or no answer."""


class MailRefused(PeerError):
    """This mail, or its recipient, is refused for good."""


async def send(server: MailServer, recipient: str, message: bytes) -> None:
    """Hand one mail in.

    Raises:
        MailRefused: it would be refused again.
        MailServerSilent: the server cannot be reached, or did not answer in time.
        MailNotSent: something else is wrong, maybe for a while.
    """
    # The client takes its time to import, and most processes send nothing.
    import aiosmtplib  # noqa: PLC0415

    async with _connected(server) as client:
        try:
            await client.sendmail(server.sender.addr_spec, [recipient], message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [each.code for each in error.recipients]
            raise _refused(codes[0], "the recipient") from error
        except aiosmtplib.SMTPDataError as error:
            raise _refused(error.code, "the mail") from error


async def probe(server: MailServer) -> str:
    """Connect and sign in, send nothing; say how that went.

    Raises:
        MailNotSent: it did not work.
    """
    async with _connected(server) as client:
        await client.noop()
    signed_in = f", signed in as {server.user}" if server.user else ""
    return f"{server.host}:{server.port} answers (TLS: {server.tls}){signed_in}"


@asynccontextmanager
async def _connected(server: MailServer) -> AsyncIterator[aiosmtplib.SMTP]:
    import aiosmtplib  # noqa: PLC0415

    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user or None,
        password=server.password or None,
        use_tls=server.tls is MailTls.TLS,
        start_tls=server.tls is MailTls.STARTTLS,
        timeout=SEND_S,
        tls_context=None if server.tls is MailTls.OFF else authorities(),
    )
    try:
        async with asyncio.timeout(SEND_S):
            await client.connect()
            yield client
    except (TimeoutError, OSError, aiosmtplib.SMTPServerDisconnected) as error:
        raise MailServerSilent(f"no answer of the mail server ({_kind(error)})") from error
    except aiosmtplib.SMTPResponseException as error:
        raise MailNotSent(f"the mail server answered {error.code}") from error
    except (aiosmtplib.SMTPException, ValueError) as error:
        raise MailNotSent(f"the mail server was not understood ({_kind(error)})") from error
    finally:
        with suppress(Exception):  # what was accepted is accepted, however one parts
            async with asyncio.timeout(_GOODBYE_S):
                await client.quit()
        client.close()


@functools.cache
def authorities() -> ssl.SSLContext:
    """Whose certificates are believed; read once, since it holds the loop for some 25 ms."""
    return ssl.create_default_context()


def _refused(code: int, what: str) -> MailRefused | MailNotSent:
    if code in _PERMANENT:
        return MailRefused(f"the mail server refused {what} for good ({code})")
    return MailNotSent(f"the mail server refused {what} for now ({code})")


def _kind(error: BaseException) -> str:
    return type(error).__name__
