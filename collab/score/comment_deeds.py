"""What may be asked of the comments on a score, as values and as JSON that a worker is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from collab.score import comments
from collab.score.anchors import Anchor, AnchorState, Lookup, placement, read_onset
from collab.score.comments import Author, Changes, Held, Thread, Words
from collab.score.schema import Json

_CURSOR_SEPARATOR: Final = "."


@dataclass(frozen=True, slots=True)
class ReadThreads:
    """List threads, oldest first.

    Attributes:
        after: only those after this place, as the page before named it.
        limit: how many at most.
        is_resolved: only those that are, or are not; None for all.
        element: only those anchored to this element.
    """

    after: str | None = None
    limit: int = 100
    is_resolved: bool | None = None
    element: str | None = None


@dataclass(frozen=True, slots=True)
class ReadThread:
    """Read one thread."""

    thread_id: str


@dataclass(frozen=True, slots=True)
class BeginThread:
    """Begin a thread about something."""

    words: Words
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Reply:
    """Say something in a thread."""

    thread_id: str
    words: Words


@dataclass(frozen=True, slots=True)
class Edit:
    """Say something else in a message of one's own."""

    thread_id: str
    message_id: str
    words: Words


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a message, or with None for it the whole thread."""

    thread_id: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Resolve:
    """Resolve a thread or open it again."""

    thread_id: str
    is_resolved: bool


@dataclass(frozen=True, slots=True)
class Forget:
    """Take a subject's name out of all comments."""

    subject: str


Question = ReadThreads | ReadThread
Deed = BeginThread | Reply | Edit | Delete | Resolve | Forget
Request = Question | Deed

_KINDS: Final[Mapping[str, type[Request]]] = {
    kind.__name__: kind
    for kind in (ReadThreads, ReadThread, BeginThread, Reply, Edit, Delete, Resolve, Forget)
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with who asks and when.

    Attributes:
        request: what is wanted.
        author: who asks.
        now_ms: wall-clock milliseconds.
    """

    request: Request
    author: Author
    now_ms: int


def carry_out(held: Held, asked: Asked, lookup: Lookup) -> Changes:
    """What a deed changes in the comments; nothing for a question.

    Raises:
        PeerError: it is refused; see the functions of :mod:`collab.score.comments`.
    """
    author, now_ms = asked.author, asked.now_ms
    match asked.request:
        case BeginThread(words, anchor):
            return comments.begin_thread(held, author, words, anchor, lookup, now_ms)
        case Reply(thread_id, words):
            return comments.reply(held, author, words, thread_id, now_ms)
        case Edit(thread_id, message_id, words):
            return comments.edit(held, author, words, thread_id, message_id, now_ms)
        case Delete(thread_id, message_id):
            return comments.delete(held, author, thread_id, message_id, now_ms)
        case Resolve(thread_id, is_resolved):
            return comments.resolve(held, author, thread_id, now_ms, is_resolved=is_resolved)
        case Forget(subject):
            return comments.forget(held, subject)
        case ReadThreads() | ReadThread():
            return {}


def changed(held: Held, changes: Changes) -> Held:
    """The comments as they are once changes are made."""
    return {
        root: {
            key: value
            for key, value in {**held.get(root, {}), **changes.get(root, {})}.items()
            if value is not None
        }
        for root in comments.ROOTS
    }


def answer(held: Held, request: Request, lookup: Lookup) -> Json:
    """What to tell of the comments as they are after a request.

    Returns:
        For a list ``{"threads", "next"}``; otherwise the thread, or None where there is none.
    """
    threads = comments.read_comments(held)
    match request:
        case ReadThreads():
            return _page(list(threads.values()), request, lookup)
        case BeginThread(words, _):
            thread_id = words.message_id
        case Forget():
            return None
        case _:
            thread_id = request.thread_id
    thread = threads.get(thread_id)
    return None if thread is None else _told(thread, lookup)


def _page(threads: list[Thread], query: ReadThreads, lookup: Lookup) -> Json:
    found = [
        thread
        for thread in threads
        if (query.after is None or _cursor(thread) > query.after)
        and query.is_resolved in {None, thread.resolution is not None}
        and query.element in {None, thread.anchor.element}
    ]
    page = found[: query.limit]
    more = len(found) > query.limit
    return {
        "threads": [_told(thread, lookup) for thread in page],
        "next": _cursor(page[-1]) if more else None,
    }


def _cursor(thread: Thread) -> str:
    return f"{thread.at_ms:016d}{_CURSOR_SEPARATOR}{thread.thread_id}"


def _told(thread: Thread, lookup: Lookup) -> Json:
    place = placement(thread.anchor, lookup)
    resolution = thread.resolution
    return {
        "thread_id": thread.thread_id,
        "element": thread.anchor.element,
        "anchor": place.state.value,
        "part": place.part,
        "measure": place.measure,
        "onset": None if place.onset is None else list(place.onset),
        "is_detached": place.state is AnchorState.DETACHED,
        "resolved": None
        if resolution is None
        else {"by": resolution.by, "name": resolution.name, "at_ms": resolution.at_ms},
        "messages": [
            {
                "message_id": one.message_id,
                "author": one.author,
                "name": one.name,
                "text": one.text,
                "mentions": list(one.mentions),
                "at_ms": one.at_ms,
                "edited_ms": one.edited_ms,
                "is_deleted": one.deleted_ms is not None,
            }
            for one in thread.messages
        ],
    }


# As JSON --------------------------------------------------------------------------------------


def encode_asked(asked: Asked) -> bytes:
    """Write a request down for a worker."""
    return json.dumps({"kind": type(asked.request).__name__, **asdict(asked)}).encode()


def decode_asked(data: bytes) -> Asked:
    """Read what :func:`encode_asked` wrote; both ends are ours."""
    fields: dict[str, Any] = json.loads(data)
    told: dict[str, Any] = fields["request"]
    if "words" in told:
        words = Words(**told["words"])
        told["words"] = replace(words, mentions=tuple(words.mentions))
    if "anchor" in told:
        anchor = Anchor(**told["anchor"])
        told["anchor"] = replace(anchor, onset=read_onset(anchor.onset))
    return Asked(_KINDS[fields["kind"]](**told), Author(**fields["author"]), fields["now_ms"])
