"""The OpenAPI 3.1 document, made of the endpoints that serve it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from collab.errors import AuthFailure
from collab.limits import ROOM_NAME_BYTES_MAX
from gateway.api import (
    answers,
    comment_answers,
    job_answers,
    measurement_answers,
    node_answers,
    notification_answers,
    score_answers,
    score_edit_answers,
    version_answers,
    webhook_answers,
)
from gateway.api.endpoints import ROOM_NAME_PATTERN, Body, Endpoint, Parameter
from gateway.api.problems import MEDIA_TYPE, Problem
from gateway.api.terms import (
    COMMENT_ID_PATTERN,
    JOB_ID_PATTERN,
    NODE_NAME_PATTERN,
    VERSION_ID_PATTERN,
    WEBHOOK_ID_PATTERN,
)

_REF: Final = "#/components/schemas/{model}"
_ANSWERS: Final[tuple[type[BaseModel], ...]] = (
    answers.Erasure,
    answers.Appended,
    answers.Revoked,
    answers.Room,
    answers.Rooms,
    answers.Sessions,
    answers.Ticket,
    comment_answers.Thread,
    comment_answers.Threads,
    job_answers.Job,
    job_answers.Jobs,
    score_answers.ImportedScore,
    score_answers.Score,
    score_answers.ScoreFacts,
    score_answers.Scores,
    score_answers.Templates,
    score_edit_answers.ScoreEdited,
    node_answers.Home,
    node_answers.LiveRooms,
    node_answers.Nodes,
    notification_answers.NotificationPreferences,
    version_answers.Restoration,
    version_answers.Version,
    version_answers.Versions,
    webhook_answers.EventTold,
    webhook_answers.WebhookList,
    webhook_answers.WebhookWithSecret,
)
_REQUESTS: Final[tuple[type[BaseModel], ...]] = (
    answers.RevocationRequest,
    answers.TicketRequest,
    comment_answers.ForgetRequest,
    comment_answers.ReplyRequest,
    comment_answers.ThreadChange,
    comment_answers.ThreadRequest,
    job_answers.ExportRequest,
    measurement_answers.MeasurementsRequest,
    notification_answers.NotificationChange,
    score_answers.CopyRequest,
    score_answers.ScoreChange,
    score_answers.ScoreRequest,
    score_edit_answers.EditsRequest,
    version_answers.ForkRequest,
    version_answers.VersionChange,
    version_answers.VersionRequest,
    webhook_answers.ShareRequest,
    webhook_answers.WebhookRequest,
)
# What may go wrong with every operation.
_ALWAYS: Final = (
    Problem.MALFORMED_REQUEST,
    Problem.UNAUTHENTICATED,
    Problem.ACCESS_DENIED,
    Problem.ORIGIN_REFUSED,
    Problem.TOO_MANY,
    Problem.INTERNAL_ERROR,
    Problem.UNAVAILABLE,
)
_PATH_PARAMETERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "room": (
        "The room's name as one percent-encoded path segment, in which `/` is written `%2F`.",
        {"maxLength": ROOM_NAME_BYTES_MAX, "pattern": ROOM_NAME_PATTERN},
    ),
    "job": ("The job's id.", {"pattern": JOB_ID_PATTERN}),
    "link": ("What stands at the end of a link.", {}),
    "node": ("The node's name.", {"pattern": NODE_NAME_PATTERN}),
    "session": ("The session's id.", {}),
    "thread": ("The thread's id.", {"pattern": COMMENT_ID_PATTERN}),
    "message": ("The message's id.", {"pattern": COMMENT_ID_PATTERN}),
    "version": ("The version's id.", {"pattern": VERSION_ID_PATTERN}),
    "webhook": ("The webhook's id.", {"pattern": WEBHOOK_ID_PATTERN}),
}
_DESCRIPTION: Final = """\
The HTTP side of a BandPro collaboration server. Editors speak websocket: `/collab/{room}` for
y-websocket clients, `/hocuspocus` for Hocuspocus providers. This API is for the servers and
operators around them.

