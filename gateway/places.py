"""Which store a command works on, and how it reaches a bucket.

The options `--data`, `--store` and `--blobs` mean what they mean to `serve`, and so do the
variables where they are not given. A store that is to be filled is named on the command line alone:
what the environment says is the store that serves.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gateway.setting_types import StoreKind
from gateway.settings import Settings, load_settings
from gateway.store_settings import store_settings
from gateway.terminal import usage
from persistence.build import StoreSettings
from persistence.store_urls import masked

Data = Annotated[Path | None, typer.Option(help="The data folder.", metavar="PATH")]
Store = Annotated[
    str | None,
    typer.Option(help="The store: sqlite:, sqlite:FOLDER or mongodb://...", metavar="URL"),
]
Blobs = Annotated[
    str | None,
    typer.Option(
        help="Its blobs, where they are elsewhere: file:FOLDER or s3://...", metavar="URL"
    ),
]


def source_settings(data: Path | None, store: str | None, blobs: str | None) -> StoreSettings:
    """The store that is there.

    A folder that is named is meant, whatever store the environment names.

    Raises:
        SettingsError: a variable is wrong.
    """
    settings = _loaded(data)
    found = store_settings(settings)
    if store is not None:
        found = replace(found, url=_url(store))
    elif data is not None:
        is_its_own = settings.store.kind is StoreKind.SQLITE
        found = replace(found, url="sqlite:", blobs_url=found.blobs_url if is_its_own else "")
    return found if blobs is None else replace(found, blobs_url=blobs)


def settings_unless_served(
    url: str | None, data: Path | None, store: str | None, blobs: str | None
) -> StoreSettings:
    """The store that is there, where no running server is asked instead.

    Raises:
        SettingsError: a server is named as well, or a variable is wrong.
    """
    if url is not None and any(each is not None for each in (data, store, blobs)):
        raise usage("--url contradicts --data, --store and --blobs", "Keep one.")
    return source_settings(data, store, blobs)


def target_settings(data: Path | None, store: str | None, blobs: str | None) -> StoreSettings:
    """The store that is to be filled.

    Raises:
        SettingsError: a variable is wrong.
    """
    found = store_settings(_loaded(data))
    return replace(found, url=_url(store or "sqlite:"), blobs_url=blobs or "")


def shown_place(settings: StoreSettings) -> str:
    """A store for people and for its copies, without anything secret."""
    return " ".join(filter(None, (masked(settings.url), masked(settings.blobs_url))))


def _url(store: str) -> str:
    return "sqlite:" if store == "sqlite" else store


def _loaded(data: Path | None) -> Settings:
    options = {"data": None if data is None else str(data)}
    return load_settings(options, for_serving=False)
