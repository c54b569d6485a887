"""What `bandpro rooms` lists: the rooms of a running server, or of a data folder."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from collab.errors import SettingsError, StoreUnavailable
from collab.ids import room_key
from collab.ports import RoomStatus
from gateway.api.answers import LIST_LIMIT_MAX
from gateway.api.services import RoomState
from gateway.doctor import all_manifests
from persistence.build import StoreSettings, open_stores

_TIMEOUT_S: Final = 10.0
_PAGE: Final = LIST_LIMIT_MAX
_UNAUTHENTICATED: Final = 401


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


def rooms_of_folder(folder: Path) -> list[RoomRow]:
    """Read the rooms of a data folder that no server uses.

    Raises:
        SettingsError: there is no such folder.
        StoreUnavailable: a server uses it, or it cannot be read.
    """
    if not folder.is_dir():
        error = SettingsError(f"there is no data folder {folder}")
        error.add_note("Name it with --data, or ask a running server with --url.")
        raise error
    return asyncio.run(_read_rooms(folder))


async def _read_rooms(folder: Path) -> list[RoomRow]:
    try:
        stores = await open_stores(StoreSettings(data_folder=folder))
    except StoreUnavailable as unavailable:
        unavailable.add_note("A running server can be asked: --url http://127.0.0.1:8080")
        raise
    rows: list[RoomRow] = []
    async with stores:
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
        error = SettingsError(f"{url} does not answer as a BandPro server: {type(cause).__name__}")
        error.add_note("Is it running? `bandpro serve` prints its address.")
        raise error from cause
    return page
