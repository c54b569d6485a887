"""What must be known of a document to judge an update that the scan alone cannot judge.

The CRDT library trusts an update's references. Three kinds of them do harm, each in an update of
a few bytes, so the server keeps the shape of each document and refuses what would

- nest shared types deeper than TYPE_DEPTH_MAX: deleting recurses through them, and a deep enough
  nest overflows the stack of this process and of every client;
- name as parent what is no shared type: the library stops half-way through such an update, and
  Yjs breaks on it;
- cut a character of two UTF-16 code units in half: Yjs and yrs then disagree about the text, and
  yrs about its own clocks;
- bring client ids that agree in their low bits: one at a time passes the scan, but many of them
  turn the library's hash tables into lists;
- put several elements at once under one key of a map within another type: pieces of them trip the
  library when that map is deleted.

Two things that honest replicas do as well are not refused but taken apart, see `taken_apart.py`:
values that were overwritten under such a key and are kept for undo (under a key of a root, which
nobody deletes, they are left as they are), and structs of which the document knows a part.

The shape holds, for each client, runs of clocks that lie at one depth, in a map or not, and are or
are not shared types; typing one text costs no more than one run.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Generator
from typing import Final

from collab.errors import LimitExceeded, MalformedUpdate
from collab.limits import CLIENT_IDS_ALIKE_MAX, TYPE_DEPTH_MAX
from collab.protocol.causal_order import CausalOrder
from collab.protocol.scanned import ScannedUpdate
from collab.protocol.taken_apart import Cut, Rewritten, take_apart
from collab.protocol.update_format import (
    ANY,
    CONTENT_BITS,
    DELETED,
    GC,
    HAS_ANY_ORIGIN,
    HAS_ORIGIN,
    HAS_PARENT_SUB,
    HAS_RIGHT_ORIGIN,
    LOW_BITS,
    SKIP,
    STRING,
    TYPE,
)
from collab.protocol.update_values import skip_text
from collab.protocol.varint import Reader, decode_utf8

# A run's value: what it is, whether it stands under a key, and the depth of the type it lies in.
_PLAIN: Final = 0
_SHARED_TYPE: Final = 1
_GONE: Final = 2
_KIND_BITS: Final = 0b011
_KEYED: Final = 0b100
_DEPTH_SHIFT: Final = 3
_UNKNOWN: Final = -1

_BASIC_PLANE_END: Final = "\uffff"


class ClientShape:
    """The shape of all that one client has written, from clock 0 on, or from a later one.

    Attributes:
        start: the first clock described.
        ends: for each run, the clock behind it.
        values: for each run, its depth and kind.
        halves: clocks of second halves of characters, in order.
    """

    __slots__ = ("ends", "halves", "start", "values")

    def __init__(self, start: int) -> None:
        self.start: int = start
        self.ends: list[int] = []
        self.values: list[int] = []
        self.halves: list[int] = []

    @property
    def end(self) -> int:
        """The clock behind the last one described."""
        return self.ends[-1] if self.ends else self.start

    def add(self, end: int, value: int) -> None:
        """Describe the clocks up to `end`, which follow those described so far."""
        if self.values and self.values[-1] == value:
            self.ends[-1] = end
        else:
            self.ends.append(end)
            self.values.append(value)

    def value_at(self, clock: int) -> int:
        """The run's value at a clock, or _UNKNOWN."""
        if clock < self.start or clock >= self.end:
            return _UNKNOWN
        return self.values[bisect_right(self.ends, clock)]

    def is_half(self, clock: int) -> bool:
        """Whether a cut before this clock would halve a character."""
        at = bisect_left(self.halves, clock)
        return at < len(self.halves) and self.halves[at] == clock


