"""What a store calls itself, so that nodes of two stores do not take each other for one cluster."""

from __future__ import annotations

import secrets
from typing import Final

from collab.errors import RecordMoved, StoreUnavailable
from collab.ids import NO_ROOM, RecordId
from collab.ports import Record, RecordKind
from persistence.stores import Stores

_ID: Final = RecordId("store")
_BYTES: Final = 16


async def store_id(stores: Stores) -> bytes:
    """Sixteen bytes that the store keeps, made by the first who asks; no copy of it has the same.

    Only a raw copy of its files or its database does.

    Raises:
        StoreUnavailable: it cannot be read or stored now.
    """
    records = stores.raw.records
    found = await records.get(RecordKind.STORE_ID, NO_ROOM, _ID)
    if found is None:
        made = Record(_ID, 0, secrets.token_bytes(_BYTES))
        try:
            found = await records.compare_and_set(RecordKind.STORE_ID, NO_ROOM, made)
        except RecordMoved:  # another node was first
            found = await records.get(RecordKind.STORE_ID, NO_ROOM, _ID)
    if found is None:
        raise StoreUnavailable("the store's name of its own was deleted as it was read")
    return found.value
