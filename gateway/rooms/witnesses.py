"""What others are to know of in rooms: what is written down before a deed, and what came of it.

The two halves stand side by side because the one reads the facts that the other writes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Sequence as SequenceOf
from typing import Any, Final

import orjson

from collab.access import Claims
from collab.ids import RoomName, Subject
from collab.score.comment_deeds import ReadThread
from persistence.score_record import read_score_record
from persistence.stores import Stores
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
        maker = (await read_score_record(stores, cause.room)).created_by
        others = dict.fromkeys(Subject(each) for each in (*said, maker) if each)
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
