"""Sealed bytes: AES-256-GCM under a data key, bound to the place where they are stored.

::

    marker (8) | version (1) | epoch (4) | nonce (12) | ciphertext | tag (16)

In version 2 the content was packed (`persistence.packing`) before it was encrypted.

The marker cannot begin a plain update: eight bytes with their high bit set are a number of more
than 53 bits, which the update scan refuses. So rows from before the encryption can be told from
sealed ones without a word stored beside them.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collab.errors import DecryptionFailed
from collab.ids import Epoch, RoomKey

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
MARKER: Final = bytes(byte | 0x80 for byte in b"bandpro1")
VERSION: Final = 1
PACKED_VERSION: Final = 2

_EPOCH_BYTES: Final = 4
_EPOCH_AT: Final = len(MARKER) + 1
_NONCE_AT: Final = _EPOCH_AT + _EPOCH_BYTES
_SEALED_AT: Final = _NONCE_AT + NONCE_BYTES

OVERHEAD_BYTES: Final = _SEALED_AT + TAG_BYTES
"""How many bytes more are stored than are sealed."""


def seal(
    cipher: AESGCM, epoch: Epoch, place: bytes, plain: bytes, *, is_packed: bool = False
) -> bytes:
    """Encrypt bytes for one place.

    Args:
        cipher: of the data key of the place's room and epoch.
        epoch: the room's.
        place: what the bytes are and where they belong; needed again to open them.
        plain: the content.
        is_packed: whether that is a frame of `persistence.packing`.
    """
    version = PACKED_VERSION if is_packed else VERSION
    header = MARKER + bytes((version,)) + epoch.to_bytes(_EPOCH_BYTES, "big")
    nonce = secrets.token_bytes(NONCE_BYTES)
    return header + nonce + cipher.encrypt(nonce, plain, header + place)


def is_sealed(stored: bytes) -> bool:
    """Whether stored bytes are sealed, rather than from before the encryption."""
    return stored.startswith(MARKER)


def holds_packed(stored: bytes) -> bool:
    """Whether what sealed bytes hold was packed."""
    return stored[len(MARKER)] == PACKED_VERSION


def sealed_epoch(stored: bytes) -> Epoch:
    """The epoch whose data key opens sealed bytes.

    Raises:
        DecryptionFailed: of a later version, or cut off.
    """
    if len(stored) < OVERHEAD_BYTES or stored[len(MARKER)] not in {VERSION, PACKED_VERSION}:
        raise DecryptionFailed("sealed bytes are cut off, or of a later version of this program")
    return Epoch(int.from_bytes(stored[_EPOCH_AT:_NONCE_AT], "big"))


def unseal(cipher: AESGCM, place: bytes, stored: bytes) -> bytes:
    """Decrypt sealed bytes.

    Raises:
        DecryptionFailed: another key sealed them, they belong elsewhere, or they were changed.
    """
    nonce = stored[_NONCE_AT:_SEALED_AT]
    try:
        return cipher.decrypt(nonce, stored[_SEALED_AT:], stored[:_NONCE_AT] + place)
    except InvalidTag:
        raise DecryptionFailed(
            "stored bytes cannot be decrypted: sealed with another key, or changed since"
        ) from None


def place_of(room: RoomKey, epoch: Epoch, kind: str, *where: object) -> bytes:
    """The bytes that bind a ciphertext to its room, epoch, kind and position."""
    return "\x00".join((room, str(epoch), kind, *map(str, where))).encode()
