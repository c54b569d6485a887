"""Webhooks of a room, or of all rooms: made, listed, signed anew, tried and deleted."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action, Claims
from collab.ids import RoomName
from gateway.api import webhook_answers as bodies
from gateway.api.answers import NoQuery
from gateway.api.api import ApiServices
from gateway.api.endpoints import JSON, Body, Endpoint, room_of
from gateway.api.openapi import schema_of
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import empty_response, json_response, read_json, read_query
from gateway.api.scores import check_is_no_comments
from gateway.api.terms import WEBHOOK_ID_PATTERN
from workers.notices.events import EventKind
from workers.notices.webhooks import Webhook, WebhookId

TAG: Final = "Webhooks"
_NO_WEBHOOK: Final = "there is no such webhook"
_BODY_PROBLEMS: Final = (Problem.TIMEOUT, Problem.TOO_LARGE, Problem.UNSUPPORTED_MEDIA_TYPE)


class WebhooksApi:
    """The handlers: of a room where the path names one, otherwise of all.

    Args:
        services: what they work with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def list_webhooks(self, request: Request) -> Response:
        """GET .../webhooks."""
        room, _ = await self._manager(request)
        found = await self._services.webhooks.list(room)
        answer = bodies.WebhookList(webhooks=[bodies.WebhookFacts.of(each) for each in found])
        return json_response(answer.model_dump())

    async def create(self, request: Request) -> Response:
        """POST .../webhooks."""
        room, claims = await self._manager(request)
        wanted = await read_json(request, bodies.WebhookRequest)
        if room is not None:
            await self._services.require_room(room)
        kinds = tuple(dict.fromkeys(map(EventKind, wanted.kinds)))
        made = await self._services.webhooks.create(room, wanted.url, kinds, claims.subject)
        return json_response(bodies.WebhookWithSecret.of(made).model_dump(), 201)

    async def delete(self, request: Request) -> Response:
        """DELETE .../webhooks/{webhook}."""
        room, _ = await self._manager(request)
        await self._services.webhooks.delete(room, (await self._found(request, room)).webhook_id)
        return empty_response()

    async def rotate(self, request: Request) -> Response:
        """POST .../webhooks/{webhook}/rotation."""
        room, _ = await self._manager(request)
        changed = await self._services.webhooks.rotate(room, _id_of(request))
        return json_response(bodies.WebhookWithSecret.of(changed).model_dump())

    async def test(self, request: Request) -> Response:
        """POST .../webhooks/{webhook}/test."""
        room, claims = await self._manager(request)
        webhook = await self._found(request, room)
        event = await self._services.webhooks.test(webhook, claims.subject)
        return json_response(bodies.EventTold(event_id=event.event_id).model_dump(), 202)

    async def _manager(self, request: Request) -> tuple[RoomName | None, Claims]:
        """The room, and who asks, if they own it."""
        if "room" not in request.path_params:
            claims = await self._services.require_everywhere(request, Action.MANAGE)
            read_query(request, NoQuery)
            return None, claims
        name = room_of(request)
        claims = await self._services.require(request, name, Action.MANAGE)
        check_is_no_comments(name)
        read_query(request, NoQuery)
        return name, claims

    async def _found(self, request: Request, room: RoomName | None) -> Webhook:
        found = await self._services.webhooks.get(room, _id_of(request))
        if found is None:
            raise ProblemError(Problem.NOT_FOUND, _NO_WEBHOOK)
        return found


def _id_of(request: Request) -> WebhookId:
    text = str(request.path_params["webhook"])
    if re.fullmatch(WEBHOOK_ID_PATTERN, text) is None:
        raise ProblemError(Problem.NOT_FOUND, _NO_WEBHOOK)
    return WebhookId(text)


def webhook_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on webhooks."""
    api = WebhooksApi(services)
    return [
        *_endpoints(api, "/rooms/{room}/webhooks", "Room", "of a room", "its owners"),
        *_endpoints(api, "/webhooks", "Global", "of all rooms", "owners of all rooms (`**`)"),
    ]


def _endpoints(api: WebhooksApi, path: str, name: str, of: str, owners: str) -> list[Endpoint]:
    one = path + "/{webhook}"
    return [
        Endpoint(
            "GET",
            path,
            api.list_webhooks,
            f"list{name}Webhooks",
            TAG,
            f"List webhooks {of}",
            f"With their last deliveries, and without their secrets. For {owners}.",
            answer=Body(JSON, schema_of(bodies.WebhookList)),
        ),
        Endpoint(
            "POST",
            path,
            api.create,
            f"create{name}Webhook",
            TAG,
            f"Have another system told what happens, {of}",
            "Events are sent by POST, signed by the Standard Webhooks specification with the "
            f"secret that is answered, this once. For {owners}.",
            status=201,
            answer=Body(JSON, schema_of(bodies.WebhookWithSecret)),
            body=Body(JSON, schema_of(bodies.WebhookRequest)),
            problems=_BODY_PROBLEMS,
        ),
        Endpoint(
            "DELETE",
            one,
            api.delete,
            f"delete{name}Webhook",
            TAG,
            f"Delete a webhook {of}",
            f"What was not sent yet is not sent any more. For {owners}.",
            status=204,
            problems=(Problem.NOT_FOUND,),
        ),
        Endpoint(
            "POST",
            one + "/rotation",
            api.rotate,
            f"rotate{name}Webhook",
            TAG,
            f"Change the secret of a webhook {of}",
            "For a day deliveries carry a signature with the secret of before as well. One that "
            f"was off is on again. For {owners}.",
            answer=Body(JSON, schema_of(bodies.WebhookWithSecret)),
            problems=(Problem.NOT_FOUND,),
        ),
        Endpoint(
            "POST",
            one + "/test",
            api.test,
            f"test{name}Webhook",
            TAG,
            f"Try a webhook {of}",
            f"An event of type `test` is sent to it alone. For {owners}.",
            status=202,
            answer=Body(JSON, schema_of(bodies.EventTold)),
            problems=(Problem.NOT_FOUND,),
        ),
    ]
