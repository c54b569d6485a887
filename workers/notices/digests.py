"""Digests: what somebody is told of in one mail, collected until its time comes.

Of each person with anything collected there is one record, changed by compare-and-set, and an
entry in the *calendar* for the time at which their digest is due; the calendar is listed by time,
so a look costs what is due and no more. When it is, what was collected is set aside under the
digest's id, and from then on that mail is the same however often it is tried. What comes meanwhile
is for the next one. A crash leaves an entry in the calendar, and whoever looks next goes on.

===========  =============================  ====================================================
collected    event                          becomes
===========  =============================  ====================================================
anything     an event                       one more; due at the end of its period, if not yet
due          a look                         set aside, and a job asked for that sends it
set aside    a look                         the same job is asked for
set aside    its job failed at last         collected again, for the next time
set aside    sent, or refused for good      gone; its events are not taken again
anything     nothing more is wanted         gone
===========  =============================  ====================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, NewType, Self

import orjson
import structlog

from collab.errors import BandProError, RecordMoved
from collab.ids import NO_ROOM, RecordId, UnixSeconds
from collab.limits import DIGEST_EVENTS_MAX
from collab.ports import Record, RecordKind, RecordStore
from workers.jobs.job import Job, JobState
from workers.notices.events import Event, EventId, event_id_of
from workers.notices.preferences import Person

_log = structlog.stdlib.get_logger(__name__)

DigestId = NewType("DigestId", str)

LOOK_S: Final = 20.0
"""Between two looks at what is due."""

_PAGE: Final = 100
_TIME_DIGITS: Final = 12
_TOLD_MAX: Final = 4 * DIGEST_EVENTS_MAX
_NONE: Final = UnixSeconds(0)
_CALENDAR: Final = RecordId("t.")  # after all records of people
_UNSENT: Final = frozenset({JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Digest:
    """Events that are told in one mail.

    Attributes:
        events: the first ones.
        more: how many others there were.
    """

    events: tuple[Event, ...] = field(default=(), repr=False)
    more: int = 0

    def with_event(self, event: Event) -> Digest:
        """With one more."""
        if len(self.events) >= DIGEST_EVENTS_MAX:
            return replace(self, more=self.more + 1)
        return replace(self, events=(*self.events, event))

    def followed_by(self, later: Digest) -> Digest:
        """With what came after it."""
        events = self.events + later.events
        more = max(0, len(events) - DIGEST_EVENTS_MAX) + self.more + later.more
        return Digest(events[:DIGEST_EVENTS_MAX], more)

    def as_json(self) -> dict[str, Any]:
        """For a record."""
        return {"events": [event.as_json() for event in self.events], "more": self.more}

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `as_json` gave."""
        return cls(tuple(map(Event.of_json, stored["events"])), stored["more"])


@dataclass(frozen=True, slots=True)
class Collected:
    """What a person is still to be told of.

    Attributes:
        digest: for the next mail.
        due: when that comes; 0 where nothing is collected.
        aside: for the mail that is being sent.
        aside_id: of that mail; empty where there is none.
        aside_due: when it came up.
        told: events that were taken lately, so that none is taken twice.
        revision: of the record.
    """

    digest: Digest = field(default_factory=Digest)
    due: UnixSeconds = _NONE
    aside: Digest = field(default_factory=Digest)
    aside_id: DigestId = DigestId("")
    aside_due: UnixSeconds = _NONE
    told: tuple[EventId, ...] = ()
    revision: int = 0

    def with_event(self, event: Event, due: UnixSeconds) -> Collected:
        """One event more; the same where it was taken before."""
        if event.event_id in self.told:
            return self
        told = (*self.told, event.event_id)[-_TOLD_MAX:]
        return replace(self, digest=self.digest.with_event(event), due=self.due or due, told=told)

    def set_aside(self, digest_id: DigestId) -> Collected:
        """What was collected is sent now."""
        return replace(
            self,
            digest=Digest(),
            due=_NONE,
            aside=self.digest,
            aside_id=digest_id,
            aside_due=self.due,
        )

    def settled(self, digest_id: DigestId) -> Collected:
        """What was set aside under this id is done with."""
        if self.aside_id != digest_id:
            return self
        return replace(self, aside=Digest(), aside_id=DigestId(""), aside_due=_NONE)

    def given_back(self, digest_id: DigestId, due: UnixSeconds) -> Collected:
        """What was set aside under this id could not be sent, and is for the next mail."""
        if self.aside_id != digest_id:
            return self
        back = replace(self, digest=self.aside.followed_by(self.digest), due=self.due or due)
        return back.settled(digest_id)

    def encode(self) -> bytes:
        """As it is stored."""
        return orjson.dumps(
            {
                "digest": self.digest.as_json(),
                "due": self.due,
                "aside": self.aside.as_json(),
                "aside_id": self.aside_id,
                "aside_due": self.aside_due,
                "told": self.told,
            }
        )

    @classmethod
    def decode(cls, record: Record) -> Self:
        """Read what `encode` wrote."""
        stored = orjson.loads(record.value)
        return cls(
            digest=Digest.of_json(stored["digest"]),
            due=UnixSeconds(stored["due"]),
            aside=Digest.of_json(stored["aside"]),
            aside_id=DigestId(stored["aside_id"]),
            aside_due=UnixSeconds(stored["aside_due"]),
            told=tuple(stored["told"]),
            revision=record.revision,
        )


