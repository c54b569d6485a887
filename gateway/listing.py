"""What `bandpro rooms` works on: the rooms of a running server, or of a data folder."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from collab.errors import SettingsError, StoreUnavailable
from collab.ids import RoomName, room_key
from collab.ports import RoomStatus
from gateway.api.answers import LIST_LIMIT_MAX
from gateway.api.services import RoomState
from gateway.doctor import all_manifests
from persistence.build import StoreSettings, open_stores
from persistence.manifests import release
from persistence.stores import Stores

_TIMEOUT_S: Final = 10.0
_PAGE: Final = LIST_LIMIT_MAX
_UNAUTHENTICATED: Final = 401
_DONE: Final = 204


@dataclass(frozen=True, slots=True)
class RoomRow:
    """One room, as far as it is known from where one looks.

    Attributes:
        name: the room.
        state: as in the API.
        sessions: how many are in it.
        saved: sequence of the newest durable update.
        size_bytes: of the document, or of its newest snapshot.
    """

    name: str
    state: str
    sessions: int
    saved: int
    size_bytes: int


def rooms_of_server(url: str, token: str | None) -> list[RoomRow]:
    """Ask a running server for all its rooms, page by page.

    Raises:
        SettingsError: it cannot be reached, or says no; the notes say what to do.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    rows: list[RoomRow] = []
    after: str | None = None
    with httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=_TIMEOUT_S) as client:
        while True:
            page = _page(client, url, after)
            rows += (
                RoomRow(
                    name=room["name"],
                    state=room["state"],
                    sessions=room["sessions"],
                    saved=room["saved"],
                    size_bytes=room["size_bytes"],
                )
                for room in page["rooms"]
            )
            after = page["next"]
            if after is None:
                return rows


def rooms_of_folder(settings: StoreSettings) -> list[RoomRow]:
    """Read the rooms of a data folder that no server uses.

    Raises:
        SettingsError: there is no such folder.
        StoreUnavailable: a server uses it, or it cannot be read.
    """
    return asyncio.run(_read_rooms(settings))


def release_on_server(url: str, token: str | None, name: RoomName, *, accept_loss: bool) -> None:
    """Ask a running server to release a quarantined room.

    Raises:
        SettingsError: it cannot be reached, or says no, and why.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    path = f"{url.rstrip('/')}/v1/rooms/{quote(name, safe='')}/release"
    query = {"accept_loss": "true"} if accept_loss else {}
    try:
        response = httpx.post(path, params=query, headers=headers, timeout=_TIMEOUT_S)
        problem = {} if response.status_code == _DONE else response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as cause:
        raise _no_server(url, cause) from cause
    if problem:
        raise SettingsError(f"{url} says no: {problem.get('detail') or problem.get('title')}")


def release_in_folder(settings: StoreSettings, name: RoomName, *, accept_loss: bool) -> None:
    """Release a quarantined room of a data folder that no server uses.

    Raises:
        SettingsError: there is no such folder, or the room is not quarantined.
        StoreUnavailable: a server uses it, or it cannot be written.
    """

    async def released() -> bool:
        async with await open_folder(settings) as stores:
            return await release(stores, name, accept_loss=accept_loss)

    if not asyncio.run(released()):
        raise SettingsError("the room is not quarantined")


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        error = SettingsError(f"there is no data folder {folder}")
        error.add_note("Name it with --data, or ask a running server with --url.")
        raise error


async def open_folder(settings: StoreSettings) -> Stores:
    """Open the store of a data folder that is there.

    Raises:
        SettingsError: there is no such folder.
        StoreUnavailable: a server uses it, or it cannot be read.
    """
    _require_folder(settings.data_folder)
    try:
        return await open_stores(settings)
    except StoreUnavailable as unavailable:
        unavailable.add_note("A running server can be asked: --url http://127.0.0.1:8080")
        raise


async def _read_rooms(settings: StoreSettings) -> list[RoomRow]:
    rows: list[RoomRow] = []
    async with await open_folder(settings) as stores:
        async for manifest in all_manifests(stores):
            is_active = manifest.status is RoomStatus.ACTIVE
            rows.append(
                RoomRow(
                    name=manifest.name,
                    state=RoomState.STORED if is_active else RoomState.QUARANTINED,
                    sessions=0,
                    saved=await stores.log.head(room_key(manifest.name)),
                    size_bytes=manifest.snapshots[0].size_bytes if manifest.snapshots else 0,
                )
            )
    return rows


def _page(client: httpx.Client, url: str, after: str | None) -> dict[str, Any]:
    query: dict[str, str | int] = {"limit": _PAGE} | ({} if after is None else {"after": after})
    try:
        response = client.get("/v1/rooms", params=query)
        if response.status_code == _UNAUTHENTICATED:
            error = SettingsError(f"{url} wants a token")
            error.add_note("Mint one with `bandpro token`, and pass it as BANDPRO_CLI_TOKEN.")
            raise error
        page: dict[str, Any] = response.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as cause:
        raise _no_server(url, cause) from cause
    return page


def _no_server(url: str, cause: Exception) -> SettingsError:
    error = SettingsError(f"{url} does not answer as a BandPro server: {type(cause).__name__}")
    error.add_note("Is it running? `bandpro serve` prints its address.")
    return error
