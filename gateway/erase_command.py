"""`bandpro rooms erase`: at a running server, or in a data folder that no server uses."""

from __future__ import annotations

import asyncio

from collab.errors import SettingsError
from collab.ids import RoomName, room_key
from gateway.listing import open_to_change
from gateway.remote import RemoteServer, room_path
from persistence.build import StoreSettings
from persistence.erasure import Erased, ErasureMode, erase, stored_comments
from persistence.offload import Offload


def erase_on_server(
    url: str, token: str | None, name: RoomName, mode: ErasureMode, *, accept_loss: bool
) -> Erased:
    """Ask a running server to erase a room.

    Raises:
        SettingsError: it cannot be reached, or says no, and why.
    """
    query = {"mode": mode.value} | ({"accept_loss": "true"} if accept_loss else {})
    with RemoteServer(url, token) as server:
        answer = server.ask_json("POST", f"{room_path(name)}/erasure", query=query)
    return Erased(answer["epoch"], answer["clients_retired"], tuple(answer["notes"]))


def erase_in_store(
    settings: StoreSettings, name: RoomName, mode: ErasureMode, *, accept_loss: bool
) -> Erased:
    """Erase a room of a store; no server may use its folder.

    Raises:
        SettingsError: there is no such folder or room.
        StateConflict: some content cannot be carried over.
        StoreUnavailable: a server uses the folder, or it cannot be written.
    """

    async def erased() -> Erased:
        offload = Offload()
        try:
            async with await open_to_change(settings) as stores:
                if await stores.manifests.get(room_key(name)) is None:
                    raise SettingsError("no room of this name is stored")
                erased = await erase(stores, name, offload, mode, accept_loss=accept_loss)
                comments = await stored_comments(stores, name)
                if comments is not None:
                    await erase(stores, comments, offload, mode, accept_loss=accept_loss)
                return erased
        finally:
            await offload.aclose()

    return asyncio.run(erased())
