"""Logs: one form for all, bound context, and never content, tokens or names."""

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from gateway.observe.logs import FORBIDDEN_KEYS, configure_logging
from gateway.setting_types import LogFormat, LogLevel
from tests.support.tokens import hs256, payload_of

TOKEN = hs256(payload_of(1_800_000_000))

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_a_line_of_json_with_its_context(lines: Lines) -> None:
    """Event, level, time and whatever was bound."""
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger().info("room.opened", room="ab12", head=7)
    (line,) = lines()
    assert line["event"] == "room.opened"
    assert (line["level"], line["room"], line["head"]) == ("info", "ab12", 7)
    assert line["request_id"] == "r-1"
    assert line["at"].endswith("Z")


def test_lesser_events_are_not_written(lines: Lines) -> None:
    """The level is info."""
    structlog.get_logger().debug("room.ticked")
    logging.getLogger("asyncio").debug("something")
    assert lines() == []


def test_libraries_speak_in_the_same_form(lines: Lines) -> None:
    """Their name is kept, and what was bound as well."""
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        logging.getLogger("asyncio").warning("took %s", "1 s")
    (line,) = lines()
    assert (line["event"], line["library"]) == ("took 1 s", "asyncio")
    assert line["request_id"] == "r-1"


@pytest.mark.parametrize("key", sorted(FORBIDDEN_KEYS))
def test_forbidden_keys_are_refused(lines: Lines, key: str) -> None:
    """OPS-4: In any spelling of case, and within what is logged as a map."""
    structlog.get_logger().info(
        "x.happened", **{key: "private", "details": {key.title(): "private"}}
    )
    assert "private" not in json.dumps(lines())
    assert lines()[0][key] == "[redacted]"


def test_bytes_are_never_written(lines: Lines) -> None:
    """OPS-4: Only how many there were, also within lists."""
    structlog.get_logger().info("x.happened", data=b"private", more=[bytearray(b"private")])
    (line,) = lines()
    assert line["data"] == "<7 bytes>"
    assert line["more"] == ["<7 bytes>"]


@pytest.mark.parametrize(
    "text",
    [
        f"refused {TOKEN}",
        f"Authorization: Bearer {TOKEN}",
        "authorization: bearer opaque-private-token",
        "GET /collab/room?ticket=private&x=1",
        "GET /collab/room?x=1&token=private HTTP/1.1",
        "?access_token=private",
    ],
)
def test_credentials_are_taken_out_wherever_they_stand(lines: Lines, text: str) -> None:
    """OPS-4: In events, values, libraries' lines and exceptions."""
    log = structlog.get_logger()
    log.info(text)
    log.info("x.happened", note=text, notes=[text], more={"note": text})
    logging.getLogger("uvicorn.error").warning("%s", text)
    try:
        int(text)  # the error quotes it
    except ValueError:
        log.exception("x.failed")
        logging.getLogger("asyncio").exception("failed")
    written = json.dumps(lines())
    assert len(lines()) == 5
    assert "private" not in written
    assert TOKEN[:20] not in written
    assert TOKEN.rpartition(".")[2] not in written


@pytest.mark.parametrize("name", ["uvicorn.error", "uvicorn.access", "httpx", "websockets.server"])
def test_lines_with_whole_addresses_are_not_written(lines: Lines, name: str) -> None:
    """These libraries log each request, its query included, at level info."""
    logging.getLogger(name).info("GET /collab/room?ticket=private")
    assert lines() == []


def test_the_pretty_form_keeps_the_rules() -> None:
    """For terminals: the same event, the same refusals."""
    out = io.StringIO()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        configure_logging(LogFormat.PRETTY, LogLevel.INFO, stream=out)
        structlog.get_logger().info("room.opened", room="ab12", token=TOKEN)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    assert "room.opened" in out.getvalue()
    assert "ab12" in out.getvalue()
    assert TOKEN not in out.getvalue()


def test_auto_is_json_where_there_is_no_terminal(stream: io.StringIO) -> None:
    """As under a process manager."""
    configure_logging(LogFormat.AUTO, LogLevel.INFO, stream=stream)
    structlog.get_logger().info("room.opened")
    assert json.loads(stream.getvalue())["event"] == "room.opened"
