"""The same commands on MongoDB and a bucket, beside a server that uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import text_of, text_update
from tests.support.command import bandpro
from tests.support.http import request, room_path, stored_update
from tests.support.mongodb import mongodb, new_database
from tests.support.s3 import CREDENTIALS, Bucket, new_bucket, s3
from tests.support.server import Server, running_server

ROOM = "band/in the cloud"


@dataclass(frozen=True, slots=True)
class Cloud:
    """A database and a bucket for one test.

    Attributes:
        database: URL of the one that serves.
        bucket: where blobs and backups are.
        env: how both are reached.
    """

    database: str
    bucket: Bucket
    env: dict[str, str]

    def blobs(self, name: str) -> str:
        return f"{self.bucket.url}{name}"

    def said(self, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        done = bandpro(*arguments, "--json", env=self.env)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with mongodb(tmp_path) as url, s3(tmp_path) as service:
            made = new_bucket(service)
            reached = {"BANDPRO_BLOBS_PATH_STYLE": "on"}
            if service.endpoint is not None:
                reached["BANDPRO_BLOBS_ENDPOINT"] = service.endpoint
            yield Cloud(new_database(url), made, CREDENTIALS | reached)
            made.clear()


async def add(server: Server, word: str, client: int) -> None:
    update = text_update(word, client_id=client)
    answer = await request(server, "POST", f"{room_path(ROOM)}/updates", content=update)
    assert answer.status_code == 200, answer.text


async def test_a_served_database_is_backed_up_drilled_and_moved(
    cloud: Cloud, tmp_path: Path
) -> None:
    """BAK-10, BAK-11, BAK-12: with its blobs in a bucket, into a bucket, and into a folder."""
    here = ["--store", cloud.database, "--blobs", cloud.blobs("live")]
    kept = cloud.blobs("kept")
    async with running_server(tmp_path, env=cloud.env, args=here) as server:
        for number, word in enumerate(("a ", "b ", "c ")):
            await add(server, word, number + 1)
        made = cloud.said("backup", *here, "--to", kept)
        assert (made["rooms"], made["rows"], made["troubles"]) == (2, 4, {})
        await add(server, "d ", 4)
        later = cloud.said("backup", "--incremental", *here, "--to", kept)
        assert (later["rows"], later["parent"]) == (1, made["backup"])
        assert cloud.said("verify", *here)["findings"] == []
        assert cloud.said("verify", "--backups", kept)["rooms"] == 2
        assert len(cloud.said("backups", kept)) == 2
        drilled = cloud.said(
            *("drill", *here, "--to", cloud.blobs("drilled")),
            *("--into", f"{cloud.database}-drill", "--into-blobs", cloud.blobs("drill")),
        )
        assert (drilled["rooms"], drilled["rows_lost"], drilled["good"]) == (2, 0, True)
        assert {row["name"] for row in cloud.said("rooms", *here)} == {ROOM, "demo/chorale"}
        moved = ["--from", cloud.database, "--from-blobs", cloud.blobs("live")]
        folder = tmp_path / "home" / "data"
        moved += ["--to", f"sqlite:{folder}"]
        assert not cloud.said("migrate", *moved, code=1)["is_complete"]
        await server.terminate()
    assert cloud.said("migrate", *moved, "--final")["is_complete"]
    async with running_server(tmp_path / "home") as server:
        assert text_of(await stored_update(server, ROOM)).split() == ["a", "b", "c", "d"]
    (tmp_path / "again").mkdir()
    there = ["--store", f"{cloud.database}-again", "--blobs", cloud.blobs("again")]
    assert cloud.said("restore", "--from", kept, *there)["rooms"] == 2
    async with running_server(tmp_path / "again", env=cloud.env, args=there) as server:
        assert text_of(await stored_update(server, ROOM)).split() == ["a", "b", "c", "d"]


async def test_a_folder_that_is_named_is_meant(cloud: Cloud, tmp_path: Path) -> None:
    """BAK-12: whatever store the environment names; and nothing is filled that is not named."""
    async with running_server(tmp_path) as server:
        await add(server, "here ", 1)
        await server.terminate()
    there = {"BANDPRO_STORE": cloud.database, "BANDPRO_BLOBS": cloud.blobs("live")}
    env = cloud.env | there
    kept = str(tmp_path / "kept")
    done = bandpro("backup", "--data", str(server.data), "--to", kept, "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rooms"] == 2
    refused = bandpro("restore", "--from", kept, env=env)
    assert refused.returncode == 2
    assert "what is to be filled" in refused.stderr
    again = tmp_path / "again"
    assert bandpro("restore", "--from", kept, "--data", str(again), env=env).returncode == 0
    found = bandpro("rooms", "--data", str(again), "--json", env=env)
    assert [row["saved"] for row in json.loads(found.stdout)] == [1, 1]
