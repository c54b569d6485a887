"""The revocations on disk: one JSON object a line, appended and synced before it counts as stored.

A last line without its end was never acknowledged and is dropped; any other unreadable line stops
the start, for to skip it could let somebody in again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from collab.access import Role
from collab.errors import BandProError, StoreUnavailable
from collab.ids import RoomName, Subject, UnixSeconds, room_name
from persistence.folders import sync_folder


@dataclass(frozen=True, slots=True)
class Revocation:
    """What was decided about a subject.

    It concerns the tokens issued up to that second; later ones say what holds from then on.

    Attributes:
        subject: whom it is about.
        room: the room it is about; None for all, together with `role` None.
        role: the most that the subject may still be there; None for nothing.
        revoked_at: when it was decided.
    """

    subject: Subject
    room: RoomName | None
    role: Role | None
    revoked_at: UnixSeconds


class RevocationFile:
    """The file; every method blocks and is called from one thread at a time.

    Args:
        path: where it is; the folder is made when it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> list[Revocation]:
        """All revocations in the order in which they were decided.

        Raises:
            StoreUnavailable: the file cannot be read, or is damaged.
        """
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreUnavailable(f"{self._path}: {error.strerror}") from error
        complete = text.split(b"\n")[:-1]
        return [self._decoded(line, number) for number, line in enumerate(complete, start=1)]

    def append(self, revocation: Revocation) -> None:
        """Store one more, durably.

        Raises:
            StoreUnavailable: it may not be stored; call :meth:`replace` next, for the file may end
                in the middle of a line.
        """
        try:
            with self._path.open("ab") as file:
                file.write(_encoded(revocation))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreUnavailable(f"{self._path}: {error.strerror}") from error

    def replace(self, revocations: Iterable[Revocation]) -> None:
        """Store exactly these, durably; either the old file stays or the new one is complete.

        Raises:
            StoreUnavailable: the old file stays.
        """
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(_encoded(revocation) for revocation in revocations)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            raise StoreUnavailable(f"{self._path}: {error.strerror}") from error

    def _decoded(self, line: bytes, number: int) -> Revocation:
        try:
            entry = orjson.loads(line)
            return Revocation(
                subject=Subject(str(entry["subject"])),
                room=None if entry["room"] is None else room_name(entry["room"]),
                role=None if entry["role"] is None else Role(entry["role"]),
                revoked_at=UnixSeconds(int(entry["at"])),
            )
        except (ValueError, KeyError, TypeError, AttributeError, BandProError) as error:
            raise StoreUnavailable(
                f"{self._path} is damaged at line {number}; remove the line if it was not yours"
            ) from error


def _encoded(revocation: Revocation) -> bytes:
    return orjson.dumps(
        {
            "at": revocation.revoked_at,
            "subject": revocation.subject,
            "room": revocation.room,
            "role": revocation.role,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
