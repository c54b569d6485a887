"""The manifests in MongoDB."""

from __future__ import annotations

from dataclasses import replace

from collab.errors import ManifestMoved
from collab.ids import RoomKey, RoomName
from collab.ports import Manifest
from persistence.manifest_codec import decode_manifest, encode_manifest
from persistence.mongo.compare_and_set import compare_and_set
from persistence.mongo.link import Document, MongoLink
from persistence.mongo.schema import MANIFESTS


class MongoManifests:
    """The manifests.

    Args:
        link: the database.
    """

    def __init__(self, link: MongoLink) -> None:
        self._link = link
        self._manifests = link.collection(MANIFESTS)

    async def get(self, room: RoomKey) -> Manifest | None:
        """The manifest; see `RoomManifests.get`."""
        found = await self._link.call(lambda: self._manifests.find_one({"_id": room}))
        return None if found is None else _decoded(found)

    async def compare_and_set(self, room: RoomKey, *, manifest: Manifest) -> Manifest:
        """Replace the manifest; see `RoomManifests.compare_and_set`."""
        stored = replace(manifest, revision=manifest.revision + 1)
        record, checksum = encode_manifest(room, stored)
        change = {"name": stored.name, "record": record, "checksum": checksum}
        await self._link.hit("manifest.before_commit")
        is_stored = await self._link.call(
            lambda: compare_and_set(
                self._manifests, key={"_id": room}, revision=manifest.revision, change=change
            )
        )
        if not is_stored:
            raise ManifestMoved(f"manifest revision {manifest.revision} is not the current one")
        await self._link.hit("manifest.after_commit")
        return stored

    async def list(self, *, after: RoomName | None, limit: int) -> tuple[Manifest, ...]:
        """Manifests by name; see `RoomManifests.list`."""

        async def page() -> list[Document]:
            later = self._manifests.find({"name": {"$gt": after or ""}})
            return [found async for found in later.sort("name").limit(limit)]

        return tuple(map(_decoded, await self._link.call(page)))


def _decoded(found: Document) -> Manifest:
    return decode_manifest(
        found["_id"], found["name"], found["revision"], found["record"], found["checksum"]
    )
