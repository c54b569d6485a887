"""Several servers over one store, with a bus between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.support.http import NO_CERTIFICATES
from tests.support.server import Server
from tests.support.ws_client import Member

BUS_KEY: Final = "a key for the bus of tests, of more than thirty-two bytes"
RETRYABLE: Final = {1011, 1012, 1013, *range(4500, 4600)}
"""Codes after which clients come back."""


def cluster_node(
    home: Path,
    name: str,
    *,
    bus: str,
    store: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    auth: str = "open",
) -> Server:
    """A node that is not started yet; all nodes of one home share its data folder.

    Args:
        home: an existing folder.
        name: the node's.
        bus: what `--bus` takes.
        store: arguments that name another store than the data folder.
        env: more environment variables.
        auth: as for a `Server`.
    """
    place = home / name
    place.mkdir(exist_ok=True)
    args = ["--rate-limits", "off", "--bus", bus, "--node", name, "--demo", "off", *store]
    variables = {"BANDPRO_BUS_KEY": BUS_KEY, **(env or {})}
    return Server(place, auth=auth, env=variables, args=args, data=home / "data")


@asynccontextmanager
async def running_nodes(
    home: Path,
    *names: str,
    bus: str,
    store: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    auth: str = "open",
) -> AsyncIterator[list[Server]]:
    """Started nodes for the time of an `async with` block; killed at its end."""
    nodes = [cluster_node(home, name, bus=bus, store=store, env=env, auth=auth) for name in names]
    try:
        await asyncio.gather(*(node.start() for node in nodes))
        yield nodes
    except BaseException:
        for node in nodes:
            print(node._report("was in use when the test failed"))  # noqa: T201 - pytest shows it
        raise
    finally:
        for node in nodes:
            if node.alive:
                node.kill()


async def metric(node: Server, name: str, **labels: str) -> float:
    """A metric of a node, 0 where it was never counted; summed over labels that are not given."""
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as client:
        text = (await client.get(f"{node.admin_url}/metrics", timeout=10)).text
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    found = 0.0
    for line in text.splitlines():
        if line.partition("{")[0].split(" ")[0] == name and all(each in line for each in wanted):
            found += float(line.rpartition(" ")[2])
    return found


async def until_metric(
    node: Server, name: str, least: float, within_s: float = 20.0, **labels: str
) -> None:
    """Wait until a metric has reached a value."""
    async with asyncio.timeout(within_s):
        while await metric(node, name, **labels) < least:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def heard(*nodes: Server, within_s: float = 20.0) -> None:
    """Wait until each node hears all others."""
    for node in nodes:
        await until_metric(node, "bandpro_peers", len(nodes) - 1, within_s=within_s)


def setting(key: str, value: object) -> Callable[[Member], None]:
    """An edit that sets a key of the root map."""

    def change(member: Member) -> None:
        member.map[key] = value

    return change


async def has_all(member: Member, keys: set[str]) -> None:
    """Wait until a member has these keys, whoever set them."""
    await member.until(lambda: keys <= set(member.map.keys()), what=f"others' edits: {keys}")
