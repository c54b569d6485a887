"""The one place that names a concrete store."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from collab.errors import SettingsError
from persistence.failpoints import Failpoints
from persistence.memory import MemoryStore
from persistence.sqlite import SqliteStore
from persistence.stores import Stores, StoreUsage

__all__ = ["StoreSettings", "StoreUsage", "Stores", "open_stores"]


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Which store to open, and where.

    Attributes:
        url: ``sqlite:`` for the data folder, ``sqlite:<folder>`` for another one, or
            ``memory://`` for a store that is gone with the process.
        data_folder: made when it is missing.
        failpoints: where to fail on purpose; none in production.
    """

    url: str = "sqlite:"
    data_folder: Path = Path("data")
    failpoints: Failpoints = field(default_factory=Failpoints)

    @property
    def sqlite_folder(self) -> Path:
        """Where the database of a ``sqlite:`` URL is kept."""
        _, _, place = self.url.partition(":")
        return Path(place).expanduser() if place else self.data_folder


async def open_stores(settings: StoreSettings) -> Stores:
    """Open the store that the settings name, on the running loop.

    Returns:
        The ports; an async context manager that closes them.

    Raises:
        SettingsError: a URL that names no store, or a folder that cannot be used.
        StoreUnavailable: the store is in use by another process, newer than this program, or
            cannot be read.
    """
    match settings.url.partition(":"):
        case "memory", ":", "//":
            return MemoryStore().stores()
        case "sqlite", ":", _:
            store = await SqliteStore.open(settings.sqlite_folder, settings.failpoints)
            return store.stores()
        case _:
            raise SettingsError(
                f"no store is called {settings.url!r}: use sqlite:, sqlite:<folder> or memory://"
            )
