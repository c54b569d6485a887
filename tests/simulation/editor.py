"""A person's client: edits, loses its connection, comes back, and believes what it is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Final

from collab.access import Role
from collab.ids import RoomName, room_key
from gateway.transport.opening import Opening
from tests.simulation.loop import WALL_BEGINS_S
from tests.simulation.network import Connection
from tests.support import wire
from tests.support.providers import Client, Speaks
from tests.support.tokens import hs256, payload_of
from tests.support.wire import Reader, string

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster
    from tests.simulation.node import Node

LOOK_S: Final = 3.0
SILENCE_S: Final = 12.0  # the server breaks the silence sooner
OPEN_WITHIN_S: Final = 5.0
RENEW_S: Final = 15.0
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_LARGE: Final = "x" * 17_000  # more than is applied in one go
_RELOAD: Final = 4410


@cache
def _token(name: str, role: str) -> str:
    """One for all runs, from before they begin."""
    return hs256(payload_of(int(WALL_BEGINS_S) - 60, sub=name, rooms={"**": role}))


class Editor:
    """One client.

    Args:
        cluster: where it connects to.
        name: its subject.
        client_id: of its first replica; each later one counts up by 1000.
        speaks: its provider.
        room: which one it edits.
        role: what its token says.

    Attributes:
        promises: by client id, the clock up to which it was told that all is saved.
        role: what it may do since all nodes know.
    """

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        client_id: int,
        speaks: Speaks,
        room: RoomName,
        role: Role,
    ) -> None:
        self._cluster = cluster
        self._loop = cluster.loop
        self._random = Random(f"{cluster.seed}/{name}")
        self.name = name
        self.room = room
        self.role = role
        self.client = Client(name, client_id, speaks, room)
        self.promises: dict[int, int] = {}
        self.connection: Connection | None = None
        self.node: Node | None = None
        self.is_gone = False
        self.is_open = False
        self.is_denied = False
        self.ever_refused = False
        self._tries = 0
        self._heard_s = self._renewed_s = self._began_s = 0.0
        self._count = 0
        self._loop.later(self._loop.world, self._random.random() * 2, self.connect)
        self._loop.later(self._loop.world, self._random.random() * LOOK_S, self._look)

    # Connections ------------------------------------------------------------------------------

    def connect(self) -> None:
        """Try any node; the next time after a longer pause."""
        if self.is_gone or self.connection is not None:
            return
        self._tries += 1
        node = self._cluster.any_node(self._random)
        if node is None:
            self._come_back()
            return
        self._began_s = self._heard_s = self._loop.now_s
        self.connection = connection = self._cluster.connect(node, self)
        self.node = node
        self._loop.later(
            node.process,
            self._cluster.weather.delay(),
            node.accept,
            connection,
            self._opening(),
        )

    def opened(self) -> None:
        """The handshake is done: begin as the provider does."""
        self.is_open = True
        self._heard_s = self._loop.now_s
        self.client.opened(self.connection)
        if self.client.speaks is Speaks.HOCUSPOCUS:
            prefix = string(self.room)
            self.client.outgoing.appendleft(prefix + wire.token(self._token()))
        self._flush()

    def closed(self, code: int) -> None:
        """The connection is over."""
        self._cluster.trace("closed", self.name, str(code))
        self._lose()
        if code == _RELOAD:
            self.reload()
        self._come_back()

    def drop(self, *, node_hears: bool) -> None:
        """Lose the connection from this side."""
        if self.connection is not None:
            self.connection.break_off(node_hears=node_hears)
            self._lose()
            self._come_back()

    def leave(self, *, politely: bool) -> None:
        """Go for good."""
        self.is_gone = True
        if self.connection is not None:
            if politely:
                self.connection.leave()
            else:
                self.connection.break_off(node_hears=False)

    def reload(self) -> None:
        """Begin with an empty replica, as a page does that is loaded anew."""
        self.drop(node_hears=True)
        old = self.client
        self.client = Client(self.name, old.client_id + 1000, old.speaks, self.room)
        self._cluster.forget_clock(self)

    def _lose(self) -> None:
        self.connection = self.node = None
        self.is_open = False
        self.client.lost()

    def _come_back(self) -> None:
        pause_s = min(0.1 * 2**self._tries, 2.5) * (0.5 + self._random.random())
        self._loop.later(self._loop.world, pause_s, self.connect)

    def _look(self) -> None:
        """What providers do every three seconds."""
        if self.is_gone:
            return
        now_s = self._loop.now_s
        patience_s = SILENCE_S if self.is_open else OPEN_WITHIN_S
        if self.connection is not None and now_s - self._heard_s > patience_s:
            self.drop(node_hears=self._random.random() < 0.5)
        elif self.is_open and now_s - self._renewed_s > RENEW_S:
            self._renewed_s = now_s
            self.client.renew()
            self._flush()
        self._loop.later(self._loop.world, LOOK_S, self._look)

    def _opening(self) -> Opening:
        path = f"/collab/{self.room}"
        headers = {}
        if self.client.speaks is Speaks.HOCUSPOCUS:
            path = "/hocuspocus"
        else:
            headers["authorization"] = f"Bearer {self._token()}"
        return Opening(path, "", headers, (), "10.0.0.1")

    def _token(self) -> str:
        return _token(self.name, self.role_in_token)

    @property
    def role_in_token(self) -> str:
        """Signed before the run, whatever was decided since."""
        return "editor" if self.name == self._cluster.turncoat else str(self.role)

    # What is said -----------------------------------------------------------------------------

    def heard(self, payload: bytes) -> None:
        """A message from the node."""
        self._heard_s = self._loop.now_s
        self._tries = 0
        self._cluster.trace("heard", self.name, payload)
        if self.client.speaks is Speaks.HOCUSPOCUS:
            reader = Reader(payload)
            reader.string()
            kind = reader.uint()
            if kind == wire.CLOSE or (kind == wire.AUTH and reader.uint() == wire.DENIED):
                self.reload()
                return
        was = self.client.saved_clock
        if self.client.receive(payload):
            self._believe()
        elif self.client.saved_clock > was:
            self._promised(self.client.saved_clock, Reader(payload[2:]).blob())
        if self.client.refusals:
            self.ever_refused = True
        self._flush()

    def _believe(self) -> None:
        """Hocuspocus: the provider says that all is saved."""
        client = self.client
        if (client.excess and client.edits_here) or client.resynced or client.refusals:
            return  # its counter is known to be wrong then
        if self.role is Role.EDITOR:
            client.saved_clock = client.own_clock
            self._promised(client.saved_clock)

    def _promised(self, clock: int, payload: bytes = b"") -> None:
        client_id, oracle, key = self.client.client_id, self._cluster.oracle, room_key(self.room)
        stored = oracle.saved(key, client_id)
        if stored >= clock:
            self.promises[client_id] = clock
        elif not (payload and oracle.holds(key, payload)):
            # (An echo says that this update is saved, not what it builds on.)
            oracle.blame(f"{self.name} was told that {clock} is saved, and the store has {stored}")

    def _flush(self) -> None:
        outgoing = self.client.outgoing
        while outgoing and self.connection is not None:
            self.connection.send(outgoing.popleft())

    # What the person does ---------------------------------------------------------------------

    def edit(self) -> None:
        """Change something."""
        client, random = self.client, self._random
        self._count += 1
        kind = random.random()
        length = len(str(client.text))
        if kind < 0.55 or (kind < 0.75 and not length):
            letters = _LETTERS[self._count % 26] * random.randint(1, 3)
            at = int(random.random() * (length + 1))
            self._change(lambda each: each.text.insert(at, letters))
        elif kind < 0.75:
            begin = int(random.random() * length)
            end = min(length, begin + random.randint(1, 4))
            self._change(lambda each: each.text.__delitem__(slice(begin, end)))
        elif kind < 0.99:
            key, value = random.choice("klm"), self._count
            self._change(lambda each: each.map.__setitem__(key, value))
        else:
            self._change(lambda each: each.map.__setitem__("large", _LARGE))

    def burst(self) -> None:
        """Many edits in one go."""
        for _ in range(self._random.randint(2, 8)):
            self.edit()

    def show(self) -> None:
        """Change what others see of this client."""
        hide = self.client.presence.state is not None and self._random.random() < 0.2
        self._count += 1
        self.client.show(None if hide else {"n": self._count})
        self._flush()

    def resync(self) -> None:
        """Begin the handshake again."""
        if self.is_open:
            self.client.resync()
            self._flush()

    def _change(self, change: Callable[[Client], object]) -> None:
        def apply(client: Client) -> None:
            change(client)

        self.client.edit(apply)
        self._flush()
