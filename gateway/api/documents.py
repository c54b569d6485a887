"""Documents as updates: read them whole or in part, and append to them."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action
from gateway.api.answers import Appended, NoQuery, UpdateQuery
from gateway.api.api import NO_ROOM, ApiServices
from gateway.api.endpoints import BINARY, JSON, Body, Endpoint, room_of
from gateway.api.openapi import parameters_of, schema_of
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import (
    binary_response,
    from_base64url,
    json_response,
    read_body,
    read_query,
)

_TAG: Final = "Documents"
_UPDATE_SCHEMA: Final = {"type": "string", "format": "binary"}


class DocumentsApi:
    """The handlers.

    Args:
        services: what they work with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def update(self, request: Request) -> Response:
        """GET /rooms/{room}/update."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ)
        encoded = read_query(request, UpdateQuery).state_vector
        vector = None if encoded is None else from_base64url(encoded)
        update = await self._services.documents.document(name, state_vector=vector)
        if update is None:
            raise ProblemError(Problem.NOT_FOUND, NO_ROOM)
        return binary_response(update, BINARY)

    async def state_vector(self, request: Request) -> Response:
        """GET /rooms/{room}/state-vector."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ)
        read_query(request, NoQuery)
        vector = await self._services.documents.state_vector(name)
        if vector is None:
            raise ProblemError(Problem.NOT_FOUND, NO_ROOM)
        return binary_response(vector, BINARY)

    async def append(self, request: Request) -> Response:
        """POST /rooms/{room}/updates."""
        name = room_of(request)
        claims = await self._services.require(request, name, Action.EDIT)
        read_query(request, NoQuery)
        update = await read_body(request, BINARY, self._services.update_bytes_max)
        sequence = await self._services.documents.append(name, update, claims)
        return json_response(Appended(sequence=sequence).model_dump())


def document_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on documents."""
    api = DocumentsApi(services)
    room_problems = (Problem.NOT_FOUND, Problem.ROOM_QUARANTINED)
    return [
        Endpoint(
            "GET",
            "/rooms/{room}/update",
            api.update,
            "getUpdate",
            _TAG,
            "Read the document as one update",
            "A Yjs V1 update. With a state vector, only what lies beyond it.",
            answer=Body(BINARY, _UPDATE_SCHEMA, "A V1 update."),
            parameters=parameters_of(UpdateQuery),
            problems=(*room_problems, Problem.TOO_LARGE),
        ),
        Endpoint(
            "GET",
            "/rooms/{room}/state-vector",
            api.state_vector,
            "getStateVector",
            _TAG,
            "Read the document's state vector",
            "What a client passes to learn what it lacks, and compares to learn whether it lacks "
            "anything.",
            answer=Body(BINARY, _UPDATE_SCHEMA, "An encoded state vector."),
            problems=room_problems,
        ),
        Endpoint(
            "POST",
            "/rooms/{room}/updates",
            api.append,
            "appendUpdate",
            _TAG,
            "Append an update",
            "An edit by a server: the same checks, the same log and the same fan-out as an edit by "
            "a client. Answers once the update is durable. Repeating it is harmless. A room that "
            "does not exist is created.",
            answer=Body(JSON, schema_of(Appended)),
            body=Body(BINARY, _UPDATE_SCHEMA, "A V1 update."),
            problems=(
                Problem.MALFORMED_UPDATE,
                Problem.CONFLICT,
                Problem.TIMEOUT,
                Problem.TOO_LARGE,
                Problem.UNSUPPORTED_MEDIA_TYPE,
                Problem.ROOM_QUARANTINED,
            ),
        ),
    ]
