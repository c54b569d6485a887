"""A little world of structs that refer to each other, delivered in any pieces and any order.

Every id has one content, as honest replicas have it; what is drawn at random is which structs an
update brings, what lies between them, how often, and in which order. Which of them a document can
have integrated is worked out here on its own: those whose predecessor and whose references are
all integrated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.support.updates import (
    ANY,
    DELETED,
    GC,
    HAS_ORIGIN,
    SKIP,
    STRING,
    TYPE,
    Block,
    Deletes,
    any_values,
    filler,
    rooted,
    update,
)
from tests.support.wire import string, uint

HAS_RIGHT_ORIGIN = 0x40
HAS_BOTH = HAS_ORIGIN | HAS_RIGHT_ORIGIN
HAS_KEY = 0x20
MAP_TYPE = 1
Id = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Struct:
    """One struct: its place, its bytes and the ids of other clients that it refers to."""

    client: int
    clock: int
    length: int
    encoded: bytes
    needs: tuple[Id, ...]

    @property
    def end(self) -> int:
        """The clock behind it."""
        return self.clock + self.length


@dataclass(frozen=True, slots=True)
class Plan:
    """What a struct will be: its content, its length and the kind of its place."""

    kind: int
    length: int
    style: str

    @classmethod
    def drawn(cls, random: Random) -> Plan:
        """Any of them; under a key there is one element, as in all that replicas make."""
        kind = random.choice((STRING, STRING, ANY, DELETED, GC))
        style = random.choice(("root", "key", "inside", "after", "before", "between"))
        keyed = kind != GC and style in {"key", "inside"}
        return cls(kind, 1 if keyed else random.randint(1, 3), style)

    @property
    def is_keyed(self) -> bool:
        """Whether it goes under a key of a map."""
        return self.kind != GC and self.style in {"key", "inside"}


@dataclass(slots=True)
class World:
    """All structs there are, and what has been delivered of them.

    Attributes:
        random: where choices come from.
        structs: by client, in order.
        delivered: structs that some update has brought.
        deletes: ids that some update has deleted.
    """

    random: Random
    structs: dict[int, list[Struct]] = field(default_factory=dict)
    delivered: set[Struct] = field(default_factory=set)
    deletes: set[Id] = field(default_factory=set)

    @classmethod
    def drawn(cls, random: Random) -> World:
        """A world of three clients with seven structs each."""
        world = cls(random)
        clients = [random.randrange(2, 2**32) for _ in range(3)]
        plans = {client: [Plan.drawn(random) for _ in range(6)] for client in clients}
        flowing: list[Id] = []
        for client, row in plans.items():
            clock = 1
            for plan in row:
                if not plan.is_keyed:
                    flowing += ((client, clock + at) for at in range(plan.length))
                clock += plan.length
        for client, row in plans.items():
            # Each client begins with a shared map, for others to put something into.
            structs = [Struct(client, 0, 1, rooted(TYPE, uint(MAP_TYPE), root="list"), ())]
            for plan in row:
                structs.append(_make(random, plan, structs[-1], flowing, clients))
            world.structs[client] = structs
        return world

    def draw_update(self) -> bytes:
        """An update with runs of some clients' structs, gaps between them, and deletes."""
        random = self.random
        clients = random.sample(sorted(self.structs), random.choice((0, 1, 1, 1, 2, 3)))
        blocks = [self._draw_block(client) for client in clients]
        deletes = [
            Deletes(client, [(random.randrange(10), random.randint(1, 4))])
            for client in random.sample(sorted(self.structs), random.choice((0, 0, 1)))
        ]
        return update(blocks, deletes)

    def deliver(self, spans: list[tuple[int, int, int]], gone: list[Id]) -> None:
        """Note what an update brought: spans of clocks, Skips left out, and deleted ids."""
        for client, start, end in spans:
            for struct in self.structs[client]:
                if start <= struct.clock and struct.end <= end:
                    self.delivered.add(struct)
        self.deletes.update(gone)

    def integrated(self) -> list[Struct]:
        """The delivered structs that can be integrated, in an order in which they can."""
        clocks = dict.fromkeys(self.structs, 0)
        order: list[Struct] = []
        grew = True
        while grew:
            grew = False
            for structs in self.structs.values():
                for struct in structs:
                    if (
                        struct in self.delivered
                        and struct.clock == clocks[struct.client]
                        and all(clock < clocks[client] for client, clock in struct.needs)
                    ):
                        clocks[struct.client] = struct.end
                        order.append(struct)
                        grew = True
        return order

    def clocks(self) -> dict[int, int]:
        """The state vector of what can be integrated."""
        found: dict[int, int] = {}
        for struct in self.integrated():
            found[struct.client] = struct.end
        return found

    def waits(self) -> bool:
        """Whether something delivered cannot be integrated, or something unknown was deleted."""
        clocks = self.clocks()
        return len(self.integrated()) < len(self.delivered) or any(
            clock >= clocks.get(client, 0) for client, clock in self.deletes
        )

    def as_single_updates(self) -> list[bytes]:
        """What can be integrated, struct by struct, and then deleted: for a reference replica."""
        clocks = self.clocks()
        rows = [
            update([Block(struct.client, struct.clock, [struct.encoded])])
            for struct in self.integrated()
        ]
        for client, clock in sorted(self.deletes):
            if clock < clocks.get(client, 0):
                rows.append(update([], [Deletes(client, [(clock, 1)])]))
        return rows

    def _draw_block(self, client: int) -> Block:
        random = self.random
        structs = self.structs[client]
        begin = random.randrange(len(structs))
        end = random.randint(begin + 1, len(structs))
        encoded: list[bytes] = []
        gap = 0
        for at in range(begin, end):
            is_inner = begin < at < end - 1
            if is_inner and random.random() < 0.15:
                gap += structs[at].length
                continue
            if gap:
                encoded.append(filler(SKIP, gap))
                gap = 0
            encoded.append(structs[at].encoded)
        return Block(client, structs[begin].clock, encoded)


def _make(
    random: Random, plan: Plan, last: Struct, flowing: list[Id], clients: list[int]
) -> Struct:
    """The struct behind `last`."""
    client, clock = last.client, last.end
    if plan.kind == GC:
        return Struct(client, clock, plan.length, filler(GC, plan.length), ())
    body = {
        STRING: string("".join(random.choice("abcd") for _ in range(plan.length))),
        ANY: any_values(*([b"\x7e"] * plan.length)),
        DELETED: uint(plan.length),
    }[plan.kind]
    known = [one for one in flowing if one[0] != client or one[1] < clock]
    style = plan.style if known or plan.style not in {"after", "before", "between"} else "root"
    ids: tuple[Id, ...] = ()
    if style == "root":
        flags, position = 0, uint(1) + string("text")
    elif style == "key":
        flags, position = HAS_KEY, uint(1) + string("map") + string(random.choice("kl"))
    elif style == "inside":
        ids = ((random.choice(clients), 0),)
        flags, position = HAS_KEY, uint(0) + _write_ids(ids) + string(random.choice("kl"))
    else:
        ids = tuple(random.choices(known, k=2 if style == "between" else 1))
        flags = {"after": HAS_ORIGIN, "before": HAS_RIGHT_ORIGIN}.get(style, HAS_BOTH)
        position = _write_ids(ids)
    needs = tuple(one for one in ids if one[0] != client)
    encoded = bytes([plan.kind | flags]) + position + body
    return Struct(client, clock, plan.length, encoded, needs)


def _write_ids(ids: tuple[Id, ...]) -> bytes:
    return b"".join(uint(client) + uint(clock) for client, clock in ids)
