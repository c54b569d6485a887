"""Exports and imports as jobs: ordered, listed, followed, cancelled, and their files."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action, Claims, decide
from collab.ids import BlobKey, RoomName, Subject, UnixSeconds, room_name
from collab.limits import (
    DOWNLOAD_BYTES_MAX,
    JOB_STREAMS_MAX,
    JOB_STREAMS_PER_SUBJECT_MAX,
    JOBS_LOOKED_AT_MAX,
    SCORE_FILE_BYTES_MAX,
)
from gateway.api import job_answers as bodies
from gateway.api.answers import NoQuery
from gateway.api.api import NO_ROOM, ApiServices
from gateway.api.endpoints import BINARY, JSON, Body, Endpoint, Parameter, room_of
from gateway.api.held_responses import Held, HeldResponse, pieces
from gateway.api.job_events import STREAM_S, job_events
from gateway.api.job_services import Export
from gateway.api.openapi import parameters_of, schema_of
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import empty_response, json_response, read_body, read_json, read_query
from gateway.api.score_answers import FindingFacts
from gateway.api.scores import check_is_no_comments
from gateway.api.terms import LAST_EVENT_ID_HEADER, PREFIX
from workers.formats import Format
from workers.jobs.job import Job, JobId
from workers.jobs.links import Link

TAG: Final = "Jobs"
EVENTS: Final = "text/event-stream"
_NO_JOB: Final = "there is no such job, or it is not yours"
_PAGE: Final = 100
_NO_STORE: Final = {"Cache-Control": "no-store"}
_DOWNLOAD_S: Final = 60.0
_DOWNLOAD_BYTES_PER_S: Final = 64 * 1024  # slower readers are cut off
_REVISION: Final = re.compile(r"[0-9]{1,18}")
_ANYBODY: Final = Subject("")
_PROBLEMS: Final = (Problem.CONFLICT, Problem.TOO_LARGE, Problem.ROOM_QUARANTINED)
_BODY_PROBLEMS: Final = (*_PROBLEMS, Problem.TIMEOUT, Problem.UNSUPPORTED_MEDIA_TYPE)
_LAST_EVENT: Final = Parameter(
    LAST_EVENT_ID_HEADER,
    "The `id` of the last event that was heard: the same state is not told again.",
    {"type": "string"},
)


class JobsApi:
    """The handlers.

    Args:
        services: what they work with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._streams = Held("job_streams_max", JOB_STREAMS_MAX, JOB_STREAMS_PER_SUBJECT_MAX)
        self._downloads = Held("download_bytes_max", DOWNLOAD_BYTES_MAX, DOWNLOAD_BYTES_MAX)
        self._reading = asyncio.Lock()

    async def export(self, request: Request) -> Response:
        """POST /scores/{room}/exports."""
        name = room_of(request)
        claims = await self._services.require(request, name, Action.READ)
        check_is_no_comments(name)
        read_query(request, NoQuery)
        wanted = await read_json(request, bodies.ExportRequest)
        export = Export(
            target=Format(wanted.format),
            part=wanted.part,
            transposition=wanted.transposition(),
            page=wanted.page,
            dots_per_inch=wanted.dots_per_inch,
        )
        job = await self._services.jobs.export(name, export, claims)
        if job is None:
            raise ProblemError(Problem.NOT_FOUND, NO_ROOM)
        return json_response(await self._told(job), 202)

    async def import_file(self, request: Request) -> Response:
        """POST /scores/{room}/imports."""
        name = room_of(request)
        claims = await self._services.require(request, name, Action.EDIT)
        query = read_query(request, bodies.ImportQuery)
        file = await read_body(request, BINARY, SCORE_FILE_BYTES_MAX)
        job = await self._services.jobs.import_file(name, Format(query.format), file, claims)
        return json_response(await self._told(job), 202)

    async def list_jobs(self, request: Request) -> Response:
        """GET /jobs."""
        claims = await self._services.auth.authenticator.authenticate_request(request.headers)
        query = read_query(request, bodies.JobsQuery)
        room = None if query.room is None else room_name(query.room)
        after = None if query.after is None else JobId(query.after)
        found: list[dict[str, Any]] = []
        looked_at = 0
        while looked_at < JOBS_LOOKED_AT_MAX:
            page = await self._services.jobs.book.list(after=after, limit=_PAGE)
            for job in page:
                if len(found) == query.limit:
                    return _jobs(found, after)
                looked_at += 1
                after = job.job_id
                is_wanted = query.state in {None, job.state} and room in {None, _room_of(job)}
                if is_wanted and _may_see(job, claims):
                    found.append(await self._told(job))
            if len(page) < _PAGE:
                return _jobs(found, None)
        return _jobs(found, after)

    async def describe(self, request: Request) -> Response:
        """GET /jobs/{job}."""
        _, job = await self._seen(request)
        read_query(request, NoQuery)
        return json_response(await self._told(job))

    async def cancel(self, request: Request) -> Response:
        """POST /jobs/{job}/cancel."""
        claims, job = await self._seen(request)
        read_query(request, NoQuery)
        room = _room_of(job)
        is_for_all = room is not None and decide(claims, room, Action.MANAGE)
        by = None if is_for_all else claims.subject
        cancelled = await self._services.jobs.book.cancel(job.job_id, by)
        if cancelled is None:
            raise ProblemError(Problem.NOT_FOUND, _NO_JOB)
        return json_response(await self._told(cancelled))

    async def events(self, request: Request) -> Response:
        """GET /jobs/{job}/events."""
        claims, job = await self._seen(request)
        read_query(request, NoQuery)
        if request.method == "HEAD":
            return empty_response()
        jobs, authenticator = self._services.jobs, self._services.auth.authenticator

        async def look() -> Job | None:
            now = authenticator.still_valid(claims)
            found = await jobs.book.get(job.job_id)
            return found if found is not None and _may_see(found, now) else None

        async def tell(seen: Job) -> bytes:
            return orjson.dumps(await self._told(seen))

        # In open mode everybody is the same, and has no share of their own.
        give_back = self._streams.take(claims.subject if claims.verified else _ANYBODY, 1)
        return HeldResponse(
            job_events(look, tell, jobs.pause, lambda: jobs.is_ending, _seen_in(request)),
            _NO_STORE | {"X-Accel-Buffering": "no"},
            EVENTS,
            2 * STREAM_S,
            give_back,
        )

    async def download(self, request: Request) -> Response:
        """GET /files/{link}."""
        read_query(request, NoQuery)
        jobs = self._services.jobs
        link = await jobs.links.read(request.path_params["link"], self._services.clocks.wall())
        async with self._reading:  # so that no more than one is in memory beyond what is held
            data = await jobs.file(link)
            if data is None:
                raise ProblemError(Problem.NOT_FOUND, "the file is not kept any more")
            give_back = self._downloads.take(_ANYBODY, len(data))
        headers = _NO_STORE | {
            "Content-Length": str(len(data)),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(link.name, safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        }
        within_s = _DOWNLOAD_S + len(data) / _DOWNLOAD_BYTES_PER_S
        return HeldResponse(pieces(data), headers, link.media_type, within_s, give_back)

    async def _seen(self, request: Request) -> tuple[Claims, Job]:
        """Whoever asks, and the job, if they may see it.

        Raises:
            ProblemError: there is none that they may see.
        """
        claims = await self._services.auth.authenticator.authenticate_request(request.headers)
        job = await self._services.jobs.book.get(JobId(request.path_params["job"]))
        if job is None or not _may_see(job, claims):
            raise ProblemError(Problem.NOT_FOUND, _NO_JOB)
        return claims, job

    async def _told(self, job: Job) -> dict[str, Any]:
        result = job.result or {}
        expires_at = UnixSeconds(self._services.clocks.wall() + self._services.link_s)
        files = []
        for file in result.get("files", ()):
            link = Link(BlobKey(file["key"]), file["name"], file["media_type"], expires_at)
            facts = bodies.ResultFile(
                name=file["name"],
                media_type=file["media_type"],
                size_bytes=file["size_bytes"],
                url=f"{PREFIX}/files/{await self._services.jobs.links.sign(link)}",
                expires_at=expires_at,
            )
            files.append(facts)
        answer = bodies.Job(
            **dict(bodies.JobFacts.of_job(job)),
            job_id=job.job_id,
            room=job.payload["room"],
            attempt=job.attempt,
            error=job.error,
            created_at=int(job.created_at),
            changed_at=int(job.changed_at),
            files=files,
            findings=[FindingFacts(**each) for each in result.get("findings", ())],
        )
        return answer.model_dump()


def _seen_in(request: Request) -> int | None:
    """The revision that whoever comes back was told last."""
    last = request.headers.get(LAST_EVENT_ID_HEADER, "")
    return int(last) if _REVISION.fullmatch(last) else None


def _room_of(job: Job) -> RoomName | None:
    return job.payload.get("room")


def _may_see(job: Job, claims: Claims) -> bool:
    """Whether somebody asked for a job and may still read the score, or owns that."""
    room = _room_of(job)
    if room is None:
        return False
    has_asked = claims.subject in job.askers and decide(claims, room, Action.READ)
    return has_asked or decide(claims, room, Action.MANAGE)


def _jobs(found: list[dict[str, Any]], after: JobId | None) -> Response:
    return json_response({"jobs": found, "next": after})


def job_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on jobs."""
    api = JobsApi(services)
    return [*_orders(api), *_of_jobs(api)]


def _orders(api: JobsApi) -> list[Endpoint]:
    return [
        Endpoint(
            "POST",
            "/scores/{room}/exports",
            api.export,
            "orderExport",
            TAG,
            "Have a score made into a file",
            "As it is now, whole or one part as an instrument reads it: pages, sound, or another "
            "notation. The same music in the same form is the same job, so what was made once "
            "is answered at once; one that failed or was cancelled is begun anew.",
            status=202,
            answer=Body(JSON, schema_of(bodies.Job)),
            body=Body(JSON, schema_of(bodies.ExportRequest)),
            problems=_BODY_PROBLEMS,
        ),
        Endpoint(
            "POST",
            "/scores/{room}/imports",
            api.import_file,
            "orderImport",
            TAG,
            "Have a score made of a file",
            "Of MusicXML without loss, of ABC and MIDI as far as they say what was meant. Needs "
            "editing there. Nothing may have been written in the room, or it is a score that was "
            "made empty and is so still: what is there is never added to. The same file into the "
            "same room is the same job.",
            status=202,
            answer=Body(JSON, schema_of(bodies.Job)),
            body=Body(BINARY, {"type": "string", "format": "binary"}, "The bytes of the file."),
            parameters=parameters_of(bodies.ImportQuery),
            problems=_BODY_PROBLEMS,
        ),
    ]


def _of_jobs(api: JobsApi) -> list[Endpoint]:
    return [
        Endpoint(
            "GET",
            "/jobs",
            api.list_jobs,
            "listJobs",
            TAG,
            "List jobs",
            "Those that the token's subject asked for, on scores that it may read, and all on "
            "scores that it owns; for as long as they are kept.",
            answer=Body(JSON, schema_of(bodies.Jobs)),
            parameters=parameters_of(bodies.JobsQuery),
            problems=(Problem.INVALID_ROOM_NAME,),
        ),
        Endpoint(
            "GET",
            "/jobs/{job}",
            api.describe,
            "getJob",
            TAG,
            "Describe a job",
            "As it is now, with links to the files that it made.",
            answer=Body(JSON, schema_of(bodies.Job)),
            problems=(Problem.NOT_FOUND,),
        ),
        Endpoint(
            "POST",
            "/jobs/{job}/cancel",
            api.cancel,
            "cancelJob",
            TAG,
            "Cancel a job",
            "It is not begun, or stopped within a second. Where others asked for the same, it goes "
            "on for them, unless an owner of the score cancels it.",
            answer=Body(JSON, schema_of(bodies.Job)),
            problems=(Problem.NOT_FOUND, Problem.CONFLICT),
        ),
        Endpoint(
            "GET",
            "/jobs/{job}/events",
            api.events,
            "followJob",
            TAG,
            "Follow a job",
            "Server-sent events: the job as it is, and after each change, until it has ended: "
            "`waiting`, `progress`, and at the end `done`, `failed` or `cancelled`. Each tells of "
            "the whole job, so nothing needs to be caught up on. Streams end after 15 minutes, "
            "with the token, and when the node is shut down: come back then.",
            answer=Body(EVENTS, {"type": "string"}, "The events."),
            headers=(_LAST_EVENT,),
            problems=(Problem.NOT_FOUND,),
        ),
        Endpoint(
            "GET",
            "/files/{link}",
            api.download,
            "downloadFile",
            TAG,
            "Read a file that a job made",
            "The link is the permission: it is good for one file and a while, and needs no token. "
            "One that was changed, or whose time is over, is refused (403).",
            answer=Body("*/*", {"type": "string", "format": "binary"}, "The file."),
            problems=(Problem.NOT_FOUND,),
            is_open=True,
        ),
    ]
