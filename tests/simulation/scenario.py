"""What happens in a run: who edits, what breaks and when; all of it drawn from the seed.

Every seed leaves out some kinds of faults, so that those which hide each other also come alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Final

from collab.access import Role
from collab.ids import RoomName
from tests.simulation.cluster import Cluster
from tests.simulation.editor import Editor
from tests.simulation.history import History
from tests.simulation.loop import Process
from tests.support.providers import Speaks

ROOM: Final = RoomName("hall")
SETTLE_WITHIN_S: Final = 60.0
EMPTY_WITHIN_S: Final = 90.0
_PROTOCOLS: Final = tuple(Speaks)


class Scenario:
    """One run.

    Args:
        cluster: an empty one.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._loop = cluster.loop
        self._random = random = Random(f"{cluster.seed}/scenario")
        self._places = random.choice((1, 2, 2, 3, 3))
        self._until_s = random.uniform(8, 20)
        self._edit_every_s = random.choice((0.15, 0.4, 0.8))
        self._fault_every_s = random.choice((0.4, 1.0, 2.5))
        self._calm_s = 0.0
        faults = list(self._faults())
        self._chosen = random.sample(faults, random.randint(1, len(faults)))
        self._later_random = later = Random(f"{cluster.seed}/later")
        self._keeps_versions = later.random() < 0.4
        if later.random() < 0.5 and cluster.takes_turns and self._places > 1:
            self._chosen += ["hold in a turn"] * (1 + len(self._chosen) // 2)

    async def play(self) -> None:
        """Everything, to the end."""
        cluster = self._cluster
        for place in range(self._places):
            cluster.start(place)
        self._invite()
        versions = (self._keep_versions(),) if self._keeps_versions else ()
        await asyncio.gather(self._edit(), self._break(), *versions)
        await self._heal()
        await self._wait_for(cluster.differences, SETTLE_WITHIN_S)
        await self._depart()
        await self._wait_for(cluster.present, EMPTY_WITHIN_S)

    def _invite(self) -> None:
        random, cluster = self._random, self._cluster
        for number in range(random.randint(2, 4)):
            speaks = random.choice(_PROTOCOLS)
            editor = Editor(cluster, f"u{number}", 11 + number, speaks, ROOM, Role.EDITOR)
            cluster.editors.append(editor)
        role = random.choice((Role.VIEWER, Role.COMMENTER))
        reader = Editor(cluster, "reader", 30, random.choice(_PROTOCOLS), ROOM, role)
        cluster.editors.append(reader)
        cluster.oracle.allowed[30] = 0

    # What people do ---------------------------------------------------------------------------

    async def _edit(self) -> None:
        random, cluster = self._random, self._cluster
        deeds, weights = zip(*self._deeds().items(), strict=True)
        while self._loop.now_s < self._until_s:
            await asyncio.sleep(random.expovariate(1.0) * self._edit_every_s)
            editor = random.choice(cluster.editors)
            if editor.is_gone:
                continue
            cluster.settle_roles()
            cluster.look()
            (deed,) = random.choices(deeds, weights)
            deed(editor)

    def _deeds(self) -> dict[Callable[[Editor], None], float]:
        """What people do, and how often."""
        return {
            Editor.edit: 72,
            Editor.burst: 6,
            Editor.show: 12,
            Editor.resync: 3,
            Editor.reload: 2,
            lambda editor: editor.drop(node_hears=True): 3,
            lambda _: self._write(): 1,
            lambda _: self._go(): 1,
        }

    def _go(self) -> None:
        """Somebody leaves for good, and brings its edits to nobody again."""
        editor = self._cluster.editors[0]
        if not editor.is_gone and len(self._cluster.editors) > 3:
            editor.leave(politely=self._random.random() < 0.5)
            self._cluster.count("left")

    def _write(self) -> None:
        place = self._place()
        if place is not None:
            self._cluster.write(place, ROOM)

    async def _keep_versions(self) -> None:
        """Versions are made and restored."""
        random, history = self._later_random, History(self._cluster)
        every_s = random.choice((0.7, 2.0, 4.0))
        while self._loop.now_s < self._until_s:
            await asyncio.sleep(random.expovariate(1.0) * every_s)
            places = list(self._cluster.nodes)
            place, which = random.choice(places) if places else None, random.random()
            if place is None:
                continue
            if random.random() < 0.5:
                history.keep(place, ROOM)
            else:
                history.restore(place, ROOM, which)

    async def _depart(self) -> None:
        for editor in self._cluster.editors:
            await asyncio.sleep(self._random.random() * 0.5)
            editor.leave(politely=self._random.random() < 0.7)

    # What breaks ------------------------------------------------------------------------------

    def _faults(self) -> dict[str, Callable[[], None]]:
        return {
            "crash": self._crash,
            "crash between effects": self._crash_between_effects,
            "hold": self._hold,
            "drain": self._drain,
            "half-open": self._half_open,
            "still": self._still,
            "slow network": self._slow_network,
            "slow store": self._slow_store,
            "store fails": self._store_fails,
            "store cut off": self._cut_store,
            "revoke": self._revoke,
            "erase": self._erase,
            "drain wished": self._wish_drain,
            "rebalance": self._rebalance,
            "bus loses": self._lossy_bus,
            "bus cut off": self._cut_bus,
            "bus down": self._bus_down,
        }

    async def _break(self) -> None:
        random, faults = self._random, self._faults() | {"hold in a turn": self._hold_in_turn}
        while self._loop.now_s < self._until_s:
            await asyncio.sleep(random.expovariate(1.0) * self._fault_every_s)
            name = random.choice(self._chosen)
            self._cluster.count(name)
            faults[name]()

    async def _heal(self) -> None:
        cluster = self._cluster
        cluster.trace("heal", "world")
        cluster.store_weather.heal()
        cluster.weather.slow = 1.0
        if cluster.broker is not None:
            cluster.broker.usually = 0.0
            cluster.broker.heal()
            for end in cluster.broker.ends:
                end.mend()
        # Whatever was begun ends by itself: all that is held runs on, all that is down comes up.
        await asyncio.sleep(max(0.0, self._calm_s - self._loop.now_s) + 0.5)
        for node in cluster.nodes.values():
            node.process.in_turn = None
        for place in range(self._places):
            if place not in cluster.nodes:
                cluster.start(place)
            else:
                cluster.wish(place, drains=False)
        cluster.settle_roles()

    async def _wait_for(self, look: Callable[[], Iterator[str]], within_s: float) -> None:
        until_s = self._loop.now_s + within_s
        while any(look()):
            if self._loop.now_s > until_s:
                for problem in look():
                    self._cluster.oracle.blame(problem)
                return
            await asyncio.sleep(1)

    def _place(self) -> int | None:
        places = list(self._cluster.nodes)
        return self._random.choice(places) if places else None

    def _span_s(self, least: float, most: float) -> float:
        return self._random.uniform(least, most)

    def _later(self, delay_s: float, call: Callable[[], object]) -> None:
        self._calm_s = max(self._calm_s, self._loop.now_s + delay_s)
        self._loop.later(self._loop.world, delay_s, call)

    def _crash(self) -> None:
        place = self._place()
        if place is not None:
            self._cluster.kill(place)
            self._restart_later(place)

    def _crash_between_effects(self) -> None:
        place = self._place()
        if place is not None:
            self._cluster.nodes[place].process.effects_left = self._random.randint(0, 12)
            self._later(3.0, lambda: self._cluster.kill(place))
            self._restart_later(place, after_s=3.0)

    def _restart_later(self, place: int, *, after_s: float = 0.0) -> None:
        def restart() -> None:
            if place not in self._cluster.nodes:
                self._cluster.start(place)

        self._later(after_s + self._span_s(0.1, 5), restart)

    def _hold(self) -> None:
        place = self._place()
        if place is not None:
            process = self._cluster.nodes[place].process
            if not process.is_held:
                process.hold()
                self._later(self._span_s(0.05, 12), process.release)

    def _hold_in_turn(self) -> None:
        """Whoever has a turn next: until the lease is over and others have it, or not so long."""
        processes = [node.process for node in self._cluster.nodes.values()]

        def strike(process: Process) -> None:
            self._cluster.count("held in a turn")
            for each in processes:
                each.in_turn = None
            process.hold()
            self._later(self._span_s(3, 15), process.release)

        for process in processes:
            process.in_turn = partial(strike, process)

    def _drain(self) -> None:
        place = self._place()
        if place is None:
            return
        node = self._cluster.nodes[place]

        async def drain() -> None:
            await node.shut_down()
            self._later(0.0, lambda: self._cluster.kill(place))

        if not node.registry.is_draining:
            self._loop.begin(node.process, drain())
            self._restart_later(place, after_s=5.0)

    def _half_open(self) -> None:
        self._random.choice(self._cluster.editors).drop(node_hears=False)

    def _still(self) -> None:
        """Nothing moves on a connection, in one direction, for a while."""
        connection = self._random.choice(self._cluster.editors).connection
        if connection is not None:
            way = self._random.choice((connection.up, connection.down))
            way.hold()
            self._later(self._span_s(0.2, 14), way.flow)

    def _slow_network(self) -> None:
        self._cluster.weather.slow = self._random.choice((10.0, 60.0))
        self._later(self._span_s(0.5, 4), self._network_well)

    def _network_well(self) -> None:
        self._cluster.weather.slow = 1.0

    def _slow_store(self) -> None:
        self._cluster.store_weather.slow = self._random.choice((20.0, 100.0, 500.0))
        self._later(self._span_s(0.5, 4), self._cluster.store_weather.heal)

    def _store_fails(self) -> None:
        weather = self._cluster.store_weather
        weather.fails, weather.unknown = self._random.choice(((0.3, 0.0), (0.0, 0.3), (0.4, 0.4)))
        self._later(self._span_s(0.2, 5), weather.heal)

    def _cut_store(self) -> None:
        place = self._place()
        if place is not None:
            way = self._cluster.way(place)
            way.is_cut = True

            def mend() -> None:
                way.is_cut = False

            self._later(self._span_s(0.2, 6), mend)

    def _erase(self) -> None:
        place = self._place()
        if place is not None and self._random.random() < 0.3:
            self._cluster.erase(place, ROOM)

    def _wish_drain(self) -> None:
        place = self._place()
        if place is not None:
            self._cluster.wish(place, drains=True)

    def _rebalance(self) -> None:
        place = self._place()
        if place is not None:
            self._cluster.rebalance(place)

    def _lossy_bus(self) -> None:
        broker = self._cluster.broker
        if broker is not None:
            broker.loses, broker.doubles = self._random.choice(((0.3, 0.0), (0.0, 0.3), (0.2, 0.2)))
            broker.delay_s = self._random.choice((0.001, 0.05, 0.5))
            self._later(self._span_s(0.5, 5), broker.heal)

    def _cut_bus(self) -> None:
        place = self._place()
        end = self._cluster.nodes[place].end if place is not None else None
        if end is not None:
            end.cut()
            self._later(self._span_s(0.1, 6), end.mend)

    def _bus_down(self) -> None:
        """As when the broker is killed and started again."""
        ends = self._cluster.broker.ends if self._cluster.broker is not None else []
        for end in tuple(ends):
            end.cut()
            self._later(self._span_s(0.1, 6), end.mend)

    def _revoke(self) -> None:
        if not self._cluster.turncoat:
            self._cluster.revoke(self._cluster.editors[1])
