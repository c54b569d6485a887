"""Comments on a room's document: read, said, changed, deleted, resolved."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action, Claims
from collab.ids import RoomName
from collab.score.comment_deeds import (
    BeginThread,
    Deed,
    Delete,
    Edit,
    ReadThread,
    ReadThreads,
    Reply,
    Resolve,
)
from collab.score.comments import Words
from gateway.api import comment_answers as bodies
from gateway.api.answers import Erasure, NoQuery
from gateway.api.api import ApiServices
from gateway.api.endpoints import JSON, Body, Endpoint, room_of
from gateway.api.idempotency import KEY_HEADER, digest_of, key_of
from gateway.api.openapi import parameters_of, schema_of
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import (
    empty_response,
    json_response,
    raw_json_response,
    read_json,
    read_query,
)
from gateway.api.terms import COMMENT_ID_PATTERN

TAG: Final = "Comments"
_ID_CHARS: Final = 32
_NO_COMMENT: Final = "there is no such comment"
_PROBLEMS: Final = (Problem.TOO_LARGE, Problem.ROOM_QUARANTINED)
_DEED_PROBLEMS: Final = (*_PROBLEMS, Problem.CONFLICT)
_BODY_PROBLEMS: Final = (*_DEED_PROBLEMS, Problem.TIMEOUT, Problem.UNSUPPORTED_MEDIA_TYPE)


class CommentsApi:
    """The handlers.

    Args:
        services: what they work with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def list_threads(self, request: Request) -> Response:
        """GET /rooms/{room}/comments."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ)
        query = read_query(request, bodies.ThreadsQuery)
        await self._services.require_room(name)
        question = ReadThreads(**query.model_dump())
        return raw_json_response(await self._services.comments.read(name, question))

    async def describe(self, request: Request) -> Response:
        """GET /rooms/{room}/comments/{thread}."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ)
        read_query(request, NoQuery)
        await self._services.require_room(name)
        told = await self._services.comments.read(name, ReadThread(_id_of(request, "thread")))
        if not told:
            raise ProblemError(Problem.NOT_FOUND, _NO_COMMENT)
        return raw_json_response(told)

    async def begin(self, request: Request) -> Response:
        """POST /rooms/{room}/comments."""
        name, claims = await self._commenter(request)
        key = key_of(request)
        wanted = await read_json(request, bodies.ThreadRequest)
        words = _words(wanted, claims, key, "")
        return await self._done(name, BeginThread(words, wanted.place.anchor()), claims, 201)

    async def reply(self, request: Request) -> Response:
        """POST /rooms/{room}/comments/{thread}/messages."""
        name, claims = await self._commenter(request)
        thread_id, key = _id_of(request, "thread"), key_of(request)
        wanted = await read_json(request, bodies.ReplyRequest)
        words = _words(wanted, claims, key, thread_id)
        return await self._done(name, Reply(thread_id, words), claims, 201)

    async def edit(self, request: Request) -> Response:
        """PATCH /rooms/{room}/comments/{thread}/messages/{message}."""
        name, claims = await self._commenter(request)
        thread_id, message_id = _id_of(request, "thread"), _id_of(request, "message")
        wanted = await read_json(request, bodies.ReplyRequest)
        return await self._done(name, Edit(thread_id, message_id, wanted.words()), claims)

    async def change(self, request: Request) -> Response:
        """PATCH /rooms/{room}/comments/{thread}."""
        name, claims = await self._commenter(request)
        thread_id = _id_of(request, "thread")
        wanted = await read_json(request, bodies.ThreadChange)
        return await self._done(name, Resolve(thread_id, wanted.is_resolved), claims)

    async def delete_message(self, request: Request) -> Response:
        """DELETE /rooms/{room}/comments/{thread}/messages/{message}."""
        name, claims = await self._commenter(request)
        thread_id, message_id = _id_of(request, "thread"), _id_of(request, "message")
        await self._services.comments.do(name, Delete(thread_id, message_id), claims)
        return empty_response()

    async def delete_thread(self, request: Request) -> Response:
        """DELETE /rooms/{room}/comments/{thread}."""
        name, claims = await self._commenter(request)
        await self._services.comments.do(name, Delete(_id_of(request, "thread")), claims)
        return empty_response()

    async def forget(self, request: Request) -> Response:
        """POST /rooms/{room}/comments/erasure."""
        name = room_of(request)
        await self._services.require(request, name, Action.ERASE)
        read_query(request, NoQuery)
        wanted = await read_json(request, bodies.ForgetRequest)
        erased = await self._services.comments.forget(name, wanted.subject)
        if erased is None:
            raise ProblemError(Problem.NOT_FOUND, "nobody has commented in this room")
        return json_response(Erasure.of(erased).model_dump())

    async def _commenter(self, request: Request) -> tuple[RoomName, Claims]:
        name = room_of(request)
        claims = await self._services.require(request, name, Action.COMMENT)
        read_query(request, NoQuery)
        await self._services.require_room(name)
        return name, claims

    async def _done(
        self, name: RoomName, deed: Deed, claims: Claims, status: int = 200
    ) -> Response:
        return raw_json_response(await self._services.comments.do(name, deed, claims), status)


