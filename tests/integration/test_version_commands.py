"""`bandpro versions` as a person runs it at a real server: what it does, says and refuses."""

import json
import random
import shlex
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from tests.support.access import mint
from tests.support.api import append, text_of, text_update
from tests.support.command import BANDPRO, bandpro, fresh_environment
from tests.support.http import request, room_path
from tests.support.server import Server, free_port, running_server, serving
from tests.support.ws_client import join

COMMANDS = (
    "list", "create", "show", "open", "compare", "rename", "restore", "fork", "delete"
)  # fmt: skip
GREEN, RED, OFF = "\x1b[32m", "\x1b[31m", "\x1b[0m"
NOWHERE = "0000000aa-0000000001-00000000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("version-commands")
    args = ["--rate-limits", "off", "--automatic-versions", "off"]
    with serving(home, auth="token", args=args) as running:
        yield running


@pytest.fixture
def owner(server: Server) -> str:
    return mint(server, {"**": "owner"}, subject="u-olga", name="Olga")


def versions(
    server: Server, command: str, *args: str, token: str = "", given: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command at the server."""
    at = ("--url", server.url)
    return bandpro("versions", command, *args, *at, env={"BANDPRO_CLI_TOKEN": token}, given=given)


def opened_with_room_for(
    blocks: int, server: Server, *args: str, token: str
) -> subprocess.CompletedProcess[str]:
    """Open a version where no file may become larger than so many blocks of the shell's."""
    command = (BANDPRO, "versions", "open", *args, "--url", server.url)
    return subprocess.run(
        ["sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", *command],
        env=fresh_environment() | {"BANDPRO_CLI_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def done(result: subprocess.CompletedProcess[str]) -> str:
    """What a command printed that did what it was asked for."""
    assert result.returncode == 0, result
    return result.stdout


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """What a command said that was refused."""
    assert (result.returncode, result.stdout) == (2, ""), result
    assert "Traceback" not in result.stderr
    return result.stderr


async def keep(server: Server, room: str, token: str | None = None, name: str = "Draft") -> str:
    """Make a version over HTTP; returns its id."""
    path = f"{room_path(room)}/versions"
    answer = await request(server, "POST", path, token=token, json={"name": name})
    assert answer.status_code == 201, answer.text
    version_id: str = answer.json()["version_id"]
    return version_id


async def listed(server: Server, room: str, token: str | None = None) -> list[dict[str, Any]]:
    """A room's versions as the API lists them."""
    answer = await request(server, "GET", f"{room_path(room)}/versions", token=token)
    found: list[dict[str, Any]] = answer.json()["versions"]
    return found


async def edited(
    server: Server, room: str, doc: Doc[Any], edit: Callable[[], None], token: str
) -> None:
    """Send what an edit adds to a document."""
    before = doc.get_state()
    edit()
    answer = await append(server, room, doc.get_update(before), token)
    assert answer.status_code == 200, answer.text


def test_every_command_has_help_with_an_example_to_copy() -> None:
    """VER-15: And one line in the list of commands."""
    overview = bandpro("versions", "--help").stdout
    for command in COMMANDS:
        assert f" {command} " in overview
        helped = bandpro("versions", command, "--help").stdout
        assert f"bandpro versions {command} band/setlist" in helped.partition("Example")[2]
        assert "BANDPRO_CLI_TOKEN" in helped


async def test_a_version_is_made_listed_renamed_and_deleted(server: Server, owner: str) -> None:
    """VER-15: Each does what the API says was done, and prints it."""
    room = "commands/band/one"
    await append(server, room, text_update("Kyrie"), owner)
    made = versions(server, "create", room, "--name", "Draft", "--message", "Sunday", token=owner)
    (version,) = await listed(server, room, owner)
    version_id = version["version_id"]
    assert (version["name"], version["message"]) == ("Draft", "Sunday")
    assert version_id in done(made)
    shown = done(versions(server, "list", room, token=owner))
    assert all(text in shown for text in (version_id, "Draft", "Sunday", "Olga"))
    told = versions(server, "list", room, "--kind", "named", "--json", token=owner)
    assert json.loads(done(told)) == [version]
    assert done(versions(server, "list", room, "--kind", "automatic", token=owner)) == (
        "No versions yet.\n"
    )
    done(versions(server, "rename", room, version_id, "--name", "Premiere", token=owner))
    (renamed,) = await listed(server, room, owner)
    assert renamed == version | {"name": "Premiere"}
    described = done(versions(server, "show", room, version_id, token=owner))
    assert all(text in described for text in ("Premiere", "u-olga", version["checksum"]))
    kept = versions(server, "delete", room, version_id, token=owner, given="n\n")
    assert "Nothing was changed." in kept.stderr
    assert (kept.returncode, await listed(server, room, owner)) == (2, [renamed])
    done(versions(server, "delete", room, version_id, "--yes", token=owner))
    assert await listed(server, room, owner) == []


async def test_a_version_is_opened_as_json_or_into_a_new_file(
    server: Server, owner: str, tmp_path: Path
) -> None:
    """VER-15: The file loads into an empty document; one that is there already is left alone."""
    room, file = "commands/opened", tmp_path / "draft.bin"
    await append(server, room, text_update("Kyrie"), owner)
    version_id = await keep(server, room, owner)
    await append(server, room, text_update("Gloria", client_id=2), owner)
    opened = done(versions(server, "open", room, version_id, token=owner))
    assert json.loads(opened) == {"roots": {"text": {"type": "text", "value": "Kyrie"}}}
    said = done(versions(server, "open", room, version_id, "--output", str(file), token=owner))
    assert text_of(file.read_bytes()) == "Kyrie"
    assert f"{file.stat().st_size} bytes" in said
    file.write_bytes(b"mine")
    again = versions(server, "open", room, version_id, "--output", str(file), token=owner)
    assert "is there already" in refused(again)
    assert file.read_bytes() == b"mine"


async def test_a_file_that_cannot_be_written_to_its_end_is_not_there(
    server: Server, owner: str, tmp_path: Path
) -> None:
    """VER-15: Nor under another name: there is room for a part of it only."""
    room = "commands/cut"
    await append(server, room, text_update(random.Random(1).randbytes(50_000).hex()), owner)
    version_id = await keep(server, room, owner)
    command = (room, version_id, "--output", str(tmp_path / "cut.bin"))
    cut = opened_with_room_for(64, server, *command, token=owner)
    assert "cut.bin cannot be written: File too large" in " ".join(refused(cut).split())
    assert names_in(tmp_path) == []
    done(versions(server, "open", *command, token=owner))
    assert names_in(tmp_path) == ["cut.bin"]


async def test_a_comparison_reads_like_a_difference(server: Server, owner: str) -> None:
    """VER-15: Elements by id and field, texts by line, arrays by place; and in colour."""
    room = "commands/compared"
    doc: Doc[Any] = Doc(client_id=3)
    notes = doc.get("notes", type=Map)
    lyrics, parts = doc.get("lyrics", type=Text), doc.get("parts", type=Array)

    def begin() -> None:
        notes.update({"n1": {"pitch": 60, "beats": 1}, "n2": {"pitch": 62}})
        lyrics.insert(0, "Kyrie\nChriste\n")
        parts.extend(["violin", "viola"])

    def go_on() -> None:
        notes.update({"n1": {"pitch": 64, "beats": 1}, "n3": {"pitch": 65}})
        del notes["n2"]
        lyrics.insert(5, " eleison")
        parts.append("cello")

    await edited(server, room, doc, begin, owner)
    old = await keep(server, room, owner)
    await edited(server, room, doc, go_on, owner)
    new = await keep(server, room, owner, "Later")
    shown = done(versions(server, "compare", room, old, new, token=owner))
    assert shown.splitlines() == [
        "lyrics (text) 1 changed",
        "  line 1",
        "  - Kyrie",
        "  + Kyrie eleison",
        "notes (map) 1 added 1 removed 1 changed",
        "  ~ n1",
        "      pitch: 60 → 64",
        '  - n2  {"pitch": 62}',
        '  + n3  {"pitch": 65}',
        "parts (array) 1 added",
        "  at 2",
        '  + "cello"',
    ]
    colour = {"NO_COLOR": "", "FORCE_COLOR": "1", "TERM": "xterm", "BANDPRO_CLI_TOKEN": owner}
    coloured = done(bandpro("versions", "compare", room, old, "--url", server.url, env=colour))
    assert f'{GREEN}  + n3  {{"pitch": 65}}{OFF}' in coloured
    assert f'{RED}  - n2  {{"pitch": 62}}{OFF}' in coloured
    path = f"{room_path(room)}/versions/{old}/compare?to={new}"
    answer = await request(server, "GET", path, token=owner)
    as_json = versions(server, "compare", room, old, new, "--json", token=owner)
    assert json.loads(done(as_json)) == answer.json()
    same = done(versions(server, "compare", room, new, token=owner))
    assert same == "They do not differ.\n"


async def test_a_restore_asks_first_and_prints_how_to_undo_it(tmp_path: Path) -> None:
    """VER-15: Who is in the room sees it on the connection they have, and the undo as well."""
    room, args = "band/restored", ["--automatic-versions", "off"]
    async with (
        running_server(tmp_path, args=args) as server,
        join(server, "y-websocket", room) as member,
    ):
        await member.edit(lambda one: one.map.update({"k": 1}))
        await member.until_saved()
        version_id = await keep(server, room)
        await member.edit(lambda one: one.map.update({"k": 2}))
        await member.until_saved()
        held = versions(server, "restore", room, version_id, given="n\n")
        assert "Nothing was changed." in held.stderr
        assert len(await listed(server, room)) == 1
        asked = versions(server, "restore", room, version_id, given="y\n")
        assert "(Draft)" in asked.stderr
        said = done(asked)
        await member.until(lambda: member.map.to_py() == {"k": 1})
        undo = shlex.split(said.partition("To undo it: ")[2])
        assert undo[:3] == ["bandpro", "versions", "restore"]
        done(bandpro(*undo[1:], "--yes"))
        await member.until(lambda: member.map.to_py() == {"k": 2})
        assert member.ended is None


async def test_a_fork_fills_a_new_room_once(server: Server, owner: str) -> None:
    """VER-15: A room that was written in is refused, with what to do instead."""
    room, target = "commands/forked", "commands/fork"
    await append(server, room, text_update("Kyrie"), owner)
    version_id = await keep(server, room, owner)
    made = json.loads(
        done(versions(server, "fork", room, version_id, target, "--json", token=owner))
    )
    assert made["source"] == {"room": room, "version_id": version_id}
    stored = await request(server, "GET", f"{room_path(target)}/update", token=owner)
    assert text_of(stored.content) == "Kyrie"
    said = refused(versions(server, "fork", room, version_id, target, token=owner))
    assert "says no" in said
    assert "forks one that never was" in said


async def test_what_is_refused_is_said_with_what_to_do(server: Server, owner: str) -> None:
    """VER-15: One line and a hint, exit code 2, and nothing on standard output."""
    room = "commands/refused"
    await append(server, room, text_update("Kyrie"), owner)
    version_id = await keep(server, room, owner)
    viewer = mint(server, {room: "viewer"})
    expired = mint(server, {room: "owner"}, lifetime_s=-600, issued_s_ago=1_200)
    for args, token, parts in (
        (("list", room), "", ("wants a token", "bandpro token", "BANDPRO_CLI_TOKEN")),
        (("list", room), expired, ("does not take the token", "bandpro token")),
        (("create", room, "--name", "x"), viewer, ("says no", "editors also make")),
        (("delete", room, version_id, "--yes"), viewer, ("says no", "owners also delete")),
        (("show", room, NOWHERE), owner, ("no such version", "bandpro versions list ROOM")),
        (("list", "commands/none"), owner, ("no room of this name", "bandpro rooms")),
        (("show", room, "../x"), owner, ("no version has such an id", "versions list ROOM")),
        (("rename", room, version_id), owner, ("nothing to change", "--name")),
        (("create", room, "--name", "n" * 129), owner, ("says no", "name", "128 characters")),
        (("list", "a//b"), owner, ("room",)),
    ):
        said = refused(versions(server, args[0], *args[1:], token=token))
        assert all(part in said for part in parts), (args, said)
    assert [version["name"] for version in await listed(server, room, owner)] == ["Draft"]


class _Page(BaseHTTPRequestHandler):
    """What a web application's development server answers to any path; some lead elsewhere."""

    def do_GET(self) -> None:
        if self.path.startswith("/moved/"):
            self.send_response(308)
            self.send_header("Location", "https://scores.example.org/")
        else:
            self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


def test_an_address_without_a_bandpro_server_is_named() -> None:
    """VER-15: Nobody there, somebody else there, another address, none at all."""
    other = HTTPServer(("127.0.0.1", 0), _Page)
    thread = Thread(target=other.serve_forever, daemon=True)
    thread.start()
    try:
        for url, said in (
            (f"http://127.0.0.1:{free_port()}", "`bandpro serve` prints its address"),
            (f"http://127.0.0.1:{other.server_port}", "does not answer as a BandPro server"),
            (f"http://127.0.0.1:{other.server_port}/moved", "leads to https://scores.example.org/"),
            ("localhost:8080", "Write it as http://127.0.0.1:8080"),
        ):
            result = refused(bandpro("versions", "list", "band/setlist", "--url", url))
            assert url in result
            assert said in result
    finally:
        other.shutdown()
        other.server_close()
        thread.join()


async def test_names_and_content_cannot_steer_the_terminal(server: Server, owner: str) -> None:
    """VER-16: What could is spelled out, in names, messages and content, old and new."""
    room, steering = "commands/steering", "\x1b[2J\x9b1m\u202e"
    spelled = "\\u001b[2J\\u009b1m\\u202e"
    doc: Doc[Any] = Doc(client_id=3)
    held = doc.get("map", type=Map)
    lyrics = doc.get("lyrics", type=Text)

    def write() -> None:
        held[f"id{steering}"] = f"value{steering}"
        lyrics.insert(0, f"word{steering}\n")

    await edited(server, room, doc, lambda: held.update({"k": 1}), owner)
    old = await keep(server, room, owner, f"name{steering}")
    await edited(server, room, doc, write, owner)
    new = await keep(server, room, owner, "Later")
    for args, expected in (
        (("list", room), ("name",)),
        (("list", room, "--json"), ("name",)),
        (("show", room, old), ("name",)),
        (("open", room, new), ("id", "value", "word")),
        (("compare", room, old, new), ("id", "value", "word")),
    ):
        shown = done(versions(server, args[0], *args[1:], token=owner))
        assert not set(steering[0] + "\x9b\u202e") & set(shown)
        squeezed = "".join(shown.split())
        assert all(f"{word}{spelled}" in squeezed for word in expected), (args, shown)
