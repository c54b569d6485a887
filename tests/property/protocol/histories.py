"""Honest histories: replicas that edit, part, and meet again."""

from __future__ import annotations

from random import Random
from typing import Any

from pycrdt import Array, Doc, Map, Subscription, Text, TransactionEvent

WORDS = ("a", "bc", "fugue ", "音楽", "é")


class Replicas:
    """Some documents that edit the same shared types and now and then exchange what they have.

    Args:
        random: where all choices come from.
        count: how many replicas.

    Attributes:
        updates: all updates that the replicas made, in the order they were made.
    """

    def __init__(self, random: Random, count: int) -> None:
        self._random = random
        self.updates: list[bytes] = []
        self._subscriptions: list[Subscription] = []
        self._documents = [self._replica(random.randrange(2**53)) for _ in range(count)]

    def edit(self, steps: int) -> None:
        """Do some edits and exchanges."""
        for _ in range(steps):
            self._step(self._random.choice(self._documents))

    def merged(self) -> Doc[Any]:
        """A document that has received everything."""
        whole = document()
        for replica in self._documents:
            whole.apply_update(replica.get_update(whole.get_state()))
        return whole

    def _replica(self, client_id: int) -> Doc[Any]:
        replica = document(client_id)

        def keep(event: TransactionEvent) -> None:
            # What comes from another replica fires as well; only new structs of our own count.
            if self._own:
                self.updates.append(event.update)

        self._own = True
        self._subscriptions.append(replica.observe(keep))
        return replica

    def _step(self, replica: Doc[Any]) -> None:
        random = self._random
        kind = random.randrange(10)
        if kind <= 1:
            other = random.choice(self._documents)
            self._own = False
            replica.apply_update(other.get_update(replica.get_state()))
            self._own = True
        elif kind <= 4:
            self._type(replica)
        elif kind <= 6:
            self._list(replica["a"])
        elif kind <= 8:
            entries: Map[Any] = replica["m"]
            entries[random.choice("pqr")] = random.choice((1, "x", {"y": [None]}))
        else:
            nested: Map[Any] = Map({"t": Text("in"), "n": 1})
            replica["m"][random.choice("st")] = nested

    def _type(self, replica: Doc[Any]) -> None:
        random = self._random
        text: Text = replica["t"]
        size = len(str(text).encode())
        with replica.transaction():
            if size and random.random() < 0.3:
                at = self._boundary(text)
                text.insert(at, random.choice(WORDS))
                end = self._boundary(text)
                if end > at:
                    del text[at:end]
            else:
                text.insert(self._boundary(text), random.choice(WORDS))

    def _boundary(self, text: Text) -> int:
        """A place between two characters, counted in bytes as this library does."""
        whole = str(text)
        return len(whole[: self._random.randint(0, len(whole))].encode())

    def _list(self, items: Array[Any]) -> None:
        random = self._random
        if len(items) > 3 and random.random() < 0.4:
            del items[random.randrange(len(items))]
        else:
            items.insert(random.randint(0, len(items)), random.choice((1, "x", Map({"k": 2}))))


def document(client_id: int | None = None) -> Doc[Any]:
    """An empty document with the shared types that replicas edit."""
    made: Doc[Any] = Doc(client_id=client_id)
    made["t"] = Text()
    made["a"] = Array()
    made["m"] = Map()
    return made


def content(of: Doc[Any]) -> object:
    """All that a reader sees."""
    return str(of["t"]), of["a"].to_py(), of["m"].to_py()
