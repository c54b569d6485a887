"""Comments on a score: what a document of them holds, and what each deed changes in it.

Three flat maps beside the score, in a document of their own, values replaced whole as there:

===========  ==========  ==========================================================================
map          key         value
===========  ==========  ==========================================================================
`threads`    thread id   ``{"anchor": {"element", "part", "measure", "onset"}, "at_ms"}``
`messages`   message id  ``{"thread", "author", "name", "text", "mentions", "at_ms", "edited_ms",
                         "deleted_ms", "request"}``; a thread's first message has the thread's id
`resolved`   thread id   ``{"by", "name", "at_ms"}``; there while the thread is resolved
===========  ==========  ==========================================================================

Pure: who asks, the time and new ids come in as values, and what is to be written comes out.
Nobody writes these documents but the API, so authorship is always the token's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from collab.errors import AccessDenied, LimitExceeded, NotThere, StateConflict
from collab.limits import COMMENT_MESSAGES_MAX, COMMENT_THREADS_MAX, COMMENTS_BYTES_MAX
from collab.score.anchors import Anchor, Lookup, anchored, read_onset
from collab.score.schema import Json, normalise_numbers

ROOTS: Final = ("threads", "messages", "resolved")
"""The names of the top-level maps."""

Held = Mapping[str, Mapping[str, object]]
"""A document of comments: map to key to value, as it was read."""

Changes = dict[str, dict[str, Json]]
"""What to write: map to key to its new value, None to delete the entry."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who asks, by the token.

    Attributes:
        subject: the token's.
        name: its display name, if it has one.
        moderates: whether others' comments may be deleted.
    """

    subject: str
    name: str | None = field(default=None, repr=False)
    moderates: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody says.

    Attributes:
        text: plain text.
        mentions: subjects who are to know of it.
        message_id: the id that the message is to have; of a repeated request the same.
        request: a digest of the request and its key, to tell a repetition; empty without one.
    """

    text: str = field(repr=False)
    mentions: tuple[str, ...] = ()
    message_id: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a thread.

    Attributes:
        message_id: unique among all comments of a score.
        thread_id: the thread it stands in.
        author: the subject who wrote it; empty once that was erased.
        name: the author's display name then.
        text: plain text; empty once deleted.
        mentions: subjects who are to know of it.
        at_ms: wall-clock milliseconds of its writing; later in each thread than the one before.
        edited_ms: of its last edit.
        deleted_ms: of its deletion.
        request: a digest of the request that made it and of its key; empty without one.
    """

    message_id: str
    thread_id: str
    author: str
    name: str | None = field(repr=False)
    text: str = field(repr=False)
    mentions: tuple[str, ...]
    at_ms: int
    edited_ms: int | None = None
    deleted_ms: int | None = None
    request: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who resolved a thread, and when."""

    by: str
    name: str | None = field(repr=False)
    at_ms: int


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread with all its messages, oldest first."""

    thread_id: str
    anchor: Anchor
    at_ms: int
    messages: tuple[Message, ...]
    resolution: Resolution | None = None


def read_comments(held: Held) -> dict[str, Thread]:
    """The threads of a document by id, oldest first; what is not as above is left out."""
    messages: dict[str, list[Message]] = {}
    for key, value in _entries(held, "messages"):
        message = _message(key, value)
        if message is not None:
            messages.setdefault(message.thread_id, []).append(message)
    resolved = {key: _resolution(value) for key, value in _entries(held, "resolved")}
    threads = [
        Thread(
            thread_id=key,
            anchor=_anchor(value.get("anchor")),
            at_ms=_time(value.get("at_ms")) or 0,
            messages=tuple(sorted(messages[key], key=lambda one: (one.at_ms, one.message_id))),
            resolution=resolved.get(key),
        )
        for key, value in _entries(held, "threads")
        if key in messages
    ]
    threads.sort(key=lambda thread: (thread.at_ms, thread.thread_id))
    return {thread.thread_id: thread for thread in threads}


# Deeds ----------------------------------------------------------------------------------------


def begin_thread(
    held: Held, author: Author, words: Words, anchor: Anchor, lookup: Lookup, now_ms: int
) -> Changes:
    """Begin a thread; nothing is to be written where the same request has begun it already.

    Args:
        held: the comments.
        author: who asks.
        words: the first message, whose id becomes the thread's.
        anchor: what it is about.
        lookup: the score.
        now_ms: wall-clock milliseconds.

    Raises:
        StateConflict: what it is about is not there, or the key was used for something else.
        LimitExceeded: there are as many threads, or as much text, as there may be.
    """
    threads = read_comments(held)
    if _is_repeated(threads, words, thread_id=None):
        return {}
    if len(threads) >= COMMENT_THREADS_MAX:
        raise LimitExceeded(
            f"a score may have {COMMENT_THREADS_MAX} threads of comments",
            limit="comment_threads_max",
        )
    found = anchored(anchor, lookup)
    if found is None:
        raise StateConflict("what is commented on is not in the score")
    key = words.message_id
    entry: dict[str, Json] = {"anchor": _written(found), "at_ms": now_ms}
    message = _said(author, words, key, now_ms)
    return _checked(held, {"threads": {key: entry}, "messages": {key: message}})


def reply(held: Held, author: Author, words: Words, thread_id: str, now_ms: int) -> Changes:
    """Reply in a thread, resolved or not; a repeated request writes nothing.

    Raises:
        NotThere: there is no such thread.
        StateConflict: the key was used for something else.
        LimitExceeded: the thread, or all of them, are as large as they may be.
    """
    threads = read_comments(held)
    thread = _found(threads, thread_id)
    if _is_repeated(threads, words, thread_id=thread_id):
        return {}
    if len(thread.messages) >= COMMENT_MESSAGES_MAX:
        raise LimitExceeded(
            f"a thread may have {COMMENT_MESSAGES_MAX} messages", limit="comment_messages_max"
        )
    at_ms = max(now_ms, thread.messages[-1].at_ms + 1)
    message = _said(author, words, thread_id, at_ms)
    return _checked(held, {"messages": {words.message_id: message}})


def edit(
    held: Held, author: Author, words: Words, thread_id: str, message_id: str, now_ms: int
) -> Changes:
    """Say something else in a message of one's own.

    Raises:
        NotThere: there is no such message, or it was deleted.
        AccessDenied: it is somebody else's.
        LimitExceeded: there is as much text as there may be.
    """
    message = _living(_found(read_comments(held), thread_id), message_id)
    if message.author != author.subject:
        raise AccessDenied("only its author may change a comment")
    if (message.text, message.mentions) == (words.text, words.mentions):
        return {}
    changed = _as_entry(message) | {
        "text": words.text,
        "mentions": list(words.mentions),
        "edited_ms": max(now_ms, message.at_ms),
    }
    return _checked(held, {"messages": {message_id: changed}})


def delete(
    held: Held, author: Author, thread_id: str, message_id: str | None, now_ms: int
) -> Changes:
    """Delete a message of one's own, or anybody's as a moderator; or, as one, a whole thread.

    While others have said something in the thread, the place of a deleted message stays, without
    its text. With the last one goes the thread.

    Args:
        held: the comments.
        author: who asks.
        thread_id: the thread.
        message_id: the message; None for all of them.
        now_ms: wall-clock milliseconds.

    Raises:
        NotThere: there is no such thread or message.
        AccessDenied: it is somebody else's.
    """
    thread = _found(read_comments(held), thread_id)
    doomed = thread.messages if message_id is None else (_living(thread, message_id),)
    if not author.moderates and any(one.author != author.subject for one in doomed):
        raise AccessDenied("only its author, or an owner, may delete a comment")
    if any(one.deleted_ms is None and one not in doomed for one in thread.messages):
        return {
            "messages": {
                one.message_id: _as_entry(one)
                | {"text": "", "mentions": [], "deleted_ms": max(now_ms, one.at_ms)}
                for one in doomed
            }
        }
    return {
        "threads": {thread_id: None},
        "messages": {one.message_id: None for one in thread.messages},
        "resolved": {thread_id: None},
    }


def resolve(
    held: Held,
    author: Author,
    thread_id: str,
    now_ms: int,
    *,
    is_resolved: bool,
) -> Changes:
    """Mark a thread as resolved, or open it again; what it is already writes nothing.

    Raises:
        NotThere: there is no such thread.
    """
    thread = _found(read_comments(held), thread_id)
    if is_resolved == (thread.resolution is not None):
        return {}
    if not is_resolved:
        return {"resolved": {thread_id: None}}
    told: dict[str, Json] = {"by": author.subject, "name": author.name, "at_ms": now_ms}
    return {"resolved": {thread_id: told}}


def forget(held: Held, subject: str) -> Changes:
    """Take a subject's name out of all comments; what was said stays, by nobody.

    What belongs to no thread goes, as it may name anybody: a thread was deleted on one node while
    somebody replied in it, or resolved it, on another. What is named nowhere writes nothing.
    """
    threads = read_comments(held)
    shown = {one.message_id for thread in threads.values() for one in thread.messages}
    messages: dict[str, Json] = {key: None for key in held.get("messages", {}) if key not in shown}
    resolved: dict[str, Json] = {
        key: None for key in held.get("resolved", {}) if key not in threads
    }
    for thread in threads.values():
        for one in thread.messages:
            entry = _as_entry(one)
            if one.author == subject:
                entry |= {"author": "", "name": None}
            if subject in one.mentions:
                entry["mentions"] = [each for each in one.mentions if each != subject]
            if entry != _as_entry(one):
                messages[one.message_id] = entry
        resolution = thread.resolution
        if resolution is not None and resolution.by == subject:
            resolved[thread.thread_id] = {"by": "", "name": None, "at_ms": resolution.at_ms}
    written = {"messages": messages, "resolved": resolved}
    return {root: entries for root, entries in written.items() if entries}


# Inside ---------------------------------------------------------------------------------------


def _found(threads: Mapping[str, Thread], thread_id: str) -> Thread:
    thread = threads.get(thread_id)
    if thread is None:
        raise NotThere("there is no such thread of comments")
    return thread


def _living(thread: Thread, message_id: str) -> Message:
    for one in thread.messages:
        if one.message_id == message_id and one.deleted_ms is None:
            return one
    raise NotThere("there is no such message in the thread")


def _is_repeated(threads: Mapping[str, Thread], words: Words, *, thread_id: str | None) -> bool:
    """Whether this very request was carried out already."""
    known = next(
        (
            one
            for thread in threads.values()
            for one in thread.messages
            if one.message_id == words.message_id
        ),
        None,
    )
    if known is None:
        return False
    if known.request != words.request or known.thread_id != (thread_id or known.message_id):
        raise StateConflict("the idempotency key was used for another comment")
    return True


def _said(author: Author, words: Words, thread_id: str, at_ms: int) -> dict[str, Json]:
    return _as_entry(
        Message(
            message_id=words.message_id,
            thread_id=thread_id,
            author=author.subject,
            name=author.name,
            text=words.text,
            mentions=words.mentions,
            at_ms=at_ms,
            request=words.request,
        )
    )


def _as_entry(message: Message) -> dict[str, Json]:
    return {
        "thread": message.thread_id,
        "author": message.author,
        "name": message.name,
        "text": message.text,
        "mentions": list(message.mentions),
        "at_ms": message.at_ms,
        "edited_ms": message.edited_ms,
        "deleted_ms": message.deleted_ms,
        "request": message.request,
    }


def _checked(held: Held, changes: Changes) -> Changes:
    """The changes, if what is said stays within its bound."""
    size_bytes = sum(map(_size, changes.values())) + sum(
        _size(held.get(root, {})) for root in ROOTS
    )
    if size_bytes > COMMENTS_BYTES_MAX:
        raise LimitExceeded(
            f"the comments on a score may take {COMMENTS_BYTES_MAX} bytes",
            limit="comments_bytes_max",
        )
    return changes


def _size(entries: Mapping[str, object]) -> int:
    return len(json.dumps(normalise_numbers(entries), ensure_ascii=False).encode(errors="replace"))


def _written(anchor: Anchor) -> dict[str, Json]:
    told: dict[str, Json] = {
        "element": anchor.element,
        "part": anchor.part,
        "measure": anchor.measure,
        "onset": None if anchor.onset is None else list(anchor.onset),
    }
    return {name: value for name, value in told.items() if value is not None}


def _entries(held: Held, root: str) -> list[tuple[str, Mapping[str, object]]]:
    return [(key, each) for key, each in held.get(root, {}).items() if isinstance(each, Mapping)]


def _message(key: str, value: Mapping[str, object]) -> Message | None:
    thread, author, text = (value.get(name) for name in ("thread", "author", "text"))
    at_ms = _time(value.get("at_ms"))
    if not (isinstance(thread, str) and isinstance(author, str) and isinstance(text, str)):
        return None
    mentions = value.get("mentions")
    request = value.get("request")
    return Message(
        message_id=key,
        thread_id=thread,
        author=author,
        name=_text(value.get("name")),
        text=text,
        mentions=tuple(map(str, mentions)) if isinstance(mentions, list) else (),
        at_ms=at_ms or 0,
        edited_ms=_time(value.get("edited_ms")),
        deleted_ms=_time(value.get("deleted_ms")),
        request=request if isinstance(request, str) else "",
    )


def _resolution(value: Mapping[str, object]) -> Resolution | None:
    by = value.get("by")
    if not isinstance(by, str):
        return None
    return Resolution(by, _text(value.get("name")), _time(value.get("at_ms")) or 0)


def _anchor(value: object) -> Anchor:
    if not isinstance(value, Mapping):
        return Anchor()
    element, part, measure = (_text(value.get(name)) for name in ("element", "part", "measure"))
    return Anchor(element, part, measure, read_onset(value.get("onset")))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: object) -> int | None:
    value = normalise_numbers(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
