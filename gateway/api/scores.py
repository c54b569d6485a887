"""Scores: made, listed, renamed, archived and copied."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action
from collab.errors import AccessDenied
from collab.ids import NO_SEQUENCE, RoomName, commented_room, room_name
from collab.limits import SCORE_FACETS_BYTES_MAX, SCORE_FILE_BYTES_MAX, SCORES_LOOKED_AT_MAX
from collab.score.schema import SCHEMA_VERSION, Facets, Json
from collab.score.templates import TEMPLATES, template_facets
from gateway.api import score_answers as bodies
from gateway.api.answers import NoQuery
from gateway.api.api import NO_ROOM, ApiServices
from gateway.api.endpoints import BINARY, JSON, Body, Endpoint, room_of
from gateway.api.idempotency import KEY_HEADER, digest_of, key_of
from gateway.api.openapi import parameters_of, schema_of
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import (
    binary_response,
    json_response,
    read_body,
    read_json,
    read_query,
)
from gateway.api.score_services import EMPTY, NewScore
from gateway.api.services import RoomSummary
from gateway.api.versions import UPDATE_SCHEMA
from gateway.api.visible import visible_rooms

TAG: Final = "Scores"
MUSICXML: Final = "application/vnd.recordare.musicxml+xml"
_WITH_TEMPLATES: Final = ("measures", "fifths", "beats", "unit")
_PROBLEMS: Final = (Problem.TOO_LARGE, Problem.ROOM_QUARANTINED)
_BODY_PROBLEMS: Final = (
    *_PROBLEMS,
    Problem.CONFLICT,
    Problem.TIMEOUT,
    Problem.UNSUPPORTED_MEDIA_TYPE,
    Problem.INVALID_ROOM_NAME,
)


class ScoresApi:
    """The handlers.

    Args:
        services: what they work with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def list_scores(self, request: Request) -> Response:
        """GET /scores."""
        claims = await self._services.auth.authenticator.authenticate_request(request.headers)
        query = read_query(request, bodies.ScoresQuery)
        after = None if query.after is None else room_name(query.after)
        found: list[bodies.ScoreFacts] = []
        looked_at = 0
        while looked_at < SCORES_LOOKED_AT_MAX:
            page = await visible_rooms(self._services, claims, Action.READ, after, query.limit)
            for room in page:
                if len(found) == query.limit:
                    return _scores(found, after)
                looked_at += 1
                after = room.name
                facts = await self._listed(room, is_archived=query.is_archived)
                found += [] if facts is None else [facts]
            if len(page) < query.limit:
                return _scores(found, None)
        return _scores(found, after)

    async def create(self, request: Request) -> Response:
        """POST /scores."""
        claims = await self._services.auth.authenticator.authenticate_request(request.headers)
        read_query(request, NoQuery)
        key = key_of(request)
        wanted = await read_json(request, bodies.ScoreRequest, SCORE_FACETS_BYTES_MAX)
        name = room_name(wanted.room)
        await self._services.require(request, name, Action.EDIT)
        told = orjson.dumps(wanted.model_dump(), option=orjson.OPT_SORT_KEYS)
        new = replace(_new(wanted), request=digest_of(told, claims, key))
        record = await self._services.scores.create(name, new, claims)
        return json_response(bodies.ScoreFacts.of_record(name, record).model_dump(), 201)

    async def import_file(self, request: Request) -> Response:
        """POST /scores/{room}/file."""
        name = room_of(request)
        claims = await self._services.require(request, name, Action.EDIT)
        read_query(request, NoQuery)
        key = key_of(request)
        file = await read_body(request, BINARY, SCORE_FILE_BYTES_MAX)
        known_by = await asyncio.to_thread(digest_of, file, claims, key)
        record, findings = await self._services.scores.import_file(name, file, known_by, claims)
        facts = bodies.ScoreFacts.of_record(name, record).model_dump()
        told = [bodies.FindingFacts.of(each) for each in findings]
        return json_response(bodies.ImportedScore(**facts, findings=told).model_dump(), 201)

    async def export(self, request: Request) -> Response:
        """GET /scores/{room}/file."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ)
        check_is_no_comments(name)
        query = read_query(request, bodies.ExportQuery)
        transposition = query.transposition()
        file = await self._services.scores.export(name, query.part, transposition)
        if file is None:
            raise ProblemError(Problem.NOT_FOUND, NO_ROOM)
        return binary_response(file, MUSICXML)

    async def describe(self, request: Request) -> Response:
        """GET /scores/{room}."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ)
        check_is_no_comments(name)
        read_query(request, NoQuery)
        return await self._described(name)

    async def change(self, request: Request) -> Response:
        """PATCH /scores/{room}."""
        name = room_of(request)
        claims = await self._services.require(request, name, Action.EDIT)
        read_query(request, NoQuery)
        wanted = await read_json(request, bodies.ScoreChange)
        if wanted.is_archived is not None:
            # Nobody could take it back by editing: it is for those who manage the room.
            await self._services.require(request, name, Action.MANAGE)
        await self._require_score(name)
        scores = self._services.scores
        if wanted.is_archived is False:
            await scores.archive(name, claims, is_archived=False)
        if wanted.title is not None:
            await scores.rename(name, wanted.title, claims)
        if wanted.is_archived:
            await scores.archive(name, claims, is_archived=True)
        return await self._described(name)

    async def copy(self, request: Request) -> Response:
        """POST /scores/{room}/copy."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ)
        await self._services.require(request, name, Action.READ_VERSIONS)
        read_query(request, NoQuery)
        target = room_name((await read_json(request, bodies.CopyRequest)).room)
        claims = await self._services.require(request, target, Action.EDIT)
        await self._require_score(name)
        record = await self._services.scores.copy(name, target, claims)
        return json_response(bodies.ScoreFacts.of_record(target, record).model_dump(), 201)

    async def templates(self, request: Request) -> Response:
        """GET /templates."""
        await self._services.auth.authenticator.authenticate_request(request.headers)
        read_query(request, NoQuery)
        return json_response(_TEMPLATES.model_dump())

    async def _listed(self, room: RoomSummary, *, is_archived: bool) -> bodies.ScoreFacts | None:
        # An import makes its room before its score, so that the file is sealed and erased with it.
        if room.head == NO_SEQUENCE or commented_room(room.name) is not None:
            return None
        record = await self._services.scores.record(room.name)
        if record.is_archived != is_archived:
            return None
        return bodies.ScoreFacts.of_record(room.name, record)

    async def _described(self, name: RoomName) -> Response:
        summary = await self._services.scores.summary(name)
        if summary is None:
            raise ProblemError(Problem.NOT_FOUND, NO_ROOM)
        record = await self._services.scores.record(name)
        facts = bodies.ScoreFacts.of_record(name, record).model_dump()
        return json_response(bodies.Score.model_validate(facts | dict(summary)).model_dump())

    async def _require_score(self, name: RoomName) -> None:
        check_is_no_comments(name)
        await self._services.require_room(name)


def check_is_no_comments(name: RoomName) -> None:
    """Refuse what is about a score for the comments on one.

    Raises:
        AccessDenied: the room has comments.
    """
    if commented_room(name) is not None:
        raise AccessDenied("comments are no score")


_TEMPLATES: Final = bodies.Templates(
    templates=[
        bodies.TemplateFacts(
            template=key,
            name=template.name,
            instruments=[instrument.name for instrument in template.instruments],
        )
        for key, template in TEMPLATES.items()
    ]
)


def _scores(found: list[bodies.ScoreFacts], after: RoomName | None) -> Response:
    return json_response(bodies.Scores(scores=found, next=after).model_dump())


def _new(wanted: bodies.ScoreRequest) -> NewScore:
    """What the body asks for.

    Raises:
        ProblemError: it asks for things that do not go together.
    """
    told = {name: getattr(wanted, name) for name in _WITH_TEMPLATES}
    changes = {name: value for name, value in told.items() if value is not None}
    if wanted.template is not None and wanted.template not in TEMPLATES:
        raise ProblemError(Problem.MALFORMED_REQUEST, "there is no such template")
    if changes and wanted.template is None:
        raise ProblemError(Problem.MALFORMED_REQUEST, f"{min(changes)} goes with a template")
    if wanted.facets is not None and wanted.template is not None:
        raise ProblemError(Problem.MALFORMED_REQUEST, "send a template or facets, not both")
    meta: dict[str, Json] = {
        name: text for name in ("title", "composer") if (text := getattr(wanted, name)) is not None
    }
    facets: Facets = {"meta": {"schema": str(SCHEMA_VERSION)}}
    origin = EMPTY
    if wanted.template is not None:
        template = replace(TEMPLATES[wanted.template], **changes)
        facets, origin = template_facets(template, {}), f"template:{wanted.template}"
    elif wanted.facets is not None:
        facets, origin = {name: dict(each) for name, each in wanted.facets.items()}, "facets"
    facets["meta"] = {"title": "", **facets.get("meta", {}), **meta}
    title = facets["meta"]["title"]
    return NewScore(facets, title if isinstance(title, str) else "", origin)


def score_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on scores."""
    api = ScoresApi(services)
    return [*_of_all(api), *_of_one(api)]


