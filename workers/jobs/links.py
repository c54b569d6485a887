"""Links to results: whoever has one may read one file for a while, and needs no token."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from collab.errors import AccessDenied
from collab.ids import BlobKey, UnixSeconds
from collab.ports import RecordStore
from workers.jobs.signing import StoreSigner


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is good for.

    Attributes:
        key: the blob.
        name: of the file that it is saved as.
        media_type: of it.
        expires_at: until when.
    """

    key: BlobKey
    name: str
    media_type: str
    expires_at: UnixSeconds


class LinkSigner:
    """Signs links with a key of the store, which is the same on every node.

    Args:
        records: of the store.
    """

    def __init__(self, records: RecordStore) -> None:
        # Of no purpose: what is signed for one begins with its name, and no JSON does.
        self._signer = StoreSigner(records, "")

    async def sign(self, link: Link) -> str:
        """A link's token: letters, digits, ``-``, ``_`` and a dot.

        Raises:
            StoreUnavailable: the key cannot be read or made now.
        """
        told = [link.key, link.name, link.media_type, link.expires_at]
        return await self._signer.sign(orjson.dumps(told))

    async def read(self, token: str, now: UnixSeconds) -> Link:
        """What a token is good for.

        Raises:
            AccessDenied: it is none of this store's, or its time is over.
            StoreUnavailable: the key cannot be read or made now.
        """
        key, name, media_type, expires_at = orjson.loads(await self._signer.read(token))
        if expires_at <= now:
            raise AccessDenied("the link has expired")
        return Link(BlobKey(key), name, media_type, UnixSeconds(expires_at))
