"""Texts that a store has signed, so that whoever shows one needs no token."""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Final

from collab.errors import AccessDenied, RecordMoved
from collab.ids import NO_ROOM, RecordId
from collab.ports import Record, RecordKind, RecordStore

_ID: Final = RecordId("current")
_KEY_BYTES: Final = 32
_TOKEN_CHARS_MAX: Final = 4_096


class StoreSigner:
    """Signs with a key of the store, which is the same on every node.

    Args:
        records: of the store.
        purpose: what it signs for: what was signed for one is not good for another.
    """

    def __init__(self, records: RecordStore, purpose: str) -> None:
        self._records = records
        self._purpose = purpose.encode()
        self._key = b""

    async def sign(self, content: bytes) -> str:
        """The content and its mark: letters, digits, ``-``, ``_`` and a dot.

        Raises:
            StoreUnavailable: the key cannot be read or made now.
        """
        return f"{_text(content)}.{_text(await self._mac(content))}"

    async def read(self, token: str) -> bytes:
        """What was signed.

        Raises:
            AccessDenied: it was not by this store, or for another purpose.
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
        return told

    async def _mac(self, content: bytes) -> bytes:
        if not self._key:
            self._key = await self._stored_key()
        return hmac.digest(self._key, self._purpose + content, "sha256")

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
