"""Nodes, clients, one store, and everything that can happen to them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any, Final

from pycrdt import Doc, Map

from collab.access import Claims, Grant, Role
from collab.cluster.envelope import NodeId
from collab.errors import BandProError, StateConflict
from collab.ids import RoomName, Subject, UnixSeconds, room_key
from gateway.auth.revocation_file import Revocation
from persistence.erasure import ErasureMode
from persistence.loading import load_room
from tests.simulation.bus import Broker
from tests.simulation.editor import Editor
from tests.simulation.loop import Process, Simulation
from tests.simulation.network import Connection, Weather
from tests.simulation.node import SOUND, Build, Node, NodeParts
from tests.simulation.oracle import (
    Oracle,
    Replica,
    content_of,
    opened,
    replica_of,
    watched_store,
)
from tests.simulation.store import StoreWay, StoreWeather, at_once, reached
from tests.simulation.turns import WatchedTurns
from tests.support.providers import clocks_of

PROGRAM: Final = Claims(Subject("program"), "program", (Grant("**", Role.EDITOR),))


class Cluster:
    """The world of one run.

    Args:
        loop: the simulation's.
        seed: everything follows from it.
        build: how nodes are put together.

    Attributes:
        broker: of the bus, if there is one.
        turncoat: the subject whose role is taken away, if any.
        nodes: those that live now, by the number of their place.
        counts: what happened how often.
        takes_turns: whether leases keep nodes from doing the same.
    """

    def __init__(self, loop: Simulation, seed: int, build: Build = SOUND) -> None:
        self._build = build
        self.loop = loop
        self.seed = seed
        self.weather = Weather(Random(f"{seed}/network"))
        self.store_weather = StoreWeather(Random(f"{seed}/store"))
        self.oracle = Oracle(lambda: loop.now_s)
        self.store = watched_store(loop.wall_s, self.oracle)
        self.turncoat = ""
        chance = Random(f"{seed}/bus")
        self.broker = None if chance.random() < 0.25 else Broker(loop, chance)
        if self.broker is not None:
            self.broker.usually = self.broker.loses = chance.choice((0.0, 0.0, 0.15))
            self.broker.watch = self.oracle.published
        self.nodes: dict[int, Node] = {}
        self.editors: list[Editor] = []
        self.counts: dict[str, int] = {}
        self._ways: dict[int, StoreWay] = {}
        self._connections: dict[Process, list[Connection]] = {}
        self._programs: list[int] = []
        self._has_revoked = False
        self._skew = Random(f"{seed}/skew")
        self.takes_turns = self._skew.random() < 0.6
        self._digest = hashlib.blake2b(digest_size=16)

    # Traces -----------------------------------------------------------------------------------

    def trace(self, event: str, who: str, what: str | bytes = "") -> None:
        """Put an event into what is compared between two runs of a seed."""
        data = what if isinstance(what, bytes) else what.encode()
        self._digest.update(f"{self.loop.now_s:.9f} {event} {who} ".encode() + data)

    @property
    def digest(self) -> str:
        """Of all events so far, in order."""
        return self._digest.hexdigest()

    def count(self, what: str) -> None:
        """Note that something happened."""
        self.counts[what] = self.counts.get(what, 0) + 1
        self.trace("count", what)

    # Nodes ------------------------------------------------------------------------------------

    def start(self, place: int) -> None:
        """Start a node, with a clock of its own."""
        skew = self._skew
        process = Process(
            f"node{place}", ahead_s=skew.uniform(-4, 4) + 10, speed=skew.uniform(0.98, 1.02)
        )
        self.loop.start(process)
        way = StoreWay(self.loop, process, self.store_weather, self._stored, self._in_turn)
        self._ways[place] = way
        self._connections[process] = []
        process.on_death = lambda: self._died(place, process)
        parts = NodeParts(
            self.loop,
            process,
            reached(self.store.stores(), way),
            Random(skew.random()),
            self.broker,
            place,
            partial(WatchedTurns, oracle=self.oracle, count=self.count)
            if self.takes_turns
            else None,
            self._build,
        )

        def begin() -> None:
            self.nodes[place] = Node(parts)

        process.context.copy().run(begin)
        self.trace("started", process.name)

    def kill(self, place: int) -> None:
        """End a node's process at once."""
        if place in self.nodes:
            self.nodes[place].process.die()

    def _died(self, place: int, process: Process) -> None:
        self.trace("died", process.name)
        node = self.nodes.pop(place)
        if self.broker is not None and node.end is not None:
            self.broker.ends.remove(node.end)
        hears = self._skew.random() < 0.7
        for connection in self._connections.pop(process):
            connection.node_died(client_hears=hears)

    def any_node(self, random: Random) -> Node | None:
        """One that looks well from outside."""
        ready = [node for node in self.nodes.values() if node.is_ready]
        return random.choice(ready) if ready else None

    def way(self, place: int) -> StoreWay:
        """A node's way to the store."""
        return self._ways[place]

    def _stored(self, call: str, outcome: str) -> None:
        self.trace(call, outcome)

    def _in_turn(self, turn: int) -> None:
        self.oracle.turn = turn

    # Connections ------------------------------------------------------------------------------

    def connect(self, node: Node, editor: Editor) -> Connection:
        """A connection that is on its way to a node."""
        connection = Connection(self.loop, self.weather, node.process, editor)
        self._connections[node.process].append(connection)
        return connection

    def write(self, place: int, room: RoomName) -> None:
        """A program edits through the API of a node, and believes the answer."""
        node = self.nodes[place]
        client_id = 500 + len(self._programs)
        doc: Doc[Any] = Doc(client_id=client_id)
        doc.get("map", type=Map)["api"] = client_id
        self._programs.append(client_id)
        update = doc.get_update()

        def told() -> None:
            self.oracle.promises[client_id] = 1
            if not self.oracle.saved(room_key(room), client_id):
                self.oracle.blame("an edit through the API is not saved")

        async def attempt() -> None:
            with suppress(BandProError):  # the answer says so, and nothing is promised
                await node.services.append(room, update, PROGRAM)
                self.loop.later(self.loop.world, self.weather.delay(), told)

        self.loop.begin(node.process, attempt())

    def erase(self, place: int, room: RoomName) -> None:
        """Erase a room through a node."""
        node = self.nodes[place]
        self.oracle.may_erase = True

        async def erase() -> None:
            with suppress(BandProError):
                await node.services.erase(room, ErasureMode.EVERYTHING, accept_loss=True)

        self.loop.begin(node.process, erase())

    def wish(self, place: int, *, drains: bool) -> None:
        """Wish through a node that it be emptied, or take that back, until it is known."""
        node = self.nodes[place]
        name = NodeId(f"n{place}")

        async def wish() -> None:
            for _ in range(20):
                try:
                    await node.place.nodes.drain(name, drains=drains)
                except StateConflict:
                    return  # it is the last one that serves
                except BandProError:
                    await asyncio.sleep(0.5)
                else:
                    return

        self.loop.begin(node.process, wish())

    def rebalance(self, place: int) -> None:
        """Wish through a node that all rooms go home."""
        node = self.nodes[place]

        async def wish() -> None:
            with suppress(BandProError):
                await node.place.nodes.rebalance()

        self.loop.begin(node.process, wish())

    # Roles ------------------------------------------------------------------------------------

    def revoke(self, editor: Editor) -> None:
        """Take the right to edit away, through any node, until one has stored it."""
        self.turncoat = editor.name
        wall = UnixSeconds(int(self.loop.wall_s()) + 30)
        revocation = Revocation(Subject(editor.name), editor.room, Role.VIEWER, wall)

        def attempt() -> None:
            node = self.any_node(self._skew)
            if not self._has_revoked:
                self.loop.later(self.loop.world, 2.0, attempt)
                if node is not None:
                    self.loop.begin(node.process, revoke(node))

        async def revoke(node: Node) -> None:
            with suppress(BandProError):
                await node.auth.revocations.revoke(revocation)
                self._has_revoked = True

        attempt()

    def settle_roles(self) -> None:
        """Once all nodes know: what the turncoat edits from now on must never be applied."""
        if not self._has_revoked or not self.nodes:
            return
        editor = next(each for each in self.editors if each.name == self.turncoat)
        knows_all = all(node.knows(Subject(self.turncoat)) for node in self.nodes.values())
        if editor.role is Role.EDITOR and knows_all:
            editor.role = Role.VIEWER
            self.oracle.allowed[editor.client.client_id] = editor.client.own_clock

    def forget_clock(self, editor: Editor) -> None:
        """An editor has a new client id; who may not edit may not with that either."""
        if editor.role is not Role.EDITOR:
            self.oracle.allowed[editor.client.client_id] = 0

    # What is true at any time -----------------------------------------------------------------

    def look(self) -> None:
        """Whether nodes have what they count as read."""
        for node in self.nodes.values():
            for runner in node.registry.live():
                appender = runner.appender
                self.oracle.counted(runner.key, appender.epoch, appender.head, runner.room.doc)

    # What is true at the end ------------------------------------------------------------------

    def stored(self, room: RoomName) -> Replica:
        """What a fresh process would load."""
        loaded = at_once(load_room(self.store.stores(), room))
        if loaded.problems:
            self.oracle.blame(f"the store has lost something: {loaded.problems}")
        return replica_of(opened(loaded.updates))

    def differences(self) -> Iterator[str]:
        """Where replicas differ from the log; nothing when all is well."""
        self.settle_roles()
        for place, node in self.nodes.items():
            if self._has_revoked and not node.knows(Subject(self.turncoat)):
                yield f"node{place} has not heard of the revocation"
        for room in sorted({editor.room for editor in self.editors}):
            truth = replica_of(self.oracle.doc(room_key(room)))
            yield from self._different_editors(room, truth)
            yield from self._unseen(room)
            told = self.oracle.promises.items()
            kept = [each for each in told if not self.oracle.is_retired(each[0])]
            if any(truth[0].get(program, 0) < clock for program, clock in kept):
                yield "an edit through the API was lost"
            for place, node in self.nodes.items():
                runner = node.registry.get(room)
                if runner is None:
                    continue
                if not runner.room.is_saved:
                    yield f"node{place} has not saved all"
                if replica_of(runner.room.doc) != truth:
                    yield f"node{place} differs from the log"
            if self.stored(room) != truth:
                yield "snapshot and tail differ from the log"

    def _different_editors(self, room: RoomName, truth: Replica) -> Iterator[str]:
        clocks = truth[0]
        for editor in self.editors:
            if editor.room != room:
                continue
            for client_id, clock in editor.promises.items():
                erased = self.oracle.is_retired(client_id)
                if clocks.get(client_id, 0) < clock and not erased:
                    yield f"{editor.name} was told that {clock} is saved: it is not there"
            if editor.is_gone:
                continue
            if not editor.is_open:
                yield f"{editor.name} is not connected"
                continue
            doc = editor.client.doc
            have = clocks_of(doc.get_state())
            if editor.role is Role.EDITOR and not editor.ever_refused:
                if (have, content_of(doc)) != truth:
                    yield f"{editor.name} differs from the log"
            elif any(have.get(client, 0) < clock for client, clock in clocks.items()):
                yield f"{editor.name} lacks something"  # it has its own scribbles besides

    def _unseen(self, room: RoomName) -> Iterator[str]:
        """Who does not see exactly those that show themselves."""
        everybody = [each for each in self.editors if each.room == room]
        here = [each for each in everybody if each.is_open and not each.is_gone]
        if self.broker is None and len(self.nodes) > 1:
            return  # without a bus presence stays on its node
        shown = {
            each.client.client_id: {
                **each.client.presence.state,
                "user": {"id": each.name, "name": each.name},
            }
            for each in here
            if isinstance(each.client.presence.state, dict)
        }
        for each in here:
            seen = each.client.presence.seen()
            seen[each.client.client_id] = shown.get(each.client.client_id)
            seen = {who: state for who, state in seen.items() if state is not None}
            if seen != shown:
                who = sorted(k for k in {*seen, *shown} if seen.get(k) != shown.get(k))
                yield f"{each.name} does not see {who} as they are"

    def present(self) -> Iterator[str]:
        """Whom nodes still show."""
        for place, node in self.nodes.items():
            for runner in node.registry.live():
                shown = [each for each in runner.room.awareness.current() if each.state != "null"]
                if shown or runner.seats:
                    yield f"node{place} shows {len(shown)} clients in {len(runner.seats)}"
