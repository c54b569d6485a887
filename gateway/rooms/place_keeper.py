"""Makes sure that the place for blobs is this store's: at the start, and every few minutes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from collab.errors import BandProError, BlobsNotOwned, StoreUnavailable
from persistence.blob_owner import RENEWED_S, claim_if_free, renew, require_place
from persistence.capture import ROOMS_PREFIX
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def place_kept(stores: Stores) -> AsyncIterator[None]:
    """Keep the place for blobs this store's for the time of a block.

    Raises:
        BlobsNotOwned: the place is another store's, or is disputed.
    """
    keeper = PlaceKeeper(stores)
    await keeper.begin()
    running = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])  # before the store is closed beneath it


class PlaceKeeper:
    """Renews the sign that the place for blobs is in use by this store.

    Args:
        stores: the store.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._seen: str | None = None

    async def begin(self) -> None:
        """Look before anything is written; an empty place that nobody owns becomes this store's.

        Raises:
            BlobsNotOwned: the place is another store's, or is disputed.
        """
        try:
            await require_place(self._stores)
            if not await self._stores.raw.blobs.list(ROOMS_PREFIX, after=None, limit=1):
                await claim_if_free(self._stores)
            await self._renew()
        except StoreUnavailable as error:  # edits can be saved without it
            _log.warning("blobs.not_looked_at", error=str(error))

    async def run(self) -> None:
        """Renew the sign, until cancelled."""
        while True:
            await asyncio.sleep(RENEWED_S)
            try:
                await self._renew()
            except BlobsNotOwned as error:
                _log.error("blobs.not_owned", error=str(error))
            except BandProError as error:
                _log.warning("blobs.not_looked_at", error=str(error))
            except Exception:  # noqa: BLE001 - our own defect must not end the duty for good
                _log.exception("blobs.broke")

    async def _renew(self) -> None:
        self._seen = await renew(self._stores, self._seen)
