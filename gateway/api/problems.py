"""Errors of the HTTP API as problem details (RFC 9457), each of a stable type.

The catalogue below is what clients may switch on; titles and details are for people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from collab.errors import (
    AccessDenied,
    BandProError,
    EditRefused,
    InvalidOperation,
    InvalidRoomName,
    KeysUnavailable,
    LimitExceeded,
    MalformedUpdate,
    NotThere,
    OperatingError,
    PeerError,
    ProtocolError,
    RoomQuarantined,
    RoomUnavailable,
    StateConflict,
    StoreUnavailable,
    Unauthenticated,
)
from gateway.api.terms import PROBLEM_TYPE_PREFIX

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5


class Problem(Enum):
    """The kinds of problem: name in the type, HTTP status, title."""

    MALFORMED_REQUEST = ("malformed-request", 400, "The request is not as documented")
    INVALID_ROOM_NAME = ("invalid-room-name", 400, "No room can have this name")
    MALFORMED_UPDATE = ("malformed-update", 400, "The bytes are no acceptable update")
    UNAUTHENTICATED = ("unauthenticated", 401, "A valid token is needed")
    ACCESS_DENIED = ("access-denied", 403, "The token does not allow this")
    ORIGIN_REFUSED = ("origin-refused", 403, "This web origin may not use the server")
    NOT_FOUND = ("not-found", 404, "There is no such thing")
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405, "This method is not served here")
    TIMEOUT = ("timeout", 408, "The request took too long to arrive")
    CONFLICT = ("conflict", 409, "The request does not fit the present state")
    TOO_LARGE = ("too-large", 413, "More than the server accepts")
    UNSUPPORTED_MEDIA_TYPE = ("unsupported-media-type", 415, "Another content type is needed")
    ROOM_QUARANTINED = ("room-quarantined", 423, "The room was taken out of service")
    TOO_MANY = ("too-many", 429, "More, or faster, than is allowed")
    INTERNAL_ERROR = ("internal-error", 500, "The server failed")
    UNAVAILABLE = ("unavailable", 503, "The server cannot do this now")

    def __init__(self, slug: str, status: int, title: str) -> None:
        self.slug = slug
        self.status = HTTPStatus(status)
        self.title = title

    @property
    def type_uri(self) -> str:
        """What stands in the `type` member."""
        return PROBLEM_TYPE_PREFIX + self.slug


class ProblemError(Exception):
    """Raised by handlers for what is no error of the core.

    Args:
        problem: which kind.
        detail: one sentence about this occurrence; never content, tokens or names of people.
    """

    def __init__(self, problem: Problem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail


# Limits that waiting, or less haste, gets one past; the others are on the size of one thing.
_NUMBER_LIMITS: Final = frozenset(
    {
        "bytes_per_s",
        "connections_max",
        "connections_per_address_max",
        "connects_per_s",
        "download_bytes_max",
        "job_askers_max",
        "job_streams_max",
        "jobs_waiting_max",
        "mail_confirmations_max",
        "messages_per_s",
        "requests_per_s",
        "revocations_max",
        "sessions_per_room_max",
        "tickets_max",
        "tickets_per_subject_max",
        "webhooks_max",
    }
)
_BY_ERROR: Final[tuple[tuple[type[BandProError], Problem], ...]] = (
    (Unauthenticated, Problem.UNAUTHENTICATED),
    (AccessDenied, Problem.ACCESS_DENIED),
    (InvalidRoomName, Problem.INVALID_ROOM_NAME),
    (StateConflict, Problem.CONFLICT),
    (NotThere, Problem.NOT_FOUND),
    (MalformedUpdate, Problem.MALFORMED_UPDATE),
    (ProtocolError, Problem.MALFORMED_REQUEST),
    (PeerError, Problem.MALFORMED_REQUEST),
    (RoomQuarantined, Problem.ROOM_QUARANTINED),
    (RoomUnavailable, Problem.UNAVAILABLE),
    (StoreUnavailable, Problem.UNAVAILABLE),
    (KeysUnavailable, Problem.UNAVAILABLE),
    (OperatingError, Problem.UNAVAILABLE),
)
_BY_STATUS: Final = {
    404: Problem.NOT_FOUND,
    405: Problem.METHOD_NOT_ALLOWED,
    413: Problem.TOO_LARGE,
    415: Problem.UNSUPPORTED_MEDIA_TYPE,
}


def problem_for(error: BandProError) -> Problem:
    """Which kind of problem an error of the tree is."""
    if isinstance(error, LimitExceeded):
        return Problem.TOO_MANY if error.limit in _NUMBER_LIMITS else Problem.TOO_LARGE
    for kind, problem in _BY_ERROR:
        if isinstance(error, kind):
            return problem
    return Problem.INTERNAL_ERROR


def problem_response(
    problem: Problem,
    detail: str = "",
    *,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response of the kind, with the request's id.

    Args:
        problem: which kind.
        detail: one sentence about this occurrence.
        extra: more members.
        headers: more headers.
    """
    body: dict[str, Any] = {
        "type": problem.type_uri,
        "title": problem.title,
        "status": int(problem.status),
    }
    if detail:
        body["detail"] = detail
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        body["request_id"] = request_id
    sent_headers = dict(headers or {})
    if problem in {Problem.TOO_MANY, Problem.UNAVAILABLE}:
        sent_headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    return Response(
        orjson.dumps(body | dict(extra or {})),
        status_code=int(problem.status),
        media_type=MEDIA_TYPE,
        headers=sent_headers,
    )


def exception_handlers() -> dict[Any, Callable[[Request, Exception], Response]]:
    """What the app does with each kind of exception; for ``Starlette(exception_handlers=...)``."""
    return {
        BandProError: _on_core_error,
        ProblemError: _on_problem,
        HTTPException: _on_http_exception,
        Exception: _on_defect,
    }


def _on_core_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BandProError)
    problem = problem_for(error)
    if isinstance(error, Unauthenticated):
        challenge = f'Bearer realm="bandpro", error="invalid_token", error_description="{error}"'
        return problem_response(
            problem,
            str(error),
            extra={"reason": error.reason.value},
            headers={"WWW-Authenticate": challenge},
        )
    if isinstance(error, LimitExceeded):
        return problem_response(problem, str(error), extra={"limit": error.limit})
    if isinstance(error, InvalidOperation):
        return problem_response(problem, str(error), extra={"path": error.path})
    if isinstance(error, EditRefused):
        obstacle = {"code": error.code, "element_ids": error.element_ids}
        return problem_response(
            problem, str(error), extra=obstacle | {"operation": error.operation}
        )
    # What went wrong in the store or in here is for the log, not for whoever asked.
    if problem is Problem.INTERNAL_ERROR:
        structlog.get_logger().error("http.invariant_violated", exc_info=error)
        return problem_response(problem)
    if isinstance(error, StoreUnavailable):
        structlog.get_logger().warning("http.store_unavailable", error=str(error))
        return problem_response(problem, "the store cannot be used now")
    return problem_response(problem, str(error))


def _on_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(error.problem, error.detail)


def _on_http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = _BY_STATUS.get(error.status_code)
    if problem is None:
        problem = (
            Problem.INTERNAL_ERROR
            if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
            else Problem.MALFORMED_REQUEST
        )
    return problem_response(problem, headers=error.headers)


def _on_defect(_request: Request, error: Exception) -> Response:
    structlog.get_logger().error("http.failed", exc_info=error)
    return problem_response(Problem.INTERNAL_ERROR)
