"""Scores edited by operations."""

from __future__ import annotations

import secrets
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action
from collab.errors import AccessDenied
from collab.ids import commented_room
from collab.limits import SCORE_FACETS_BYTES_MAX
from collab.protocol.state_vector import decode_state_vector
from gateway.api import score_edit_answers as bodies
from gateway.api.answers import NoQuery
from gateway.api.api import ApiServices
from gateway.api.endpoints import JSON, Body, Endpoint, room_of
from gateway.api.idempotency import KEY_HEADER, digest_of, key_of
from gateway.api.openapi import schema_of
from gateway.api.problems import Problem
from gateway.api.requests import from_base64url, json_response, read_json, read_query
from gateway.api.score_edit_services import WantedEdit

_TAG: Final = "Scores"
_PREFIX_BYTES: Final = 8


class ScoreEditsApi:
    """The handler.

    Args:
        services: what it works with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def edit(self, request: Request) -> Response:
        """POST /scores/{room}/edits."""
        name = room_of(request)
        claims = await self._services.require(request, name, Action.EDIT)
        read_query(request, NoQuery)
        key = key_of(request)
        wanted = await read_json(request, bodies.EditsRequest, SCORE_FACETS_BYTES_MAX)
        if commented_room(name) is not None:
            raise AccessDenied("comments are no score")
        await self._services.require_room(name)
        told = orjson.dumps([name, wanted.model_dump()], option=orjson.OPT_SORT_KEYS)
        vector = wanted.state_vector
        made = await self._services.score_edits.edit(
            name,
            WantedEdit(
                operations=wanted.operations,
                id_prefix=wanted.id_prefix or f"e{secrets.token_hex(_PREFIX_BYTES)}n",
                request=digest_of(told, claims, key),
                sequence=wanted.sequence,
                state_vector=None
                if vector is None
                else decode_state_vector(from_base64url(vector)),
            ),
            claims,
        )
        return json_response(bodies.ScoreEdited.of(made).model_dump())


def score_edit_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operation that makes operations."""
    return [
        Endpoint(
            "POST",
            "/scores/{room}/edits",
            ScoreEditsApi(services).edit,
            "editScore",
            _TAG,
            "Edit a score by operations",
            "One edit that everybody sees at once: all operations are made, or none. Answers once "
            "it is durable. A refusal names the operation, a code, and the ids of what is in the "
            "way (`operation`, `code`, `element_ids`). Needs editing.",
            answer=Body(JSON, schema_of(bodies.ScoreEdited)),
            body=Body(JSON, schema_of(bodies.EditsRequest)),
            headers=(KEY_HEADER,),
            problems=(
                Problem.NOT_FOUND,
                Problem.CONFLICT,
                Problem.TIMEOUT,
                Problem.TOO_LARGE,
                Problem.UNSUPPORTED_MEDIA_TYPE,
                Problem.INVALID_ROOM_NAME,
                Problem.ROOM_QUARANTINED,
            ),
        )
    ]
