"""The data keys of documents: made with the first write, cached for a while, destroyed for ever.

A record of kind DATA_KEY stands for each room and epoch: which master key wrapped its key, and the
wrapped key; or that it was destroyed. Records of destroyed keys stay: an old epoch gets no new key.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collab.errors import DataKeyDestroyed, DataKeyLost, RecordMoved, StoreUnavailable
from collab.ids import FIRST_EPOCH, NO_ROOM, Epoch, RecordId, RoomKey
from collab.ports import Record, RecordKind, RecordStore
from persistence.encryption.envelope import KEY_BYTES
from persistence.encryption.key_ring import KeyRing

CACHE_KEYS_MAX: Final = 10_000
"""Data keys kept in memory; each is some hundred bytes."""

CACHE_S: Final = 600.0
"""How long one is kept: what another node destroyed is unreadable here after this time."""

CHANGES_MAX: Final = 8
_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A stored data key.

    Attributes:
        record_id: ``<room key>.<epoch>``.
        revision: of its record.
        master_key_id: which master key wrapped it; empty once it is destroyed.
        wrapped: the data key as it is stored.
    """

    record_id: RecordId
    revision: int
    master_key_id: str
    wrapped: bytes = field(repr=False)

    @property
    def is_destroyed(self) -> bool:
        """Whether nobody can read what it sealed any more."""
        return not self.master_key_id


