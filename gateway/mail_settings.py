"""The settings of mail."""

from __future__ import annotations

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, Field, SecretStr

from gateway.setting_types import is_loopback
from workers.notices.preferences import InvalidAddress, checked_address
from workers.notices.smtp import MailTls

_NAME_CHARS_MAX: Final = 100


def sender_of(text: str) -> Address:
    """Whom mails are from: an address, or a name with the address in angle brackets.

    Raises:
        ValueError: it is neither.
    """
    name, address = parseaddr(text)
    try:
        if not name.isprintable() or len(name) > _NAME_CHARS_MAX:
            raise ValueError("should have a short name in front of the address")
        return Address(name, addr_spec=checked_address(address))
    except (InvalidAddress, HeaderParseError) as error:
        raise ValueError("should be like BandPro <bandpro@example.org>") from error


def _checked_sender(text: str) -> str:
    sender_of(text)
    return text


class MailSettings(BaseModel):
    """Mail."""

    public_url: AnyHttpUrl | None = Field(
        None, description="Where people reach this server, for links in mails."
    )
    smtp_host: str | None = Field(
        None, description="Server that takes mails; without one none are sent."
    )
    smtp_port: int = Field(587, ge=1, le=65_535, description="Its port.")
    smtp_tls: MailTls = Field(
        MailTls.STARTTLS,
        description="How the connection is encrypted: starttls (port 587), tls from the first byte "
        "(port 465), or off.",
    )
    smtp_user: str = Field("", description="Who signs in there; nobody unless set.")
    smtp_password: SecretStr | None = Field(
        None,
        description="Password of that user. On the command line it shows in the process list.",
    )
    smtp_password_file: Path | None = Field(None, description="File that holds that password.")
    smtp_from: Annotated[str, AfterValidator(_checked_sender)] | None = Field(
        None, description="Whom mails are from: an address, or a name with <address>."
    )


def mail_problem(settings: MailSettings) -> tuple[str, str] | None:
    """What is wrong with how mail is set up, and what to do; None for nothing."""
    if settings.smtp_host is None:
        return None
    if settings.smtp_from is None or settings.public_url is None:
        return (
            "smtp_host needs smtp_from and public_url",
            "Say whom mails are from, and where the links in them lead.",
        )
    if bool(settings.smtp_user) != (settings.smtp_password is not None):
        return "smtp_user and smtp_password need each other", "Set both, or neither."
    is_near = is_loopback(settings.smtp_host)
    if settings.smtp_tls is MailTls.OFF and settings.smtp_user and not is_near:
        return (
            "smtp_tls off is refused with a password beyond this machine",
            "The password would travel in clear. Use starttls or tls.",
        )
    url = settings.public_url
    if url.scheme != "https" and not is_loopback(url.host or ""):
        return "public_url must be https; http is for loopback only", ""
    if url.query or url.fragment:
        return "public_url has no query and no fragment", ""
    return None
