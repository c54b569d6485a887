"""The examples of `clients/examples` that run in Node, against a real server."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pycrdt import Doc, Map

from tests.support.http import stored_update
from tests.support.server import Server
from tests.support.sources import ROOT, tracked_paths

EXAMPLES: Final = "clients/examples"
SUFFIXES: Final = (".html", ".mjs", ".py", ".ts", ".tsx")
LINES: Final = 40
WITHIN_S: Final = 30


def test_examples_are_short() -> None:
    """SDK-12, DESKTOP-5 and MOBILE-5: Each program is read in one look."""
    programs = [
        path
        for path in tracked_paths()
        if path.startswith("clients/") and "/examples/" in path and path.endswith(SUFFIXES)
    ]
    assert len(programs) >= 5
    lines = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in programs}
    assert {path: count for path, count in lines.items() if count >= LINES} == {}


async def test_examples_over_both_protocols_follow_one_title(server: Server, room: str) -> None:
    """SDK-12: What one writes the other one reads, and what is called saved is on the disk."""
    async with example(server, room, "y-websocket.mjs", "Air") as follower:
        assert [await line(follower), await line(follower)] == ["was undefined", "now Air"]
        async with example(server, room, "hocuspocus.mjs", "Aria") as writer:
            assert [await line(writer), await line(writer)] == ["was Air", "saved Aria"]
            stored: Doc[Map[str]] = Doc()
            stored.apply_update(await stored_update(server, room))
            assert stored.get("meta", type=Map)["title"] == "Aria"
            assert await asyncio.wait_for(writer.wait(), WITHIN_S) == 0
        assert await line(follower) == "now Aria"


@asynccontextmanager
async def example(server: Server, room: str, name: str, title: str) -> AsyncIterator[Process]:
    """One of them, told to set a title."""
    node = shutil.which("node")
    assert node, "Node 20 or newer is needed on PATH"
    program = ROOT / EXAMPLES / "node" / name
    arguments = (server.ws_url, room, title)
    process = await asyncio.create_subprocess_exec(
        node, program, *arguments, stdout=PIPE, stderr=STDOUT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line(process: Process) -> str:
    """What it says next."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), WITHIN_S)).decode().strip()