class DataKeys:
    """Finds, makes and destroys data keys.

    Args:
        records: where wrapped keys are kept.
        ring: the master keys.
        clock_s: for expiry of the cache.
    """

    def __init__(
        self, records: RecordStore, ring: KeyRing, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.ring = ring
        self._records = records
        self._clock_s = clock_s
        self._cache: OrderedDict[RecordId, tuple[AESGCM, float]] = OrderedDict()
        self._lock = asyncio.Lock()

    async def for_writing(self, room: RoomKey, epoch: Epoch) -> AESGCM:
        """The cipher of a room's epoch; its key is made if there is none.

        Raises:
            DataKeyDestroyed: the epoch is over, and its key is gone.
            StoreUnavailable: the key cannot be had now.
        """
        record_id = key_record_id(room, epoch)
        return self._cached(record_id) or await self._load(record_id, make=True)

    async def for_reading(self, room: RoomKey, epoch: Epoch) -> AESGCM:
        """The cipher of a room's epoch.

        Raises:
            DataKeyDestroyed: its key is gone, and so is what it sealed.
            StoreUnavailable: the key cannot be had now, or its record is missing.
        """
        record_id = key_record_id(room, epoch)
        return self._cached(record_id) or await self._load(record_id, make=False)

    async def destroy(self, room: RoomKey, *, before: Epoch) -> int:
        """Destroy a room's keys of all earlier epochs, in the store and in this cache.

        Returns:
            How many there were.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        destroyed = 0
        barred = set(map(Epoch, range(FIRST_EPOCH, before)))
        async for key in self.stored(RecordId(f"{room}.")):
            epoch = _epoch_of(key.record_id)
            barred.discard(epoch)
            if epoch < before:
                self._cache.pop(key.record_id, None)
                destroyed += await self.replace(key.record_id, lambda _: b"") is not None
        for epoch in barred:
            destroyed += await self._bar(room, epoch)
        return destroyed

    def forget(self) -> None:
        """Empty the cache."""
        self._cache.clear()

    async def stored(self, prefix: str = "") -> AsyncIterator[WrappedKey]:
        """All stored keys whose id begins with a prefix, in order of id."""
        after = RecordId(prefix) if prefix else None
        while True:
            page = await self._records.list(RecordKind.DATA_KEY, NO_ROOM, after=after, limit=_PAGE)
            for record in page:
                if not record.record_id.startswith(prefix):
                    return
                yield _parsed(record)
            if len(page) < _PAGE:
                return
            after = page[-1].record_id

    async def replace(
        self, record_id: RecordId, change: Callable[[WrappedKey], bytes | None]
    ) -> WrappedKey | None:
        """Replace a stored key's value, from its newest state.

        Args:
            record_id: which.
            change: the new value, empty for a destroyed key; None to leave it. Not asked about a
                key that is destroyed already.

        Returns:
            What was replaced; None when nothing was.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        for _ in range(CHANGES_MAX):
            record = await self._records.get(RecordKind.DATA_KEY, NO_ROOM, record_id)
            key = None if record is None else _parsed(record)
            if key is None or key.is_destroyed or (value := change(key)) is None:
                return None
            try:
                await self._records.compare_and_set(
                    RecordKind.DATA_KEY, NO_ROOM, Record(record_id, key.revision, value)
                )
            except RecordMoved:
                continue
            return key
        raise StoreUnavailable("a data key was changed by others again and again")

    async def _bar(self, room: RoomKey, epoch: Epoch) -> bool:
        """Where there never was a key, as before the encryption, none is to be made any more.

        Returns:
            Whether one was made just before, and is destroyed.
        """
        record_id = key_record_id(room, epoch)
        try:
            await self._records.compare_and_set(
                RecordKind.DATA_KEY, NO_ROOM, Record(record_id, 0, b"")
            )
        except RecordMoved:
            return await self.replace(record_id, lambda _: b"") is not None
        return False

    def _cached(self, record_id: RecordId) -> AESGCM | None:
        found = self._cache.get(record_id)
        if found is None:
            return None
        if self._clock_s() >= found[1]:
            del self._cache[record_id]
            return None
        self._cache.move_to_end(record_id)
        return found[0]

    async def _load(self, record_id: RecordId, *, make: bool) -> AESGCM:
        async with self._lock:  # whoever waits finds it in the cache
            cipher = self._cached(record_id)
            if cipher is None:
                cipher = AESGCM(await self._data_key(record_id, make=make))
                self._cache[record_id] = (cipher, self._clock_s() + CACHE_S)
                while len(self._cache) > CACHE_KEYS_MAX:
                    self._cache.popitem(last=False)
            return cipher

    async def _data_key(self, record_id: RecordId, *, make: bool) -> bytes:
        for _ in range(CHANGES_MAX):
            record = await self._records.get(RecordKind.DATA_KEY, NO_ROOM, record_id)
            if record is not None:
                key = _parsed(record)
                if key.is_destroyed:
                    raise DataKeyDestroyed("the data key was destroyed when its epoch ended")
                return await self.ring.get(key.master_key_id).unwrap(key.wrapped, record_id)
            if not make:
                raise DataKeyLost("a document is encrypted, but its data key is not in the store")
            try:
                return await self._make(record_id)
            except RecordMoved:
                continue
        raise StoreUnavailable("a data key was changed by others again and again")

    async def _make(self, record_id: RecordId) -> bytes:
        data_key = AESGCM.generate_key(8 * KEY_BYTES)
        master = self.ring.current
        value = wrapped_value(master.key_id, await master.wrap(data_key, record_id))
        await self._records.compare_and_set(
            RecordKind.DATA_KEY, NO_ROOM, Record(record_id, 0, value)
        )
        return data_key


def key_record_id(room: RoomKey, epoch: Epoch) -> RecordId:
    """Under which id a room's data key of an epoch is stored."""
    return RecordId(f"{room}.{epoch}")


def wrapped_value(master_key_id: str, wrapped: bytes) -> bytes:
    """What the record of a wrapped key holds."""
    return json.dumps(
        {"master": master_key_id, "wrapped": base64.b64encode(wrapped).decode()}
    ).encode()


def _parsed(record: Record) -> WrappedKey:
    if not record.value:
        return WrappedKey(record.record_id, record.revision, "", b"")
    fields = json.loads(record.value)
    wrapped = base64.b64decode(fields["wrapped"])
    return WrappedKey(record.record_id, record.revision, fields["master"], wrapped)


def _epoch_of(record_id: RecordId) -> Epoch:
    return Epoch(int(record_id.rpartition(".")[2]))
