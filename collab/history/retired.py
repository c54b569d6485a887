"""Client ids of a document that was erased: whoever still uses one holds what must not come back.

Kept as sorted numbers of eight bytes, so that 150,000 of them take about a megabyte and one is
found in some twenty steps. Rooms that were never erased keep none, and nothing is looked up.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable
from typing import Final

from collab.errors import ProtocolError
from collab.protocol.varint import Reader, write_uint

_CLIENT_ID_END: Final = 2**32  # as Yjs draws them


class RetiredClients:
    """A set of client ids.

    Args:
        clients: in any order, repetitions allowed.
    """

    __slots__ = ("_sorted",)

    def __init__(self, clients: Iterable[int] = ()) -> None:
        self._sorted = array("Q", sorted(set(clients)))

    def __contains__(self, client: object) -> bool:
        """Whether a client id is retired."""
        if not isinstance(client, int):
            return False
        at = bisect_left(self._sorted, client)
        return at < len(self._sorted) and self._sorted[at] == client

    def __len__(self) -> int:
        """How many there are."""
        return len(self._sorted)

    def __repr__(self) -> str:
        """How many, not which."""
        return f"RetiredClients({len(self)})"

    def including(self, others: RetiredClients) -> RetiredClients:
        """These and others."""
        return RetiredClients((*self._sorted, *others._sorted))

    def encode(self) -> bytes:
        """As bytes: the number, then the distance of each from the one before."""
        parts = [write_uint(len(self._sorted))]
        before = 0
        for client in self._sorted:
            parts.append(write_uint(client - before))
            before = client
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> RetiredClients:
        """Read what `encode` wrote.

        Raises:
            ProtocolError: no such bytes.
        """
        reader = Reader(data)
        clients = []
        before = 0
        for _ in range(reader.read_uint()):
            before += reader.read_uint()
            clients.append(before)
        if reader.remaining():
            raise ProtocolError("bytes behind the end of retired client ids")
        return cls(clients)


NOBODY = RetiredClients()


def unused_client(draw: Callable[[int], int], *used: Container[int]) -> int:
    """Draw a client id that nobody has used.

    Args:
        draw: any number below another one, from 0.
        used: what others have used.
    """
    client = draw(_CLIENT_ID_END)
    while any(client in each for each in used):
        client = draw(_CLIENT_ID_END)
    return client
