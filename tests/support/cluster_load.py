"""Clients of a deployment, and all that must hold of what they were told, whatever broke."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final, Protocol

from pycrdt import Map

from persistence.backup.verifying import verify_store
from persistence.build import StoreSettings, open_stores
from tests.interop.stock import Y_WEBSOCKET, Stock, stock_driver
from tests.support.deployment import Deployment
from tests.support.lasting_client import LastingClient
from tests.support.oracle import Oracle, damage_in
from tests.support.server import Server
from tests.support.ws_client import PROTOCOLS, join

ROOMS: Final = ("lasting/one", "lasting/two", "lasting/three")
HELD_WITHIN_S: Final = 60.0
STOCK_PAUSE_S: Final = 0.3
# The provider's own, which the tests' driver shortens elsewhere.
HOCUSPOCUS_DELAYS: Final = {"delay": 1000, "minDelay": 1000, "maxDelay": 30_000}
TERMINAL: Final = range(4400, 4500)
"""Close codes after which a client does not come back."""

_POLL_S: Final = 0.05


class StockWriter:
    """A stock JavaScript client that edits all the time.

    Args:
        client: it.
        room: where it is.

    Attributes:
        made: the keys that it has set, and when, by the loop's clock.
    """

    def __init__(self, client: Stock, room: str) -> None:
        self.client = client
        self.room = room
        self.made: dict[str, float] = {}
        self.is_writing = True

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            if self.is_writing:
                key = f"{self.client.driver.kind}-{len(self.made)}"
                self.made[key] = asyncio.get_running_loop().time()
                await self.client.set(key, len(self.made))
            await asyncio.sleep(STOCK_PAUSE_S)

    async def closes(self) -> list[int]:
        """The codes with which its connections ended."""
        return [close["code"] for close in await self.client.part("closes")]

    async def away_s(self) -> list[float]:
        """For how long it was not in sync, in seconds, each time that a connection ended."""
        return [away_ms / 1000 for away_ms in await self.client.part("awayMs")]

    def made_since(self, since_s: float) -> set[str]:
        """The keys that it has set since a time by the loop's clock."""
        return {key for key, made_s in self.made.items() if made_s > since_s}


class Served(Protocol):
    """Nodes, and how clients come to them."""

    @property
    def nodes(self) -> Mapping[str, Server]:
        """By name."""

    def url(self, number: int) -> str:
        """The root of the websocket addresses for the client of this number."""


class Load:
    """All clients of a deployment.

    Args:
        deployment: what they use.
        seed: decides their pace.

    Attributes:
        lasting: those that stay for as long as all is up; they keep their documents.
        stock: the same as stock JavaScript clients.
        oracle: what was acknowledged in each room.
        codes: how often a connection was closed with each code.
    """

    def __init__(self, deployment: Served, seed: int) -> None:
        self.deployment = deployment
        self.lasting: list[LastingClient] = []
        self.stock: list[StockWriter] = []
        self.oracle = Oracle()
        self.codes: Counter[int] = Counter()
        self._seed = seed
        self._made = 0

    @asynccontextmanager
    async def client(
        self, protocol: str, room: str, *, comes_back: bool = True
    ) -> AsyncIterator[LastingClient]:
        """One client for a while; what it was told is remembered when it leaves."""
        number = self._made
        self._made += 1
        name = f"{protocol}-{number}"
        url, draw = self.deployment.url(number), random.Random(f"{self._seed}{name}")
        made = LastingClient(url, protocol, room, name, draw, comes_back=comes_back)
        try:
            async with made:
                yield made
        finally:
            self.oracle.saved.setdefault(room, set()).update(made.acknowledged)
            self.oracle.sent += len(made.made)
            self.codes.update(close.code for close in made.closes)

    @asynccontextmanager
    async def visitors(self, room: str) -> AsyncIterator[None]:
        """A client of each protocol, which does not come back when its connection ends.

        What it leaves behind is nowhere but with the server.
        """
        async with AsyncExitStack() as stack:
            for protocol in PROTOCOLS:
                await stack.enter_async_context(self.client(protocol, room, comes_back=False))
            yield

    # All that must hold ---------------------------------------------------------------------------

    async def resume(self) -> float:
        """Wait until everybody edits again; how long that took, in seconds."""
        since_s = asyncio.get_running_loop().time()
        async with asyncio.timeout(HELD_WITHIN_S):
            return max(await asyncio.gather(*(each.resumed(since_s) for each in self.lasting)))

    async def converge(self) -> None:
        """Stop editing; everybody comes to show all edits of all, and sees who is there."""
        for client in self.lasting:
            client.is_writing = False
        for writer in self.stock:
            writer.is_writing = False
        await _comes_to_hold(lambda: all(each.has_all_saved for each in self.lasting), "saved")
        made = self.made()
        for client in self.lasting:
            expected = made[client.room]
            await _comes_to_hold(
                lambda client=client, expected=expected: client.keys == expected,  # type: ignore[misc]
                f"{client} shows what everybody made",
                lambda client=client, expected=expected: client.keys ^ expected,  # type: ignore[misc]
            )
        shown = {each.room: content(each) for each in self.lasting}
        assert all(content(each) == shown[each.room] for each in self.lasting)
        for writer in self.stock:
            whole = shown[writer.room]
            await writer.client.until("map", equals=whole, within_s=HELD_WITHIN_S)
        # What everybody shows and nobody waits for is there to stay, also what came as a whole when
        # a client was back, which y-websocket has no acknowledgement for.
        for room, keys in made.items():
            self.oracle.saved.setdefault(room, set()).update(keys)
        for client in self.lasting:
            names = {each.name for each in self.lasting if each.room == client.room}
            await _comes_to_hold(
                lambda client=client, names=names: client.present() >= names,  # type: ignore[misc]
                f"{client} sees who is there",
                lambda client=client, names=names: names - client.present(),  # type: ignore[misc]
            )

    def made(self) -> dict[str, set[str]]:
        """The keys that lasting clients set, saved or not, by room."""
        made: dict[str, set[str]] = {}
        for client in self.lasting:
            made.setdefault(client.room, set()).update(client.made)
        for writer in self.stock:
            made.setdefault(writer.room, set()).update(writer.made)
        return made

    async def note_stock(self) -> None:
        """Remember how connections of stock clients ended."""
        for writer in self.stock:
            self.codes.update(await writer.closes())


