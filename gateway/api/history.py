"""What versions are for: read, compare, return to one, begin another room with one."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action
from collab.ids import VersionId, room_name
from gateway.api import version_answers as bodies
from gateway.api.answers import NoQuery
from gateway.api.api import ApiServices
from gateway.api.endpoints import JSON, Body, Endpoint, room_of
from gateway.api.openapi import parameters_of, schema_of
from gateway.api.problems import Problem
from gateway.api.requests import json_response, raw_json_response, read_json, read_query
from gateway.api.versions import TAG, found_version, version_id_of

_OBJECT: Final = {"type": "object"}


class HistoryApi:
    """The handlers.

    Args:
        services: what they work with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def content(self, request: Request) -> Response:
        """GET /rooms/{room}/versions/{version}/content."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ_VERSIONS)
        read_query(request, NoQuery)
        version = await found_version(self._services, name, version_id_of(request))
        return raw_json_response(await self._services.versions.describe(name, version))

    async def compare(self, request: Request) -> Response:
        """GET /rooms/{room}/versions/{version}/compare."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ_VERSIONS)
        query = read_query(request, bodies.CompareQuery)
        version = await found_version(self._services, name, version_id_of(request))
        other = None
        if query.to is not None:
            other = await found_version(self._services, name, VersionId(query.to))
        return raw_json_response(
            await self._services.versions.compare(
                name, version, other, as_scores=query.view == "score"
            )
        )

    async def restore(self, request: Request) -> Response:
        """POST /rooms/{room}/versions/{version}/restore."""
        name = room_of(request)
        claims = await self._services.require(request, name, Action.KEEP_VERSIONS)
        read_query(request, NoQuery)
        version = await found_version(self._services, name, version_id_of(request))
        done = await self._services.versions.restore(name, version, claims)
        return json_response(bodies.Restoration.of(done).model_dump())

    async def fork(self, request: Request) -> Response:
        """POST /rooms/{room}/versions/{version}/fork."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ_VERSIONS)
        read_query(request, NoQuery)
        target = room_name((await read_json(request, bodies.ForkRequest)).room)
        claims = await self._services.require(request, target, Action.EDIT)
        version = await found_version(self._services, name, version_id_of(request))
        made = await self._services.versions.fork(name, version, target, claims)
        return json_response(bodies.Version.of(made).model_dump(), 201)


def history_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on the content of versions."""
    api = HistoryApi(services)
    return [
        Endpoint(
            "GET",
            "/rooms/{room}/versions/{version}/content",
            api.content,
            "getVersionContent",
            TAG,
            "Read a version as JSON",
            "Its roots by name, each with a type (inferred: updates do not tell) and a value.",
            answer=Body(JSON, _OBJECT),
        ),
        Endpoint(
            "GET",
            "/rooms/{room}/versions/{version}/compare",
            api.compare,
            "compareVersions",
            TAG,
            "Compare a version with another or with the present",
            "Maps by element id, texts by lines and pieces, arrays by places, other types as a "
            "whole; or as a score, by elements in measures. The counts are complete; what is told "
            "of each change is bounded.",
            answer=Body(JSON, _OBJECT),
            parameters=parameters_of(bodies.CompareQuery),
            problems=(Problem.ROOM_QUARANTINED,),
        ),
        Endpoint(
            "POST",
            "/rooms/{room}/versions/{version}/restore",
            api.restore,
            "restoreVersion",
            TAG,
            "Return to a version",
            "By a forward edit that all live clients merge without reloading. The state before "
            "is kept as a version first.",
            answer=Body(JSON, schema_of(bodies.Restoration)),
            problems=(
                Problem.CONFLICT,
                Problem.MALFORMED_UPDATE,
                Problem.TOO_LARGE,
                Problem.ROOM_QUARANTINED,
            ),
        ),
        Endpoint(
            "POST",
            "/rooms/{room}/versions/{version}/fork",
            api.fork,
            "forkVersion",
            TAG,
            "Begin another room with a version",
            "Needs reading here and editing there. The other room must be new or empty.",
            status=201,
            answer=Body(JSON, schema_of(bodies.Version)),
            body=Body(JSON, schema_of(bodies.ForkRequest)),
            problems=(
                Problem.CONFLICT,
                Problem.TIMEOUT,
                Problem.TOO_LARGE,
                Problem.UNSUPPORTED_MEDIA_TYPE,
                Problem.ROOM_QUARANTINED,
            ),
        ),
    ]
