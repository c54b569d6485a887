"""Command line options made from the settings, so that the two never differ."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from rich.markup import escape

from collab.limits import KIB, MIB
from gateway.settings import GROUPS, Settings

_METAVARS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "on|off"),
    (int, "NUMBER"),
    (Path, "PATH"),
)

Options = Mapping[str, str | None]
"""Options as they were typed, by name of setting; None for those that were not."""


def group_title(group: type) -> str:
    """The heading of a group of settings."""
    return (group.__doc__ or "").splitlines()[0].rstrip(".")


def setting_names() -> list[tuple[str, list[str]]]:
    """Names of the settings by title of their group, in the order in which they are shown."""
    return [
        (
            group_title(group),
            [name for name in group.model_fields if not _is_hidden(Settings.model_fields[name])],
        )
        for group in GROUPS
    ]


def shown(value: object) -> str:
    """A setting's value as one would type it; secrets are masked."""
    match value:
        case None | ():
            return "none"
        case bool():
            return "on" if value else "off"
        case Enum():
            return str(value.value)
        case tuple():
            return ",".join(map(shown, value))
        case SecretStr():
            return "(set)"
        case _:
            return str(value)


def shown_setting(name: str, value: object) -> str:
    """The same, with units for sizes, and what no value means."""
    if name == "demo" and value is None:
        return "on with auth open"
    if name == "admin_port" and value is None:
        return "off"
    if name.endswith("bytes_max") or "bytes" in name.split("_"):
        for unit, size in (("MiB", MIB), ("KiB", KIB)):
            if isinstance(value, int) and value >= size and value % size == 0:
                return f"{value // size}{unit}"
    return shown(value)


def with_setting_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each setting.

    Args:
        command: takes the options as its first argument, and its own after it.

    Returns:
        A function whose signature typer reads.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    made = [
        _parameter(group_title(group), name, Settings.model_fields[name])
        for group in GROUPS
        for name in group.model_fields
    ]

    @functools.wraps(command)
    def wrapper(**given: Any) -> None:  # noqa: ANN401 - whatever the command's own options are
        own_given = {parameter.name: given.pop(parameter.name) for parameter in own}
        command(given, **own_given)

    parameters = own + made
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # PEP 362
    wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapper


def _is_hidden(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("hidden"))


def _parameter(title: str, name: str, field: FieldInfo) -> inspect.Parameter:
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=_help(name, field),
        rich_help_panel=title,
        show_default=False,
        metavar=_metavar(field),
        hidden=_is_hidden(field),
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[str | None, option],
    )


def _help(name: str, field: FieldInfo) -> str:
    default = shown_setting(name, field.default)
    text = escape(field.description or "")
    return text if default == shown(None) else f"{text} [dim]{escape(f'[{default}]')}[/dim]"


def _metavar(field: FieldInfo) -> str:
    kinds = list(_kinds(field.annotation))
    if tuple in kinds:
        return "LIST"
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return "|".join(str(member.value) for member in kind)
    for kind in kinds:
        for known, metavar in _METAVARS:
            if isinstance(kind, type) and issubclass(kind, known):
                return metavar
    return "TEXT"


def _kinds(annotation: object) -> Iterator[object]:
    """An annotation and everything within it."""
    yield get_origin(annotation) or annotation
    for inner in get_args(annotation):
        yield from _kinds(inner)
