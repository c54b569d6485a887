"""Mail of a node or of a worker, put together."""

from __future__ import annotations

from typing import Final

from gateway.api.terms import CONFIRM_PATH, PREFIX, UNSUBSCRIBE_PATH
from gateway.jobs import Jobs
from gateway.mail_settings import sender_of
from gateway.settings import Settings
from persistence.stores import Stores
from workers.notices.mails import KIND, MailHandler, Mails, MailSite
from workers.notices.smtp import MailServer

_NOWHERE: Final = "http://localhost"


def build_mails(settings: Settings, stores: Stores, jobs: Jobs) -> Mails:
    """Who is told by mail, with the jobs that send it among those that are done here."""
    server = mail_server(settings)
    mails = Mails(stores.records, jobs.submit, is_on=server is not None)
    url = str(settings.public_url or _NOWHERE).rstrip("/")
    site = MailSite(url, f"{PREFIX}{CONFIRM_PATH}", f"{PREFIX}{UNSUBSCRIBE_PATH}")
    jobs.handle(KIND, MailHandler(mails, server, site))
    return mails


def mail_server(settings: Settings) -> MailServer | None:
    """Where mails are handed in; None where none are sent."""
    if settings.smtp_host is None or settings.smtp_from is None:
        return None
    password = settings.smtp_password
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        user=settings.smtp_user,
        password="" if password is None else password.get_secret_value(),
        sender=sender_of(settings.smtp_from),
    )
