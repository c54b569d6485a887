"""Draws rows of updates that look like a document's history and are not."""

from __future__ import annotations

from random import Random

from tests import vectors
from tests.unit.protocol import building as b

CLIENTS = (1, 2, 3, 2**32 + 1)
TEXTS = ("a", "bc", "𝄞", "x𝄞y", "é音", "𝄞𝄞", "hello world")
ROOTS = ("t", "u")
KEYS = (None, None, None, "k", "l")
EMBEDS = ("1", "null", '{"a":[1]}', '"x"')


def real_updates() -> list[bytes]:
    """All updates that real libraries made for the vectors."""
    return [
        bytes.fromhex(case["update"])
        for scenarios in vectors.load("updates").values()
        for cases in scenarios.values()
        for case in cases
    ]


class History:
    """A row of updates, each well formed, that contradict each other in any way they can.

    Args:
        random: where all choices come from.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._clocks = dict.fromkeys(CLIENTS, 0)
        self._types: list[b.Id] = [(1, 0)]

    def draw(self) -> list[bytes]:
        """One to six updates, to be applied in this order."""
        return [self._update() for _ in range(self._random.randint(1, 6))]

    def _update(self) -> bytes:
        random = self._random
        clients = random.sample(CLIENTS, random.randint(0, len(CLIENTS)))
        blocks = [self._block(client) for client in clients]
        return b.update(*blocks, delete_set=self._deletes())

    def _block(self, client: int) -> bytes:
        random = self._random
        known = self._clocks[client]
        # Mostly the next clock, at times a repetition, at times a gap.
        start = clock = max(0, known + random.choice((0, 0, 0, 0, -1, -3, 1, 4)))
        structs: list[bytes] = []
        for _ in range(random.randint(1, 5)):
            struct, length = self._struct(client, clock)
            structs.append(struct)
            clock += length
        if random.random() < 0.2:
            gap = random.randint(1, 4)
            structs += [b.skip(gap), b.string("z")]
            clock += gap + 1
        self._clocks[client] = max(known, clock)
        return b.block(client, start, *structs)

    def _struct(self, client: int, clock: int) -> tuple[bytes, int]:
        random = self._random
        kind = random.randrange(12)
        if kind == 0:
            length = random.randint(1, 5)
            return b.gc(length), length
        where = self._position(client, clock)
        if kind == 1:
            length = random.randint(1, 5)
            return b.deleted(length, **where), length
        if kind <= 5:
            piece = random.choice(TEXTS)
            return b.string(piece, **where), len(piece.encode("utf-16-le")) // 2
        if kind == 6:
            count = random.randint(1, 4)
            return b.values(
                *random.choices((b.NULL, b.TRUE, b"\x75\x01" + b.NULL), k=count), **where
            ), count
        if kind in (7, 8):
            self._types.append((client, clock))
            type_ref = random.choice((0, 1, 2, 3, 4, 6))
            return b.shared(type_ref, b.text("p") if type_ref == 3 else b"", **where), 1
        body = (
            (6, b.text("bold") + b.text(random.choice(EMBEDS))),
            (5, b.text(random.choice(EMBEDS))),
            (9, b.text("guid") + b"\x76\x00"),
        )[kind - 9]
        return b.item(*body, **where), 1  # type: ignore[arg-type]

    def _position(self, client: int, clock: int) -> dict[str, object]:
        random = self._random
        where: dict[str, object] = {}
        style = random.randrange(8)
        if style <= 2 and clock:
            where["origin"] = (client, clock - 1)
        elif style in (3, 4, 5):
            where["origin"] = self._id(client, clock)
        if style in (2, 5, 6):
            where["right"] = self._id(client, clock)
        where["parent"] = random.choice(
            (*ROOTS, random.choice(self._types), self._id(client, clock) or "t")
        )
        parent = where["parent"]
        if isinstance(parent, tuple) and parent[0] == client and parent[1] >= clock:
            where["parent"] = "t"
        where["sub"] = random.choice(KEYS)
        return where

    def _id(self, client: int, clock: int) -> b.Id | None:
        random = self._random
        other = random.choice(CLIENTS)
        most = clock if other == client else self._clocks[other] + random.choice((0, 0, 0, 3))
        return (other, random.randrange(most)) if most > 0 else None

    def _deletes(self) -> bytes:
        random = self._random
        by_client: dict[int, list[tuple[int, int]]] = {}
        for client in random.sample(CLIENTS, random.choice((0, 0, 1, 2))):
            clock = 0
            ranges = by_client.setdefault(client, [])
            for _ in range(random.randint(1, 3)):
                clock += random.randint(0, 4)
                length = random.randint(1, 4)
                ranges.append((clock, length))
                clock += length
        return b.deletes(by_client)


def entries(random: Random) -> list[bytes]:
    """Updates that put values under keys, alone and several in one struct, in all orders.

    In roots and in a map, which goes at the end; now and then a piece of a struct is deleted.
    """
    clocks = {1: 1, 2: 0, 3: 0}
    ids: list[b.Id] = []
    updates = [b.update(b.block(1, 0, b.shared(1)))]
    for _ in range(random.randint(2, 7)):
        client = random.choice(list(clocks))
        start = clocks[client]
        structs: list[bytes] = []
        for _ in range(random.randint(1, 3)):
            length = random.choice((1, 1, 2, 3, 4))
            where = _beside(random, ids)
            structs.append(b.values(*[b.NULL] * length, **where))
            ids += [(client, clocks[client] + number) for number in range(length)]
            clocks[client] += length
        pieces = {owner: [(clock, 1)] for owner, clock in random.sample(ids, random.choice((0, 1)))}
        updates.append(b.update(b.block(client, start, *structs), delete_set=b.deletes(pieces)))
    updates.append(b.update(delete_set=b.deletes({1: [(0, 1)]})))
    return updates


def _beside(random: Random, ids: list[b.Id]) -> dict[str, object]:
    where: dict[str, object] = {}
    if ids and random.random() < 0.75:
        if random.random() < 0.7:
            where["origin"] = random.choice(ids)
        if not where or random.random() < 0.4:
            where["right"] = random.choice(ids)
    return where or {"parent": random.choice((*ROOTS, (1, 0))), "sub": random.choice("kl")}


def kept(random: Random) -> list[bytes]:
    """Updates with rows of values under keys of maps within maps, as undo keeps them, and worse.

    What they refer to may be wrong, missing or deleted; they repeat what is known, in whole or in
    part, and leave gaps; now and then the maps go, by deletion or as if collected.
    """
    clocks = {1: 3, 2: 0, 3: 0, 2**32 + 1: 0}
    ids: list[b.Id] = []
    maps: list[b.Id] = [(1, 0), (1, 1), (1, 2)]
    nested = [b.shared(1, sub="m"), *(b.shared(1, parent=(1, at), sub="k") for at in (0, 1))]
    updates = [b.update(b.block(1, 0, *nested))]
    for _ in range(random.randint(2, 8)):
        blocks = []
        for client in random.sample(list(clocks), random.choice((1, 1, 1, 2))):
            known = clocks[client]
            start = clock = max(0, known + random.choice((0, 0, 0, 0, -1, -2, -4, 2)))
            structs: list[bytes] = []
            for _ in range(random.randint(1, 4)):
                struct, length = _kept(random, ids, maps, (client, clock))
                structs.append(struct)
                ids += [(client, at) for at in range(clock, min(clock + length, clock + 6))]
                clock += length
            clocks[client] = max(known, clock)
            blocks.append(b.block(client, start, *structs))
        updates.append(b.update(*blocks, delete_set=_pieces(random, ids, maps)))
    updates.append(b.update(delete_set=b.deletes({1: [(random.randrange(2), 1)]})))
    if random.random() < 0.3:
        random.shuffle(updates)
    return updates


def _kept(random: Random, ids: list[b.Id], maps: list[b.Id], own: b.Id) -> tuple[bytes, int]:
    kind = random.randrange(12)
    length = random.choice((1, 1, 2, 3, 4, 5, random.choice((2, 2000))))
    if kind == 0:
        return b.gc(length), length
    client, clock = own
    where: dict[str, object] = {}
    style = random.randrange(10)
    if style <= 3 and clock:
        where["origin"] = (client, clock - 1)
    elif style <= 6 and ids:
        where["origin"] = random.choice(ids)
    if style in (6, 7) and ids and random.random() < 0.3:
        where["right"] = random.choice(ids)
    if not where:
        where = {"parent": random.choice((*maps, "t")), "sub": random.choice(("k", "l", None))}
    if kind == 1:
        return b.deleted(length, **where), length
    if kind == 2:
        return b.string("a" * length, **where), length
    if kind == 3:
        maps.append(own)
        return b.shared(random.choice((0, 1, 1)), b"", **where), 1
    each = random.choices((b.NULL, b.TRUE, b"\x77\x01x", b"\x75\x01" + b.NULL), k=length)
    return b.values(*each, **where), length


def _pieces(random: Random, ids: list[b.Id], maps: list[b.Id]) -> bytes:
    """A delete set of some of what was written, or of a map."""
    by_client: dict[int, list[tuple[int, int]]] = {}
    for client, clock in sorted(random.sample(ids, min(len(ids), random.choice((0, 0, 1, 3))))):
        ranges = by_client.setdefault(client, [])
        if not ranges or clock >= sum(ranges[-1]):
            ranges.append((clock, random.choice((1, 1, 2, 4))))
    if random.random() < 0.1:
        client, clock = random.choice(maps)
        by_client[client] = [(clock, 1)]
    return b.deletes(by_client)


def mutated(random: Random, originals: list[bytes]) -> bytes:
    """A real update with a few bytes changed, dropped, added, or exchanged with another's."""
    data = bytearray(random.choice(originals))
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data) + 1)
        kind = random.randrange(5)
        if kind == 0 and at < len(data):
            data[at] = random.randrange(256)
        elif kind == 1 and at < len(data):
            data[at] = (data[at] + random.choice((-1, 1))) % 256
        elif kind == 2:
            del data[at : at + random.randint(1, 3)]
        elif kind == 3:
            data[at:at] = random.randbytes(random.randint(1, 3))
        else:
            other = random.choice(originals)
            begin = random.randrange(len(other))
            data[at : at + random.randint(0, 8)] = other[begin : begin + random.randint(1, 8)]
    return bytes(data)
