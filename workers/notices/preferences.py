"""Where people are told by mail, of what, and how soon: a record for each subject."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NewType, Self

import orjson

from collab.errors import LimitExceeded, PeerError, RecordMoved
from collab.ids import NO_ROOM, RecordId, Subject, UnixSeconds
from collab.limits import (
    MAIL_ADDRESS_CHARS_MAX,
    MAIL_CONFIRMATIONS_PER_ADDRESS_MAX,
    MAIL_CONFIRMATIONS_PER_SUBJECT_MAX,
)
from collab.ports import Record, RecordKind, RecordStore
from workers.notices.events import EventKind

Person = NewType("Person", str)
"""A subject as records and links name it: hexadecimal digits that tell nothing of it."""

HOUR_S: Final = 3_600
_DIGEST_HOUR: Final = 6  # UTC, of what comes once a day or a week
_DIGEST_WEEKDAY: Final = 0  # Monday
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{0,62}[A-Za-z]"
)
_LOCAL_CHARS_MAX: Final = 64


class InvalidAddress(PeerError):
    """A spelling that is no address of mail, or one that is not written to."""


class Timing(StrEnum):
    """When somebody is told of something."""

    AT_ONCE = "at-once"
    DIGEST = "digest"
    NEVER = "never"


class Period(StrEnum):
    """How often a digest comes, if there is anything in it."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


DEFAULT_TIMINGS: Final[Mapping[EventKind, Timing]] = {
    EventKind.MENTION: Timing.AT_ONCE,
    EventKind.SHARE: Timing.AT_ONCE,
    EventKind.COMMENT: Timing.DIGEST,
    EventKind.VERSION_NAMED: Timing.DIGEST,
    EventKind.EXPORT_READY: Timing.NEVER,  # whoever asked for it is waiting for it
}
"""What holds for kinds of which somebody said nothing; others are never told by mail."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one subject wants to be told by mail.

    Attributes:
        subject: who.
        address: where; empty for nowhere.
        is_confirmed: whether whoever reads mail there agreed.
        is_unsubscribed: whether they want nothing any more.
        timings: by kind, where they said something.
        period: of the digest.
        revision: of the record.
    """

    subject: Subject
    address: str = field(default="", repr=False)
    is_confirmed: bool = False
    is_unsubscribed: bool = False
    timings: Mapping[EventKind, Timing] = field(default_factory=dict)
    period: Period = Period.DAILY
    revision: int = 0

    @property
    def is_told(self) -> bool:
        """Whether anything may be sent to them."""
        return self.is_confirmed and not self.is_unsubscribed

    def timing(self, kind: EventKind) -> Timing:
        """When they are told of such events."""
        return self.timings.get(kind, DEFAULT_TIMINGS.get(kind, Timing.NEVER))

    def all_timings(self) -> dict[EventKind, Timing]:
        """The same for all kinds."""
        return {kind: self.timing(kind) for kind in DEFAULT_TIMINGS}

    def encode(self) -> bytes:
        """As it is stored."""
        stored = asdict(self)
        del stored["revision"]
        stored["timings"] = {kind.value: when.value for kind, when in self.timings.items()}
        return orjson.dumps(stored)

    @classmethod
    def decode(cls, record: Record) -> Self:
        """Read what `encode` wrote."""
        stored = orjson.loads(record.value)
        timings = {EventKind(kind): Timing(when) for kind, when in stored["timings"].items()}
        stored |= {"timings": timings, "period": Period(stored["period"])}
        return cls(**stored, revision=record.revision)


def person_of(subject: Subject) -> Person:
    """What a subject is called in records and links."""
    return Person(_digest(subject))


def checked_address(text: str) -> str:
    """An address that can be written to.

    Raises:
        InvalidAddress: it is none, or has other letters than ASCII.
    """
    local = text.partition("@")[0]
    is_short = len(text) <= MAIL_ADDRESS_CHARS_MAX and len(local) <= _LOCAL_CHARS_MAX
    if not is_short or _ADDRESS.fullmatch(text) is None:
        raise InvalidAddress("this is no address like ann@example.org")
    return text


def period_end(period: Period, now: float) -> UnixSeconds:
    """When the digest comes that collects what happens now: hours and days are those of UTC."""
    at = datetime.fromtimestamp(now, UTC)
    if period is Period.HOURLY:
        return UnixSeconds((int(now) // HOUR_S + 1) * HOUR_S)
    end = at.replace(hour=_DIGEST_HOUR, minute=0, second=0, microsecond=0)
    if period is Period.WEEKLY:
        end += timedelta(days=(_DIGEST_WEEKDAY - end.weekday()) % 7)
    while end <= at:
        end += timedelta(days=1 if period is Period.DAILY else 7)
    return UnixSeconds(int(end.timestamp()))


class PreferenceBook:
    """The preferences of a store; all of it is durable when it returns.

    Args:
        records: of the store.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    async def get(self, person: Person) -> Preferences | None:
        """What somebody wants; None where they never said anything.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """
        found = await self._records.get(RecordKind.PREFERENCES, NO_ROOM, _place(person))
        return None if found is None else Preferences.decode(found)

    async def change(
        self, subject: Subject, change: Callable[[Preferences], Preferences]
    ) -> Preferences:
        """Change what somebody wants, as often as it takes; `change` may be called again.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        person = person_of(subject)
        while True:
            known = await self.get(person) or Preferences(subject)
            changed = change(known)
            if changed == known:
                return known
            record = Record(_place(person), known.revision, changed.encode())
            try:
                stored = await self._records.compare_and_set(
                    RecordKind.PREFERENCES, NO_ROOM, record
                )
            except RecordMoved:
                continue
            return replace(changed, revision=stored.revision)

    async def delete(self, person: Person) -> None:
        """Forget somebody's address, and what they want.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        await self._records.delete(RecordKind.PREFERENCES, NO_ROOM, _place(person))

    async def admit_confirmation(self, subject: Subject, address: str, now: float) -> None:
        """Count a confirmation that is to be sent.

        Raises:
            LimitExceeded: too many went to this address, or were asked for by this subject.
            StoreUnavailable: the outcome is unknown; it may have been counted.
        """
        # Whoever asks is counted first: their attempts must not use up another's address.
        await self._admit(f"u.{_digest(subject)}", MAIL_CONFIRMATIONS_PER_SUBJECT_MAX, now)
        await self._admit(f"a.{_digest(address.lower())}", MAIL_CONFIRMATIONS_PER_ADDRESS_MAX, now)

    async def _admit(self, place: str, count_max: int, now: float) -> None:
        while True:
            found = await self._records.get(RecordKind.PREFERENCES, NO_ROOM, RecordId(place))
            times = [] if found is None else orjson.loads(found.value)
            recent = [at for at in times if at > now - HOUR_S]
            if len(recent) >= count_max:
                raise LimitExceeded(
                    f"{count_max} confirmations were sent within an hour",
                    limit="mail_confirmations_max",
                )
            revision = 0 if found is None else found.revision
            record = Record(RecordId(place), revision, orjson.dumps([*recent, now]))
            try:
                await self._records.compare_and_set(RecordKind.PREFERENCES, NO_ROOM, record)
            except RecordMoved:
                continue
            return


def _place(person: Person) -> RecordId:
    return RecordId(f"s.{person}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
