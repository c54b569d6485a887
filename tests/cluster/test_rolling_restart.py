"""A rolling restart of three nodes behind a load balancer, as the operators' page describes it."""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.cluster.test_homes import until
from tests.cluster.test_load_balancers import let_in
from tests.support.command import bandpro
from tests.support.http import stored_update
from tests.support.load_balancers import Front, load_balancer
from tests.support.mongodb import mongodb, new_database
from tests.support.nodes import RETRYABLE, running_nodes
from tests.support.oracle import Writer, keys_of
from tests.support.server import Server

NAMES: Final = ("ann", "bob", "eve")
ROOMS: Final = [f"rolling/{number}" for number in range(4)]
PAUSES_S: Final = (0.1, 0.2, 0.4)


class Editor:
    """Somebody who edits a room without end, and comes back whenever the connection ends.

    Attributes:
        saved: keys whose edits were acknowledged.
        codes: with which its connections were closed.
        away_s: how long it was without one, each time.
    """

    def __init__(self, front: Front, room: str, number: int) -> None:
        self.room = room
        self.saved: set[str] = set()
        self.codes: list[int] = []
        self.away_s: list[float] = []
        self._front = front
        self._number = number
        self._writer: Writer | None = None
        self._is_stopping = False

    async def run(self) -> None:
        """Edit until told to stop, and until all of that is saved."""
        stays = 0
        left_s: float | None = None
        while not self._is_stopping:
            async with AsyncExitStack() as stack:
                member = await let_in(stack, self._front, self.room)
                if member is None:
                    await asyncio.sleep(0.1)
                    continue
                if left_s is not None:
                    self.away_s.append(time.monotonic() - left_s)
                prefix = f"{self._number}-{stays}"
                self._writer = Writer(member, self.room, prefix, random.Random(prefix), PAUSES_S)
                await self._writer.run()
                if member.ended is None:
                    await member.until_saved()
                else:
                    self.codes.append(member.ended.code)
                left_s = time.monotonic()
                self.saved |= self._writer.saved()
                stays += 1

    def stop(self) -> None:
        """Make no more edits."""
        self._is_stopping = True
        if self._writer is not None:
            self._writer.is_stopping = True


async def emptied(name: str, asked: Server) -> dict[str, object]:
    """Drain a node with the command, as an operator would."""
    done = await asyncio.to_thread(bandpro, "drain", name, "--url", asked.url, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


async def restarted(node: Server, name: str, asked: Server) -> None:
    """Empty a node, start it anew, and wait until another one tells that it serves."""
    found = await emptied(name, asked)
    assert (found["state"], found["sessions"]) == ("drained", 0)
    await node.restart()
    await until(asked, lambda nodes: nodes[name]["state"] == "serving")


@pytest.mark.slow
async def test_rolling_restart_loses_no_edit_and_sends_nobody_away_for_good(
    tmp_path: Path,
) -> None:
    """NODE-13."""
    with mongodb(tmp_path) as url:
        store = ["--store", new_database(url)]
        async with running_nodes(tmp_path, *NAMES, bus="log", store=store) as nodes:
            with load_balancer("haproxy", tmp_path, nodes) as front:
                editors = [Editor(front, room, n) for n, room in enumerate(ROOMS * 2)]
                editing = [asyncio.create_task(editor.run()) for editor in editors]
                for number, node in enumerate(nodes):
                    await restarted(node, NAMES[number], nodes[number - 1])
                for editor in editors:
                    editor.stop()
                await asyncio.gather(*editing)
            codes = [code for editor in editors for code in editor.codes]
            assert codes, "nobody was ever sent away"
            assert set(codes) <= RETRYABLE | {1006}
            for room in ROOMS:
                expected = {key for each in editors if each.room == room for key in each.saved}
                assert expected
                for node in nodes:
                    assert expected <= keys_of(await stored_update(node, room)), room
            away_s = sorted(second for editor in editors for second in editor.away_s)
            print(f"away: median {away_s[len(away_s) // 2]:.2f} s, longest {away_s[-1]:.2f} s")  # noqa: T201
