"""The master keys at hand: one that wraps what is new, and older ones that still unwrap."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from collab.errors import MasterKeyMissing, SettingsError
from persistence.encryption.master_keys import KmsKey, LocalKey, MasterKey, parse_secret

OFF = "off"


@dataclass(frozen=True, slots=True)
class KeySettings:
    """Where the master keys are.

    Attributes:
        current: ``file:<path>``, ``env:<NAME>`` or ``kms:<key>``; ``off`` for no encryption.
        old: earlier ones, in the same spelling, while anything is still wrapped by them.
    """

    current: str = OFF
    old: tuple[str, ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether what is new is encrypted."""
        return self.current != OFF


@dataclass(slots=True)
class KeyRing:
    """Master keys by id.

    Attributes:
        current: wraps every new data key.
    """

    current: MasterKey = field(repr=False)
    _keys: dict[str, MasterKey] = field(repr=False)

    @classmethod
    def of(cls, current: MasterKey, *old: MasterKey) -> Self:
        """A ring of a current key and older ones."""
        return cls(current, {key.key_id: key for key in (*old, current)})

    @classmethod
    def read(cls, settings: KeySettings) -> Self:
        """Read the keys that the settings name.

        Raises:
            SettingsError: one cannot be read, or is no key.
        """
        return cls.of(_master_key(settings.current), *map(_master_key, settings.old))

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys at hand."""
        return tuple(self._keys)

    def get(self, key_id: str) -> MasterKey:
        """A key by id.

        Raises:
            MasterKeyMissing: it is not at hand.
        """
        found = self._keys.get(key_id)
        if found is None:
            raise missing(key_id)
        return found

    async def close(self) -> None:
        """Let go of connections."""
        for key in self._keys.values():
            await key.close()


def missing(key_id: str) -> MasterKeyMissing:
    """The error that says which master key is needed, and how to name it."""
    error = MasterKeyMissing(f"documents are encrypted under master key {key_id}, not at hand")
    error.add_note("Name it with --encryption, or with --encryption-old-keys beside a newer one.")
    return error


def _master_key(spelling: str) -> MasterKey:
    match spelling.partition(":"):
        case "file", ":", path if path:
            return LocalKey(parse_secret(_file_text(Path(path).expanduser()), f"file {path}"))
        case "env", ":", name if name:
            text = os.environ.get(name)
            if text is None:
                raise SettingsError(f"the environment variable {name} is not set")
            return LocalKey(parse_secret(text, f"environment variable {name}"))
        case "kms", ":", name if name:
            return KmsKey(name)
        case _:
            # What was given may be a key by mistake, so it is not repeated.
            raise SettingsError(
                "a master key is named off, file:<path>, env:<NAME> or kms:<key id, ARN or alias>"
            )


def _file_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise SettingsError(f"the master key file {path} cannot be read: {reason}") from None
