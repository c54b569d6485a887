"""Webhooks: addresses of other systems that are told of events, and how they are told.

Deliveries follow the Standard Webhooks specification: ``webhook-id`` is the event's id,
``webhook-timestamp`` the second of this attempt, and ``webhook-signature`` holds the base64 of the
HMAC-SHA-256 of ``id.timestamp.body``, once for each secret that is good.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, NewType, Self

import orjson

from collab.errors import LimitExceeded, NotThere, OperatingError, RecordMoved, ToolFailed
from collab.ids import NO_ROOM, RecordId, RoomName, Subject, UnixSeconds, room_key
from collab.limits import WEBHOOKS_MAX
from collab.ports import Record, RecordKind, RecordStore
from workers.jobs.job import Job, JobOrder, Priority
from workers.jobs.runner import Telling
from workers.notices.events import Event, EventId, EventKind
from workers.notices.public_hosts import HostRefused, check_url, post

WebhookId = NewType("WebhookId", str)

KIND: Final = "webhook"
ATTEMPTS_MAX: Final = 12
"""Over some twenty minutes; then the delivery is kept as failed, and may be tried again."""

DELIVERIES_MAX: Final = 20
OLD_SECRET_S: Final = 24 * 3_600
"""How long deliveries are signed with the secret before the last as well."""

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how receivers' libraries tell a secret
_SECRET_BYTES: Final = 32
_GONE: Final = 410
_OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to tell of an event.

    Attributes:
        event_id: of the event.
        kind: of it.
        at: when.
        status: what was answered; None for no answer.
        error: what went wrong, in words; empty for nothing.
    """

    event_id: str
    kind: str
    at: UnixSeconds
    status: int | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Who is told of events in a room, or in all.

    Attributes:
        webhook_id: of it.
        room: where; None for everywhere.
        url: who.
        kinds: of what; empty for everything.
        secret: what deliveries are signed with.
        owner: who made it.
        created_at: when.
        old_secret: what they are signed with as well, until
        old_until: then.
        is_off: whether nothing is sent any more, because the other side wanted so (410).
        deliveries: the last ones, newest first.
        revision: of the record.
    """

    webhook_id: WebhookId
    room: RoomName | None
    url: str = field(repr=False)
    kinds: tuple[EventKind, ...]
    secret: str = field(repr=False)
    owner: Subject
    created_at: UnixSeconds
    old_secret: str = field(default="", repr=False)
    old_until: UnixSeconds = UnixSeconds(0)
    is_off: bool = False
    deliveries: tuple[Delivery, ...] = ()
    revision: int = 0

    def wants(self, kind: EventKind) -> bool:
        """Whether it is told of such events."""
        return not self.is_off and (not self.kinds or kind in self.kinds)

    def rotated(self, secret: str, now: UnixSeconds) -> Webhook:
        """With another secret; the one before is good for a while."""
        until = UnixSeconds(now + OLD_SECRET_S)
        return replace(self, secret=secret, old_secret=self.secret, old_until=until, is_off=False)

    def delivered(self, delivery: Delivery) -> Webhook:
        """With one more attempt behind it."""
        deliveries = (delivery, *self.deliveries)[:DELIVERIES_MAX]
        is_off = self.is_off or delivery.status == _GONE
        return replace(self, deliveries=deliveries, is_off=is_off)

    def encode(self) -> bytes:
        """As it is stored."""
        stored = asdict(self)
        del stored["revision"]
        return orjson.dumps(stored)

    @classmethod
    def decode(cls, record: Record) -> Self:
        """Read what `encode` wrote."""
        stored = orjson.loads(record.value)
        stored["kinds"] = tuple(map(EventKind, stored["kinds"]))
        stored["deliveries"] = tuple(Delivery(**each) for each in stored["deliveries"])
        return cls(**stored, revision=record.revision)


def new_secret() -> str:
    """A secret as receivers' libraries take it."""
    return _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature_of(secret: str, event_id: str, at: int, body: bytes) -> str:
    """One signature, with the version of the scheme in front."""
    key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
    digest = hmac.digest(key, f"{event_id}.{at}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


class Webhooks:
    """The webhooks of a store; the sink that has them told.

    Args:
        records: of the store.
        submit: takes the jobs that tell them.
        wall: the time.
        allowed_hosts: names that need not be public.
    """

    def __init__(
        self,
        records: RecordStore,
        submit: Callable[[JobOrder], Awaitable[Job]],
        wall: Callable[[], UnixSeconds],
        allowed_hosts: tuple[str, ...],
    ) -> None:
        self._records = records
        self._submit = submit
        self._wall = wall
        self._allowed_hosts = allowed_hosts

    async def create(
        self, room: RoomName | None, url: str, kinds: tuple[EventKind, ...], owner: Subject
    ) -> Webhook:
        """Have somebody told of events in a room, or in all.

        Raises:
            HostRefused: nothing is sent to such an address.
            LimitExceeded: there are too many for the room.
            StoreUnavailable: the outcome is unknown.
        """
        check_url(url, self._allowed_hosts)
        if len(await self.list(room)) >= WEBHOOKS_MAX:
            raise LimitExceeded(f"{WEBHOOKS_MAX} webhooks are there already", limit="webhooks_max")
        made = Webhook(
            WebhookId("w" + secrets.token_hex(16)),
            room,
            url,
            kinds,
            new_secret(),
            owner,
            self._wall(),
        )
        place = _place(room, made.webhook_id)
        await self._records.compare_and_set(
            RecordKind.WEBHOOK, NO_ROOM, Record(place, 0, made.encode())
        )
        return made

    async def list(self, room: RoomName | None) -> tuple[Webhook, ...]:
        """All that are told of a room alone, or of all rooms."""
        prefix = _place(room, "")
        found = await self._records.list(
            RecordKind.WEBHOOK, NO_ROOM, after=prefix, limit=2 * WEBHOOKS_MAX
        )
        return tuple(Webhook.decode(each) for each in found if each.record_id.startswith(prefix))

    async def get(self, room: RoomName | None, webhook_id: WebhookId) -> Webhook | None:
        """One of them."""
        found = await self._records.get(RecordKind.WEBHOOK, NO_ROOM, _place(room, webhook_id))
        return None if found is None else Webhook.decode(found)

    async def delete(self, room: RoomName | None, webhook_id: WebhookId) -> None:
        """Tell it nothing any more; what is under way for it is dropped."""
        await self._records.delete(RecordKind.WEBHOOK, NO_ROOM, _place(room, webhook_id))

    async def rotate(self, room: RoomName | None, webhook_id: WebhookId) -> Webhook:
        """Sign with another secret from now on.

        Raises:
            NotThere: there is no such webhook.
        """
        secret, now = new_secret(), self._wall()
        return await self._change(room, webhook_id, lambda hook: hook.rotated(secret, now))

    async def test(self, webhook: Webhook, by: Subject) -> Event:
        """Have it told of an event that never was.

        Raises:
            StoreUnavailable: the outcome is unknown.
        """
        event_id = EventId(secrets.token_hex(16))
        room = webhook.room or RoomName("")
        event = Event(event_id, EventKind.TEST, room, by, None, (), self._wall(), {})
        await self._order(webhook, event)
        return event

    async def __call__(self, event: Event) -> None:
        """Have all told who want to know; see `relay.Sink`."""
        for room in (event.room, None):
            for webhook in await self.list(room):
                if webhook.wants(event.kind):
                    await self._order(webhook, event)

    async def record(self, webhook: Webhook, delivery: Delivery) -> None:
        """Keep what became of an attempt, while the webhook is there."""
        with suppress(NotThere):
            await self._change(
                webhook.room, webhook.webhook_id, lambda hook: hook.delivered(delivery)
            )

    async def _order(self, webhook: Webhook, event: Event) -> None:
        order = JobOrder(
            KIND,
            f"{event.event_id}\0{webhook.webhook_id}",
            webhook.owner,
            {"webhook": webhook.webhook_id, "of": webhook.room, "event": event.as_json()},
            Priority.NORMAL,
            attempts_max=ATTEMPTS_MAX,
        )
        await self._submit(order)

    async def _change(
        self, room: RoomName | None, webhook_id: WebhookId, change: Callable[[Webhook], Webhook]
    ) -> Webhook:
        while True:
            known = await self.get(room, webhook_id)
            if known is None:
                raise NotThere("there is no such webhook")
            changed = change(known)
            record = Record(_place(room, webhook_id), known.revision, changed.encode())
            try:
                await self._records.compare_and_set(RecordKind.WEBHOOK, NO_ROOM, record)
            except RecordMoved:
                continue
            return changed


class NotDelivered(OperatingError):
    """An event could not be told now; it is tried again."""


class WebhookHandler:
    """Does jobs of this kind.

    Args:
        webhooks: of the store.
        allowed_hosts: names that need not be public.
    """

    def __init__(self, webhooks: Webhooks, allowed_hosts: tuple[str, ...]) -> None:
        self._webhooks = webhooks
        self._allowed_hosts = allowed_hosts

    async def __call__(self, job: Job, tell: Telling) -> Mapping[str, Any]:
        """Tell of an event once; the result says what was answered.

        Raises:
            NotDelivered: to be tried again.
            ToolFailed: nothing is sent there, or nothing more.
        """
        del tell
        webhook = await self._webhooks.get(job.payload["of"], job.payload["webhook"])
        event = Event.of_json(job.payload["event"])
        if webhook is None or webhook.is_off:
            return {"dropped": True}
        status, error = await self._attempt(webhook, event)
        at = UnixSeconds(int(time.time()))
        await self._webhooks.record(
            webhook, Delivery(event.event_id, event.kind, at, status, error)
        )
        if status is not None and status in _OK:
            return {"status": status}
        if error.startswith(_REFUSED) or status == _GONE:
            raise ToolFailed(error)
        raise NotDelivered(error)

    async def _attempt(self, webhook: Webhook, event: Event) -> tuple[int | None, str]:
        import httpx  # noqa: PLC0415 - takes its time, and most servers tell no webhooks

        at = int(time.time())
        body = body_of(event)
        secrets_now = [webhook.secret]
        if webhook.old_secret and at < webhook.old_until:
            secrets_now.append(webhook.old_secret)
        signatures = (signature_of(each, event.event_id, at, body) for each in secrets_now)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "BandPro-Webhooks",
            "webhook-id": event.event_id,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(signatures),
        }
        try:
            answer = await post(webhook.url, body, headers, self._allowed_hosts)
        except HostRefused as error:
            return None, f"{_REFUSED}{error}"
        except TimeoutError:
            return None, "no answer in time"
        except (OSError, httpx.HTTPError) as error:
            return None, f"the connection failed ({type(error).__name__})"
        if answer.status in _OK:
            return answer.status, ""
        if answer.status // 100 == 3:  # noqa: PLR2004 - the class of redirects
            return answer.status, "it answered with a redirect, and those are not followed"
        return answer.status, f"it answered {answer.status}"


_REFUSED: Final = "not sent: "


def body_of(event: Event) -> bytes:
    """What is sent: the same bytes at every attempt."""
    told = {
        "type": event.kind,
        "timestamp": datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {
            "room": event.room,
            "actor": {"subject": event.actor, "name": event.actor_name},
            "recipients": event.recipients,
            **event.data,
        },
    }
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


def _place(room: RoomName | None, webhook_id: str) -> RecordId:
    """Where it is kept: beside all others, since what erases a room does not erase who is told."""
    return RecordId(f"{NO_ROOM if room is None else room_key(room)}.{webhook_id}")
