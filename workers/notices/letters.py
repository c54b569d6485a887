"""Mails as they are sent: headers that nothing can be smuggled into, plain text and HTML."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Final

from collab.ids import UnixSeconds
from workers.notices.events import Event, EventKind

NAME_CHARS_MAX: Final = 80
SUBJECT_CHARS_MAX: Final = 150
_LINE_CHARS_MAX: Final = 300
_SOMEBODY: Final = "Somebody"
_UNFOLDED: Final = frozenset({"list-unsubscribe", "message-id"})


class _Policy(EmailPolicy):
    """As mails go over the wire, but for words that may be longer than a line.

    The library would encode those as it does foreign letters, and programs could not follow them.
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        """A header as it is sent."""
        if name.lower() in _UNFOLDED:
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


_POLICY: Final = _Policy(linesep=SMTP.linesep)


@dataclass(frozen=True, slots=True)
class Letter:
    """What is told somebody.

    Attributes:
        letter_id: of it; the same for the same mail to the same person.
        at: what stands in its date.
        subject: of the mail.
        lines: what is told.
        link: where that leads to, if anywhere.
        footer: why it comes.
        unsubscribe: where they say that they want no more; None where nothing follows.
    """

    letter_id: str
    at: UnixSeconds
    subject: str
    lines: tuple[str, ...] = field(repr=False)
    link: str
    footer: str
    unsubscribe: str | None = None

    def message(self, sender: Address, recipient: str) -> bytes:
        """The mail; the same bytes whenever it is asked for.

        Args:
            sender: who it is from.
            recipient: an address that was checked.
        """
        message = EmailMessage(policy=_POLICY)
        message["From"] = sender
        message["To"] = Address(addr_spec=recipient)
        message["Subject"] = plain(self.subject, SUBJECT_CHARS_MAX)
        message["Date"] = format_datetime(datetime.fromtimestamp(self.at, UTC))
        message["Message-ID"] = f"<{self.letter_id}@{sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        if self.unsubscribe is not None:
            message["List-Unsubscribe"] = f"<{self.unsubscribe}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(self._text(), cte="quoted-printable")
        message.add_alternative(self._html(), subtype="html", cte="quoted-printable")
        message.set_boundary(f"=_{self.letter_id}")
        return message.as_bytes()

    def _text(self) -> str:
        parts = [*self._lines(), self.link, f"-- \n{self.footer}"]
        if self.unsubscribe is not None:
            parts.append(f"No more mail: {self.unsubscribe}")
        return "\n\n".join(parts) + "\n"

    def _html(self) -> str:
        parts = [f"<p>{html.escape(line)}</p>" for line in self._lines()]
        parts.append(f"<p>{_anchor(self.link, self.link)}</p>")
        end = html.escape(self.footer)
        if self.unsubscribe is not None:
            end += f" {_anchor(self.unsubscribe, 'No more mail')}"
        body = "\n".join([*parts, f"<p><small>{end}</small></p>"])
        return f'<!doctype html>\n<html lang="en"><body>\n{body}\n</body></html>\n'

    def _lines(self) -> list[str]:
        return [plain(line, _LINE_CHARS_MAX) for line in self.lines]


def plain(text: str, chars_max: int) -> str:
    """One line of it: without control characters and line breaks, cut where it is long."""
    kept = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    line = " ".join(kept.split())
    return line if len(line) <= chars_max else f"{line[: chars_max - 1]}…"


def sentence_of(event: Event) -> str:
    """What happened, in one sentence; of the score and what is said there only the name."""
    who = plain(event.actor_name or "", NAME_CHARS_MAX) or _SOMEBODY
    room = plain(event.room, NAME_CHARS_MAX)
    match event.kind:
        case EventKind.MENTION:
            return f"{who} mentioned you in a comment on {room}"
        case EventKind.COMMENT:
            return f"{who} wrote a comment on {room}"
        case EventKind.SHARE:
            return f"{who} shared {room} with you"
        case EventKind.EXPORT_READY:
            return f"A file that you asked for is ready: {room}"
        case EventKind.VERSION_NAMED:
            return f"{who} named a version of {room}"
        case EventKind.TEST:
            return f"{who} tries whether this works"


def digest_subject(events: SequenceOf[Event], more: int) -> str:
    """The subject of a mail that tells of several events."""
    count = len(events) + more
    if count == 1:
        return sentence_of(events[0])
    rooms = sorted({event.room for event in events})
    where = plain(rooms[0], NAME_CHARS_MAX) if len(rooms) == 1 else f"{len(rooms)} scores"
    return f"{count} things happened in {where}"


def _anchor(url: str, text: str) -> str:
    return f'<a href="{html.escape(url)}">{html.escape(text)}</a>'
