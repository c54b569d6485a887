"""Rooms and their sessions."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action
from collab.ids import SessionId, room_name
from gateway.api.answers import (
    Erasure,
    ErasureQuery,
    ListQuery,
    NoQuery,
    ReleaseQuery,
    Room,
    RoomLine,
    Rooms,
    Session,
    Sessions,
)
from gateway.api.api import NO_ROOM, ApiServices
from gateway.api.endpoints import JSON, Body, Endpoint, room_of
from gateway.api.openapi import parameters_of, schema_of
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import empty_response, json_response, read_query
from gateway.api.services import RoomDescription
from gateway.api.visible import visible_rooms
from persistence.erasure import ErasureMode

_TAG: Final = "Rooms"


class RoomsApi:
    """The handlers.

    Args:
        services: what they work with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def list_rooms(self, request: Request) -> Response:
        """GET /rooms."""
        claims = await self._services.auth.authenticator.authenticate_request(request.headers)
        query = read_query(request, ListQuery)
        after = None if query.after is None else room_name(query.after)
        found = await visible_rooms(self._services, claims, Action.INSPECT, after, query.limit + 1)
        page = found[: query.limit]
        more = len(found) > query.limit
        answer = Rooms(
            rooms=[RoomLine.of(room) for room in page], next=page[-1].name if more else None
        )
        return json_response(answer.model_dump())

    async def describe(self, request: Request) -> Response:
        """GET /rooms/{room}."""
        description = await self._described(request, Action.INSPECT)
        return json_response(Room.of_description(description).model_dump())

    async def list_sessions(self, request: Request) -> Response:
        """GET /rooms/{room}/sessions."""
        description = await self._described(request, Action.INSPECT)
        answer = Sessions(sessions=[Session.of(session) for session in description.sessions])
        return json_response(answer.model_dump())

    async def close_session(self, request: Request) -> Response:
        """DELETE /rooms/{room}/sessions/{session}."""
        name = room_of(request)
        await self._services.require(request, name, Action.MANAGE)
        read_query(request, NoQuery)
        session_id = SessionId(unquote(request.path_params["session"]))
        if not await self._services.directory.close_session(name, session_id):
            raise ProblemError(Problem.NOT_FOUND, "no such session is in this room")
        return empty_response()

    async def release(self, request: Request) -> Response:
        """POST /rooms/{room}/release."""
        name = room_of(request)
        await self._services.require(request, name, Action.MANAGE)
        query = read_query(request, ReleaseQuery)
        if await self._services.directory.describe(name) is None:
            raise ProblemError(Problem.NOT_FOUND, NO_ROOM)
        if not await self._services.directory.release(name, accept_loss=query.accept_loss):
            raise ProblemError(Problem.CONFLICT, "the room is not quarantined")
        return empty_response()

    async def erase(self, request: Request) -> Response:
        """POST /rooms/{room}/erasure."""
        name = room_of(request)
        await self._services.require(request, name, Action.ERASE)
        query = read_query(request, ErasureQuery)
        if await self._services.directory.describe(name) is None:
            raise ProblemError(Problem.NOT_FOUND, NO_ROOM)
        erased = await self._services.directory.erase(
            name, ErasureMode(query.mode), accept_loss=query.accept_loss
        )
        return json_response(Erasure.of(erased).model_dump())

    async def _described(self, request: Request, action: Action) -> RoomDescription:
        name = room_of(request)
        await self._services.require(request, name, action)
        read_query(request, NoQuery)
        description = await self._services.directory.describe(name)
        if description is None:
            raise ProblemError(Problem.NOT_FOUND, NO_ROOM)
        return description


def room_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on rooms and sessions."""
    api = RoomsApi(services)
    return [*_of_rooms(api), *_of_sessions(api)]


def _of_rooms(api: RoomsApi) -> list[Endpoint]:
    return [
        Endpoint(
            "GET",
            "/rooms",
            api.list_rooms,
            "listRooms",
            _TAG,
            "List rooms",
            "Live and stored rooms that the token may inspect, in order of name.",
            answer=Body(JSON, schema_of(Rooms)),
            parameters=parameters_of(ListQuery),
            problems=(Problem.INVALID_ROOM_NAME,),
        ),
        Endpoint(
            "GET",
            "/rooms/{room}",
            api.describe,
            "getRoom",
            _TAG,
            "Describe a room",
            "State, watermarks, size and sessions. Does not open the room.",
            answer=Body(JSON, schema_of(Room)),
            problems=(Problem.NOT_FOUND,),
        ),
        Endpoint(
            "POST",
            "/rooms/{room}/release",
            api.release,
            "releaseRoom",
            _TAG,
            "Release a quarantined room",
            "Makes the room openable again. For owners, once the reason is understood.",
            status=204,
            parameters=parameters_of(ReleaseQuery),
            problems=(Problem.NOT_FOUND, Problem.CONFLICT),
        ),
        Endpoint(
            "POST",
            "/rooms/{room}/erasure",
            api.erase,
            "eraseRoom",
            _TAG,
            "Erase a room's history, or everything",
            "Puts a document without history, or an empty one, in place of the room's, and "
            "deletes all that was stored of it, versions included. For owners; it cannot be "
            "undone. Clients that hold the old document are closed with 4410 until they reload.",
            answer=Body(JSON, schema_of(Erasure)),
            parameters=parameters_of(ErasureQuery),
            problems=(Problem.NOT_FOUND, Problem.CONFLICT),
        ),
    ]


def _of_sessions(api: RoomsApi) -> list[Endpoint]:
    return [
        Endpoint(
            "GET",
            "/rooms/{room}/sessions",
            api.list_sessions,
            "listSessions",
            _TAG,
            "List the sessions of a room",
            "Who is in the room on this node, oldest first.",
            answer=Body(JSON, schema_of(Sessions)),
            problems=(Problem.NOT_FOUND,),
        ),
        Endpoint(
            "DELETE",
            "/rooms/{room}/sessions/{session}",
            api.close_session,
            "closeSession",
            _TAG,
            "Close a session",
            "Closes it with the terminal code 4403. Stock clients come back while their token "
            "holds: revoke first.",
            status=204,
            problems=(Problem.NOT_FOUND,),
        ),
    ]
