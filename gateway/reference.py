"""Reference tables for the documentation, made from the code so that they cannot be out of date.

``bandpro reference NAME`` prints one; the files in ``docs/`` are its output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from collab.protocol.close_codes import MEANING, NEVER_SENT, is_retryable, is_terminal
from gateway.lifecycle import lifecycle_document
from gateway.observe.metrics import Metrics
from gateway.options import setting_names, shown_setting
from gateway.processes.admin import WorkerMetrics
from gateway.settings import ENV_PREFIX, Settings

_SETTINGS_HEAD: Final = """\
# Settings

<!-- Made by `bandpro reference settings`; edit gateway/setting_fields.py instead. -->

Each setting is an option of `bandpro serve` and a variable of the environment; the option wins.
`port`, for example, is `--port` and `BANDPRO_PORT`. Switches are `on` or `off`; sizes may be
written as `1MiB`; lists have commas. What is unknown, contradictory or unsafe stops the start with
one line that says what to do. `bandpro settings` shows what is in force and where it comes from.
"""
_METRICS_HEAD: Final = """\
# Metrics

<!-- Made by `bandpro reference metrics`; edit gateway/observe/metrics.py instead. -->

Prometheus reads them from `http://127.0.0.1:8081/metrics` (`--admin-port`). No label holds a room,
a subject or anything that clients choose. With `--workers` each sample has the label `worker`
besides: the worker's number, or `supervisor` for the process that keeps them; nothing is added up.
"""
_CODES_HEAD: Final = """\
# Close codes

<!-- Made by `bandpro reference close-codes`; edit collab/protocol/close_codes.py instead. -->

y-websocket 3.1 heeds the last column, and so should a client of your own; other stock providers
come back whatever the code.
"""


def settings_reference() -> str:
    """All settings, by group, as Markdown."""
    parts = [_SETTINGS_HEAD]
    for title, names in setting_names():
        rows = [
            (
                f"`{name}`",
                f"`{ENV_PREFIX}{name.upper()}`",
                f"`{shown_setting(name, Settings.model_fields[name].default)}`",
                Settings.model_fields[name].description or "",
            )
            for name in names
        ]
        parts.append(f"\n## {title}\n\n" + _table(("setting", "variable", "default", ""), rows))
    return "".join(parts)


def metrics_reference() -> str:
    """All metrics of ours, as Markdown."""
    rows = [
        (f"`{name}`", metric.type, metric.documentation)
        for registry in (Metrics().registry, WorkerMetrics().registry)
        for metric in registry.collect()
        if metric.name.startswith("bandpro_")
        for name in [metric.name + ("_total" if metric.type == "counter" else "")]
    ]
    return f"{_METRICS_HEAD}\n{_table(('metric', 'kind', ''), rows)}"


def close_codes_reference() -> str:
    """The catalogue of close codes, as Markdown."""
    rows = []
    for code, meaning in MEANING.items():
        again = "yes" if is_retryable(code) else "no" if is_terminal(code) else ""
        aside = f" ({NEVER_SENT[code]})" if code in NEVER_SENT else ""
        rows.append((str(int(code)), f"`{code.name}`", meaning + aside, again))
    return f"{_CODES_HEAD}\n{_table(('code', 'name', 'meaning', 'try again'), rows)}"


REFERENCES: Final[Mapping[str, Callable[[], str]]] = {
    "settings": settings_reference,
    "metrics": metrics_reference,
    "close-codes": close_codes_reference,
}
"""The tables, by the name of their file in ``docs/``."""

DOCUMENTS: Final[Mapping[str, Callable[[], str]]] = {
    **REFERENCES,
    "s3-lifecycle": lifecycle_document,
}
"""All that ``bandpro reference`` prints."""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
