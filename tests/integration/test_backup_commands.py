"""The commands that keep what is stored, as an operator runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from collab.ids import RoomKey, Sequence
from persistence.build import StoreSettings, open_stores
from tests.contract.killed_writer import content
from tests.support.api import text_update
from tests.support.command import BANDPRO, bandpro, fresh_environment
from tests.support.counts import repeats
from tests.support.http import request, room_path
from tests.support.server import running_server


def said(*arguments: str, code: int = 0, env: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
    done = bandpro(*arguments, "--json", env=env)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def written_while_backing_up(data: Path, kept: str) -> dict[str, int]:
    """Heads that a writer was told are saved before the last of three backups began."""
    command = [sys.executable, "-m", "tests.contract.killed_writer", str(data), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged: dict[str, int] = {}
        try:
            for kind in (["--incremental"], ["--incremental"], ["--incremental"]):
                for _ in range(200):
                    what, room, sequence = writer.stdout.readline().split()
                    if what == "row":
                        acknowledged[room] = int(sequence)
                said("backup", "--data", str(data), "--to", kept, *kind)
        finally:
            writer.kill()
            writer.stdout.read()
    return acknowledged


async def test_what_was_acknowledged_before_a_backup_is_in_it(tmp_path: Path) -> None:
    """BAK-1: while another process writes without pause, and through incremental backups."""
    kept = str(tmp_path / "kept")
    acknowledged = written_while_backing_up(tmp_path / "data", kept)
    fresh = tmp_path / "fresh"
    said("restore", "--from", kept, "--data", str(fresh))
    assert len(acknowledged) == 8
    async with await open_stores(StoreSettings(data_folder=fresh)) as stores:
        for room, head in acknowledged.items():
            tail = await stores.log.read(RoomKey(room), after=Sequence(0))
            assert tail.head >= head
            assert [row.sequence for row in tail.rows] == list(range(1, tail.head + 1))
            assert all(row.update == content(RoomKey(room), row.sequence) for row in tail.rows)


async def test_a_served_folder_is_backed_up_restored_and_served_again(tmp_path: Path) -> None:
    """BAK-4, BAK-5, BAK-7: with a key, revocations along; a folder half restored is not served."""
    kept, fresh = str(tmp_path / "kept"), tmp_path / "fresh"
    key = {"BANDPRO_BACKUP_KEY": "0f" * 32}
    async with running_server(tmp_path) as server:
        data = str(server.data)
        (server.data / "revocations.jsonl").write_text("")
        done = said("backup", "--data", data, "--to", kept, env=key)
        assert (done["rooms"], done["encrypted"]) == (1, True)
        assert said("verify", "--data", data)["findings"] == []
        copied = said("migrate", "--from", f"sqlite:{data}", "--to", f"sqlite:{fresh}", code=1)
        assert copied["is_complete"] is False
        refused = bandpro("serve", "--data", str(fresh), "--port", "0", "--admin-port", "off")
        assert refused.returncode == 2
        assert "has not ended" in refused.stderr
        await server.terminate()
    assert said("migrate", "--from", f"sqlite:{data}", "--to", f"sqlite:{fresh}")["is_complete"]
    assert said("verify", "--backups", kept, env=key)["findings"] == []
    assert (
        "another key"
        in bandpro("verify", "--backups", kept, env={"BANDPRO_BACKUP_KEY": "1e" * 32}).stdout
    )
    restored = tmp_path / "home" / "data"
    assert said("restore", "--from", kept, "--data", str(restored), env=key)["files"] == [
        "revocations.jsonl"
    ]
    assert said("backups", kept, env=key)[0]["rooms"] == 1
    async with running_server(tmp_path / "home") as server:
        assert server.ready()


@pytest.mark.prove
def test_a_drill_brings_every_document_back(record_property: Any) -> None:  # noqa: ANN401 - pytest's
    """BAK-10: nothing acknowledged is lost, and the times are told."""
    rooms = repeats(50, proof=1_000)
    megabytes = repeats(2, proof=50)
    done = subprocess.run(
        [BANDPRO, "drill", "--json", "--rooms", str(rooms), "--document-mib", str(megabytes)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env=fresh_environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["rooms"] == rooms + 1
    assert report["rows"] >= rooms * 20
    assert (report["rows_lost"], report["differing"], report["not_compared"]) == (0, [], 0)
    assert report["restore_s"] > 0
    record_property("rooms restored", rooms)


@pytest.mark.prove
async def test_drills_on_a_schedule_find_every_edit_of_a_server_in_use(
    tmp_path: Path,
    record_property: Any,  # noqa: ANN401 - pytest's
) -> None:
    """BAK-10: as cron runs them, each after more was written; the server goes on meanwhile."""
    drills = repeats(2, proof=20)
    async with running_server(tmp_path, args=["--demo", "off"]) as server:
        for number in range(drills):
            for room in ("band/one", f"band/of drill {number}"):
                path = f"{room_path(room)}/updates"
                content = text_update(f"{number} ", client_id=number + 1)
                assert (await request(server, "POST", path, content=content)).is_success
            report = said("drill", "--data", str(server.data))
            assert (report["good"], report["rows_lost"], report["not_compared"]) == (True, 0, 0)
            assert report["rooms"] == number + 2
            assert report["rows"] == 2 * (number + 1)
        assert server.ready()
    record_property("drills", drills)
