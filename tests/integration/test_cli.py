"""The `bandpro` command as a person runs it: output, advice and exit codes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
import pytest
from pycrdt import Doc, Map

from gateway.options import setting_names
from tests.support.access import mint
from tests.support.api import append, text_update
from tests.support.command import BANDPRO, bandpro, fresh_environment
from tests.support.http import NO_CERTIFICATES, metrics_text, room_path
from tests.support.server import Server, free_port, serving
from tests.support.tokens import SECRET

COMMANDS: Final = ("serve", "token", "rooms", "doctor", "settings", "version")


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """What was said on standard error by a command that was refused."""
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def test_every_command_is_listed_with_a_line_of_its_own(tmp_path: Path) -> None:
    """At the top; what each takes is in its own help."""
    listed = bandpro("--help", cwd=tmp_path)
    assert listed.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"\W{command}\s+[A-Z]", listed.stdout), command


@pytest.mark.parametrize("command", ["serve", "token", "rooms", "doctor"])
def test_help_of_a_command_has_examples(tmp_path: Path, command: str) -> None:
    """Commands to copy."""
    helped = bandpro(command, "--help", cwd=tmp_path).stdout
    assert "Example" in helped
    assert re.search(rf"^\W+bandpro {command} ?", helped.partition("Example")[2], re.MULTILINE)


def test_serve_has_an_option_for_every_setting(tmp_path: Path) -> None:
    """OPS-7: And says that each is also a variable."""
    helped = bandpro("serve", "--help", cwd=tmp_path, env={"COLUMNS": "200"}).stdout
    for _, names in setting_names():
        for name in names:
            assert f"--{name.replace('_', '-')} " in helped
    assert "BANDPRO_ADMIN_PORT" in helped
    assert "--failpoints" not in helped


@pytest.mark.parametrize(
    ("args", "env", "said"),
    [
        (("--host", "0.0.0.0"), {}, "auth open is refused on 0.0.0.0"),
        (("--auth", "token"), {"BANDPRO_TOKEN_SECRET": "short"}, "too weak: 5 bytes"),
        ((), {"BANDPRO_PROT": "1"}, "Did you mean BANDPRO_PORT?"),
        (("--prot", "1"), {}, "--port"),
        (("--port", "0", "--admin-port", "off", "--data", "/dev/null/x"), {}, "/dev/null/x"),
    ],
)
def test_serve_refuses_bad_settings_in_plain_words(
    tmp_path: Path, args: tuple[str, ...], env: dict[str, str], said: str
) -> None:
    """OPS-6, AUTH-11, OPS-14: One line and a hint, exit code 2, and nothing was begun."""
    assert said in refused(bandpro("serve", *args, cwd=tmp_path, env=env))
    assert not (tmp_path / "data").exists()


def test_serve_names_a_port_that_is_taken(tmp_path: Path) -> None:
    """With the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(bandpro("serve", "--port", port, "--admin-port", "off", cwd=tmp_path))
    assert port in said
    assert "--port" in said


