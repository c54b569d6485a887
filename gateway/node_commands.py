"""`bandpro nodes`, `shards`, `drain` and `rebalance`: the nodes of a cluster, by one of them."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gateway.remote import DEFAULT_URL, Bearer, DefaultUrl, RemoteServer
from gateway.terminal import EXIT_BAD, Json, print_json

app: Final = typer.Typer(rich_markup_mode="rich")
_LOOK_S: Final = 0.5
_ASK_TIMEOUT_S: Final = 10.0
_NOBODY_ELSE: Final = {
    404: "See which there are: bandpro nodes.",
    409: "Start it with --bus, and others beside it.",
}
_STATE_STYLES: Final = {"serving": "green", "draining": "yellow", "drained": "dim", "silent": "red"}

_Nodes = list[dict[str, Any]]


@app.command()
def nodes(url: DefaultUrl = DEFAULT_URL, bearer: Bearer = None, *, as_json: Json = False) -> None:
    """List the nodes of a cluster: state, weight, rooms, sessions, load, address.

    Any node tells of all; in token mode it wants a token with the role of an owner in **.

    [bold]Example[/bold]

      [cyan]bandpro nodes --url http://10.0.0.1:8080[/cyan]
    """
    found = _nodes(url, bearer)
    if as_json:
        print_json(found)
        return
    titles = ("node", "state", "weight", "rooms", "sessions", "cpu", "lag", "address", "version")
    table = Table(*titles, box=None, header_style="bold")
    for node in found:
        table.add_row(
            Text(node["node"], style="bold" if node["is_here"] else ""),
            Text(node["state"], style=_STATE_STYLES[node["state"]]),
            f"{node['weight']:g}",
            str(node["rooms"]),
            str(node["sessions"]),
            f"{node['cpu']:.0%}",
            f"{node['lag_ms']:.0f} ms",
            Text(node["address"] or ""),
            Text(node["version"]),
        )
    Console().print(table)


@app.command()
def shards(url: DefaultUrl = DEFAULT_URL, bearer: Bearer = None, *, as_json: Json = False) -> None:
    """Show how rooms are spread over the nodes, and what would move if all were at home.

    The share is the part of all rooms, open or not, that is at home on a node.

    [bold]Example[/bold]

      [cyan]bandpro shards --url http://10.0.0.1:8080[/cyan]
    """
    found = _nodes(url, bearer)
    if as_json:
        print_json(found)
        return
    table = Table(
        "node", "share", "rooms", "sessions", "cpu", "would move", box=None, header_style="bold"
    )
    for node in found:
        moves = (_moved(move) for move in node["moves"])
        table.add_row(
            Text(node["node"], style="bold" if node["is_here"] else ""),
            f"{node['share']:.0%}",
            str(node["rooms"]),
            str(node["sessions"]),
            f"{node['cpu']:.0%}",
            Text("; ".join(moves)),
        )
    Console().print(table)


@app.command()
def drain(
    node: Annotated[str, typer.Argument(help="The node's name, as `bandpro nodes` tells it.")],
    url: DefaultUrl = DEFAULT_URL,
    bearer: Bearer = None,
    *,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Take a drain back; the node serves again.")
    ] = False,
    wait_s: Annotated[
        int, typer.Option("--wait", metavar="SECONDS", help="How long to wait until it is empty.")
    ] = 60,
    as_json: Json = False,
) -> None:
    """Empty a node before it is stopped: clients come back elsewhere, editing goes on.

    The node is not ready from now on, so that load balancers send nobody; after two seconds its
    sessions are closed one by one, within 15 seconds. Ends when the node is empty, or with the exit
    code 1 when it is not in time. A node that is started again is not drained any more.

    [bold]Examples[/bold]

    Before a deployment:
      [cyan]bandpro drain one --url http://10.0.0.2:8080 && ssh one systemctl restart bandpro[/cyan]

    After a change of mind:
      [cyan]bandpro drain one --cancel --url http://10.0.0.2:8080[/cyan]
    """
    path = f"/nodes/{quote(node, safe='')}/drain"
    with RemoteServer(url, bearer, _NOBODY_ELSE) as server:
        server.ask("DELETE" if cancel else "POST", path, timeout_s=_ASK_TIMEOUT_S)
        if cancel:
            typer.echo(f"{node} serves again.")
            return
        last = _watched(server, node, wait_s, shown=not as_json)
    if as_json:
        print_json(last)
    if last is not None and last["state"] != "drained":
        if not as_json:
            left = f"{last['rooms']} rooms and {last['sessions']} sessions"
            typer.echo(f"{node} still has {left} after {wait_s} s.", err=True)
        raise typer.Exit(EXIT_BAD)
    if not as_json:
        typer.echo(f"{node} is empty." if last is not None else f"{node} is gone.")


@app.command()
def rebalance(
    url: DefaultUrl = DEFAULT_URL, bearer: Bearer = None, *, as_json: Json = False
) -> None:
    """Send the clients home whose rooms are open on another node than their home.

    Their sessions are closed one by one, within 15 seconds, and they come back by themselves: to
    the room's home if they ask for it, otherwise to where the load balancer sends them.

    [bold]Example[/bold]

    After a node was added:
      [cyan]bandpro rebalance --url http://10.0.0.1:8080[/cyan]
    """
    with RemoteServer(url, bearer, _NOBODY_ELSE) as server:
        found = _asked(server)
        server.ask("POST", "/rebalance", timeout_s=_ASK_TIMEOUT_S)
    moves = [move for node in found for move in node["moves"]]
    counts = {name: sum(move[name] for move in moves) for name in ("rooms", "sessions")}
    if as_json:
        print_json(counts)
        return
    typer.echo(f"{counts['sessions']} sessions in {counts['rooms']} rooms are being sent home.")


def _nodes(url: str, bearer: str | None) -> _Nodes:
    with RemoteServer(url, bearer) as server:
        return _asked(server)


def _asked(server: RemoteServer) -> _Nodes:
    found: _Nodes = server.ask_json("GET", "/nodes", timeout_s=_ASK_TIMEOUT_S)["nodes"]
    return found


def _moved(move: dict[str, Any]) -> str:
    return f"{move['rooms']} rooms, {move['sessions']} sessions to {move['node']}"


def _watched(server: RemoteServer, name: str, wait_s: int, *, shown: bool) -> dict[str, Any] | None:
    """What a node was like when it was empty, or at the end of the time; None when it is gone."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    until_s = time.monotonic() + wait_s
    most = 0
    with Progress(*columns, console=console, disable=not shown) as progress:
        task = progress.add_task(f"draining {name}", total=None)
        while True:
            node = next((each for each in _asked(server) if each["node"] == name), None)
            if node is None or node["state"] == "drained" or time.monotonic() > until_s:
                return node
            most = max(most, node["sessions"])
            left = f"draining {name}: {node['sessions']} sessions, {node['rooms']} rooms left"
            gone = most - node["sessions"]
            progress.update(task, description=left, total=most or None, completed=gone)
            time.sleep(_LOOK_S)
