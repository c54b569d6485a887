"""Links to results: whoever has one may read one file for a while, and needs no token."""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

import orjson

from collab.errors import AccessDenied, RecordMoved
from collab.ids import NO_ROOM, BlobKey, RecordId, UnixSeconds
from collab.ports import Record, RecordKind, RecordStore

_ID: Final = RecordId("current")
_KEY_BYTES: Final = 32
_TOKEN_CHARS_MAX: Final = 4_096


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
        self._records = records
        self._key = b""

    async def sign(self, link: Link) -> str:
        """A link's token: letters, digits, ``-``, ``_`` and a dot.

        Raises:
            StoreUnavailable: the key cannot be read or made now.
        """
        content = orjson.dumps([link.key, link.name, link.media_type, link.expires_at])
        return f"{_text(content)}.{_text(await self._mac(content))}"

    async def read(self, token: str, now: UnixSeconds) -> Link:
        """What a token is good for.

        Raises:
            AccessDenied: it is none of this store's, or its time is over.
            StoreUnavailable: the key cannot be read or made now.
        """
        content, _, mac = token[:_TOKEN_CHARS_MAX].partition(".")
        try:
            told = _bytes(content)
            is_ours = hmac.compare_digest(_bytes(mac), await self._mac(told))
        except ValueError:
            is_ours = False
            told = b""
        if not is_ours:
            raise AccessDenied("the link is not valid")
        key, name, media_type, expires_at = orjson.loads(told)
        if expires_at <= now:
            raise AccessDenied("the link has expired")
        return Link(BlobKey(key), name, media_type, UnixSeconds(expires_at))

    async def _mac(self, content: bytes) -> bytes:
        if not self._key:
            self._key = await self._stored_key()
        return hmac.digest(self._key, content, "sha256")

    async def _stored_key(self) -> bytes:
        while True:
            found = await self._records.get(RecordKind.LINK_KEY, NO_ROOM, _ID)
            if found is not None:
                return found.value
            made = Record(_ID, 0, secrets.token_bytes(_KEY_BYTES))
            try:
                return (
                    await self._records.compare_and_set(RecordKind.LINK_KEY, NO_ROOM, made)
                ).value
            except RecordMoved:
                continue


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    if not text.isascii():
        raise ValueError("no base64")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
