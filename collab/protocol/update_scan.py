"""The structural scan that every V1 update passes before the CRDT library sees it.

It never recurses, can be done in slices, and takes time and memory linear in the bytes. What it
accepts has one meaning for every replica; refused is what could crash, hang or confuse one:

- numbers: overlong varints, counts and lengths beyond the bytes that are left, clocks beyond
  CLOCK_MAX (32-bit replicas), client ids beyond 53 bits;
- shape: a client twice, a block or struct without length, a Skip at the end of a block or behind
  another Skip, an id of the struct's own future, structs that wait for each other in a circle,
  delete ranges out of order, trailing bytes;
- client ids that agree in their low bits, with which yrs's hash tables turn into lists;
- depth: values nested deeper than ANY_DEPTH_MAX, as binary or as JSON;
- what replicas read differently: the retired ContentJSON and YXmlHook (yrs reads another number
  of strings than Yjs writes), Move and weak links (Yjs does not know them), info bits without a
  meaning, JSON text that only some parsers take.

Bytes of an update: the number of client blocks; for each, the number of structs, client id, first
clock, structs; then the delete set: number of clients; for each, client id, number of ranges,
ranges as clock and length. Source: Yjs, ``utils/encoding.js`` and ``structs/Item.js``.
"""

from __future__ import annotations

from array import array
from typing import Final

from collab.errors import LimitExceeded, MalformedUpdate, ProtocolError
from collab.limits import (
    CLIENT_IDS_ALIKE_MAX,
    CLOCK_MAX,
    UPDATE_CLIENTS_MAX,
    UPDATE_DELETE_RANGES_MAX,
    UPDATE_STRUCTS_MAX,
)
from collab.protocol.causal_order import CausalOrder
from collab.protocol.json_text import check_json_text
from collab.protocol.scanned import ClockRange, ScannedUpdate
from collab.protocol.typed_text import scan_typed_text
from collab.protocol.update_format import (
    ANY,
    ANY_MAP,
    BINARY,
    CONTENT_BITS,
    DELETED,
    DOC,
    EMBED,
    FORMAT,
    GC,
    HAS_ANY_ORIGIN,
    HAS_ORIGIN,
    HAS_PARENT_SUB,
    HAS_RIGHT_ORIGIN,
    JSON,
    LOW_BITS,
    SKIP,
    STRING,
    TYPE,
)
from collab.protocol.update_values import (
    AnyScan,
    read_count,
    skip_bytes,
    skip_text,
    skip_type,
    utf16_length,
)
from collab.protocol.varint import Reader

__all__ = ["ClockRange", "ScannedUpdate", "UpdateScan", "scan_update"]

# Where the scan stands.
_AT_BLOCK: Final = 0
_AT_STRUCT: Final = 1
_IN_ANY: Final = 2
_AT_DELETES: Final = 3
_AT_DELETE_RANGE: Final = 4
_IN_ORDER: Final = 5
_DONE: Final = 6

_BLOCK_BYTES_MIN: Final = 5
_STRUCT_BYTES_MIN: Final = 2
_DELETES_BYTES_MIN: Final = 4
_RANGE_BYTES_MIN: Final = 2


