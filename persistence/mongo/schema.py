"""The collections and indexes, and how a database of an older version becomes one of this version.

The document ``schema`` of `META` counts the migrations applied. Migrations only ever move forward;
each may be run again, by several nodes at once, because a node may end in the middle of one. A
published one is never changed, a new one is added after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pymongo.errors import DuplicateKeyError, OperationFailure

from collab.errors import StoreUnavailable
from persistence.mongo.link import MongoLink
from persistence.mongo.sessions import SESSIONS

META: Final = "meta"
ROOMS: Final = "rooms"
UPDATES: Final = "updates"
QUARANTINED_UPDATES: Final = "quarantined_updates"
SNAPSHOTS: Final = "snapshots"
QUARANTINED_SNAPSHOTS: Final = "quarantined_snapshots"
MANIFESTS: Final = "manifests"
RECORDS: Final = "records"
BLOBS: Final = "blobs"
PARTS: Final = "parts"
UNSETTLED: Final = "unsettled"
LEASES: Final = "leases"

APPLICATION: Final = "bandpro"
SCHEMA: Final = "schema"
_NAMESPACE_EXISTS: Final = 48
_WIRE_VERSION_MIN: Final = 13  # MongoDB 5.0: majority reads and snapshots in all transactions


@dataclass(frozen=True, slots=True)
class Index:
    """One index beside ``_id``.

    Attributes:
        collection: whose.
        fields: in order, all ascending.
        is_unique: whether it refuses a second document with the same fields.
    """

    collection: str
    fields: tuple[str, ...]
    is_unique: bool = False

    @property
    def key(self) -> list[tuple[str, int]]:
        """As MongoDB spells it."""
        return [(name, 1) for name in self.fields]


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: collections and indexes that are added.

    Attributes:
        collections: made if they are missing.
        indexes: made if they are missing.
    """

    collections: tuple[str, ...]
    indexes: tuple[Index, ...]


_FIRST: Final = Migration(
    collections=(
        ROOMS,  # one document a room: head, epoch, what was trimmed
        UPDATES,  # one document an update
        QUARANTINED_UPDATES,  # without bytes: a row that had vanished
        SNAPSHOTS,
        QUARANTINED_SNAPSHOTS,
        MANIFESTS,
        RECORDS,
        BLOBS,
        PARTS,  # the bytes of snapshots, blobs and large updates
        UNSETTLED,  # parts that nothing names yet, or no longer
    ),
    indexes=(
        Index(UPDATES, ("room", "sequence"), is_unique=True),
        Index(QUARANTINED_UPDATES, ("room", "sequence"), is_unique=True),
        Index(SNAPSHOTS, ("room", "sequence")),
        Index(MANIFESTS, ("name",), is_unique=True),
        Index(RECORDS, ("kind", "room", "record_id"), is_unique=True),
        Index(PARTS, ("of", "part"), is_unique=True),
    ),
)

_SECOND: Final = Migration(collections=(SESSIONS,), indexes=())

# One document a name, also when nobody holds it: its token counts on.
_THIRD: Final = Migration(collections=(LEASES,), indexes=())

MIGRATIONS: Final = (_FIRST, _SECOND, _THIRD)


async def prepare(link: MongoLink) -> str:
    """Check the server, then make or bring up to date the collections and indexes.

    Returns:
        The server's version.

    Raises:
        StoreUnavailable: the server cannot do what the store needs, or the database is another
            program's or a newer version's; nothing was changed. Or MongoDB cannot be reached.
    """
    version = await link.call(lambda: check_server(link))
    applied = await link.call(lambda: _applied(link))
    for number, migration in enumerate(MIGRATIONS[applied:], start=applied + 1):
        await _migrate(link, number, migration)
    for migration in MIGRATIONS:
        for index in migration.indexes:
            await link.call(lambda index=index: _check_index(link, index))  # type: ignore[misc]
    return version


async def check_server(link: MongoLink) -> str:
    """The server's version.

    Raises:
        StoreUnavailable: it is too old, or has no transactions.
    """
    hello = await link.client.admin.command("hello")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise StoreUnavailable(
            f"MongoDB at {link.place} runs without a replica set, and so without transactions: "
            "start it with --replSet and initiate it; a set of one member will do for a trial"
        )
    if hello.get("maxWireVersion", 0) < _WIRE_VERSION_MIN:
        raise StoreUnavailable("MongoDB is too old: version 5.0 or newer is needed")
    info = await link.client.server_info()
    return str(info["version"])


async def _applied(link: MongoLink) -> int:
    """The version of the schema, 0 for a new database, which is marked as ours."""
    meta = link.collection(META)
    found = await meta.find_one({"_id": SCHEMA})
    if found is None:
        is_used = bool(await link.database.list_collection_names())
        # What is in it may be of another node that starts for the first time just now.
        found = await meta.find_one({"_id": SCHEMA})
        if found is None and is_used:
            raise StoreUnavailable(
                f"the database {link.database.name} was made by another program: name another one "
                "at the end of the URL"
            )
    if found is None:
        try:
            await meta.insert_one({"_id": SCHEMA, "application": APPLICATION, "version": 0})
        except DuplicateKeyError:
            found = await meta.find_one({"_id": SCHEMA})
    version = 0 if found is None else found["version"]
    if version > len(MIGRATIONS):
        raise StoreUnavailable(
            f"the database has schema version {version}, this program knows up to "
            f"{len(MIGRATIONS)}: run the newer version that wrote it, or restore a backup"
        )
    return int(version)


async def _migrate(link: MongoLink, number: int, migration: Migration) -> None:
    async def run() -> None:
        there = await link.database.list_collection_names()
        for name in migration.collections:
            if name not in there:
                await _create_collection(link, name)

    await link.call(run)
    for index in migration.indexes:
        await link.call(lambda index=index: _check_index(link, index))  # type: ignore[misc]
    meta = link.collection(META)
    await link.call(
        lambda: meta.update_one({"_id": SCHEMA, "version": number - 1}, {"$inc": {"version": 1}})
    )


async def _create_collection(link: MongoLink, name: str) -> None:
    """Make a collection beforehand: making one inside a transaction would lock out others."""
    try:
        await link.database.create_collection(name, check_exists=False)
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:  # another node was faster
            raise


async def _check_index(link: MongoLink, index: Index) -> None:
    """Make an index if it is missing; refuse one that would let in what must not be."""
    collection = link.collection(index.collection)
    async for found in await collection.list_indexes():
        if list(found["key"].items()) == index.key:
            if bool(found.get("unique")) == index.is_unique:
                return
            raise StoreUnavailable(
                f"the index of {index.collection} on {', '.join(index.fields)} is not as this "
                "program made it: drop it, then start again"
            )
    await collection.create_index(index.key, unique=index.is_unique)
