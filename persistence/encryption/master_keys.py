"""Master keys, which wrap data keys: 32 bytes from a file or a variable, or a key of AWS KMS."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from contextlib import AsyncExitStack
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collab.errors import DecryptionFailed, SettingsError, StoreUnavailable
from persistence.encryption.envelope import KEY_BYTES, NONCE_BYTES

_KEY_ID_BYTES: Final = 8
_DENIED: Final = frozenset(
    {"AccessDeniedException", "DisabledException", "NotFoundException", "KMSInvalidStateException"}
)


class MasterKey(Protocol):
    """A key that never leaves its holder; it wraps data keys."""

    @property
    def key_id(self) -> str:
        """A name without anything secret: 16 hex digits, the same wherever the key is used."""

    async def wrap(self, data_key: bytes, place: str) -> bytes:
        """Encrypt a data key for one place.

        Raises:
            StoreUnavailable: the key's holder does not answer, or refuses.
        """

    async def unwrap(self, wrapped: bytes, place: str) -> bytes:
        """Decrypt a data key.

        Raises:
            DecryptionFailed: another key wrapped it, or it belongs to another place.
            StoreUnavailable: the key's holder does not answer, or refuses.
        """

    async def close(self) -> None:
        """Let go of connections."""


class LocalKey:
    """A master key that this process holds.

    Args:
        secret: 32 random bytes.
    """

    def __init__(self, secret: bytes) -> None:
        digest = hashlib.sha256(b"bandpro master key\x00" + secret)
        self._key_id = digest.hexdigest()[: 2 * _KEY_ID_BYTES]
        self._cipher = AESGCM(secret)

    @property
    def key_id(self) -> str:
        """Of the SHA-256 of the key."""
        return self._key_id

    async def wrap(self, data_key: bytes, place: str) -> bytes:
        """Encrypt a data key; see `MasterKey.wrap`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data_key, place.encode())

    async def unwrap(self, wrapped: bytes, place: str) -> bytes:
        """Decrypt a data key; see `MasterKey.unwrap`."""
        try:
            return self._cipher.decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], place.encode()
            )
        except InvalidTag:
            raise DecryptionFailed(f"master key {self._key_id} does not open a data key") from None

    async def close(self) -> None:
        """Nothing is held but the key."""


class KmsKey:
    """A master key in AWS KMS, reached with the settings and credentials that AWS tools share.

    Args:
        name: id, ARN or alias of a symmetric key.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        digest = hashlib.sha256(b"bandpro kms key\x00" + name.encode())
        self._key_id = digest.hexdigest()[: 2 * _KEY_ID_BYTES]
        self._stack = AsyncExitStack()
        self._client: Any = None

    @property
    def key_id(self) -> str:
        """Of the SHA-256 of the key's name."""
        return self._key_id

    async def wrap(self, data_key: bytes, place: str) -> bytes:
        """Encrypt a data key; see `MasterKey.wrap`."""
        answer = await self._call(
            "encrypt", Plaintext=data_key, EncryptionContext={"bandpro": place}
        )
        return bytes(answer["CiphertextBlob"])

    async def unwrap(self, wrapped: bytes, place: str) -> bytes:
        """Decrypt a data key; see `MasterKey.unwrap`."""
        answer = await self._call(
            "decrypt", CiphertextBlob=wrapped, EncryptionContext={"bandpro": place}
        )
        return bytes(answer["Plaintext"])

    async def close(self) -> None:
        """Close the connections to KMS."""
        self._client = None
        await self._stack.aclose()

    async def _call(self, operation: str, **arguments: Any) -> Any:  # noqa: ANN401 - AWS's shapes
        # The AWS library takes half a second to import, which others need not wait for.
        from aiobotocore.session import get_session  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            if self._client is None:
                session = get_session()
                self._client = await self._stack.enter_async_context(session.create_client("kms"))
            return await getattr(self._client, operation)(KeyId=self._name, **arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in {"InvalidCiphertextException", "IncorrectKeyException"}:
                raise DecryptionFailed(f"KMS key {self._key_id} does not open a data key") from None
            advice = ": check the key and the permissions" if code in _DENIED else ""
            raise StoreUnavailable(f"KMS refused to {operation} ({code}){advice}") from None
        except BotoCoreError as error:
            raise StoreUnavailable(f"KMS cannot be used ({type(error).__name__})") from None


def parse_secret(text: str, where: str) -> bytes:
    """Read 32 bytes from their hex or base64 spelling.

    Args:
        text: the spelling; white space around it does not count.
        where: it comes from, for the error.

    Raises:
        SettingsError: it is neither, or of another length; the text is not repeated.
    """
    text = text.strip()
    decoded = b""
    for decode in (bytes.fromhex, lambda spelled: base64.b64decode(spelled, validate=True)):
        try:
            decoded = decode(text)
        except (ValueError, binascii.Error):
            continue
        if len(decoded) == KEY_BYTES:
            return decoded
    error = SettingsError(f"{where} holds no master key: 32 bytes in hex or base64")
    error.add_note("Make one with: bandpro keys new > master.key")
    raise error


def new_secret() -> str:
    """A new master key, spelled in base64."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
