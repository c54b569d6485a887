"""The store of a running server: whole, and with a place for blobs that is its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.rooms.place_keeper import place_kept
from persistence.build import StoreSettings, open_stores
from persistence.room_copy import require_whole
from persistence.stores import Stores


@asynccontextmanager
async def served_store(settings: StoreSettings) -> AsyncIterator[Stores]:
    """Open a store to be served for the time of a block.

    Raises:
        SettingsError: as `open_stores`.
        StoreUnavailable: as `open_stores`, or what fills it has not ended.
        BlobsNotOwned: the place for blobs is another store's, or is disputed.
    """
    async with await open_stores(settings) as stores:
        await require_whole(stores)
        async with place_kept(stores):
            yield stores
