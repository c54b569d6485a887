"""Stock JavaScript clients, each in a Node process of its own, driven over JSON lines."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from pycrdt import Array, Doc, Map, Text

from tests.interop.node_processes import Conversation, lent
from tests.support.server import Server

WITHIN_S: Final = 20.0
POLL_S: Final = 0.05

Y_WEBSOCKET: Final = ("y-websocket-1", "y-websocket-2", "y-websocket-3", "y-websocket-4")
HOCUSPOCUS: Final = ("hocuspocus-2", "hocuspocus-3", "hocuspocus-4")
ALL_CLIENTS: Final = Y_WEBSOCKET + HOCUSPOCUS

Edit = dict[str, Any]
Option = str | int | float | bool | None | dict[str, Any] | list[Any]


class Driver:
    """One Node process that holds stock clients of one kind.

    Args:
        kind: one of ALL_CLIENTS.
        url: where they connect to.
        talk: with the process.
    """

    def __init__(self, kind: str, url: str, talk: Conversation) -> None:
        self.kind = kind
        self.url = url
        self.call = talk.call
        self.kill = talk.process.kill

    async def open(self, room: str, *, doc: str = "main", **options: Option) -> "Stock":
        """Open a document with the stock provider; `options` are the provider's own."""
        given = {name: value for name, value in options.items() if value is not None}
        client_id = await self.call("open", doc=doc, url=self.url, room=room, options=given)
        return Stock(self, doc, client_id)


class Stock:
    """One document of one stock client."""

    def __init__(self, driver: Driver, doc: str, client_id: int) -> None:
        self.driver = driver
        self.doc = doc
        self.client_id = client_id

    def __repr__(self) -> str:
        return f"{self.driver.kind}:{self.doc}"

    async def do(self, op: str, **details: Any) -> Any:  # noqa: ANN401 - JSON
        """Any operation of the driver on this document."""
        return await self.driver.call(op, doc=self.doc, **details)

    async def set(self, key: str, value: object) -> None:
        """Set a key of the root map."""
        await self.do("set", key=key, value=value)

    async def insert(self, text: str, *, at: int = 0) -> None:
        """Insert into the root text."""
        await self.do("insert", index=at, text=text)

    async def edits(self, edits: Iterable[Edit], *, at: str = "scattered") -> None:
        """Many edits in one turn: one update each, or `at="once"` in one update."""
        await self.do("edits", edits=list(edits), at=at)

    async def part(self, name: str) -> Any:  # noqa: ANN401
        """One part of what the client shows now."""
        return (await self.do("state", parts=[name]))[name]

    async def until(
        self, part: str, *path: str, within_s: float = WITHIN_S, **condition: Option
    ) -> None:
        """Wait until a part of what the client shows `equals`, is `at_least`, `contains` ..."""
        spelled = {"at_least": "atLeast"}
        asked = {spelled.get(name, name): value for name, value in condition.items()}
        await self.do("until", part=part, path=path, **{"is": asked}, within=within_s * 1000)

    async def until_synced(self) -> None:
        """Wait until the provider says that it has the server's state."""
        await self.until("synced", equals=True)

    async def until_saved(self) -> None:
        """Wait until a Hocuspocus provider is in sync and says that it has no unsynced changes.

        Before its first synchronisation it says so as well. Version 2 counts below nought after
        a reconnect: it sends its queue again without counting it again.
        """
        await self.until_synced()
        await self.until("hasUnsynced", equals=False)

    async def go_offline(self) -> None:
        """Disconnect, and wait until the provider has noticed it itself."""
        await self.do("disconnect")
        await self.until_disconnected()

    async def until_disconnected(self) -> None:
        """Wait until the provider says that it is not connected."""
        await self.until("status", differs="connected")

    async def go_online(self) -> None:
        """Connect again."""
        await self.do("connect")

    async def until_present(self, client_id: int, *, present: bool = True) -> None:
        """Wait until another client's awareness state is there, or is gone."""
        await self.until("awareness", str(client_id), present=present)


@asynccontextmanager
async def stock_driver(kind: str, url: str) -> AsyncIterator[Driver]:
    """A Node process for stock clients of one kind, which holds none at first.

    Args:
        kind: one of ALL_CLIENTS.
        url: where they connect to.
    """
    async with lent(kind, "driver.mjs", "--client", kind) as talk:
        yield Driver(kind, url, talk)


def address(server: Server, kind: str) -> str:
    """Where clients of a kind connect to."""
    return server.collab_url if kind in Y_WEBSOCKET else server.hocuspocus_url


@asynccontextmanager
async def stock(server: Server, kind: str, room: str, **options: Option) -> AsyncIterator[Stock]:
    """One stock client in one room."""
    async with stock_driver(kind, address(server, kind)) as driver:
        yield await driver.open(room, doc="main", **options)


def rendered(update: bytes) -> dict[str, object]:
    """What pycrdt reads from an update, in the form of the clients' own view."""
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    text = doc.get("text", type=Text)
    items: Array[Any] = doc.get("list", type=Array)
    entries: Map[Any] = doc.get("map", type=Map)
    return {"text": str(text), "list": items.to_py(), "map": entries.to_py()}


async def view(client: Stock) -> dict[str, object]:
    """A client's content in its own JSON, without bookkeeping."""
    state: Mapping[str, object] = await client.do("state", parts=["text", "list", "map"])
    return dict(state)


async def update_of(client: Stock) -> bytes:
    """The client's whole document as one update."""
    return base64.b64decode(await client.part("update"))


async def assert_converged(clients: Iterable[Stock], *, within_s: float = WITHIN_S) -> None:
    """Wait until all clients know the same changes and show the same content.

    Content is compared in the clients' own JSON and in pycrdt's reading of each one's update.
    Deletions leave state vectors as they are, so equal vectors alone would say too little.
    """
    members = list(clients)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while True:
        shown = [(await member.part("stateVector"), await view(member)) for member in members]
        if all(found == shown[0] for found in shown):
            break
        assert loop.time() < deadline, f"not converged: {list(zip(members, shown, strict=True))}"
        await asyncio.sleep(POLL_S)
    for member in members:
        assert rendered(await update_of(member)) == shown[0][1], member