class DocumentShape:
    """The shape of one document: of all updates given to its CRDT so far."""

    __slots__ = ("_alike", "_clients")

    def __init__(self) -> None:
        self._clients: dict[int, ClientShape] = {}
        # How many client ids have the same low bits; counted once there are many at all.
        self._alike: dict[int, int] | None = None

    def admit(self, update: bytes, scanned: ScannedUpdate) -> bytes:
        """Check an update that is about to be applied, and take in its shape.

        Args:
            update: the bytes.
            scanned: their scan. The update integrates into the document as it is.

        Returns:
            The update to apply; see :class:`ShapeCheck`.

        Raises:
            LimitExceeded: shared types would be nested too deep.
            MalformedUpdate: a parent is no shared type, a character would be cut in half, or the
                update does not integrate. Nothing was taken in.
        """
        check = ShapeCheck(self, update, scanned)
        while not check.advance(scanned.struct_count + len(scanned.deletes) + 1):
            pass
        check.commit()
        return check.update

    def end_of(self, client: int) -> int:
        """The next clock expected from a client."""
        shape = self._clients.get(client)
        return 0 if shape is None else shape.end

    def value_at(self, client: int, clock: int) -> int:
        """What is known of one id; _UNKNOWN for nothing."""
        shape = self._clients.get(client)
        return _UNKNOWN if shape is None else shape.value_at(clock)

    def is_half(self, client: int, clock: int) -> bool:
        """Whether a cut before this id would halve a character."""
        shape = self._clients.get(client)
        return shape is not None and shape.is_half(clock)

    def is_one_too_many(self, client: int) -> bool:
        """Whether a client id is new and agrees in its low bits with too many others."""
        if len(self._clients) < CLIENT_IDS_ALIKE_MAX or client in self._clients:
            return False
        if self._alike is None:
            self._alike = {}
            for known in self._clients:
                self._alike[known & LOW_BITS] = self._alike.get(known & LOW_BITS, 0) + 1
        return self._alike.get(client & LOW_BITS, 0) >= CLIENT_IDS_ALIKE_MAX

    def extend(self, client: int, added: ClientShape) -> None:
        """Take in what is new of a client's shape."""
        shape = self._clients.get(client)
        if shape is None:
            shape = self._clients[client] = ClientShape(0)
            if self._alike is not None:
                self._alike[client & LOW_BITS] = self._alike.get(client & LOW_BITS, 0) + 1
        known = shape.end
        for at in range(len(added.ends)):
            if added.ends[at] > known:
                shape.add(added.ends[at], added.values[at])
        shape.halves.extend(added.halves[bisect_left(added.halves, known) :])


