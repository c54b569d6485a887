"""Logs as the server writes them."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from gateway.observe.logs import configure_logging
from gateway.setting_types import LogFormat, LogLevel


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where logs go in the test; what was set up before is put back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    out = io.StringIO()
    configure_logging(LogFormat.JSON, LogLevel.INFO, stream=out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
