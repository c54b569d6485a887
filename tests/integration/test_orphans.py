"""A server that collects what crashes left, and `bandpro orphans` beside it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from collab.ids import room_key, room_name
from tests.support.api import text_of, text_update
from tests.support.command import bandpro
from tests.support.http import request, room_path, stored_update
from tests.support.nodes import metric, until_metric
from tests.support.server import Server, running_server

ROOM = "band/orphans"
FAST = ("--orphan-round-s", "1", "--compaction-tail-updates", "2", "--demo", "off")


def age(path: Path, hours: float) -> None:
    when = time.time() - hours * 3_600
    os.utime(path, (when, when))


def plant(path: Path, hours: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left by a crash")
    age(path, hours)
    return path


async def write(server: Server, blobs: Path) -> None:
    """A room with a snapshot and a version."""
    for number in range(4):
        update = text_update("word ", client_id=number + 1)
        answer = await request(server, "POST", f"{room_path(ROOM)}/updates", content=update)
        assert answer.status_code == 200, answer.text
    made = await request(server, "POST", f"{room_path(ROOM)}/versions", json={"name": "first"})
    assert made.status_code == 201, made.text
    async with asyncio.timeout(30):
        while not list(blobs.rglob("snapshots/*")):  # noqa: ASYNC110, ASYNC240 - nobody tells
            await asyncio.sleep(0.1)


def told(*args: str) -> dict[str, Any]:
    found = bandpro("orphans", "--json", *args)
    assert found.returncode == 0, found.stderr
    fields: dict[str, Any] = json.loads(found.stdout)
    return fields


async def test_server_collects_what_is_old_and_unnamed_and_keeps_the_rest(tmp_path: Path) -> None:
    """BLOB-1, BLOB-5: Everything that is named is two days old as well."""
    async with running_server(tmp_path, args=FAST) as server:
        await write(server, server.data / "blobs")
        await until_metric(server, "bandpro_orphan_rounds_total", 1, outcome="done")
        await server.terminate()
    blobs = server.data / "blobs"
    named = [path for path in (blobs / "rooms").rglob("*") if path.is_file()]
    assert {path.parent.name for path in named} == {"snapshots", "versions"}
    for path in named:
        age(path, 48)
    room = blobs / "rooms" / room_key(room_name(ROOM)) / "1"
    old = [
        plant(room / "versions" / "000000000-0000000001-00000000", 25),
        plant(room / "snapshots" / f"{1:016}-15-{'0' * 64}-{'0' * 16}", 25),
        plant(room / "retired" / "0123456789abcdef", 25),
    ]
    young = plant(room / "versions" / "000000000-0000000001-00000001", 23)
    data = ("--data", str(server.data))
    async with running_server(tmp_path, args=(*FAST, "--collect-orphans", "off")) as server:
        aside = plant(blobs / ".aside" / "of-an-upload", 25)
        beside = told(*data)
        assert beside["orphans"] == {"version": 1, "snapshot": 1, "retired": 1}
        assert all(path.exists() for path in old)
        await server.terminate()
    async with running_server(tmp_path, args=FAST) as server:
        aside = plant(blobs / ".aside" / "of-an-upload", 25)
        await until_metric(server, "bandpro_orphans_collected_total", 1, kind="unfinished")
        for kind in ("version", "snapshot", "retired"):
            assert await metric(server, "bandpro_orphans_collected_total", kind=kind) == 1
        assert not any(path.exists() for path in (*old, aside))
        assert all(path.exists() for path in (*named, young))
        assert text_of(await stored_update(server, ROOM)) == "word " * 4
        await server.terminate()
    assert told(*data, "--orphan-age-hours", "22")["orphans"] == {"version": 1}
    assert young.exists()
    assert told(*data, "--orphan-age-hours", "22", "--collect")["orphans"] == {"version": 1}
    assert not young.exists()


def refused_to_serve(*args: str) -> str:
    """What a server says that does not start."""
    done = bandpro("serve", *args, "--port", "0", "--admin-port", "off", "--demo", "off")
    assert (done.returncode, done.stdout) == (2, ""), done
    return " ".join(done.stderr.split())


async def test_blobs_of_another_store_are_left_alone_also_when_claimed(tmp_path: Path) -> None:
    """BLOB-3, BLOB-5, BLOB-8: As where an empty database was put before a folder in use."""
    shared = ("--blobs", f"file:{tmp_path / 'blobs'}")
    (tmp_path / "one").mkdir()
    async with running_server(tmp_path / "one", args=(*FAST, *shared)) as server:
        await write(server, tmp_path / "blobs")
        await until_metric(server, "bandpro_orphan_rounds_total", 1, outcome="done")
        await server.terminate()
    files = [path for path in (tmp_path / "blobs/rooms").rglob("*") if path.is_file()]
    for path in files:
        age(path, 48)
    data = ("--data", str(tmp_path / "two"), *shared)
    said = refused_to_serve(*data)
    assert "belongs to another store" in said
    assert "bandpro orphans --claim" in said
    assert files
    assert all(path.exists() for path in files)
    checked = bandpro("doctor", *data, "--port", "0", "--admin-port", "0")
    assert checked.returncode == 1
    assert "belongs to another store" in checked.stdout
    erasing = ("rooms", "erase", ROOM, "--mode", "everything", "--yes")
    for command in (("orphans", "--collect"), erasing):
        refused = bandpro(*command, *data)
        assert refused.returncode == 2
        assert "belongs to another store" in refused.stderr
    assert all(path.exists() for path in files)
    assert bandpro("orphans", *data, "--claim").returncode == 0
    collected = told(*data, "--collect")
    assert (collected["orphans"], collected["unknown_rooms"]) == ({}, 1)
    assert all(path.exists() for path in files), "of a room that this store has never heard of"
    assert "belongs to another store now" in refused_to_serve("--data", str(server.data), *shared)


async def test_a_copy_of_a_data_folder_is_not_served_beside_the_original_s_blobs(
    tmp_path: Path,
) -> None:
    """BLOB-9: The original has been served since. Once it is claimed, the copy may be instead."""
    shared = ("--blobs", f"file:{tmp_path / 'blobs'}")
    (tmp_path / "one").mkdir()
    async with running_server(tmp_path / "one", args=(*FAST, *shared)) as server:
        await write(server, tmp_path / "blobs")
        await server.terminate()
    await asyncio.to_thread(shutil.copytree, server.data, tmp_path / "copy")
    async with running_server(tmp_path / "one", args=(*FAST, *shared)) as server:
        await server.terminate()
    copy = ("--data", str(tmp_path / "copy"), *shared)
    said = refused_to_serve(*copy)
    assert "is a copy of this one" in said
    assert "bandpro orphans --claim" in said
    assert "is a copy of this one" in bandpro("doctor", *copy, "--port", "0").stdout
    async with running_server(tmp_path / "one", args=(*FAST, *shared)) as server:
        await until_metric(server, "bandpro_orphan_rounds_total", 1, outcome="done")
        await server.terminate()
    assert bandpro("orphans", *copy, "--claim").returncode == 0
    assert "another store now" in refused_to_serve("--data", str(server.data), *shared)
    await asyncio.to_thread(shutil.copytree, tmp_path / "copy", tmp_path / "third")
    assert told("--data", str(tmp_path / "third"), *shared, "--collect")["orphans"] == {}
    assert "is a copy of this one" in refused_to_serve(*copy), "the third one has the turn"
