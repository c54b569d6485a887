"""Where `bandpro import` and `bandpro export` find scores: at a running server, or in a store.

Each is a value with the few things that the commands ask of a place; what runs asynchronously does
so to its end within one call.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Protocol
from urllib.parse import quote

from collab.errors import SettingsError, StateConflict
from collab.ids import RoomName, Subject, commented_room
from gateway.auth.build import SYSTEM_CLOCKS
from gateway.listing import open_there, open_to_change
from gateway.remote import RemoteServer
from gateway.rooms.new_scores import NewScores, NoLiveRooms
from gateway.rooms.refusals import accepted
from gateway.terminal import usage
from persistence.build import StoreSettings
from persistence.loading import load_room
from persistence.offload import Offload
from persistence.stores import Stores

_NOBODY: Final = Subject("")
"""Whoever writes to a store by hand is not known to it."""

_NO_ROOM: Final = "nothing was ever written in this room"
_ADVICE: Final[Mapping[int, str]] = MappingProxyType(
    {
        403: "To import takes an editor of the room, to export a viewer.",
        404: "`bandpro rooms` lists the rooms.",
    }
)
_TAKEN: Final = (
    "Nothing was changed: an import begins a room, and never adds to one. Take another --room."
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import tells.

    Attributes:
        title: of the score.
        findings: lines and messages: what could not be taken from the file as it stands.
    """

    title: str = field(repr=False)
    findings: tuple[tuple[int, str], ...] = field(repr=False)


class ScorePlace(Protocol):
    """A place with scores.

    Each method raises SettingsError or another known error where it cannot be done, and why.
    """

    def put(self, name: RoomName, file: bytes) -> Imported:
        """Make a MusicXML file the first content of a room in which nothing was ever written."""

    def parts(self, name: RoomName) -> list[tuple[str, str]]:
        """The ids and names of the parts of a score, from the top of the page."""

    def get(self, name: RoomName, part: str | None) -> bytes:
        """A score as it is now, or the part of an id, as a MusicXML file."""


class ServedScores:
    """The scores of a running server.

    Args:
        url: where it is.
        token: what opens it; None for a server without tokens.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self._token = token

    def put(self, name: RoomName, file: bytes) -> Imported:
        """Import a file, for everybody who is in the room; see `ScorePlace`."""
        with self._server({409: _TAKEN}) as server:
            told = server.ask_json("POST", f"{_path(name)}/file", file=file)
        findings = tuple((each["line"], each["message"]) for each in told["findings"])
        return Imported(told["title"], findings)

    def parts(self, name: RoomName) -> list[tuple[str, str]]:
        """List the parts; see `ScorePlace`."""
        with self._server() as server:
            return _parts(server.ask_json("GET", _path(name)))

    def get(self, name: RoomName, part: str | None) -> bytes:
        """Export the score as those see it who are in the room; see `ScorePlace`."""
        query = None if part is None else {"part": part}
        with self._server() as server:
            return server.ask("GET", f"{_path(name)}/file", query=query).content

    def _server(self, advice: Mapping[int, str] | None = None) -> RemoteServer:
        return RemoteServer(self._url, self._token, {**_ADVICE, **(advice or {})})


class StoredScores:
    """The scores of a store.

    Args:
        settings: where it is.
        document_bytes_max: the largest document.
    """

    def __init__(self, settings: StoreSettings, document_bytes_max: int) -> None:
        self._settings = settings
        self._document_bytes_max = document_bytes_max

    def put(self, name: RoomName, file: bytes) -> Imported:
        """Import a file, while no server uses a folder; see `ScorePlace`."""
        return asyncio.run(self._put(name, file))

    def parts(self, name: RoomName) -> list[tuple[str, str]]:
        """List the parts; see `ScorePlace`."""

        async def found() -> list[tuple[str, str]]:
            async with self._document(name) as (document, offload):
                return _parts(json.loads(await offload.summary(document)))

        return asyncio.run(found())

    def get(self, name: RoomName, part: str | None) -> bytes:
        """Export what is durable of a score, also beside a server; see `ScorePlace`."""

        async def file() -> bytes:
            wanted = json.dumps({"part": part, "transposition": None}).encode()
            async with self._document(name) as (document, offload):
                told, data = await offload.export_score(document, wanted)
            accepted(told)
            return data

        return asyncio.run(file())

    async def _put(self, name: RoomName, file: bytes) -> Imported:
        async with self._opened(to_change=True) as (stores, offload):
            maker = NewScores(
                stores, NoLiveRooms(), offload, SYSTEM_CLOCKS.wall, self._document_bytes_max
            )
            try:
                record, findings = await maker.import_file(name, file, "", _NOBODY)
            except StateConflict as error:
                raise usage(str(error), _TAKEN) from error
        return Imported(record.title, tuple((each.line, each.message) for each in findings))

    @asynccontextmanager
    async def _document(self, name: RoomName) -> AsyncIterator[tuple[bytes, Offload]]:
        async with self._opened(to_change=False) as (stores, offload):
            room = await load_room(stores, name)
            if not room.updates:
                raise usage(_NO_ROOM, _ADVICE[404])
            yield await offload.merge(room.updates), offload

    @asynccontextmanager
    async def _opened(self, *, to_change: bool) -> AsyncIterator[tuple[Stores, Offload]]:
        opening = (
            open_to_change(self._settings)
            if to_change
            else open_there(replace(self._settings, read_only=True))
        )
        async with aclosing(Offload()) as offload, await opening as stores:
            yield stores, offload


def checked_room(name: RoomName) -> RoomName:
    """A room that can have a score.

    Raises:
        SettingsError: it has the comments on one.
    """
    if commented_room(name) is not None:
        raise SettingsError("comments are no score")
    return name


def _path(name: RoomName) -> str:
    return f"/scores/{quote(name, safe='')}"


def _parts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(part["part_id"], part["name"]) for part in summary["parts"]]
