"""Versions of documents: list, make, name, open and delete them."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action
from collab.history.versions import Version
from collab.ids import RoomName, VersionId
from gateway.api import version_answers as bodies
from gateway.api.answers import NoQuery
from gateway.api.api import ApiServices
from gateway.api.endpoints import BINARY, JSON, Body, Endpoint, room_of
from gateway.api.openapi import parameters_of, schema_of
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import (
    binary_response,
    empty_response,
    json_response,
    read_json,
    read_query,
)
from gateway.api.terms import VERSION_ID_PATTERN

TAG: Final = "Versions"
UPDATE_SCHEMA: Final = {"type": "string", "format": "binary"}
_NO_VERSION: Final = "the room has no such version"
_BODY_PROBLEMS: Final = (Problem.TIMEOUT, Problem.TOO_LARGE, Problem.UNSUPPORTED_MEDIA_TYPE)


def version_id_of(request: Request) -> VersionId:
    """The version that the path names.

    Raises:
        ProblemError: it can be none.
    """
    text = str(request.path_params["version"])
    if re.fullmatch(VERSION_ID_PATTERN, text) is None:
        raise ProblemError(Problem.NOT_FOUND, _NO_VERSION)
    return VersionId(text)


async def found_version(services: ApiServices, name: RoomName, version_id: VersionId) -> Version:
    """A version that must be there.

    Raises:
        ProblemError: it is not.
    """
    version = await services.versions.get(name, version_id)
    if version is None:
        raise ProblemError(Problem.NOT_FOUND, _NO_VERSION)
    return version


class VersionsApi:
    """The handlers.

    Args:
        services: what they work with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def list_versions(self, request: Request) -> Response:
        """GET /rooms/{room}/versions."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ_VERSIONS)
        query = read_query(request, bodies.VersionsQuery)
        await self._services.require_room(name)
        found = [
            version
            for version in await self._services.versions.list(name)
            if (query.before is None or version.version_id < query.before)
            and query.kind in {None, version.kind}
        ]
        page = found[: query.limit]
        more = len(found) > query.limit
        answer = bodies.Versions(
            versions=[bodies.Version.of(version) for version in page],
            next=page[-1].version_id if more else None,
        )
        return json_response(answer.model_dump())

    async def create(self, request: Request) -> Response:
        """POST /rooms/{room}/versions."""
        name = room_of(request)
        claims = await self._services.require(request, name, Action.KEEP_VERSIONS)
        read_query(request, NoQuery)
        wanted = await read_json(request, bodies.VersionRequest)
        await self._services.require_room(name)
        version = await self._services.versions.create(name, wanted.name, wanted.message, claims)
        return json_response(bodies.Version.of(version).model_dump(), 201)

    async def describe(self, request: Request) -> Response:
        """GET /rooms/{room}/versions/{version}."""
        version = await self._read(request)
        return json_response(bodies.Version.of(version).model_dump())

    async def update(self, request: Request) -> Response:
        """GET /rooms/{room}/versions/{version}/update."""
        version = await self._read(request)
        content = await self._services.versions.read(room_of(request), version)
        return binary_response(content, BINARY)

    async def change(self, request: Request) -> Response:
        """PATCH /rooms/{room}/versions/{version}."""
        name = room_of(request)
        claims = await self._services.require(request, name, Action.KEEP_VERSIONS)
        read_query(request, NoQuery)
        wanted = await read_json(request, bodies.VersionChange)
        version = await self._services.versions.change(
            name, version_id_of(request), claims, title=wanted.name, message=wanted.message
        )
        if version is None:
            raise ProblemError(Problem.NOT_FOUND, _NO_VERSION)
        return json_response(bodies.Version.of(version).model_dump())

    async def delete(self, request: Request) -> Response:
        """DELETE /rooms/{room}/versions/{version}."""
        name = room_of(request)
        await self._services.require(request, name, Action.DELETE_VERSIONS)
        read_query(request, NoQuery)
        version = await found_version(self._services, name, version_id_of(request))
        await self._services.versions.delete(name, version)
        return empty_response()

    async def _read(self, request: Request) -> Version:
        name = room_of(request)
        await self._services.require(request, name, Action.READ_VERSIONS)
        read_query(request, NoQuery)
        return await found_version(self._services, name, version_id_of(request))


def version_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on versions."""
    api = VersionsApi(services)
    return [*_reading(api), *_keeping(api)]


def _reading(api: VersionsApi) -> list[Endpoint]:
    return [
        Endpoint(
            "GET",
            "/rooms/{room}/versions",
            api.list_versions,
            "listVersions",
            TAG,
            "List versions",
            "Automatic and named versions of the document, newest first.",
            answer=Body(JSON, schema_of(bodies.Versions)),
            parameters=parameters_of(bodies.VersionsQuery),
        ),
        Endpoint(
            "GET",
            "/rooms/{room}/versions/{version}",
            api.describe,
            "getVersion",
            TAG,
            "Describe a version",
            "What is told about it, without its content.",
            answer=Body(JSON, schema_of(bodies.Version)),
        ),
        Endpoint(
            "GET",
            "/rooms/{room}/versions/{version}/update",
            api.update,
            "getVersionUpdate",
            TAG,
            "Open a version",
            "Its content as one Yjs V1 update, which loads into an empty document.",
            answer=Body(BINARY, UPDATE_SCHEMA, "A V1 update."),
        ),
    ]


def _keeping(api: VersionsApi) -> list[Endpoint]:
    return [
        Endpoint(
            "POST",
            "/rooms/{room}/versions",
            api.create,
            "createVersion",
            TAG,
            "Keep the present state as a named version",
            "All that was saved or accepted before is in it. Its author is whoever the token "
            "names. Named versions stay until they are deleted.",
            status=201,
            answer=Body(JSON, schema_of(bodies.Version)),
            body=Body(JSON, schema_of(bodies.VersionRequest)),
            problems=(*_BODY_PROBLEMS, Problem.CONFLICT, Problem.ROOM_QUARANTINED),
        ),
        Endpoint(
            "PATCH",
            "/rooms/{room}/versions/{version}",
            api.change,
            "changeVersion",
            TAG,
            "Change what is told about a version",
            "Its name, its message or both. An automatic version that gets a name is kept like "
            "any named one.",
            answer=Body(JSON, schema_of(bodies.Version)),
            body=Body(JSON, schema_of(bodies.VersionChange)),
            problems=_BODY_PROBLEMS,
        ),
        Endpoint(
            "DELETE",
            "/rooms/{room}/versions/{version}",
            api.delete,
            "deleteVersion",
            TAG,
            "Delete a version",
            "For good. For owners.",
            status=204,
        ),
    ]
