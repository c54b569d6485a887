"""What `bandpro rooms` works on: the rooms of a running server, or of a data folder."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from collab.errors import SettingsError, StoreUnavailable
from collab.ids import RoomName, room_key
from collab.ports import RoomStatus
from gateway.api.services import RoomState
from gateway.api.terms import ROOMS_LIMIT_MAX
from gateway.remote import RemoteServer, room_path
from persistence.blob_owner import require_place
from persistence.build import StoreSettings, open_stores
from persistence.capture import all_manifests
from persistence.manifests import release
from persistence.stores import Stores

_LIST_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class RoomRow:
    """One room, as far as it is known from where one looks.

    Attributes:
        name: the room.
        state: as in the API.
        sessions: how many are in it.
        saved: sequence of the newest durable update.
        size_bytes: of the document, or of its newest snapshot.
        log_bytes: of what was stored beyond that; None for a room that is not live.
        is_bloated: as in the API.
    """

    name: str
    state: str
    sessions: int
    saved: int
    size_bytes: int
    log_bytes: int | None = None
    is_bloated: bool | None = None


def rooms_of_server(url: str, token: str | None) -> list[RoomRow]:
    """Ask a running server for all its rooms, page by page.

    Raises:
        SettingsError: it cannot be reached, or says no; the notes say what to do.
    """
    rows: list[RoomRow] = []
    after: str | None = None
    with RemoteServer(url, token) as server:
        while True:
            query = {"limit": ROOMS_LIMIT_MAX} | ({} if after is None else {"after": after})
            page = server.ask_json("GET", "/rooms", query=query, timeout_s=_LIST_TIMEOUT_S)
            rows += (
                RoomRow(
                    name=room["name"],
                    state=room["state"],
                    sessions=room["sessions"],
                    saved=room["saved"],
                    size_bytes=room["size_bytes"],
                    log_bytes=room.get("log_bytes"),
                    is_bloated=room.get("is_bloated"),
                )
                for room in page["rooms"]
            )
            after = page["next"]
            if after is None:
                return rows


def rooms_of_store(settings: StoreSettings) -> list[RoomRow]:
    """Read the rooms of a store that is there; no server may use its folder.

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
    query = {"accept_loss": "true"} if accept_loss else {}
    with RemoteServer(url, token) as server:
        server.ask("POST", f"{room_path(name)}/release", query=query)


def release_in_store(settings: StoreSettings, name: RoomName, *, accept_loss: bool) -> None:
    """Release a quarantined room of a store; no server may use its folder.

    Raises:
        SettingsError: there is no such folder, or the room is not quarantined.
        StoreUnavailable: a server uses it, or it cannot be written.
    """

    async def released() -> bool:
        async with await open_to_change(settings) as stores:
            return await release(stores, name, accept_loss=accept_loss)

    if not asyncio.run(released()):
        raise SettingsError("the room is not quarantined")


def _require_folder(settings: StoreSettings) -> None:
    folder = settings.sqlite_folder
    if settings.url.startswith("sqlite:") and not folder.is_dir():
        error = SettingsError(f"there is no data folder {folder}")
        error.add_note("Name it with --data, or ask a running server with --url.")
        raise error


async def open_there(settings: StoreSettings) -> Stores:
    """Open a store that is there.

    Raises:
        SettingsError: there is no such folder.
        StoreUnavailable: a server uses it, or it cannot be read.
    """
    _require_folder(settings)
    try:
        return await open_stores(settings)
    except StoreUnavailable as unavailable:
        unavailable.add_note("A running server can be asked: --url http://127.0.0.1:8080")
        raise


async def open_to_change(settings: StoreSettings) -> Stores:
    """Open a store that is there, and whose place for blobs is its own.

    Raises:
        SettingsError: there is no such folder.
        BlobsNotOwned: the place is another store's.
        StoreUnavailable: a server uses it, or it cannot be read.
    """
    stores = await open_there(settings)
    try:
        await require_place(stores)
    except BaseException:
        await stores.close()
        raise
    return stores


async def _read_rooms(settings: StoreSettings) -> list[RoomRow]:
    rows: list[RoomRow] = []
    async with await open_there(settings) as stores:
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
