"""Writes V1 updates by hand, valid or not, from the format's description alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Id = tuple[int, int]

UNDEFINED, NULL, FALSE, TRUE = b"\x7f", b"\x7e", b"\x79", b"\x78"


def uint(value: int) -> bytes:
    """A varUint, of any size."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def text(value: str | bytes) -> bytes:
    """A varString."""
    encoded = value.encode() if isinstance(value, str) else value
    return uint(len(encoded)) + encoded


def item(
    content: int,
    body: bytes,
    *,
    origin: Id | None = None,
    right: Id | None = None,
    parent: str | Id = "t",
    sub: str | None = None,
) -> bytes:
    """A struct with content; `parent` and `sub` stand only where there is no origin."""
    info, head = content, b""
    if origin is not None:
        info |= 0x80
        head += uint(origin[0]) + uint(origin[1])
    if right is not None:
        info |= 0x40
        head += uint(right[0]) + uint(right[1])
    if origin is None and right is None:
        if isinstance(parent, str):
            head += b"\x01" + text(parent)
        else:
            head += b"\x00" + uint(parent[0]) + uint(parent[1])
        if sub is not None:
            info |= 0x20
            head += text(sub)
    return bytes([info]) + head + body


def gc(length: int) -> bytes:
    """A garbage-collected struct."""
    return b"\x00" + uint(length)


def skip(length: int) -> bytes:
    """A gap."""
    return b"\x0a" + uint(length)


def deleted(length: int, **position: object) -> bytes:
    """A deleted item of some length."""
    return item(1, uint(length), **position)  # type: ignore[arg-type]


def string(value: str | bytes, **position: object) -> bytes:
    """A piece of text."""
    return item(4, text(value), **position)  # type: ignore[arg-type]


def values(*encoded: bytes, **position: object) -> bytes:
    """A row of "any" values."""
    return item(8, uint(len(encoded)) + b"".join(encoded), **position)  # type: ignore[arg-type]


def shared(type_ref: int, extra: bytes = b"", **position: object) -> bytes:
    """A nested shared type: 0 array, 1 map, 2 text, 3 element, 4 fragment, 6 XML text."""
    return item(7, uint(type_ref) + extra, **position)  # type: ignore[arg-type]


def block(client: int, clock: int, *structs: bytes) -> bytes:
    """The structs of one client."""
    return uint(len(structs)) + uint(client) + uint(clock) + b"".join(structs)


def deletes(by_client: Mapping[int, Iterable[tuple[int, int]]]) -> bytes:
    """A delete set: (clock, length) ranges by client."""
    parts = [uint(len(by_client))]
    for client, ranges in by_client.items():
        encoded = [uint(clock) + uint(length) for clock, length in ranges]
        parts += [uint(client), uint(len(encoded)), *encoded]
    return b"".join(parts)


def update(*blocks: bytes, delete_set: bytes = b"\x00") -> bytes:
    """A whole update."""
    return uint(len(blocks)) + b"".join(blocks) + delete_set
