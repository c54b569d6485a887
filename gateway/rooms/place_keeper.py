"""Makes sure that the place for blobs is this store's: at the start, and twice a minute.

Where it is another's by now, or cannot be looked at when the server starts, nothing is written
there: compactions, versions and erasures fail and are tried again, `/readyz` says why, and edits go
on being saved in the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from collab.errors import BandProError, BlobsNotOwned, StoreUnavailable
from persistence.blob_owner import RENEWED_S, renew, settle, watch
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)

LOOKED_S: Final = 30
"""From one look at the place to the next."""

LOOKED_AGAIN_S: Final = 5
"""The same while nothing may be written there."""

NOT_LOOKED_AT: Final = "the place for blobs did not answer yet, so nothing is written there"


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
    """Renews the sign that the place for blobs is in use by this store, and shuts a foreign one.

    Args:
        stores: the store.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._seen: str | None = None
        self._renewed_s: float | None = None

    async def begin(self) -> None:
        """Look before anything is written; an empty place that nobody owns becomes this store's.

        Raises:
            BlobsNotOwned: the place is another store's, or is disputed.
        """
        try:
            await self._settle()
        except StoreUnavailable as error:  # edits can be saved without it
            self._stores.gate.reason = NOT_LOOKED_AT
            _log.warning("blobs.not_looked_at", error=str(error))

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOKED_AGAIN_S if self._stores.gate.reason else LOOKED_S)
            await self.look()

    async def look(self) -> None:
        """Look once, and let writes through or not."""
        gate = self._stores.gate
        try:
            await self._renew_or_watch()
        except BlobsNotOwned as error:
            if gate.reason != str(error):
                _log.error("blobs.not_owned", error=str(error))
            gate.reason = str(error)
        except BandProError as error:
            _log.warning("blobs.not_looked_at", error=str(error))
        except Exception:  # noqa: BLE001 - our own defect must not end the duty for good
            _log.exception("blobs.broke")
        else:
            if gate.reason:
                _log.warning("blobs.owned_again")
            gate.reason = ""

    async def _renew_or_watch(self) -> None:
        if self._renewed_s is None:
            await self._settle()
        elif _now_s() - self._renewed_s >= RENEWED_S:
            self._seen = await renew(self._stores, self._seen)
            self._renewed_s = _now_s()
        else:
            await watch(self._stores)

    async def _settle(self) -> None:
        self._seen = await settle(self._stores)
        self._renewed_s = _now_s()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
