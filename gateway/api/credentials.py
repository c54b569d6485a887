"""Tickets and revocations."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action
from collab.ids import Subject, commented_room, room_name
from gateway.api.answers import NoQuery, RevocationRequest, Revoked, Ticket, TicketRequest
from gateway.api.api import ApiServices
from gateway.api.endpoints import JSON, Body, Endpoint
from gateway.api.openapi import schema_of
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import json_response, read_json, read_query
from gateway.auth.revocation_file import Revocation
from gateway.auth.tickets import TICKET_LIFETIME_MS

_TAG: Final = "Access"
_JSON_PROBLEMS: Final = (
    Problem.INVALID_ROOM_NAME,
    Problem.TIMEOUT,
    Problem.TOO_LARGE,
    Problem.UNSUPPORTED_MEDIA_TYPE,
)


class CredentialsApi:
    """The handlers.

    Args:
        services: what they work with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def issue_ticket(self, request: Request) -> Response:
        """POST /tickets."""
        # Recognised first, so that nothing is read for a stranger.
        await self._services.auth.authenticator.authenticate_request(request.headers)
        read_query(request, NoQuery)
        name = room_name((await read_json(request, TicketRequest)).room)
        claims = await self._services.require(request, name, Action.JOIN)
        ticket = self._services.auth.tickets.issue(claims, name, self._services.clocks.monotonic())
        answer = Ticket(ticket=ticket, room=name, expires_in_ms=TICKET_LIFETIME_MS)
        return json_response(answer.model_dump(), 201)

    async def revoke(self, request: Request) -> Response:
        """POST /revocations."""
        auth = self._services.auth
        await auth.authenticator.authenticate_request(request.headers)
        read_query(request, NoQuery)
        wanted = await read_json(request, RevocationRequest)
        if wanted.role is not None and wanted.room is None:
            raise ProblemError(Problem.MALFORMED_REQUEST, "a role is given in a room: name it")
        name = None if wanted.room is None else room_name(wanted.room)
        if name is None:
            await self._services.require_everywhere(request, Action.MANAGE)
        else:
            await self._services.require(request, name, Action.MANAGE)
        if name is not None and commented_room(name) is not None:
            told = "who may do what with comments follows from the room that they are on: name that"
            raise ProblemError(Problem.CONFLICT, told)
        if auth.authenticator.is_open:
            raise ProblemError(Problem.CONFLICT, "in open mode there is nobody to revoke")
        revocation = Revocation(
            Subject(wanted.subject), name, wanted.role, self._services.clocks.wall()
        )
        await auth.revocations.revoke(revocation)
        return json_response(Revoked.of(revocation).model_dump())


def credential_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on tickets and revocations."""
    api = CredentialsApi(services)
    return [
        Endpoint(
            "POST",
            "/tickets",
            api.issue_ticket,
            "issueTicket",
            _TAG,
            "Trade a token for a ticket",
            "For stock y-websocket clients, which can only use the URL: connect with ?ticket= "
            "within 30 s. A ticket opens one room, once.",
            status=201,
            answer=Body(JSON, schema_of(Ticket)),
            body=Body(JSON, schema_of(TicketRequest)),
            problems=_JSON_PROBLEMS,
        ),
        Endpoint(
            "POST",
            "/revocations",
            api.revoke,
            "revoke",
            _TAG,
            "Revoke a subject's access",
            "Concerns the tokens issued up to now: everywhere, in one room, or down to a role in "
            "one room. Live sessions follow within a second: closed with 4401 or 4403, or demoted "
            "in place. The latest decision about a subject and room counts; a role never gives "
            "more than the token does. Needs the role of an owner in the room, or in ** for all "
            "rooms.",
            answer=Body(JSON, schema_of(Revoked)),
            body=Body(JSON, schema_of(RevocationRequest)),
            problems=(*_JSON_PROBLEMS, Problem.CONFLICT),
        ),
    ]