def _of_all(api: ScoresApi) -> list[Endpoint]:
    return [
        Endpoint(
            "GET",
            "/scores",
            api.list_scores,
            "listScores",
            TAG,
            "List scores",
            "Those in use, or archived, that the token may read, in order of room. A room in which "
            "nothing was ever written is none.",
            answer=Body(JSON, schema_of(bodies.Scores)),
            parameters=parameters_of(bodies.ScoresQuery),
            problems=(Problem.INVALID_ROOM_NAME,),
        ),
        Endpoint(
            "POST",
            "/scores",
            api.create,
            "createScore",
            TAG,
            "Make a score",
            "Of a template, of facets, or empty. Needs editing there. Nothing may have been "
            "written in the room: what is there is never added to.",
            status=201,
            answer=Body(JSON, schema_of(bodies.ScoreFacts)),
            body=Body(JSON, schema_of(bodies.ScoreRequest)),
            headers=(KEY_HEADER,),
            problems=_BODY_PROBLEMS,
        ),
        Endpoint(
            "GET",
            "/templates",
            api.templates,
            "listTemplates",
            TAG,
            "List templates",
            "What a score can begin with.",
            answer=Body(JSON, schema_of(bodies.Templates)),
        ),
    ]


def _of_one(api: ScoresApi) -> list[Endpoint]:
    return [
        Endpoint(
            "GET",
            "/scores/{room}/file",
            api.export,
            "exportScore",
            TAG,
            "Write a score as a MusicXML file",
            "As it is now; or one part of it, as the instrument reads it that shall play it.",
            answer=Body(MUSICXML, {"type": "string"}, "MusicXML 4.0."),
            parameters=parameters_of(bodies.ExportQuery),
            problems=(*_PROBLEMS, Problem.CONFLICT),
        ),
        Endpoint(
            "POST",
            "/scores/{room}/file",
            api.import_file,
            "importScore",
            TAG,
            "Make a score of a MusicXML file",
            "What the schema does not model is kept and comes back at an export. Needs editing "
            "there. Nothing may have been written in the room, or it is a score that was made "
            "empty and is so still: what is there is never added to.",
            status=201,
            answer=Body(JSON, schema_of(bodies.ImportedScore)),
            body=Body(BINARY, UPDATE_SCHEMA, "The bytes of a .musicxml, .xml or .mxl file."),
            headers=(KEY_HEADER,),
            problems=_BODY_PROBLEMS,
        ),
        Endpoint(
            "GET",
            "/scores/{room}",
            api.describe,
            "getScore",
            TAG,
            "Describe a score",
            "In brief, as its document is now: title, people, parts, and how much there is.",
            answer=Body(JSON, schema_of(bodies.Score)),
            problems=_PROBLEMS,
        ),
        Endpoint(
            "PATCH",
            "/scores/{room}",
            api.change,
            "changeScore",
            TAG,
            "Rename, archive or unarchive a score",
            "A new title is an edit that everybody sees at once. An archived score is not listed "
            "among those in use, and nobody edits it or comments on it, on a connection they "
            "have either. To archive is for owners.",
            answer=Body(JSON, schema_of(bodies.Score)),
            body=Body(JSON, schema_of(bodies.ScoreChange)),
            problems=_BODY_PROBLEMS,
        ),
        Endpoint(
            "POST",
            "/scores/{room}/copy",
            api.copy,
            "copyScore",
            TAG,
            "Copy a score",
            "As it is now, without its versions and comments. Needs reading here and editing "
            "there. The other room must be new or empty.",
            status=201,
            answer=Body(JSON, schema_of(bodies.ScoreFacts)),
            body=Body(JSON, schema_of(bodies.CopyRequest)),
            problems=_BODY_PROBLEMS,
        ),
    ]
