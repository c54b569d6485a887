"""How a blob of a backup is packed: compressed by zstd, then, with a key, sealed by AES-256-GCM.

::

    "BPBK" | version (1) | sealed (1) | key id (8) | nonce (12) | ciphertext       with a key
    "BPBK" | version (1) | sealed (0) | zstd frame with its own checksum           without one

The header and the blob's own key are authenticated along, so that no blob passes for another. Both
keys are derived from the operator's by HKDF-SHA256 (RFC 5869); the nonce is random, which bounds
one key to 2^32 blobs (NIST SP 800-38D, 8.3), 16 PiB of chunks.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from collab.errors import ArchiveUnreadable, SettingsError
from collab.ids import BlobKey
from collab.limits import MIB

KEY_BYTES: Final = 32
UNPACKED_BYTES_MAX: Final = 256 * MIB
"""More than this is no blob of ours: chunks are cut, and an index or manifest is far smaller."""

_MAGIC: Final = b"BPBK\x01"
_PLAIN: Final = b"\x00"
_SEALED: Final = b"\x01"
_KEY_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_LEVEL: Final = 3
_HEX_CHARS: Final = 2 * KEY_BYTES


@dataclass(frozen=True, slots=True)
class BackupKey:
    """The key that backups are encrypted with.

    Attributes:
        key_id: tells keys apart without telling the key.
        secret: what is encrypted with.
    """

    key_id: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def derive(cls, text: str) -> BackupKey:
        """Read a key as an operator keeps it.

        Args:
            text: 32 random bytes as 64 hex digits or in base64.

        Raises:
            SettingsError: it is neither.
        """
        raw = _decoded(text.strip())
        if raw is None or len(raw) != KEY_BYTES:
            error = SettingsError(f"a backup key is {KEY_BYTES} random bytes, in hex or base64")
            error.add_note("Make one: python3 -c 'import secrets; print(secrets.token_hex(32))'")
            raise error
        return cls(
            _derived(raw, b"bandpro backup key id", _KEY_ID_BYTES),
            _derived(raw, b"bandpro backup encryption", KEY_BYTES),
        )

    @classmethod
    def from_file(cls, path: Path) -> BackupKey:
        """Read a key from a file.

        Raises:
            SettingsError: it cannot be read, or holds no key.
        """
        try:
            return cls.derive(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SettingsError(f"the backup key {path} cannot be read: {reason}") from None


class Sealer:
    """Packs and unpacks the blobs of one destination.

    Args:
        key: None for backups that are not encrypted.
    """

    def __init__(self, key: BackupKey | None) -> None:
        self._key = key

    @property
    def encrypts(self) -> bool:
        """Whether what is packed is encrypted."""
        return self._key is not None

    async def pack(self, place: BlobKey, data: bytes) -> bytes:
        """Compress, and encrypt where there is a key, in a thread.

        Args:
            place: the blob's key; it unpacks under this one alone when encrypted.
            data: its content.
        """
        return await asyncio.to_thread(self._pack, place, data)

    async def unpack(self, place: BlobKey, packed: bytes) -> bytes:
        """The content of a blob, in a thread.

        Raises:
            ArchiveUnreadable: it is damaged, was moved from another place, or the key is not the
                one that it was made with; names the place.
        """
        return await asyncio.to_thread(self._unpack, place, packed)

    def _pack(self, place: BlobKey, data: bytes) -> bytes:
        frame = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(data)
        if self._key is None:
            return _MAGIC + _PLAIN + frame
        head = _MAGIC + _SEALED + self._key.key_id
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + AESGCM(self._key.secret).encrypt(nonce, frame, head + place.encode())

    def _unpack(self, place: BlobKey, packed: bytes) -> bytes:
        body = len(_MAGIC) + 1
        match packed[:body]:
            case head if head == _MAGIC + _PLAIN:
                return _decompressed(place, packed[body:])
            case head if head == _MAGIC + _SEALED:
                return _decompressed(place, self._opened(place, packed))
            case _:
                raise ArchiveUnreadable(f"{place} is no part of a backup that this version reads")

    def _opened(self, place: BlobKey, packed: bytes) -> bytes:
        head_end = len(_MAGIC) + 1 + _KEY_ID_BYTES
        nonce_end = head_end + _NONCE_BYTES
        head, nonce = packed[:head_end], packed[head_end:nonce_end]
        if self._key is None:
            raise ArchiveUnreadable(f"{place} is encrypted: give the key that it was made with")
        if head[-_KEY_ID_BYTES:] != self._key.key_id:
            raise ArchiveUnreadable(f"{place} was encrypted with another key")
        try:
            return AESGCM(self._key.secret).decrypt(
                nonce, packed[nonce_end:], head + place.encode()
            )
        except (InvalidTag, ValueError):
            raise ArchiveUnreadable(f"{place} is damaged: it does not decrypt") from None


def _decompressed(place: BlobKey, frame: bytes) -> bytes:
    try:
        if zstandard.frame_content_size(frame) > UNPACKED_BYTES_MAX:
            raise ArchiveUnreadable(f"{place} is damaged: it says to be larger than may be")
        return zstandard.ZstdDecompressor().decompress(frame, max_output_size=UNPACKED_BYTES_MAX)
    except zstandard.ZstdError:
        raise ArchiveUnreadable(f"{place} is damaged: it does not decompress") from None


def _derived(raw: bytes, purpose: bytes, size_bytes: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=size_bytes, salt=None, info=purpose).derive(raw)


def _decoded(text: str) -> bytes | None:
    try:
        if len(text) == _HEX_CHARS:
            return bytes.fromhex(text)
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (ValueError, binascii.Error):
        return None
