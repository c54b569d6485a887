"""Reading requests within bounds, and answering."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from typing import Final, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from collab.limits import KIB
from gateway.api.endpoints import JSON
from gateway.api.problems import Problem, ProblemError
from gateway.auth.addresses import client_address
from gateway.setting_types import Networks

JSON_BYTES_MAX: Final = 64 * KIB
BODY_TIMEOUT_S: Final = 30.0
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_NO_STORE: Final = {"Cache-Control": "no-store"}


class RequestModel(BaseModel):
    """A JSON body or a query: strict, and nothing in it that is not documented."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


Model = TypeVar("Model", bound=RequestModel)


def address_of(request: Request, trusted_proxies: Networks) -> str:
    """The address for limits per address."""
    peer = request.client.host if request.client else ""
    return client_address(peer, request.headers.getlist("x-forwarded-for"), trusted_proxies)


async def read_body(request: Request, media_type: str, bytes_max: int) -> bytes:
    """Read a body of one content type and bounded size, in bounded time.

    Raises:
        ProblemError: another content type, too large, too slow, or cut off.
    """
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != media_type:
        raise ProblemError(Problem.UNSUPPORTED_MEDIA_TYPE, f"send {media_type}")
    too_large = ProblemError(Problem.TOO_LARGE, f"a body may have {bytes_max} bytes here")
    if int(request.headers.get("content-length", "0")) > bytes_max:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > bytes_max:
                    raise too_large
    except TimeoutError:
        raise ProblemError(Problem.TIMEOUT, "the body did not arrive in time") from None
    except ClientDisconnect:
        raise ProblemError(Problem.MALFORMED_REQUEST, "the body was cut off") from None
    return bytes(body)


async def read_json(request: Request, model: type[Model], bytes_max: int = JSON_BYTES_MAX) -> Model:
    """Read a JSON body as a model.

    Raises:
        ProblemError: not JSON, or not as documented.
    """
    body = await read_body(request, JSON, bytes_max)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise ProblemError(Problem.MALFORMED_REQUEST, _first_fault(error)) from None


def read_query(request: Request, model: type[Model]) -> Model:
    """Read the query string as a model.

    Raises:
        ProblemError: unknown, repeated or malformed parameters.
    """
    pairs = request.query_params.multi_items()
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ProblemError(Problem.MALFORMED_REQUEST, "a parameter stands twice in the query")
    try:
        return model.model_validate_strings(values)
    except ValidationError as error:
        raise ProblemError(Problem.MALFORMED_REQUEST, _first_fault(error)) from None


def from_base64url(text: str) -> bytes:
    """Decode base64url, with or without padding.

    Raises:
        ProblemError: it is none.
    """
    if not _BASE64URL.fullmatch(text):
        raise ProblemError(Problem.MALFORMED_REQUEST, "not base64url")
    bare = text.rstrip("=")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        raise ProblemError(Problem.MALFORMED_REQUEST, "not base64url") from None


def json_response(body: object, status: int = 200) -> Response:
    """A JSON response that nobody keeps."""
    return Response(orjson.dumps(body), status, _NO_STORE, JSON)


def raw_json_response(body: bytes, status: int = 200) -> Response:
    """A JSON response that was encoded elsewhere, which nobody keeps."""
    return Response(body, status, _NO_STORE, JSON)


def binary_response(body: bytes, media_type: str) -> Response:
    """A binary response that nobody keeps and no browser renders."""
    headers = _NO_STORE | {
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": "attachment",
    }
    return Response(body, 200, headers, media_type)


def empty_response() -> Response:
    """204."""
    return Response(status_code=204, headers=_NO_STORE)


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
