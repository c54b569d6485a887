"""Mail: who is told of events in this way, when, and by which jobs.

Jobs name people and events and hold no address: that is looked up when a mail is sent, and so is
whether it is still wanted. A mail that is tried again, because nobody knows whether it was taken,
is the same to the byte, so that whoever gets it twice can tell.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from collab.errors import AccessDenied, StateConflict
from collab.ids import Subject, UnixSeconds
from collab.ports import RecordStore
from workers.jobs.job import Job, JobOrder, Priority
from workers.jobs.runner import Telling
from workers.jobs.signing import StoreSigner
from workers.notices.digests import DigestBook, DigestId, Digests
from workers.notices.events import Event, event_id_of
from workers.notices.letters import Letter, digest_subject, sentence_of
from workers.notices.preferences import (
    HOUR_S,
    Period,
    Person,
    PreferenceBook,
    Preferences,
    Timing,
    period_end,
    person_of,
)
from workers.notices.smtp import MailNotSent, MailRefused, MailServer, MailServerSilent, send

KIND: Final = "mail"
ATTEMPTS_MAX: Final = 30
"""Over some two hours; then a mail is kept as failed, and what a digest held is for the next."""

CONFIRM_S: Final = 24 * HOUR_S
"""How long a link that confirms an address is good."""

REST_S: Final = 15.0
"""How long a server that does not answer is left alone: others are to be told meanwhile."""

_FOOTER: Final = "You get this because of what you chose to be told of by BandPro."


@dataclass(frozen=True, slots=True)
class MailSite:
    """Where links in mails lead.

    Attributes:
        public_url: of this service, without a slash at the end.
        confirm_path: where an address is confirmed; a link's token follows.
        unsubscribe_path: where mail is declined; a link's token follows.
    """

    public_url: str
    confirm_path: str
    unsubscribe_path: str


class Mails:
    """Who is told by mail; the sink that has them told.

    Args:
        records: of the store.
        submit: takes the jobs that send mails.
        is_on: whether mails are sent at all; otherwise nothing is collected.
        clock: the time, in seconds since 1970.
    """

    def __init__(
        self,
        records: RecordStore,
        submit: Callable[[JobOrder], Awaitable[Job]],
        *,
        is_on: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.preferences = PreferenceBook(records)
        self.digest_book = DigestBook(records)
        self.digests = Digests(self.digest_book, self._order_digest, self._next_due, clock)
        self.is_on = is_on
        self._confirmations = StoreSigner(records, "mail-confirm\0")
        self._refusals = StoreSigner(records, "mail-unsubscribe\0")
        self._submit = submit
        self._clock = clock

    # What happened ------------------------------------------------------------------------------

    async def __call__(self, event: Event) -> None:
        """Have all told who want to know; see `relay.Sink`."""
        if not self.is_on:
            return
        for subject in event.recipients:
            await self._tell(subject, event)

    async def _tell(self, subject: Subject, event: Event) -> None:
        person = person_of(subject)
        wanted = await self.preferences.get(person)
        if wanted is None or not wanted.is_told:
            return
        match wanted.timing(event.kind):
            case Timing.AT_ONCE:
                told = {"form": "event", "event": replace(event, recipients=()).as_json()}
                key = f"{event.event_id}\0{person}"
                await self._submit(_order(key, subject, person, told))
            case Timing.DIGEST:
                due = period_end(wanted.period, self._clock())
                # Who else is told is no business of theirs.
                await self.digest_book.add(person, replace(event, recipients=()), due)
            case Timing.NEVER:
                pass

    async def _order_digest(self, person: Person, digest_id: DigestId) -> Job:
        told = {"form": "digest", "digest": digest_id}
        return await self._submit(_order(digest_id, Subject(person), person, told))

    async def _next_due(self, person: Person, now: float) -> UnixSeconds:
        wanted = await self.preferences.get(person)
        return period_end(Period.DAILY if wanted is None else wanted.period, now)

    # What people want ---------------------------------------------------------------------------

    async def wanted(self, subject: Subject) -> Preferences:
        """What somebody wants, or what holds where they said nothing.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """
        return await self.preferences.get(person_of(subject)) or Preferences(subject)

    async def set_address(self, subject: Subject, address: str, *, is_confirmed: bool) -> None:
        """Have somebody told at an address, once whoever reads mail there agrees.

        Args:
            subject: who.
            address: one that was checked.
            is_confirmed: whether somebody who is trusted says that it is theirs.

        Raises:
            StateConflict: no mails are sent here.
            LimitExceeded: too many confirmations were sent.
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        if not self.is_on:
            raise StateConflict("this server sends no mail")
        known = await self.wanted(subject)
        if known.address == address and known.is_confirmed:
            return
        now = self._clock()
        if not is_confirmed:
            await self.preferences.admit_confirmation(subject, address, now)
        changed = await self.preferences.change(
            subject,
            lambda wanted: replace(
                wanted, address=address, is_confirmed=is_confirmed, is_unsubscribed=False
            ),
        )
        if is_confirmed:
            return
        until = int(now) + CONFIRM_S
        key = f"confirm\0{person_of(subject)}\0{changed.revision}\0{now}"
        told = {"form": "confirm", "of": _mark(address), "until": until}
        await self._submit(_order(key, subject, person_of(subject), told))

    async def forget(self, subject: Subject) -> None:
        """Forget somebody's address, what they want, and what was collected for them.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        person = person_of(subject)
        await self.preferences.delete(person)
        await self.digest_book.drop(person)

    # Links --------------------------------------------------------------------------------------

    async def confirmation(self, wanted: Preferences, until: int) -> str:
        """What a link holds that confirms the address somebody has now."""
        told = [person_of(wanted.subject), _mark(wanted.address), until]
        return await self._confirmations.sign(orjson.dumps(told))

    async def refusal(self, wanted: Preferences) -> str:
        """What a link holds that ends all mail to the address somebody has now."""
        told = [person_of(wanted.subject), _mark(wanted.address)]
        return await self._refusals.sign(orjson.dumps(told))

    async def read_confirmation(self, token: str) -> Preferences:
        """Whose address a link confirms; nothing is changed.

        Raises:
            AccessDenied: it is no link of ours, its time is over, or they have another address.
            StoreUnavailable: the store cannot be read now.
        """
        person, mark, until = orjson.loads(await self._confirmations.read(token))
        if until <= self._clock():
            raise AccessDenied("the link has expired")
        wanted = await self.preferences.get(Person(person))
        if wanted is None or _mark(wanted.address) != mark:
            raise AccessDenied("the address was changed since")
        return wanted

    async def confirm(self, token: str) -> None:
        """Do what a link confirms; twice is once.

        Raises:
            AccessDenied: see `read_confirmation`.
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        found = await self.read_confirmation(token)

        def confirmed(wanted: Preferences) -> Preferences:
            is_same = wanted.address == found.address
            return replace(wanted, is_confirmed=True) if is_same else wanted

        await self.preferences.change(found.subject, confirmed)

    async def check_refusal(self, token: str) -> None:
        """Refuse what is no link of ours; nothing is changed.

        Raises:
            AccessDenied: it is none.
            StoreUnavailable: the store cannot be read now.
        """
        await self._refusals.read(token)

    async def unsubscribe(self, token: str) -> None:
        """End all mail to an address, if that is still where somebody is told; twice is once.

        Raises:
            AccessDenied: it is no link of ours.
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        person, mark = orjson.loads(await self._refusals.read(token))
        found = await self.preferences.get(Person(person))
        if found is None or _mark(found.address) != mark:
            return

        def ended(wanted: Preferences) -> Preferences:
            is_same = wanted.address == found.address
            return replace(wanted, is_unsubscribed=True) if is_same else wanted

        await self.preferences.change(found.subject, ended)
        await self.digest_book.drop(Person(person))


class MailHandler:
    """Does jobs of this kind.

    Args:
        mails: who is told.
        server: where mails are handed in; None for a process that cannot send any.
        site: where links lead.
        rest_s: how long a server that does not answer is left alone.
    """

    def __init__(
        self, mails: Mails, server: MailServer | None, site: MailSite, rest_s: float = REST_S
    ) -> None:
        self._mails = mails
        self._server = server
        self._site = site
        self._rest_s = rest_s
        self._rests_until_s = 0.0

    async def __call__(self, job: Job, tell: Telling) -> Mapping[str, Any]:
        """Send one mail, if it is still wanted; the result says whether it was sent.

        Raises:
            MailRefused: it is refused for good.
            MailNotSent: to be tried again.
            StoreUnavailable: it cannot be told to whom; to be tried again.
        """
        del tell
        told, person = job.payload, Person(job.payload["person"])
        wanted = await self._mails.preferences.get(person)
        if wanted is None:
            return _DROPPED
        match told["form"]:
            case "confirm":
                return await self._confirm(job, wanted)
            case "digest":
                return await self._digest(wanted, DigestId(told["digest"]))
            case _:
                return await self._event(wanted, Event.of_json(told["event"]))

    async def _event(self, wanted: Preferences, event: Event) -> Mapping[str, Any]:
        if not wanted.is_told or wanted.timing(event.kind) is Timing.NEVER:
            return _DROPPED
        sentence = sentence_of(event)
        letter = await self._letter(wanted, event.event_id, event.at, sentence, (f"{sentence}.",))
        return await self._sent(wanted, letter)

    async def _digest(self, wanted: Preferences, digest_id: DigestId) -> Mapping[str, Any]:
        person = person_of(wanted.subject)
        collected = await self._mails.digest_book.get(person)
        if collected.aside_id != digest_id:
            return _DROPPED  # an earlier attempt had done all but say so
        events, more = collected.aside.events, collected.aside.more
        lines = [f"{sentence_of(event)}." for event in events]
        if more:
            lines.append(f"And {more} more.")
        subject = digest_subject(events, more)
        letter = await self._letter(wanted, digest_id, collected.aside_due, subject, tuple(lines))
        result: Mapping[str, Any] = _DROPPED
        try:
            if wanted.is_told:
                result = await self._sent(wanted, letter)
        except MailRefused:
            await self._mails.digest_book.settle(person, digest_id)
            raise
        await self._mails.digest_book.settle(person, digest_id)
        return result

    async def _confirm(self, job: Job, wanted: Preferences) -> Mapping[str, Any]:
        until = job.payload["until"]
        if wanted.is_confirmed or _mark(wanted.address) != job.payload["of"]:
            return _DROPPED
        token = await self._mails.confirmation(wanted, until)
        letter = Letter(
            letter_id=event_id_of("confirm", job.job_id),
            at=UnixSeconds(int(job.created_at)),
            subject="Confirm that BandPro may write to you",
            lines=(
                "Somebody wants to be told at this address of what happens in their scores.",
                "If that was you, open this link within 24 hours. If not, do nothing.",
            ),
            link=f"{self._site.public_url}{self._site.confirm_path}{token}",
            footer="Nothing else is sent to an address before it is confirmed.",
        )
        return await self._sent(wanted, letter)

    async def _letter(
        self,
        wanted: Preferences,
        event_id: str,
        at: UnixSeconds,
        subject: str,
        lines: tuple[str, ...],
    ) -> Letter:
        token = await self._mails.refusal(wanted)
        return Letter(
            letter_id=f"{event_id}.{person_of(wanted.subject)[:_PERSON_CHARS]}",
            at=at,
            subject=subject,
            lines=lines,
            link=self._site.public_url,
            footer=_FOOTER,
            unsubscribe=f"{self._site.public_url}{self._site.unsubscribe_path}{token}",
        )

    async def _sent(self, wanted: Preferences, letter: Letter) -> Mapping[str, Any]:
        if self._server is None:
            raise MailNotSent("this process has no smtp_host")
        now_s = time.monotonic()
        if now_s < self._rests_until_s:
            raise MailServerSilent("the mail server did not answer a moment ago")
        try:
            message = letter.message(self._server.sender, wanted.address)
            await send(self._server, wanted.address, message)
        except MailServerSilent:
            self._rests_until_s = time.monotonic() + self._rest_s
            raise
        return {"sent": True}


_DROPPED: Final[Mapping[str, Any]] = {"sent": False}
_PERSON_CHARS: Final = 16


def _order(key: str, subject: Subject, person: Person, told: Mapping[str, Any]) -> JobOrder:
    payload = {"person": person, **told}
    return JobOrder(KIND, key, subject, payload, Priority.NOTICE, attempts_max=ATTEMPTS_MAX)


def _mark(address: str) -> str:
    """Tells addresses apart without telling them."""
    return event_id_of("address", address)