def content(client: LastingClient) -> dict[str, object]:
    """The root map of a client."""
    entries: Map[Any] = client.doc.get("map", type=Map)
    return dict(entries.to_py() or {})


@asynccontextmanager
async def loaded(
    deployment: Deployment,
    seed: int,
    *,
    kinds: Sequence[str] = (),
    stock_rooms: Sequence[str] = ROOMS[:1],
) -> AsyncIterator[Load]:
    """Clients of both protocols in each of `ROOMS`, and stock clients.

    Args:
        deployment: what they use.
        seed: decides their pace.
        kinds: of the stock clients.
        stock_rooms: where there is one of each kind.
    """
    load = Load(deployment, seed)
    async with AsyncExitStack() as stack:
        for room in ROOMS:
            for protocol in PROTOCOLS:
                client = load.client(protocol, room)
                load.lasting.append(await stack.enter_async_context(client))
        for number, kind in enumerate(kinds):
            place = "collab" if kind in Y_WEBSOCKET else "hocuspocus"
            driver = await stack.enter_async_context(
                stock_driver(kind, f"{deployment.url(number)}/{place}")
            )
            for room in stock_rooms:
                opened = await driver.open(room, doc=room, **HOCUSPOCUS_DELAYS)
                load.stock.append(StockWriter(opened, room))
        writing = [asyncio.create_task(writer.run()) for writer in load.stock]
        try:
            await load.resume()
            yield load
            await load.note_stock()
        finally:
            for task in writing:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*writing)


async def nothing_is_lost(load: Load, store: StoreSettings) -> None:
    """Everybody has left: presence is empty, and every acknowledged edit is found.

    On the nodes as they are, and once more on nodes that have nothing but the store.
    """
    nodes = list(load.deployment.nodes.values())
    for node in nodes:
        for room in ROOMS:
            await _is_empty(node, room)
    assert await lost(load) == {}
    await asyncio.gather(*(node.restart() for node in nodes))
    assert await lost(load, turn=1) == {}
    await asyncio.gather(*(node.terminate() for node in nodes))
    async with await open_stores(store) as stores:
        assert (await verify_store(stores)).findings == []
    for node in nodes:
        assert damage_in(node) == []
    assert not [code for code in load.codes if code in TERMINAL], load.codes


async def lost(load: Load, *, turn: int = 0) -> dict[str, set[str]]:
    """Acknowledged keys that are not found, by room; another turn asks another node for each."""
    nodes, rooms = list(load.deployment.nodes.values()), list(load.oracle.saved)
    missing: dict[str, set[str]] = {}
    for number in range(len(nodes)):
        asked = nodes[(number + turn) % len(nodes)]
        missing |= await load.oracle.lost(asked, rooms[number :: len(nodes)])
    return missing


async def _is_empty(node: Server, room: str) -> None:
    async with join(node, "y-websocket", room) as newcomer:
        await newcomer.until(
            lambda: not newcomer.present(), what="nobody is there", within_s=HELD_WITHIN_S
        )


async def _comes_to_hold(
    condition: Callable[[], bool], what: str, found: Callable[[], object] = lambda: ""
) -> None:
    deadline_s = asyncio.get_running_loop().time() + HELD_WITHIN_S
    while not condition():
        late = asyncio.get_running_loop().time() > deadline_s
        assert not late, f"not within {HELD_WITHIN_S} s: {what}: {found()}"
        await asyncio.sleep(_POLL_S)
