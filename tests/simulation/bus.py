"""The bus of a simulated cluster: a broker in between, which loses, doubles, delays and forgets.

It promises what `collab.cluster.bus.Bus` does, and no more: what one node says arrives in order or
not at all, until the way is interrupted. A node learns late that it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from collab.cluster.bus import BusListener
from collab.cluster.envelope import Envelope, Sender
from collab.cluster.envelope_codec import decode_envelope, encode_envelope, sender_tag
from collab.ids import NO_ROOM, RoomKey
from tests.simulation.loop import Process, Simulation
from tests.support.local_bus import KEY

NOTICED_WITHIN_S: Final = 3.0
BACK_WITHIN_S: Final = 1.0


@dataclass(slots=True)
class Broker:
    """What stands between the nodes.

    Attributes:
        loop: the simulation's.
        random: where chances come from.
        delay_s: of each way, on average.
        usually: the part of envelopes that do not reach a node on good days.
        loses: the same just now.
        doubles: the part that reaches it twice.
        ends: of the nodes that live.
        carried: how many envelopes reached a node.
        watch: told of each envelope in the moment in which it is said.
    """

    loop: Simulation
    random: Random
    delay_s: float = 0.001
    usually: float = 0.0
    loses: float = 0.0
    doubles: float = 0.0
    ends: list[BusEnd] = field(default_factory=list)
    carried: int = 0
    watch: Callable[[Envelope], None] = lambda _: None

    def heal(self) -> None:
        """Be as usual."""
        self.delay_s, self.loses, self.doubles = 0.001, self.usually, 0.0

    def delay(self) -> float:
        """Of the next envelope, on one way."""
        return self.random.expovariate(1.0) * self.delay_s + 0.0001

    def carry(self, sender: BusEnd, room: RoomKey, frame: bytes) -> None:
        """An envelope has arrived here: pass it on."""
        if sender.is_cut:
            return
        for end in self.ends:
            if end is sender or end.is_cut or not (room == NO_ROOM or room in end.heard):
                continue
            if self.random.random() < self.loses:
                continue
            for _ in range(2 if self.random.random() < self.doubles else 1):
                self.carried += 1
                end.last_in_s = max(end.last_in_s, self.loop.now_s + self.delay())
                self.loop.at(end.process, end.last_in_s, end.arrive, room, frame)


@dataclass(slots=True, eq=False)
class BusEnd:
    """One node's end; a ``Bus``.

    Attributes:
        broker: in between.
        process: the node's.
        sender: the node and its run.
        listener: told what arrives.
        is_up: what the node believes.
        is_cut: what is true.
        rooms: those that the node wants to hear.
        heard: those of which the broker knows.
    """

    broker: Broker
    process: Process
    sender: Sender
    listener: BusListener
    is_up: bool = True
    delay_ms: float | None = None
    is_cut: bool = False
    rooms: dict[RoomKey, None] = field(default_factory=dict)
    heard: dict[RoomKey, None] = field(default_factory=dict)
    last_in_s: float = 0.0
    last_out_s: float = 0.0

    def __post_init__(self) -> None:
        self.broker.ends.append(self)

    def publish(self, envelope: Envelope) -> None:
        """See ``Bus``."""
        if not self.is_up or not self.process.may():
            return
        self.broker.watch(envelope)
        frame = encode_envelope(envelope, KEY, sender_tag(self.sender))
        broker = self.broker
        self.last_out_s = max(self.last_out_s, broker.loop.now_s + broker.delay())
        broker.loop.at(broker.loop.world, self.last_out_s, broker.carry, self, envelope.room, frame)

    def subscribe(self, room: RoomKey) -> None:
        """See ``Bus``."""
        self.rooms[room] = None
        if self.is_up and self.process.may():
            loop = self.broker.loop
            loop.later(loop.world, self.broker.delay(), self._subscribed, room)

    def unsubscribe(self, room: RoomKey) -> None:
        """See ``Bus``."""
        self.rooms.pop(room, None)
        self.heard.pop(room, None)

    def arrive(self, room: RoomKey, frame: bytes) -> None:
        """An envelope is here."""
        if self.is_up:
            self.listener.delivered(decode_envelope(frame, KEY, room))

    # What becomes of the way ----------------------------------------------------------------------

    def cut(self) -> None:
        """Interrupt the way; the node finds out after a while."""
        if not self.is_cut:
            self.is_cut = True
            self.heard.clear()
            late_s = self.broker.random.random() * NOTICED_WITHIN_S
            self.broker.loop.later(self.process, late_s, self._lose)

    def mend(self) -> None:
        """Let the node come back after a while, if it has found out."""
        if self.is_cut:
            self.is_cut = False
            late_s = NOTICED_WITHIN_S + self.broker.random.random() * BACK_WITHIN_S
            self.broker.loop.later(self.process, late_s, self._return)

    def _lose(self) -> None:
        if self.is_up:
            self.is_up = False
            self.listener.interrupted()

    def _return(self) -> None:
        if self.is_cut or self.is_up:
            return
        self.is_up = True
        loop = self.broker.loop
        for room in self.rooms:
            loop.later(loop.world, self.broker.delay(), self._subscribed, room)

    def _subscribed(self, room: RoomKey) -> None:
        if room in self.rooms and not self.is_cut:
            self.heard[room] = None
            loop = self.broker.loop
            loop.later(self.process, self.broker.delay(), self._listening, room)

    def _listening(self, room: RoomKey) -> None:
        if self.is_up and room in self.rooms:
            self.listener.listening(room)