class ShapeCheck:
    """One update being checked against a document's shape, a slice at a time.

    What it brings is kept aside until :meth:`commit`; other updates may be admitted meanwhile.

    Args:
        shape: the document's.
        update: the bytes.
        scanned: their scan.

    Attributes:
        update: the bytes to apply, to store and to pass on, once :meth:`advance` has returned True:
            those given, or what :func:`take_apart` makes of them. What is made is checked like what
            is given, from the beginning.
        scanned: their scan.
    """

    __slots__ = (
        "_added",
        "_at",
        "_client",
        "_clocks",
        "_cuts",
        "_deletes_at",
        "_offsets",
        "_order",
        "_reader",
        "_rewriting",
        "_shape",
        "scanned",
        "update",
    )

    def __init__(self, shape: DocumentShape, update: bytes, scanned: ScannedUpdate) -> None:
        self._shape: DocumentShape = shape
        self._begin(update, scanned)

    def _begin(self, update: bytes, scanned: ScannedUpdate) -> None:
        self.update: bytes = update
        self.scanned: ScannedUpdate = scanned
        self._cuts: list[Cut] = []
        self._rewriting: Generator[None, None, Rewritten] | None = None
        self._reader: Reader = Reader(update)
        self._order: CausalOrder | None = None
        if len(scanned.ranges) > 1:
            self._order = CausalOrder(update, scanned)
        self._offsets = scanned.index.offsets
        self._clocks = scanned.index.clocks
        self._added: dict[int, ClientShape] = {}
        self._client: int = scanned.ranges[0].client if scanned.ranges else 0
        self._at: int = 0
        self._deletes_at: int = 0

    def advance(self, budget: int) -> bool:
        """Check on.

        Args:
            budget: how many structs and delete ranges to look at.

        Returns:
            Whether the whole update was checked and accepted.

        Raises:
            LimitExceeded: shared types would be nested too deep.
            MalformedUpdate: as :meth:`DocumentShape.admit`.
        """
        order = self._order
        if order is None:
            budget = self._check_only_block(budget)
        else:
            while budget > 0 and order.peek():
                budget -= 1
                self._client = self.scanned.ranges[order.block].client
                self._check_struct(order.at)
                order.take()
        deletes = self.scanned.deletes
        while budget > 0 and self._deletes_at < len(deletes):
            budget -= 1
            span = deletes[self._deletes_at]
            self._deletes_at += 1
            self._refuse_cut(span.client, span.start)
            self._refuse_cut(span.client, span.end)
        if budget > 0 and self._cuts:
            self._rewrite()
            return False
        return budget > 0

    def commit(self) -> None:
        """Take the update's shape into the document's; to be called once all is checked."""
        while not self.commit_some(len(self._added) + 1):
            pass

    def commit_some(self, budget: int) -> bool:
        """Take in the shape of some clients; returns whether that of all is taken in."""
        while self._added and budget > 0:
            budget -= 1
            client, added = self._added.popitem()
            self._shape.extend(client, added)
        return not self._added

    def _rewrite(self) -> None:
        """Go on to take structs apart; once that is done, begin again."""
        if self._rewriting is None:
            self._rewriting = take_apart(self.update, self.scanned, self._cuts)
        try:
            next(self._rewriting)
        except StopIteration as done:
            self._begin(*done.value)

    def _check_only_block(self, budget: int) -> int:
        """Check structs of one client, which stand in order already."""
        while budget > 0 and self._at + 1 < len(self._offsets):
            budget -= 1
            if self._reader.data[self._offsets[self._at]] != SKIP:
                self._check_struct(self._at)
            self._at += 1
        return budget

    def _check_struct(self, at: int) -> None:
        start = self._clocks[at]
        end = self._clocks[at + 1]
        known = self._known_end()
        if end <= known:
            return
        if start > known:
            raise MalformedUpdate("an update leaves a gap in the document")
        reader = self._reader
        reader.at = self._offsets[at]
        info = reader.read_u8()
        if info == GC:
            self._added_to(known).add(end, _GONE)
            return
        place = self._place_of(info)
        if start < known:
            # The part that is new goes behind the part that is known, wherever that is.
            place = _either(place, self._value_of(self._client, known - 1))
        content = info & CONTENT_BITS
        if content == TYPE and place >> _DEPTH_SHIFT >= TYPE_DEPTH_MAX:
            raise LimitExceeded(
                f"shared types nested deeper than {TYPE_DEPTH_MAX}", limit="type_depth_max"
            )
        if place & _KEYED and end > start + 1 and not _may_stand_together(content, place):
            if content != ANY or info & HAS_RIGHT_ORIGIN:
                raise MalformedUpdate("more than one element under a key")
            self._cuts.append(Cut(at, max(start, known), is_overwritten=True))
        elif start < known:
            self._cuts.append(Cut(at, known, is_overwritten=False))
        if content == STRING:
            self._add_halves(reader, start, known)
        self._added_to(known).add(end, place | _kind_of(content))

    def _known_end(self) -> int:
        added = self._added.get(self._client)
        return self._shape.end_of(self._client) if added is None else added.end

    def _added_to(self, known: int) -> ClientShape:
        added = self._added.get(self._client)
        if added is None:
            if self._shape.is_one_too_many(self._client):
                raise MalformedUpdate("client ids agree in their low bits, as random ones never do")
            added = self._added[self._client] = ClientShape(known)
        return added

    def _place_of(self, info: int) -> int:
        """Read where a struct goes; returns its run's value, its kind left out."""
        reader = self._reader
        place = 0
        if info & HAS_ORIGIN:
            client = reader.read_uint()
            clock = reader.read_uint()
            self._refuse_cut(client, clock + 1)
            place = _either(place, self._value_of(client, clock))
        if info & HAS_RIGHT_ORIGIN:
            client = reader.read_uint()
            clock = reader.read_uint()
            self._refuse_cut(client, clock)
            # Neighbours lie in one type; where the left one is gone, the right one decides.
            place = _either(place, self._value_of(client, clock))
        if info & HAS_ANY_ORIGIN:
            return place
        if reader.read_uint() == 1:
            skip_text(reader)
        else:
            place = self._place_below(reader.read_uint(), reader.read_uint())
        if info & HAS_PARENT_SUB:
            skip_text(reader)
            place |= _KEYED
        return place

    def _place_below(self, client: int, clock: int) -> int:
        value = self._value_of(client, clock)
        if value & _KIND_BITS == _PLAIN:
            raise MalformedUpdate("a parent is no shared type")
        return ((value >> _DEPTH_SHIFT) + 1) << _DEPTH_SHIFT

    def _value_of(self, client: int, clock: int) -> int:
        added = self._added.get(client)
        value = _UNKNOWN if added is None else added.value_at(clock)
        if value == _UNKNOWN:
            value = self._shape.value_at(client, clock)
        if value == _UNKNOWN:
            raise MalformedUpdate("an update refers to what the document does not hold")
        return value

    def _refuse_cut(self, client: int, clock: int) -> None:
        added = self._added.get(client)
        if self._shape.is_half(client, clock) or (added is not None and added.is_half(clock)):
            raise MalformedUpdate("a character would be cut in half")

    def _add_halves(self, reader: Reader, start: int, known: int) -> None:
        encoded = reader.read_bytes(reader.remaining())
        if encoded.isascii():
            return
        text = decode_utf8(encoded)
        if max(text) <= _BASIC_PLANE_END:
            return
        halves: list[int] = []
        clock = start
        for character in text:
            if character > _BASIC_PLANE_END:
                clock += 1
                halves.append(clock)
            clock += 1
        if known in halves:
            raise MalformedUpdate("a character would be cut in half")
        self._added_to(known).halves.extend(halves[bisect_left(halves, known) :])


def _either(place: int, value: int) -> int:
    """The deeper of two places, under a key if one of them is."""
    depth = max(place >> _DEPTH_SHIFT, value >> _DEPTH_SHIFT)
    return depth << _DEPTH_SHIFT | (place | value) & _KEYED


def _may_stand_together(content: int, place: int) -> bool:
    """Whether several elements of one struct may stand under a key."""
    return content == DELETED or (content == ANY and place >> _DEPTH_SHIFT == 0)


def _kind_of(content: int) -> int:
    if content == TYPE:
        return _SHARED_TYPE
    return _GONE if content == DELETED else _PLAIN
