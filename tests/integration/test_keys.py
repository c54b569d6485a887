"""`bandpro keys` and `bandpro doctor` with encryption at rest, as a person runs them."""

import base64
import json
from pathlib import Path

from tests.support.api import append, text_of, text_update
from tests.support.command import bandpro
from tests.support.http import stored_update
from tests.support.server import running_server
from tests.support.stored import legible


def new_key(folder: Path, name: str) -> str:
    made = bandpro("keys", "new", cwd=folder)
    assert made.returncode == 0
    assert len(base64.b64decode(made.stdout)) == 32
    (folder / name).write_text(made.stdout)
    (folder / name).chmod(0o600)
    return f"file:{folder / name}"


async def test_keys_are_made_used_rotated_and_missed(tmp_path: Path) -> None:
    """KEY-10, KEY-4, KEY-3: A server writes under one key and reads under the next."""
    old, new = new_key(tmp_path, "old.key"), new_key(tmp_path, "new.key")
    assert old != new
    content = text_update("Allegro moderato")
    async with running_server(tmp_path, args=["--encryption", old]) as server:
        assert (await append(server, "quartet", content, "")).is_success
        data = ("--data", str(server.data))
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert not [path for path in files if b"moderato" in legible(path.read_bytes())]
    ports = ("--port", "0", "--admin-port", "0")

    refused = bandpro("doctor", *data, *ports, cwd=tmp_path)
    assert refused.returncode == 1
    assert "not at hand" in refused.stdout

    both = (*data, "--encryption", new, "--encryption-old-keys", old)
    checked = bandpro("doctor", *both, *ports, cwd=tmp_path)
    assert checked.returncode == 0
    assert "bandpro keys rotate" in checked.stdout
    listed = bandpro("keys", "list", *both, "--json", cwd=tmp_path)
    wraps = {key["is_current"]: key["data_keys"] for key in json.loads(listed.stdout)}
    assert wraps[True] == 0
    assert wraps[False] >= 1
    rotated = bandpro("keys", "rotate", *both, cwd=tmp_path)
    assert (rotated.returncode, rotated.stdout) == (0, f"{wraps[False]} keys wrapped anew.\n")
    async with running_server(tmp_path, args=["--encryption", new]) as server:
        assert text_of(await stored_update(server, "quartet")) == "Allegro moderato"


def test_keys_without_encryption_say_what_to_do(tmp_path: Path) -> None:
    """KEY-10."""
    refused = bandpro("keys", "list", "--data", str(tmp_path / "data"), cwd=tmp_path)
    assert refused.returncode == 2
    assert "encryption is off" in refused.stderr
    assert "bandpro keys new" in refused.stderr


def test_a_key_file_that_others_may_read_is_named(tmp_path: Path) -> None:
    """KEY-10."""
    key = new_key(tmp_path, "open.key")
    (tmp_path / "open.key").chmod(0o644)
    data = ("--data", str(tmp_path / "data"), "--port", "0", "--admin-port", "0")
    checked = bandpro("doctor", *data, "--encryption", key, cwd=tmp_path)
    assert checked.returncode == 0
    assert "open to others" in checked.stdout


async def test_what_is_encrypted_is_backed_up_restored_and_drilled(tmp_path: Path) -> None:
    """KEY-10: Backups need no key, and hold nothing in clear."""
    key = new_key(tmp_path, "master.key")
    content = text_update("Andante cantabile")
    async with running_server(tmp_path, args=["--encryption", key, "--demo", "off"]) as server:
        assert (await append(server, "quartet", content, "")).is_success
    places = ("--data", str(server.data)), ("--to", str(tmp_path / "backups"))
    made = bandpro("backup", *places[0], *places[1], cwd=tmp_path)
    assert made.returncode == 0, made
    restored = ("--from", str(tmp_path / "backups"), "--data", str(tmp_path / "again/data"))
    back = bandpro("restore", *restored, cwd=tmp_path)
    assert back.returncode == 0, back
    (tmp_path / "again").mkdir(exist_ok=True)
    async with running_server(
        tmp_path / "again", args=["--encryption", key, "--demo", "off"]
    ) as server:
        assert text_of(await stored_update(server, "quartet")) == "Andante cantabile"
    drilled = bandpro(
        "drill", "--data", str(server.data), "--json", cwd=tmp_path, env={"BANDPRO_ENCRYPTION": key}
    )
    assert drilled.returncode == 0, drilled
    report = json.loads(drilled.stdout)
    assert (report["good"], report["not_compared"]) == (True, 0)
