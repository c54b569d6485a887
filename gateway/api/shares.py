"""Telling somebody that a score is theirs too; what lets them in is their token."""

from __future__ import annotations

import secrets
import time
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action
from gateway.api import webhook_answers as bodies
from gateway.api.answers import NoQuery
from gateway.api.api import ApiServices
from gateway.api.endpoints import JSON, Body, Endpoint, room_of
from gateway.api.idempotency import KEY_HEADER, digest_of, key_of
from gateway.api.openapi import schema_of
from gateway.api.problems import Problem
from gateway.api.requests import json_response, read_json, read_query
from gateway.api.scores import check_is_no_comments
from gateway.rooms.witnesses import share_cause, share_event

TAG: Final = "Scores"


class SharesApi:
    """The handler.

    Args:
        services: what it works with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def share(self, request: Request) -> Response:
        """POST /scores/{room}/shares."""
        name = room_of(request)
        claims = await self._services.require(request, name, Action.MANAGE)
        check_is_no_comments(name)
        read_query(request, NoQuery)
        key = key_of(request)
        wanted = await read_json(request, bodies.ShareRequest)
        await self._services.require_room(name)
        told = f"{wanted.subject}\n{wanted.role}".encode()
        share_id = digest_of(told, claims, key) or secrets.token_hex(32)
        cause = share_cause(name, claims, share_id, wanted.subject, wanted.role, time.time())
        async with self._services.announced(cause):
            pass  # to have written it down is all that there is to do
        answer = bodies.EventTold(event_id=share_event(cause).event_id)
        return json_response(answer.model_dump(), 202)


def share_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operation on shares."""
    api = SharesApi(services)
    return [
        Endpoint(
            "POST",
            "/scores/{room}/shares",
            api.share,
            "shareScore",
            TAG,
            "Tell somebody that a score is theirs too",
            "An event of type `share` is told to them and to webhooks. It lets nobody in: that is "
            "for whoever signs their token. For owners.",
            status=202,
            answer=Body(JSON, schema_of(bodies.EventTold)),
            body=Body(JSON, schema_of(bodies.ShareRequest)),
            headers=(KEY_HEADER,),
            problems=(Problem.TIMEOUT, Problem.TOO_LARGE, Problem.UNSUPPORTED_MEDIA_TYPE),
        )
    ]
