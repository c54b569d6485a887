"""Logs: events with bound context, as JSON or for people; never content, tokens or names.

An event is a noun and a verb in the past, such as ``room.opened``. Rooms appear by the beginning of
their storage key. What must not be logged is refused here once more, by key and by shape, also in
what libraries log.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.setting_types import LogFormat, LogLevel

REDACTED: Final = "[redacted]"
FORBIDDEN_KEYS: Final = frozenset(
    {
        "authorization",
        "awareness",
        "body",
        "claims",
        "content",
        "cookie",
        "display_name",
        "document",
        "frame",
        "headers",
        "message",
        "name",
        "payload",
        "query",
        "query_string",
        "room_name",
        "secret",
        "state",
        "subject",
        "text",
        "ticket",
        "token",
        "update",
        "url",
        "user",
    }
)
# What looks like a credential wherever it stands: a JWT, a bearer header, a URL's parameter.
_CREDENTIAL: Final = re.compile(
    r"eyJ[\w-]{4,}\.[\w-]*(?:\.[\w-]*)?"
    r"|(?i:bearer)\s+[^\s\"',;]+"
    r"|(?i:(?:access_)?token|ticket|jwt|secret)=[^\s&\"']+"
)
# These say every request at level INFO, addresses with their tickets included.
_TALKATIVE: Final = (
    "httpcore",
    "httpx",
    "taskiq",
    "taskiq_aio_sqs",
    "uvicorn.access",
    "uvicorn.error",
    "websockets",
)


def configure_logging(
    log_format: LogFormat, log_level: LogLevel, *, stream: TextIO | None = None
) -> None:
    """Send everything that is logged, by us and by libraries, to one stream in one form.

    Args:
        log_format: JSON, pretty, or pretty on a terminal only.
        log_level: the least severe events that are written.
        stream: where to; standard error unless given.
    """
    out = stream or sys.stderr
    pretty = log_format is LogFormat.PRETTY or (log_format is LogFormat.AUTO and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_name_the_library, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _pretty_renderer(out) if pretty else structlog.processors.JSONRenderer(_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(log_level.value.upper())
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Refuse what must not be logged: forbidden keys, bytes, and whatever looks like a credential.

    Returns:
        The event; refused values are replaced by a mark, so that the slip itself shows.
    """
    for key, value in event.items():
        event[key] = REDACTED if key.lower() in FORBIDDEN_KEYS else _plain(value)
    return event


def _plain(value: object) -> object:
    if isinstance(value, str):
        return _CREDENTIAL.sub(REDACTED, value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED if str(key).lower() in FORBIDDEN_KEYS else _plain(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return value


def _name_the_library(
    _logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["library"] = record.name
    return event


def _pretty_renderer(stream: TextIO) -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(),
        timestamp_key="at",
        exception_formatter=structlog.dev.plain_traceback,
    )


def _json(event: object, **_options: object) -> str:
    return orjson.dumps(event, default=repr).decode()