def test_serve_answers_and_ends_in_good_order(tmp_path: Path) -> None:
    """OPS-2: Ready on the port it was given; exit code 0 on SIGTERM, well within 10 s."""
    port, admin_port = free_port(), free_port()
    args = ["--host", "127.0.0.1", "--port", str(port), "--auth", "open", "--data", "kept"]
    process = subprocess.Popen(
        [BANDPRO, "serve", *args],
        cwd=tmp_path,
        env=fresh_environment() | {"BANDPRO_ADMIN_PORT": str(admin_port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert _ready_within(f"http://127.0.0.1:{port}/readyz", 20)
        assert (
            httpx.get(f"http://127.0.0.1:{admin_port}/metrics", verify=NO_CERTIFICATES).status_code
            == 200
        )
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert time.monotonic() - begun < 10
        assert (tmp_path / "kept").is_dir()
    finally:
        process.kill()
        assert process.stdout is not None
        process.stdout.close()
        process.wait()


def _ready_within(url: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=2, verify=NO_CERTIFICATES).status_code == 200:
                return True
        except httpx.TransportError:
            time.sleep(0.05)
    return False


def test_token_prints_a_token_and_nothing_else(tmp_path: Path) -> None:
    """OPS-12: So that it can stand within $(...); read here with the library's own checks."""
    file = tmp_path / "secret.txt"
    file.write_text(f"{SECRET}\n")
    who = ("--subject", "u-17", "--name", "Clara", "--ttl", "30m")
    where = ("--room", "band/*=editor", "--room", "x=y=owner")
    made = bandpro("token", *who, *where, "--token-secret-file", str(file), cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    token = made.stdout.removesuffix("\n")
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert (claims["sub"], claims["name"]) == ("u-17", "Clara")
    assert claims["rooms"] == {"band/*": "editor", "x=y": "owner"}
    assert claims["exp"] - claims["iat"] == 1_800
    assert abs(claims["iat"] - time.time()) < 60


def test_token_opens_the_server_with_the_same_settings(tmp_path: Path) -> None:
    """OPS-12: Issuer and audience included."""
    env = {"BANDPRO_TOKEN_ISSUER": "me", "BANDPRO_TOKEN_AUDIENCE": "bandpro"}
    with serving(tmp_path, auth="token", env=env) as server:
        env |= {"BANDPRO_TOKEN_SECRET": server.secret}
        made = bandpro("token", "--subject", "a", "--room", "**=owner", cwd=tmp_path, env=env)
        headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
        assert (
            httpx.get(f"{server.url}/v1/rooms", headers=headers, verify=NO_CERTIFICATES).status_code
            == 200
        )


@pytest.mark.parametrize(
    ("args", "env", "said"),
    [
        ((), {"BANDPRO_TOKEN_SECRET": ""}, "needs a token secret"),
        (("--room", "band/*"), {}, "no PATTERN=ROLE"),
        (("--ttl", "soon"), {}, "90s, 30m, 12h or 7d"),
        (("--ttl", "8d"), {}, "604800 s at most"),
        (("--subject", "a\nb"), {}, "no control characters"),
    ],
)
def test_token_refuses_what_no_server_would_take(
    tmp_path: Path, args: tuple[str, ...], env: dict[str, str], said: str
) -> None:
    """Rather here than at the door."""
    base = ("token", "--subject", "a", "--room", "**=owner")
    made = bandpro(*base, *args, cwd=tmp_path, env={"BANDPRO_TOKEN_SECRET": SECRET} | env)
    assert said in refused(made)


async def _filled(server: Server) -> str:
    token = mint(server, {"**": "owner"})
    for name in ("band/one", "[bold]odd[/bold]"):
        answer = await append(server, name, text_update("x"), token)
        assert answer.status_code == 200
    return token


async def test_rooms_are_listed_from_a_server_and_from_its_folder(tmp_path: Path) -> None:
    """OPS-13: The same rooms; a folder in use is refused, with the way out."""
    with serving(tmp_path, auth="token") as server:
        env = {"BANDPRO_CLI_TOKEN": await _filled(server)}
        live = bandpro("rooms", "--url", server.url, "--json", cwd=tmp_path, env=env)
        assert live.returncode == 0, live.stderr
        assert [room["name"] for room in json.loads(live.stdout)] == [
            "[bold]odd[/bold]",
            "band/one",
        ]
        assert {room["state"] for room in json.loads(live.stdout)} == {"live"}
        tokenless = bandpro("rooms", "--url", server.url, cwd=tmp_path)
        assert "BANDPRO_CLI_TOKEN" in refused(tokenless)
        in_use = bandpro("rooms", "--data", str(server.data), cwd=tmp_path)
        assert "--url" in refused(in_use)
        await server.terminate()
        stored = bandpro("rooms", "--data", str(server.data), "--json", cwd=tmp_path)
        rows: list[dict[str, Any]] = json.loads(stored.stdout)
        assert [(room["name"], room["state"], room["saved"]) for room in rows] == [
            ("[bold]odd[/bold]", "stored", 1),
            ("band/one", "stored", 1),
        ]
        shown = bandpro("rooms", "--data", str(server.data), cwd=tmp_path)
        assert "[bold]odd[/bold]" in shown.stdout


def test_a_log_over_three_times_its_document_is_marked(tmp_path: Path) -> None:
    """OPS-32, OPS-33: In the metric, in the API and in the list, before anybody joins."""
    with serving(tmp_path) as server:
        _write_20_times(server, "band/kept", "k{}")
        _write_20_times(server, "band/replaced", "k")
        listed = httpx.get(f"{server.url}/v1/rooms", verify=NO_CERTIFICATES).json()["rooms"]
        found = {room["name"]: room for room in listed}
        for name, is_bloated in (("band/kept", False), ("band/replaced", True)):
            assert 400_000 < found[name]["log_bytes"] < 420_000
            assert found[name]["is_bloated"] is is_bloated
            described = httpx.get(server.url + room_path(name), verify=NO_CERTIFICATES).json()
            assert described["log_bytes"] == found[name]["log_bytes"]
            assert described["is_bloated"] is is_bloated
        lines = bandpro("rooms", "--url", server.url, cwd=tmp_path).stdout.splitlines()
        marked = [line.split()[0] for line in lines if line.rstrip().endswith("KiB !")]
        assert marked == ["band/replaced"]
        deadline = time.monotonic() + 20
        while "\nbandpro_logs_bloated 1.0\n" not in metrics_text(server):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def _write_20_times(server: Server, room: str, key: str) -> None:
    """Store 20 updates of 20 KB, each under a key with its number, or in place of the last one."""
    doc: Doc[Any] = Doc(client_id=1)
    held = doc.get("map", type=Map)
    for number in range(20):
        before = doc.get_state()
        held[key.format(number)] = f"{number:020}" * 1_000
        answer = httpx.post(
            f"{server.url}{room_path(room)}/updates",
            content=doc.get_update(before),
            headers={"Content-Type": "application/octet-stream"},
            verify=NO_CERTIFICATES,
        )
        assert answer.status_code == 200


def test_rooms_of_nowhere_are_refused(tmp_path: Path) -> None:
    """A folder that is not there is not made; a server that is not there is named."""
    assert "there is no data folder" in refused(bandpro("rooms", "--data", "none", cwd=tmp_path))
    assert not (tmp_path / "none").exists()
    url = f"http://127.0.0.1:{free_port()}"
    assert url in refused(bandpro("rooms", "--url", url, cwd=tmp_path))
    both = bandpro("rooms", "--url", url, "--data", "none", cwd=tmp_path)
    assert "contradict" in refused(both)


def findings(result: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    """What `doctor --json` found, by check."""
    return {found["check"]: found for found in json.loads(result.stdout)}


def test_doctor_finds_a_fresh_folder_in_good_order(tmp_path: Path) -> None:
    """OPS-11: Exit code 0, and every check named."""
    args = ("--data", "fresh", "--port", str(free_port()), "--admin-port", str(free_port()))
    result = bandpro("doctor", "--json", *args, cwd=tmp_path)
    assert result.returncode == 0, result
    found = findings(result)
    assert set(found) == {
        "settings", "versions", "core", "broadcasts", "auth", "port", "admin port", "open files",
        "disk", "revocations", "store", "blobs", "orphans", "encryption",
        "rooms", "tools", "isolation", "mail",
    }  # fmt: skip
    assert {check["verdict"] for check in found.values()} <= {"good", "warning"}
    spoken = bandpro("doctor", *args, cwd=tmp_path)
    assert all(name in spoken.stdout for name in found)


async def test_doctor_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    """OPS-11: A port taken and a folder in use, a secret open to others and weak in spirit."""
    secret = tmp_path / "secret"
    secret.write_text("ab" * 20)
    secret.chmod(0o644)
    with serving(tmp_path) as server:
        place = ("--data", str(server.data), "--port", str(server.port), "--admin-port", "off")
        guard = ("--auth", "token", "--token-secret-file", str(secret))
        result = bandpro("doctor", "--json", *place, *guard, cwd=tmp_path)
    assert result.returncode == 1
    found = findings(result)
    assert found["port"]["verdict"] == found["store"]["verdict"] == "bad"
    assert "--port" in found["port"]["advice"]
    assert "in use by process" in found["store"]["found"]
    assert found["auth"]["verdict"] == found["secret file"]["verdict"] == "warning"
    assert "chmod 600" in found["secret file"]["advice"]


def test_doctor_compares_workers_with_processors(tmp_path: Path) -> None:
    """PROC-9: more than there are is a warning that names a better number."""
    bus = ("--bus", f"redis://127.0.0.1:{free_port()}", "--bus-key", "k" * 32)
    place = ("--port", "0", "--admin-port", "off", "--data", "d")
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1

    def found(workers: int) -> dict[str, dict[str, str]]:
        args = ("--workers", str(workers), *bus, *place)
        return findings(bandpro("doctor", "--json", *args, cwd=tmp_path))

    crowded = found(processors + 1)["workers"]
    assert crowded["verdict"] == "warning"
    assert f"--workers {processors}" in crowded["advice"]
    if processors > 1:
        assert found(processors)["workers"]["verdict"] == "good"


def test_doctor_counts_open_files(tmp_path: Path) -> None:
    """More connections than the system allows is a warning with the command to run."""
    args = ("--connections-max", "100000000", "--port", "0", "--admin-port", "off")
    found = findings(bandpro("doctor", "--json", *args, "--data", "d", cwd=tmp_path))["open files"]
    assert found["verdict"] == "warning"
    assert found["advice"]


def test_doctor_finds_damaged_revocations(tmp_path: Path) -> None:
    """The server would refuse to start."""
    (tmp_path / "d").mkdir(mode=0o700)
    (tmp_path / "d" / "revocations.jsonl").write_text("garbage\n")
    args = ("--data", "d", "--port", "0", "--admin-port", "off")
    result = bandpro("doctor", "--json", *args, cwd=tmp_path)
    assert result.returncode == 1
    assert "line 1" in findings(result)["revocations"]["found"]
    assert "line 1" in refused(bandpro("serve", *args, cwd=tmp_path))


def test_settings_are_shown_with_where_they_come_from(tmp_path: Path) -> None:
    """OPS-7: Option, variable or default; secrets are masked."""
    env = {"BANDPRO_TOKEN_SECRET": SECRET, "BANDPRO_PORT": "9000"}
    args = ("settings", "--auth", "token", "--port", "9001")
    shown = bandpro(*args, "--json", cwd=tmp_path, env=env)
    values = json.loads(shown.stdout)
    assert values["port"] == {"value": "9001", "from": "--port"}
    assert values["token_secret"] == {"value": "(set)", "from": "BANDPRO_TOKEN_SECRET"}
    assert values["token_algorithms"] == {"value": "HS256", "from": "default"}
    assert values["update_bytes_max"] == {"value": "1MiB", "from": "default"}
    spoken = bandpro(*args, cwd=tmp_path, env=env)
    assert "9001" in spoken.stdout
    assert SECRET not in spoken.stdout + shown.stdout


def test_version_names_what_matters_below(tmp_path: Path) -> None:
    """For reports of defects."""
    lines = bandpro("version", cwd=tmp_path).stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines][:3] == ["bandpro", "python", "pycrdt"]
