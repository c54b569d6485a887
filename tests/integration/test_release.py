"""Quarantined rooms: what clients get, and how an operator takes them back into service."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

from collab.ids import FIRST_EPOCH, Sequence, room_key, room_name
from collab.ports import Manifest
from persistence.build import StoreSettings, open_stores
from tests.support.access import mint
from tests.support.api import text_of, text_update
from tests.support.command import bandpro
from tests.support.http import request, room_path, stored_update
from tests.support.server import Server, serving
from tests.support.ws_client import hocuspocus, open_socket, room_url

ROOM: Final = "band/lost pages"
QUARANTINED: Final = 4423


async def damaged_folder(folder: Path) -> None:
    """A room of two updates: the first lives only in a snapshot, and a bit of that has turned."""
    name = room_name(ROOM)
    key = room_key(name)
    async with await open_stores(StoreSettings(data_folder=folder)) as stores:
        lost, left = text_update("lost", client_id=1), text_update("left", client_id=2)
        await stores.log.append(key, epoch=FIRST_EPOCH, after=Sequence(0), updates=[lost, left])
        ref = await stores.snapshots.put(key, epoch=FIRST_EPOCH, sequence=Sequence(1), update=lost)
        manifest = Manifest(name=name, epoch=FIRST_EPOCH, revision=0, snapshots=(ref,))
        await stores.manifests.compare_and_set(key, manifest=manifest)
        await stores.log.trim(key, through=Sequence(1))
    (file,) = (folder / "blobs" / "rooms").rglob("*-*")
    part = file.read_bytes()
    file.write_bytes(bytes([part[0] ^ 1]) + part[1:])


async def close_code(server: Server, token: str) -> int:
    """What a client gets that wants to join."""
    headers = {"Authorization": f"Bearer {token}"}
    async with open_socket(room_url(server.collab_url, ROOM), headers=headers) as socket:
        return (await socket.closed()).code


def release_by_command(*args: str, token: str = "") -> subprocess.CompletedProcess[str]:
    return bandpro("rooms", "release", *args, env={"BANDPRO_CLI_TOKEN": token})


@pytest.mark.parametrize("way", ["http", "command"])
async def test_an_owner_takes_a_room_back_into_service_with_what_is_left(
    tmp_path: Path, way: str
) -> None:
    """A plain release quarantines it again; accepting the loss opens it, once and for all.

    Bears API-9, OPS-15.
    """
    await damaged_folder(tmp_path / "data")
    with serving(tmp_path, auth="token") as own:
        owner, editor = mint(own, {"band/*": "owner"}), mint(own, {"band/*": "editor"})

        async def release(token: str, *, accept_loss: bool) -> bool:
            if way == "command":
                flag = ["--accept-loss"] if accept_loss else []
                result = release_by_command(ROOM, "--url", own.url, *flag, token=token)
                assert result.returncode in {0, 2}, result
                return result.returncode == 0
            query = "?accept_loss=true" if accept_loss else ""
            path = f"{room_path(ROOM)}/release{query}"
            answer = await request(own, "POST", path, token=token)
            assert answer.status_code in {204, 403, 409}, answer.text
            return answer.status_code == 204

        assert await close_code(own, owner) == QUARANTINED
        described = await request(own, "GET", room_path(ROOM), token=owner)
        assert described.json()["state"] == "quarantined"
        assert "snapshot" in described.json()["reason"]
        assert not await release(editor, accept_loss=True)
        assert await release(owner, accept_loss=False)
        assert await close_code(own, owner) == QUARANTINED
        assert await release(owner, accept_loss=True)
        async with hocuspocus(own.hocuspocus_url, ROOM, token=owner) as member:
            await member.until(lambda: str(member.text) == "left")
            await member.edit(lambda each: each.text.insert(0, "all that is "))
            await member.until_saved()
        assert not await release(owner, accept_loss=True), "it is in good order now"
        await own.restart()
        assert text_of(await stored_update(own, ROOM, token=owner)) == "all that is left"


async def test_a_room_of_a_folder_is_released_while_no_server_runs(tmp_path: Path) -> None:
    """OPS-15: The next server opens it."""
    folder = tmp_path / "data"
    await damaged_folder(folder)
    with serving(tmp_path) as own:
        assert await close_code(own, "") == QUARANTINED
        in_use = release_by_command(ROOM, "--accept-loss", "--data", str(folder))
        assert (in_use.returncode, "in use" in in_use.stderr) == (2, True)
        await own.terminate()
        released = release_by_command(ROOM, "--accept-loss", "--data", str(folder))
        assert (released.returncode, released.stdout) == (0, "Released.\n")
        again = release_by_command(ROOM, "--accept-loss", "--data", str(folder))
        assert (again.returncode, "not quarantined" in again.stderr) == (2, True)
        await own.start()
        assert text_of(await stored_update(own, ROOM)) == "left"
