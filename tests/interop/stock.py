"""Stock JavaScript clients, each in a Node process of its own, driven over JSON lines."""

import asyncio
import base64
import contextlib
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from pycrdt import Array, Doc, Map, Text

from tests.support.server import Server

HERE: Final = Path(__file__).parent
LINE_BYTES_MAX: Final = 64 * 2**20
WITHIN_S: Final = 20.0
POLL_S: Final = 0.05

Y_WEBSOCKET: Final = ("y-websocket-1", "y-websocket-2", "y-websocket-3", "y-websocket-4")
HOCUSPOCUS: Final = ("hocuspocus-2", "hocuspocus-3", "hocuspocus-4")
ALL_CLIENTS: Final = Y_WEBSOCKET + HOCUSPOCUS

Edit = dict[str, Any]
Option = str | int | float | bool | None | dict[str, Any] | list[Any]


class ClientFailed(AssertionError):
    """The driver answered with an error, such as a condition that did not come to hold."""


class Driver:
    """One Node process that holds stock clients of one kind."""

    def __init__(self, kind: str, process: Process) -> None:
        self.kind = kind
        self.process = process
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    async def call(self, op: str, *, answer_within_s: float = 90, **details: Any) -> Any:  # noqa: ANN401 - JSON
        """Ask the driver to do something, and return its answer."""
        assert self.process.stdin is not None
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        request = json.dumps({"id": number, "op": op, **details})
        self.process.stdin.write(request.encode() + b"\n")
        await self.process.stdin.drain()
        try:
            return await asyncio.wait_for(answer, answer_within_s)
        except ClientFailed as error:
            raise ClientFailed(f"{self.kind}: {op} {details}: {error}") from None

    async def open(self, room: str, *, doc: str = "main", **options: Option) -> "Stock":
        """Open a document with the stock provider; `options` are the provider's own."""
        given = {name: value for name, value in options.items() if value is not None}
        client_id = await self.call("open", doc=doc, room=room, options=given)
        return Stock(self, doc, client_id)

    def kill(self) -> None:
        """End the process at once, as when a laptop's lid closes on it."""
        self.process.kill()

    async def stop(self) -> None:
        """End the process and wait for it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            message = json.loads(line)
            answer = self._answers.pop(message.get("id"), None)
            if answer is None or answer.done():
                continue
            if "error" in message:
                answer.set_exception(ClientFailed(message["error"]))
            else:
                answer.set_result(message["result"])
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ClientFailed("the Node process has ended"))


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
async def node_driver(kind: str, script: str, *arguments: str) -> AsyncIterator[Driver]:
    """Start a Node process that answers requests.

    Args:
        kind: what it is called in errors.
        script: a file of this folder.
        arguments: its own.
    """
    node = shutil.which("node")
    assert node, "Node 20 or newer is needed on PATH"
    assert (HERE / "node_modules").is_dir(), "make test installs the packages of tests/interop"
    process = await asyncio.create_subprocess_exec(
        node, str(HERE / script), *arguments, stdin=PIPE, stdout=PIPE, limit=LINE_BYTES_MAX
    )
    driver = Driver(kind, process)
    try:
        yield driver
    finally:
        await driver.stop()


def stock_driver(kind: str, url: str) -> AbstractAsyncContextManager[Driver]:
    """Start a Node process for stock clients of one kind.

    Args:
        kind: one of ALL_CLIENTS.
        url: where they connect to.
    """
    return node_driver(kind, "driver.mjs", "--client", kind, "--url", url)


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
