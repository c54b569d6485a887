"""What others are to know of in rooms: what is written down before a deed, and what came of it.

The two halves stand side by side because the one reads the facts that the other writes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Sequence as SequenceOf
from typing import Any, Final

import orjson

from collab.access import Claims, Role
from collab.history.versions import VersionKind
from collab.ids import RoomName, Subject, VersionId
from collab.score.comment_deeds import ReadThread
from persistence.score_record import read_score_record
from persistence.stores import Stores
from persistence.versions import get_version
from workers.jobs.job import JobId, JobState
from workers.jobs.ports import JobBook
from workers.notices.events import Cause, Event, EventKind
from workers.notices.relay import Fate, Witness

TOLD_BEFORE_S: Final = 3_600.0
"""A message so much older than its cause is a repeated request's: it was told of at the time."""

_DIGEST_CHARS: Final = 32

ThreadReader = Callable[[RoomName, ReadThread], Awaitable[bytes]]


def comment_cause(
    name: RoomName, claims: Claims, thread_id: str, message_id: str, at: float
) -> Cause:
    """Somebody is about to say something, in a thread or at the head of one."""
    facts = {"thread": thread_id, "message": message_id}
    return _cause(EventKind.COMMENT, name, claims, message_id, facts, at)


def mention_cause(
    name: RoomName,
    claims: Claims,
    thread: bytes,
    message_id: str,
    mentions: SequenceOf[str],
    at: float,
) -> Cause | None:
    """Somebody is about to mention others in what was said; None for nobody new.

    Args:
        name: the room.
        claims: who.
        thread: as it is before, as JSON; empty where there is none.
        message_id: of what is edited.
        mentions: all, those of before included.
        at: when, in seconds.
    """
    message = _message(thread, message_id)
    if message is None:
        return None
    new = sorted(set(mentions) - set(message["mentions"]))
    if not new:
        return None
    digest = hashlib.sha256(orjson.dumps([message_id, new])).hexdigest()[:_DIGEST_CHARS]
    facts = {"thread": orjson.loads(thread)["thread_id"], "message": message_id, "new": new}
    return _cause(EventKind.MENTION, name, claims, f"{message_id}.{digest}", facts, at)


def version_cause(name: RoomName, claims: Claims, version_id: VersionId, at: float) -> Cause:
    """Somebody is about to give a version a name."""
    return _cause(EventKind.VERSION_NAMED, name, claims, version_id, {"version": version_id}, at)


def export_cause(name: RoomName, claims: Claims, job_id: JobId, at: float) -> Cause:
    """Somebody is about to order an export that is not made yet."""
    return _cause(EventKind.EXPORT_READY, name, claims, job_id, {"job": job_id}, at)


def share_cause(
    name: RoomName, claims: Claims, share_id: str, subject: str, role: Role, at: float
) -> Cause:
    """Somebody tells another that a score is theirs too."""
    facts = {"subject": subject, "role": role}
    return _cause(EventKind.SHARE, name, claims, share_id, facts, at)


def share_event(cause: Cause) -> Event:
    """What is told of a share."""
    to = Subject(cause.facts["subject"])
    data = {"subject": to, "role": cause.facts["role"]}
    return cause.event(EventKind.SHARE, (to,), data)


def all_witnesses(read: ThreadReader, stores: Stores, book: JobBook) -> Mapping[EventKind, Witness]:
    """Those of every kind of cause.

    Args:
        read: reads a thread of comments as JSON.
        stores: have versions, and tell who made a score.
        book: has the jobs.
    """

    async def named(cause: Cause) -> tuple[Event, ...] | Fate:
        version = await get_version(stores, cause.room, VersionId(cause.facts["version"]))
        if version is None or version.kind is not VersionKind.NAMED:
            return Fate.NOT_YET
        data = {"version_id": version.version_id}
        return (cause.event(EventKind.VERSION_NAMED, await _makers(stores, cause.room), data),)

    async def exported(cause: Cause) -> tuple[Event, ...] | Fate:
        job = await book.get(JobId(cause.facts["job"]))
        if job is None or job.state in {JobState.FAILED, JobState.CANCELLED}:
            return Fate.NOT_YET  # it may be begun anew at this moment
        if job.state is not JobState.DONE:
            return Fate.WAITING
        data = {"job_id": job.job_id}
        # One that was forgotten and is made again has the same id.
        return (cause.event(EventKind.EXPORT_READY, job.askers, data, repr(job.created_at)),)

    async def shared(cause: Cause) -> tuple[Event, ...] | Fate:
        return (share_event(cause),)

    return {
        **comment_witnesses(read, stores),
        EventKind.VERSION_NAMED: named,
        EventKind.EXPORT_READY: exported,
        EventKind.SHARE: shared,
    }


def comment_witnesses(read: ThreadReader, stores: Stores) -> Mapping[EventKind, Witness]:
    """Look into threads.

    Args:
        read: reads a thread as JSON.
        stores: tell who made a score.
    """

    async def commented(cause: Cause) -> tuple[Event, ...] | Fate:
        thread = await read(cause.room, ReadThread(cause.facts["thread"]))
        message = _message(thread, cause.facts["message"])
        if message is None:
            return Fate.NOT_YET
        if message["is_deleted"] or message["at_ms"] / 1000 < cause.at - TOLD_BEFORE_S:
            return Fate.NEVER
        mentioned = [Subject(each) for each in message["mentions"]]
        said = [each["author"] for each in orjson.loads(thread)["messages"]]
        makers = await _makers(stores, cause.room)
        others = dict.fromkeys((*(Subject(each) for each in said if each), *makers))
        # Whoever is mentioned is told of that, and need not be told twice.
        to = tuple(each for each in others if each not in mentioned)
        return (cause.event(EventKind.COMMENT, to, _where(cause)), *_mentions(cause, mentioned))

    async def mentioned(cause: Cause) -> tuple[Event, ...] | Fate:
        thread = await read(cause.room, ReadThread(cause.facts["thread"]))
        message = _message(thread, cause.facts["message"])
        if message is None or message["is_deleted"]:
            return Fate.NEVER
        now = [Subject(each) for each in cause.facts["new"] if each in message["mentions"]]
        return _mentions(cause, now) or Fate.NOT_YET

    return {EventKind.COMMENT: commented, EventKind.MENTION: mentioned}


async def _makers(stores: Stores, name: RoomName) -> tuple[Subject, ...]:
    """Who made a score, where that is known."""
    maker = (await read_score_record(stores, name)).created_by
    return (Subject(maker),) if maker else ()


def _mentions(cause: Cause, subjects: SequenceOf[Subject]) -> tuple[Event, ...]:
    return tuple(
        cause.event(EventKind.MENTION, (each,), {**_where(cause), "mentioned": each}, each)
        for each in subjects
    )


def _where(cause: Cause) -> dict[str, Any]:
    return {"thread_id": cause.facts["thread"], "message_id": cause.facts["message"]}


def _message(thread: bytes, message_id: str) -> dict[str, Any] | None:
    messages: list[dict[str, Any]] = orjson.loads(thread)["messages"] if thread else []
    return next((each for each in messages if each["message_id"] == message_id), None)


def _cause(
    kind: EventKind,
    name: RoomName,
    claims: Claims,
    cause_id: str,
    facts: Mapping[str, Any],
    at: float,
) -> Cause:
    return Cause(cause_id, kind, name, claims.subject, claims.display_name, at, facts)