def _id_of(request: Request, parameter: str) -> str:
    text = str(request.path_params[parameter])
    if re.fullmatch(COMMENT_ID_PATTERN, text) is None:
        raise ProblemError(Problem.NOT_FOUND, _NO_COMMENT)
    return text


def _words(wanted: bodies.ReplyRequest, claims: Claims, key: str | None, thread_id: str) -> Words:
    """What is said, under an id that follows from who asks and the key, if there is one."""
    request = orjson.dumps([thread_id, wanted.model_dump()], option=orjson.OPT_SORT_KEYS)
    seed = secrets.token_bytes(_ID_CHARS) if key is None else f"{claims.subject}\n{key}".encode()
    message_id = "c" + hashlib.sha256(seed).hexdigest()[:_ID_CHARS]
    return wanted.words(message_id, digest_of(request, claims, key))


def comment_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on comments."""
    api = CommentsApi(services)
    # The first would match as a thread, were it asked later.
    return [_of_names(api), *_of_threads(api), *_of_messages(api)]


def _of_threads(api: CommentsApi) -> list[Endpoint]:
    return [
        Endpoint(
            "GET",
            "/rooms/{room}/comments",
            api.list_threads,
            "listComments",
            TAG,
            "List threads of comments",
            "Oldest first, with the place where each stands in the score now. Whoever may read "
            "the room may read them, here or live in the room `{room}/~comments`.",
            answer=Body(JSON, schema_of(bodies.Threads)),
            parameters=parameters_of(bodies.ThreadsQuery),
            problems=_PROBLEMS,
        ),
        Endpoint(
            "POST",
            "/rooms/{room}/comments",
            api.begin,
            "beginThread",
            TAG,
            "Comment on the score, or on something in it",
            "Begins a thread. Its author is whoever the token names. The place of an element is "
            "kept, to fall back to when the element is gone.",
            status=201,
            answer=Body(JSON, schema_of(bodies.Thread)),
            body=Body(JSON, schema_of(bodies.ThreadRequest)),
            headers=(KEY_HEADER,),
            problems=_BODY_PROBLEMS,
        ),
        Endpoint(
            "GET",
            "/rooms/{room}/comments/{thread}",
            api.describe,
            "getThread",
            TAG,
            "Read a thread",
            "With all its messages.",
            answer=Body(JSON, schema_of(bodies.Thread)),
            problems=_PROBLEMS,
        ),
        Endpoint(
            "PATCH",
            "/rooms/{room}/comments/{thread}",
            api.change,
            "changeThread",
            TAG,
            "Resolve a thread, or open it again",
            "For everybody who may comment.",
            answer=Body(JSON, schema_of(bodies.Thread)),
            body=Body(JSON, schema_of(bodies.ThreadChange)),
            problems=_BODY_PROBLEMS,
        ),
        Endpoint(
            "DELETE",
            "/rooms/{room}/comments/{thread}",
            api.delete_thread,
            "deleteThread",
            TAG,
            "Delete a thread",
            "For owners, and for its author while nobody else has said anything in it.",
            status=204,
            problems=_DEED_PROBLEMS,
        ),
    ]


def _of_messages(api: CommentsApi) -> list[Endpoint]:
    return [
        Endpoint(
            "POST",
            "/rooms/{room}/comments/{thread}/messages",
            api.reply,
            "reply",
            TAG,
            "Reply in a thread",
            "Resolved or not. Its author is whoever the token names.",
            status=201,
            answer=Body(JSON, schema_of(bodies.Thread)),
            body=Body(JSON, schema_of(bodies.ReplyRequest)),
            headers=(KEY_HEADER,),
            problems=_BODY_PROBLEMS,
        ),
        Endpoint(
            "PATCH",
            "/rooms/{room}/comments/{thread}/messages/{message}",
            api.edit,
            "editMessage",
            TAG,
            "Say something else in a message",
            "For its author alone. Text and mentions are replaced.",
            answer=Body(JSON, schema_of(bodies.Thread)),
            body=Body(JSON, schema_of(bodies.ReplyRequest)),
            problems=_BODY_PROBLEMS,
        ),
        Endpoint(
            "DELETE",
            "/rooms/{room}/comments/{thread}/messages/{message}",
            api.delete_message,
            "deleteMessage",
            TAG,
            "Delete a message",
            "For its author and for owners. Its place stays while others have said something in "
            "the thread; with the last message goes the thread.",
            status=204,
            problems=_DEED_PROBLEMS,
        ),
    ]


def _of_names(api: CommentsApi) -> Endpoint:
    return Endpoint(
        "POST",
        "/rooms/{room}/comments/erasure",
        api.forget,
        "eraseCommentAuthor",
        TAG,
        "Take a person's name out of all comments",
        "As author, as mentioned and as who resolved; what was said stays, by nobody. The history "
        "of the comments is erased with it. For owners; it cannot be undone. Clients that hold "
        "the old comments are closed with 4410 until they reload.",
        answer=Body(JSON, schema_of(Erasure)),
        body=Body(JSON, schema_of(bodies.ForgetRequest)),
        problems=_BODY_PROBLEMS,
    )
