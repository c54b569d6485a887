"""A database opened for reading alone, beside the servers that use it.

Nothing is made, migrated, moved aside or removed; a user with the role ``read`` is enough.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from collab.errors import SettingsError, StoreReadOnly, StoreUnavailable
from persistence.mongo.link import Collection, MongoLink, Result, Session
from persistence.mongo.schema import APPLICATION, META, MIGRATIONS, SCHEMA, check_server

_READS: Final = frozenset({"find", "find_one"})
_REASON: Final = "the store was opened for reading"


class ReadingCollection:
    """A collection, without the ways to change it.

    Args:
        collection: what is read.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the driver has there
        """A method that reads.

        Raises:
            StoreReadOnly: it is another one.
        """
        if name not in _READS:
            raise StoreReadOnly(_REASON)
        return getattr(self._collection, name)


class ReadingLink(MongoLink):
    """The connection for readers; see `MongoLink`."""

    def collection(self, name: str) -> Collection:
        """A collection that refuses writes."""
        return cast("Collection", ReadingCollection(super().collection(name)))

    async def transact_once(
        self, work: Callable[[Session], Awaitable[Result]], *, kind: str | None = None
    ) -> Result:
        """Refuse: transactions, of which `transact` makes some, are there for writing.

        Raises:
            StoreReadOnly: always.
        """
        del work, kind
        raise StoreReadOnly(_REASON)


async def require_current(link: MongoLink) -> str:
    """Check that the server can be used, and that the database is of this version.

    Returns:
        The server's version.

    Raises:
        SettingsError: the database holds no store.
        StoreUnavailable: it is of another version, or MongoDB cannot be used or reached.
    """
    version = await link.call(lambda: check_server(link))
    found = await link.call(lambda: link.collection(META).find_one({"_id": SCHEMA}))
    if found is None or found.get("application") != APPLICATION:
        raise SettingsError(f"there is no store in the database {link.database.name}")
    if found["version"] != len(MIGRATIONS):
        raise StoreUnavailable(
            f"the database has schema version {found['version']}, this program reads "
            f"{len(MIGRATIONS)}: run the version of its servers"
        )
    return version