@dataclass(frozen=True, slots=True)
class Due:
    """An entry in the calendar.

    Attributes:
        at: when.
        person: whose digest is due then.
        revision: of the entry.
    """

    at: UnixSeconds
    person: Person
    revision: int

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read an entry."""
        _, at, person = record.record_id.split(".")
        return cls(UnixSeconds(int(at)), Person(person), record.revision)


class DigestBook:
    """What is collected in a store; all of it is durable when it returns.

    Args:
        records: of the store.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    async def get(self, person: Person) -> Collected:
        """What somebody is still to be told of.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """
        found = await self._records.get(RecordKind.DIGEST, NO_ROOM, _place(person))
        return Collected() if found is None else Collected.decode(found)

    async def add(self, person: Person, event: Event, due: UnixSeconds) -> None:
        """Have somebody told of an event by their next digest; once, however often it is asked.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        await self._change(person, lambda known: known.with_event(event, due))

    async def set_aside(self, person: Person, seen: Collected) -> Collected:
        """Have what was collected sent now; what somebody else made of it meanwhile stays so.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        first = seen.digest.events[0].event_id
        digest_id = DigestId(event_id_of("digest", person, str(seen.due), first))

        def aside(known: Collected) -> Collected:
            return known if known.aside_id or known.due != seen.due else known.set_aside(digest_id)

        return await self._change(person, aside)

    async def settle(self, person: Person, digest_id: DigestId) -> None:
        """A digest was sent, or will never be.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        await self._change(person, lambda known: known.settled(digest_id))

    async def give_back(self, person: Person, digest_id: DigestId, due: UnixSeconds) -> None:
        """A digest could not be sent: it is tried again with the next one.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        await self._change(person, lambda known: known.given_back(digest_id, due))

    async def drop(self, person: Person) -> None:
        """Forget all that was collected for somebody.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        await self._records.delete(RecordKind.DIGEST, NO_ROOM, _place(person))

    async def due(self, now: float) -> AsyncIterator[Due]:
        """What is due by the calendar, longest first.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """
        after = _CALENDAR
        while page := await self._records.list(
            RecordKind.DIGEST, NO_ROOM, after=after, limit=_PAGE
        ):
            for record in page:
                due = Due.of(record)
                if due.at > now:
                    return
                yield due
            after = page[-1].record_id

    async def strike(self, due: Due) -> None:
        """Remove an entry from the calendar, unless it was entered again since it was read.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        with suppress(RecordMoved):
            await self._records.delete(
                RecordKind.DIGEST,
                NO_ROOM,
                _calendar_place(due.at, due.person),
                revision=due.revision,
            )

    async def _change(self, person: Person, change: Callable[[Collected], Collected]) -> Collected:
        while True:
            known = await self.get(person)
            changed = change(known)
            if changed == known:
                return known
            record = Record(_place(person), known.revision, changed.encode())
            try:
                if changed.due and changed.due != known.due:
                    # First the calendar: an entry too many is struck when it comes up, one too
                    # few would never be missed.
                    await self._enter(changed.due, person)
                stored = await self._records.compare_and_set(RecordKind.DIGEST, NO_ROOM, record)
            except RecordMoved:
                continue
            return replace(changed, revision=stored.revision)

    async def _enter(self, due: UnixSeconds, person: Person) -> None:
        place = _calendar_place(due, person)
        found = await self._records.get(RecordKind.DIGEST, NO_ROOM, place)
        revision = 0 if found is None else found.revision
        # Written anew where it is there: whoever is about to strike it then finds it changed.
        await self._records.compare_and_set(
            RecordKind.DIGEST, NO_ROOM, Record(place, revision, b"{}")
        )


class Digests:
    """Has what is due sent; run by every node, for twice is once.

    Args:
        book: what is collected.
        order: asks for the job that sends somebody's digest; the same one is the same job.
        next_due: when somebody's next digest comes.
        clock: the time, in seconds since 1970.
    """

    def __init__(
        self,
        book: DigestBook,
        order: Callable[[Person, DigestId], Awaitable[Job]],
        next_due: Callable[[Person, float], Awaitable[UnixSeconds]],
        clock: Callable[[], float],
    ) -> None:
        self._book = book
        self._order = order
        self._next_due = next_due
        self._clock = clock

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except BandProError as error:
                _log.warning("digests.not_looked_at", error=str(error))
            except Exception:  # noqa: BLE001 - one bad look must not be the last
                _log.exception("digests.looking_broke")
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Have sent what is due now.

        Raises:
            StoreUnavailable: not all of it was; repeating is safe.
        """
        async for due in self._book.due(self._clock()):
            await self._carry(due)

    async def _carry(self, due: Due) -> None:
        person = due.person
        collected = await self._book.get(person)
        if not collected.aside_id and collected.due == due.at:
            collected = await self._book.set_aside(person, collected)
        if not collected.aside_id:
            if collected.due != due.at:
                await self._book.strike(due)
            return
        job = await self._order(person, collected.aside_id)
        if job.state in _UNSENT:
            again = await self._next_due(person, self._clock())
            await self._book.give_back(person, collected.aside_id, again)


def _place(person: Person) -> RecordId:
    return RecordId(f"s.{person}")


def _calendar_place(due: UnixSeconds, person: Person) -> RecordId:
    return RecordId(f"{_CALENDAR}{due:0{_TIME_DIGITS}d}.{person}")