In token mode every request carries `Authorization: Bearer <JWT>`; in open mode nothing is asked.
Errors are problem details (RFC 9457); switch on `type`. Each answer has an `X-Request-ID`, yours if
you sent one."""


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """A reference to a model's schema among the components."""
    return {"$ref": _REF.format(model=model.__name__)}


def parameters_of(model: type[BaseModel]) -> tuple[Parameter, ...]:
    """The parameters of a query, as its model has them."""
    properties = model.model_json_schema()["properties"]
    return tuple(
        Parameter(name, schema.get("description", ""), _without_null(schema))
        for name, schema in properties.items()
    )


def openapi_document(endpoints: Iterable[Endpoint], *, version: str) -> dict[str, Any]:
    """Describe the endpoints.

    Args:
        endpoints: all of them.
        version: of the server.

    Returns:
        The document, ready for JSON.
    """
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        item = paths.setdefault(f"/v1{endpoint.path}", {})
        item[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "BandPro collaboration server",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.operation_id,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": endpoint.description,
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint),
    }
    if endpoint.is_open:
        operation["security"] = []
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "description": endpoint.body.description or "JSON.",
            "content": _content(endpoint.body),
        }
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    in_path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": description,
            "schema": {"type": "string", "minLength": 1} | schema,
        }
        for name, (description, schema) in _PATH_PARAMETERS.items()
        if f"{{{name}}}" in endpoint.path
    ]
    others = [
        {
            "name": parameter.name,
            "in": place,
            "required": False,
            "description": parameter.description,
            "schema": parameter.schema,
        }
        for place, parameters in (("query", endpoint.parameters), ("header", endpoint.headers))
        for parameter in parameters
    ]
    return in_path + others


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    problems = {*_ALWAYS, *endpoint.problems}
    if endpoint.is_open:
        problems.remove(Problem.UNAUTHENTICATED)
    if "{room}" in endpoint.path:
        problems |= {Problem.INVALID_ROOM_NAME, Problem.NOT_FOUND}
    success: dict[str, Any] = {"description": "Done.", "headers": _request_id_header()}
    if endpoint.answer is not None:
        success["content"] = _content(endpoint.answer)
        success["description"] = endpoint.answer.description or "The answer."
    responses: dict[str, Any] = {str(endpoint.status): success}
    for status in sorted({problem.status for problem in problems}):
        named = [problem for problem in Problem if problem in problems and problem.status == status]
        responses[str(int(status))] = {
            "description": "; ".join(f"`{problem.slug}`: {problem.title}" for problem in named),
            "headers": _request_id_header(),
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
    return responses


def _request_id_header() -> dict[str, Any]:
    return {"X-Request-ID": {"description": "Names the request.", "schema": {"type": "string"}}}


def _content(body: Body) -> dict[str, Any]:
    return {body.media_type: {"schema": dict(body.schema)}}


def _schemas() -> dict[str, Any]:
    _, sent = models_json_schema(
        [(model, "serialization") for model in _ANSWERS], ref_template=_REF
    )
    _, taken = models_json_schema([(model, "validation") for model in _REQUESTS], ref_template=_REF)
    schemas: dict[str, Any] = {**sent["$defs"], **taken["$defs"], "Problem": _problem_schema()}
    return dict(sorted(schemas.items()))


def _problem_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string", "enum": [problem.type_uri for problem in Problem]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "About this occurrence, for people."},
            "request_id": {"type": "string", "description": "As in `X-Request-ID`."},
            "limit": {"type": "string", "description": "The setting that was passed."},
            "reason": {"type": "string", "enum": [failure.value for failure in AuthFailure]},
        },
    }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out rather than null."""
    kept = {key: value for key, value in schema.items() if key not in {"anyOf", "description"}}
    for branch in schema.get("anyOf", ()):
        if branch.get("type") != "null":
            kept |= branch
    if kept.get("default", ...) is None:
        del kept["default"]
    return kept