class UpdateScan:
    """One update being scanned, a slice at a time.

    Args:
        update: the bytes.
        stored: merged from updates that were accepted one by one. Together they may have more of
            everything than one may have, and structs that wait for each other in a circle.

    Attributes:
        result: what was found; complete once :meth:`advance` has returned True.
    """

    __slots__ = (
        "_alike",
        "_any",
        "_block_start",
        "_blocks_left",
        "_clients",
        "_clock",
        "_clock_client",
        "_clocks",
        "_delete_clients_left",
        "_offsets",
        "_order",
        "_phase",
        "_ranges_left",
        "_reader",
        "_stored",
        "_structs_left",
        "_was_skip",
        "result",
    )

    def __init__(self, update: bytes, *, stored: bool = False) -> None:
        self.result: ScannedUpdate = ScannedUpdate()
        self._stored: bool = stored
        self._offsets: array[int] = self.result.index.offsets
        self._clocks: array[int] = self.result.index.clocks
        self._order: CausalOrder | None = None
        self._reader: Reader = Reader(update)
        self._phase: int = _AT_BLOCK
        self._blocks_left: int = -1
        self._clients: set[int] = set()
        self._alike: dict[int, int] = {}
        self._clock_client: int = 0
        self._clock: int = 0
        self._block_start: int = 0
        self._structs_left: int = 0
        self._was_skip: bool = False
        self._any: AnyScan = AnyScan(self._reader)
        self._delete_clients_left: int = 0
        self._ranges_left: int = 0

    def advance(self, budget: int) -> bool:
        """Scan on.

        Args:
            budget: how many structs, values inside structs and delete ranges to look at.

        Returns:
            Whether the whole update was scanned and accepted.

        Raises:
            MalformedUpdate: no acceptable V1 update.
            LimitExceeded: more clients, structs, delete ranges or JSON text than allowed.
        """
        try:
            while self._phase != _DONE and budget > 0:
                budget = self._step(budget)
        except MalformedUpdate:
            raise
        except ProtocolError as error:
            raise MalformedUpdate(f"update: {error}") from error
        return self._phase == _DONE

    def _step(self, budget: int) -> int:
        if self._phase == _AT_STRUCT:
            return self._scan_structs(budget)
        if self._phase == _IN_ANY:
            budget = self._any.advance(budget)
            if self._any.is_done:
                self._phase = _AT_STRUCT
            return budget
        if self._phase == _AT_DELETE_RANGE:
            return self._scan_delete_ranges(budget)
        if self._phase == _IN_ORDER:
            return self._check_order(budget)
        if self._phase == _AT_BLOCK:
            self._begin_block()
        else:
            self._begin_delete_client()
        return budget - 1

    # ------------------------------------------------------------------ blocks and structs

    def _begin_block(self) -> None:
        reader = self._reader
        if self._blocks_left < 0:
            self._blocks_left = read_count(reader, _BLOCK_BYTES_MIN)
            self._limit(self._blocks_left, UPDATE_CLIENTS_MAX, "update_clients_max")
        if self._blocks_left == 0:
            self._begin_deletes()
            return
        self._structs_left = read_count(reader, _STRUCT_BYTES_MIN)
        self._clock_client = reader.read_uint()
        self._clock = reader.read_uint()
        self._block_start = self._clock
        self._was_skip = False
        if self._structs_left == 0:
            raise MalformedUpdate("a client block holds no structs")
        if self._clock_client in self._clients:
            raise MalformedUpdate("a client has two blocks")
        self._clients.add(self._clock_client)
        self._count_alike(self._clock_client)
        self.result.struct_count += self._structs_left
        self._limit(self.result.struct_count, UPDATE_STRUCTS_MAX, "update_structs_max")
        self._phase = _AT_STRUCT

    def _count_alike(self, client: int) -> None:
        """Refuse client ids chosen to share one place in hash tables keyed by them.

        yrs hashes client ids to themselves, so ids that agree in their low bits make each access
        a search through all of them. Ids drawn at random never agree like this.
        """
        low_bits = client & LOW_BITS
        count = self._alike.get(low_bits, 0) + 1
        if count > CLIENT_IDS_ALIKE_MAX and not self._stored:
            raise MalformedUpdate("client ids agree in their low bits, as random ones never do")
        self._alike[low_bits] = count

    def _limit(self, count: int, most: int, name: str) -> None:
        if count > most and not self._stored:
            raise LimitExceeded(f"{count} in one update; {most} are allowed ({name})", limit=name)

    def _end_block(self) -> None:
        if self._was_skip:
            raise MalformedUpdate("a client block ends with a Skip")
        self.result.ranges.append(ClockRange(self._clock_client, self._block_start, self._clock))
        self.result.index.ends.append(len(self._offsets))
        self._offsets.append(self._reader.at)
        self._clocks.append(self._clock)
        self._blocks_left -= 1
        self._phase = _AT_BLOCK

    def _scan_structs(self, budget: int) -> int:
        reader = self._reader
        while budget > 0:
            if self._structs_left == 0:
                self._end_block()
                return budget
            self._structs_left -= 1
            budget -= 1
            self._offsets.append(reader.at)
            self._clocks.append(self._clock)
            info = reader.read_u8()
            if info in (GC, SKIP):
                self._scan_filler(info, reader.read_uint())
                continue
            self._was_skip = False
            self._scan_position(info)
            content = info & CONTENT_BITS
            if content in (ANY, DOC):
                self._grow(self._begin_any(content))
                budget = self._any.advance(budget)
                if not self._any.is_done:
                    self._phase = _IN_ANY
                    return budget
            else:
                self._grow(self._scan_content(content))
        return budget

    def _scan_filler(self, info: int, length: int) -> None:
        start = self._clock
        self._grow(length)
        filler = ClockRange(self._clock_client, start, self._clock)
        self.result.fillers.append(filler)
        if info == SKIP:
            if self._was_skip:
                raise MalformedUpdate("a Skip follows another")
            self.result.skips.append(filler)
        self._was_skip = info == SKIP

    def _grow(self, length: int) -> None:
        if length == 0:
            raise MalformedUpdate("a struct has no length")
        self._clock += length
        if self._clock > CLOCK_MAX:
            raise MalformedUpdate("a clock is beyond what replicas can count")

    def _scan_position(self, info: int) -> None:
        reader = self._reader
        if not info & HAS_ORIGIN or self._scan_id() != self._clock - 1:
            self.result.branches += 1
        if info & HAS_RIGHT_ORIGIN:
            self._scan_id()
        if info & HAS_ANY_ORIGIN:
            return
        named = reader.read_uint()
        if named == 1:
            skip_text(reader)
        elif named == 0:
            self._scan_id()
        else:
            raise MalformedUpdate("a parent is neither named nor an id")
        if info & HAS_PARENT_SUB:
            skip_text(reader)

    def _scan_id(self) -> int:
        """Read an id; returns its clock if it is the struct's own client's, else -1."""
        client = self._reader.read_uint()
        clock = self._reader.read_uint()
        if client == self._clock_client:
            if clock >= self._clock:
                raise MalformedUpdate("a struct refers to its own future")
            return clock
        if clock >= CLOCK_MAX:
            raise MalformedUpdate("a clock is beyond what replicas can count")
        needs = self.result.needs
        if needs.get(client, 0) <= clock:
            needs[client] = clock + 1
        return -1

    def _scan_content(self, content: int) -> int:
        """Read a struct's content; returns its length in clocks."""
        reader = self._reader
        if content == STRING:
            return utf16_length(reader.read_bytes(reader.remaining()))
        if content == DELETED:
            return reader.read_uint()
        if content == TYPE:
            skip_type(reader)
        elif content == FORMAT:
            skip_text(reader)
            check_json_text(reader.read_bytes(reader.remaining()))
        elif content == EMBED:
            check_json_text(reader.read_bytes(reader.remaining()))
        elif content == BINARY:
            skip_bytes(reader, reader.read_uint())
        elif content == JSON:
            raise MalformedUpdate("the retired ContentJSON is not accepted")
        else:
            raise MalformedUpdate(f"there is no content {content} in this version")
        return 1

    def _begin_any(self, content: int) -> int:
        """Read up to the values a struct carries; returns its length in clocks."""
        reader = self._reader
        if content == ANY:
            count = read_count(reader, 1)
            self._any.begin(count)
            return count
        skip_text(reader)
        if reader.remaining() == 0 or reader.data[reader.at] != ANY_MAP:
            raise MalformedUpdate("the options of a subdocument are no map")
        self._any.begin(1)
        return 1

    # ------------------------------------------------------------------ the delete set

    def _begin_deletes(self) -> None:
        self._clients = set()
        self._delete_clients_left = read_count(self._reader, _DELETES_BYTES_MIN)
        self._limit(self._delete_clients_left, UPDATE_CLIENTS_MAX, "update_clients_max")
        self._phase = _AT_DELETES

    def _begin_delete_client(self) -> None:
        reader = self._reader
        if self._delete_clients_left == 0:
            if reader.remaining():
                raise MalformedUpdate("bytes behind the end of an update")
            self._begin_order()
            return
        self._delete_clients_left -= 1
        self._clock_client = reader.read_uint()
        self._clock = 0
        self._ranges_left = read_count(reader, _RANGE_BYTES_MIN)
        if self._ranges_left == 0:
            raise MalformedUpdate("a client in the delete set has no ranges")
        if self._clock_client in self._clients:
            raise MalformedUpdate("a client stands twice in the delete set")
        self._clients.add(self._clock_client)
        ranges = len(self.result.deletes) + self._ranges_left
        self._limit(ranges, UPDATE_DELETE_RANGES_MAX, "update_delete_ranges_max")
        self._phase = _AT_DELETE_RANGE

    def _scan_delete_ranges(self, budget: int) -> int:
        reader = self._reader
        deletes = self.result.deletes
        while self._ranges_left > 0 and budget > 0:
            self._ranges_left -= 1
            budget -= 1
            start = reader.read_uint()
            if start < self._clock:
                raise MalformedUpdate("delete ranges are out of order or overlap")
            self._clock = start
            self._grow(reader.read_uint())
            deletes.append(ClockRange(self._clock_client, start, self._clock))
            self.result.branches += 1
        if self._ranges_left == 0:
            self._phase = _AT_DELETES
        return budget

    # ------------------------------------------------------------------ circles

    def _begin_order(self) -> None:
        result = self.result
        self._phase = _DONE
        if self._stored:
            return
        for span in result.ranges:
            if result.needs.get(span.client, 0) > span.start:
                # Blocks refer to each other; only then can they wait for each other.
                self._order = CausalOrder(self._reader.data, result)
                self._phase = _IN_ORDER
                return

    def _check_order(self, budget: int) -> int:
        order = self._order
        assert order is not None
        while budget > 0:
            budget -= 1
            if not order.step():
                self._phase = _DONE
                return budget
            if order.is_ready:
                order.take()
        return budget


def scan_update(update: bytes, *, stored: bool = False) -> ScannedUpdate:
    """Scan a whole update at once; see :class:`UpdateScan` for `stored`.

    Raises:
        MalformedUpdate: no acceptable V1 update.
        LimitExceeded: more clients, structs, delete ranges or JSON text than allowed.
    """
    typed = scan_typed_text(update)
    if typed is not None:
        return typed
    scan = UpdateScan(update, stored=stored)
    while not scan.advance(UPDATE_STRUCTS_MAX):
        pass
    return scan.result
