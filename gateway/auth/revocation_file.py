"""The revocations on disk: one JSON object a line, appended and synced before it counts as stored.

A last line without its end was never acknowledged and is dropped; any other unreadable line stops
the start, for to skip it could let somebody in again. Nodes that share a data folder share the
file: they change it one after the other, and none drops what another has stored.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

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

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only one of all processes who changes the file, by a lock on its folder."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def append(self, revocation: Revocation) -> None:
        """Store one more, durably.

        Raises:
            StoreUnavailable: it may not be stored; call :meth:`replace` next, for the file may end
                in the middle of a line.
        """
        try:
            with self._alone(), self._path.open("ab+") as file:
                _drop_unended_line(file)
                file.write(encode_revocation(revocation))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreUnavailable(f"{self._path}: {error.strerror}") from error

    def replace(self, revocations: Iterable[Revocation], *, since: UnixSeconds) -> None:
        """Store these, and what is stored already, durably and once for each subject and room.

        Either the old file stays or the new one is complete.

        Args:
            revocations: those that are known.
            since: earlier ones of the file are dropped.

        Raises:
            StoreUnavailable: the old file stays.
        """
        try:
            with self._alone():
                stored = [each for each in self.load() if each.revoked_at > since]
                self._write(_newest([*stored, *revocations]))
        except OSError as error:
            raise StoreUnavailable(f"{self._path}: {error.strerror}") from error

    def _write(self, revocations: Iterable[Revocation]) -> None:
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(encode_revocation(revocation) for revocation in revocations)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        sync_folder(self._path.parent)

    def _decoded(self, line: bytes, number: int) -> Revocation:
        try:
            return decode_revocation(line)
        except (ValueError, KeyError, TypeError, AttributeError, BandProError) as error:
            raise StoreUnavailable(
                f"{self._path} is damaged at line {number}; remove the line if it was not yours"
            ) from error


def _newest(revocations: Iterable[Revocation]) -> Iterable[Revocation]:
    """The newest of each subject and room, the later one of two of a second, oldest first."""
    found: dict[tuple[Subject, RoomName | None], Revocation] = {}
    for each in sorted(revocations, key=lambda each: each.revoked_at):
        found.pop((each.subject, each.room), None)
        found[each.subject, each.room] = each
    return found.values()


def _drop_unended_line(file: BinaryIO) -> None:
    """Drop what a kill in the middle of an append has left, before something is glued onto it."""
    size_bytes = file.seek(0, os.SEEK_END)
    if not size_bytes:
        return
    file.seek(size_bytes - 1)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def decode_revocation(text: bytes) -> Revocation:
    """Read one line.

    Raises:
        ValueError: it is none, as KeyError, TypeError, AttributeError and InvalidRoomName say too.
    """
    entry = orjson.loads(text)
    return Revocation(
        subject=Subject(str(entry["subject"])),
        room=None if entry["room"] is None else room_name(entry["room"]),
        role=None if entry["role"] is None else Role(entry["role"]),
        revoked_at=UnixSeconds(int(entry["at"])),
    )


def encode_revocation(revocation: Revocation) -> bytes:
    """Write one line, with its end."""
    return orjson.dumps(
        {
            "at": revocation.revoked_at,
            "subject": revocation.subject,
            "room": revocation.room,
            "role": revocation.role,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
