"""The one error tree: whose fault it is decides what happens next.

::

    BandProError
    ├── PeerError                the peer's fault: refuse the message, close with its code
    │   ├── InvalidRoomName
    │   ├── ProtocolError        bytes that are no message of the protocol
    │   │   ├── FramingViolated  bytes that break the rules of websockets
    │   │   └── MalformedUpdate  bytes that are no acceptable V1 update
    │   ├── InvalidScore         a file that is no score
    │   ├── InvalidOperation     JSON that is no edit of a score
    │   ├── LimitExceeded        well formed, but more than a named limit allows
    │   ├── Unauthenticated      no token or ticket, or one that holds no longer
    │   ├── AccessDenied         the policy says no
    │   ├── StateConflict        well formed, but not fitting what is there now
    │   │   └── EditRefused          an edit of a score that its present state does not allow
    │   ├── NotThere             what it is about does not exist
    │   └── ClientIdTaken        a client id that another subject's live session owns
    ├── OperatingError           the world's fault: retry within bounds, then say so
    │   ├── StoreUnavailable     the store did not answer, or answered with an error of its own
    │   │   ├── StoreReadOnly        it was opened for reading
    │   │   ├── RecordDamaged        a record fails its checksum
    │   │   ├── EpochUnfinished      the log is an epoch ahead of its manifest
    │   │   ├── OpenInterrupted      a room was not opened, and its content is not to blame
    │   │   ├── MasterKeyMissing     what is stored is encrypted under a key that is not at hand
    │   │   ├── DecryptionFailed     sealed bytes do not open: another key, another place, changed
    │   │   ├── DataKeyLost          sealed bytes, but no key of theirs is stored
    │   │   └── DataKeyDestroyed     the key was destroyed on purpose, with its epoch
    │   ├── HeadMoved            another writer appended first (compare-and-append lost)
    │   ├── EpochMoved           the log was begun anew; what the writer holds is of another epoch
    │   ├── ManifestMoved        another writer changed the manifest first (compare-and-set lost)
    │   ├── RecordMoved          another writer changed a record first
    │   ├── LeaseHeld            another node does this work, or may do it
    │   ├── LeaseLost            the time of a lease is over
    │   ├── BlobMoved            another writer made or changed a blob first
    │   ├── BlobsNotOwned        the place for blobs is another store's: nothing is deleted there
    │   │   └── BlobsDisputed        it is used by a copy of this store, or this one is the copy
    │   ├── ArchiveUnreadable    a part of a backup is damaged, gone, or sealed with another key
    │   ├── PointUnreachable     no backup holds the state that is wanted
    │   ├── TargetRefused        what shall be restored or copied to has content already
    │   ├── RoomQuarantined      the room was taken out of service; an operator decides
    │   ├── RoomUnavailable      the room cannot be served now; trying again later may work
    │   ├── EnvelopeRefused      bytes on the bus that are no message of a node of this cluster
    │   ├── WorkerFailed         a worker process died, overran a limit or refused the work
    │   │   ├── ToolTimedOut         its processor time or its time by the clock is used up
    │   │   ├── ToolOutOfMemory      it would have needed more memory than it may have
    │   │   ├── ToolOutputTooLarge   a file or a result is larger than allowed
    │   │   ├── ToolFailed           a program or library could not do it with this content
    │   │   └── ToolMissing          a program or library is not installed
    │   ├── KeysUnavailable      the identity provider's keys cannot be had now
    │   └── SettingsError        unknown, contradictory or unsafe settings
    └── InvariantViolated        our bug: stop the room rather than go on wrongly
"""

from __future__ import annotations

from enum import StrEnum


class BandProError(Exception):
    """Root of every error this project raises on purpose."""


class PeerError(BandProError):
    """The other side sent something it must not send."""


class InvalidRoomName(PeerError):
    """A spelling that names no room."""


class ProtocolError(PeerError):
    """Bytes that are no message of the protocol spoken."""


class FramingViolated(ProtocolError):
    """Bytes that break the rules of websockets (RFC 6455).

    Args:
        message: which rule.
        code: of the close frame that the RFC asks for.
    """

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class MalformedUpdate(ProtocolError):
    """Bytes that are no V1 update, or one of a shape that is refused."""


class InvalidScore(PeerError):
    """A file is no score that can be read.

    Args:
        message: what is wrong.
        line: where, counted from 1; None when no line is to blame.
    """

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.line = line


class InvalidOperation(PeerError):
    """JSON is no operation on a score.

    Args:
        message: what is expected; never the value found.
        path: of the member that is to blame, such as ``operations.3.pitch.step``.
    """

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class LimitExceeded(PeerError):
    """A named limit was passed.

    Args:
        message: what was too much, and what is allowed.
        limit: the limit's name, as documented for operators.
    """

    def __init__(self, message: str, *, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class AuthFailure(StrEnum):
    """Why nobody could be recognised; tells a client whether a fresh token will help."""

    MISSING = "missing"
    INVALID = "invalid"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Unauthenticated(PeerError):
    """No credentials, or credentials that do not hold (any longer).

    Args:
        message: what was wrong, without a word of the token itself.
        reason: which kind of wrong it was.
    """

    def __init__(self, message: str, *, reason: AuthFailure) -> None:
        super().__init__(message)
        self.reason = reason


class AccessDenied(PeerError):
    """The access policy refused an action."""


class StateConflict(PeerError):
    """What was asked for does not fit the present state."""


class EditRefused(StateConflict):
    """An edit of a score cannot be made as the score is now; nothing was changed.

    Args:
        message: what is in the way.
        code: which kind of obstacle, see ``collab.score.operations.RefusalCode``.
        element_ids: the elements concerned, or the keys of settings.
        operation: which of several operations, from 0; None where there is but one.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        element_ids: tuple[str, ...] = (),
        operation: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.element_ids = element_ids
        self.operation = operation


class NotThere(PeerError):
    """What was asked for or about does not exist."""


class ClientIdTaken(PeerError):
    """A client id was used by two live sessions of different subjects."""


class OperatingError(BandProError):
    """Something outside the process failed or was set up wrongly."""


class StoreUnavailable(OperatingError):
    """The store cannot do what was asked now."""


class StoreReadOnly(StoreUnavailable):
    """The store was opened for reading, and something would have been written."""


class RecordDamaged(StoreUnavailable):
    """A record fails its checksum.

    Args:
        message: which one, in words.
        record_id: its id among those of its kind and room.
    """

    def __init__(self, message: str, *, record_id: str) -> None:
        super().__init__(message)
        self.record_id = record_id


class EpochUnfinished(StoreUnavailable):
    """The log has begun an epoch that the manifest does not tell of yet."""


class OpenInterrupted(StoreUnavailable):
    """A room was not opened, its content is not to blame, and the attempt may have been counted."""


class MasterKeyMissing(StoreUnavailable):
    """A master key that is in use is not among those given."""


class DecryptionFailed(StoreUnavailable):
    """Sealed bytes do not open with the key at hand."""


class DataKeyLost(StoreUnavailable):
    """The data key of sealed bytes is not in the store."""


class DataKeyDestroyed(StoreUnavailable):
    """The data key was destroyed on purpose: what it sealed is gone for good."""


class HeadMoved(OperatingError):
    """An append named a head that is no longer the head.

    Args:
        expected: the sequence the writer took for the head.
        actual: the head found.
    """

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(f"log head is {actual}, not {expected}")
        self.expected = expected
        self.actual = actual


class EpochMoved(OperatingError):
    """A writer named an epoch that is not the log's.

    Args:
        expected: the epoch the writer took for the log's, or wanted to begin.
        actual: the epoch found.
    """

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(f"log epoch is {actual}, the writer's {expected}")
        self.expected = expected
        self.actual = actual


class ManifestMoved(OperatingError):
    """A compare-and-set named a manifest revision that is no longer current."""


class RecordMoved(OperatingError):
    """A compare-and-set named a record revision that is no longer current."""


class LeaseHeld(OperatingError):
    """Once-only work was not begun, because another node holds the lease on it."""


class LeaseLost(OperatingError):
    """A lease is held no longer: it was not renewed in time, by the store's clock."""


class BlobMoved(OperatingError):
    """A blob to be made exists already, or one to be replaced is no longer as it was."""


class BlobsNotOwned(OperatingError):
    """The place for blobs is another store's, or whose it is cannot be told; says why."""


class BlobsDisputed(BlobsNotOwned):
    """The place for blobs is used by a copy of this store, or this one is the copy."""


class ArchiveUnreadable(OperatingError):
    """A part of a backup is damaged, gone, or sealed with another key; says which."""


class PointUnreachable(OperatingError):
    """No backup holds the state that is wanted; says what they hold."""


class TargetRefused(OperatingError):
    """What shall be restored or copied to has content that would be lost."""


class RoomQuarantined(OperatingError):
    """The room was taken out of service until an operator releases it."""


class RoomUnavailable(OperatingError):
    """The room cannot be served at the moment."""


class KeysUnavailable(OperatingError):
    """Tokens cannot be checked, because the keys to check them with cannot be had now."""


class RefusedBecause(StrEnum):
    """Why an envelope was refused."""

    VERSION = "version"  # of a format that is not known here
    SIGNATURE = "signature"  # not made with the cluster's key
    MALFORMED = "malformed"  # signed, but not what a node says
    MISPLACED = "misplaced"  # about another room than that of its channel


class EnvelopeRefused(OperatingError):
    """Bytes on the bus that did not come from a node of this cluster, or not in this version.

    Args:
        reason: why.
    """

    def __init__(self, reason: RefusedBecause) -> None:
        super().__init__(f"an envelope was refused: {reason.value}")
        self.reason = reason


class WorkerFailed(OperatingError):
    """A worker process died, overran one of its limits or refused what it was given."""


class ToolTimedOut(WorkerFailed):
    """A tool's processor time, or its time by the clock, is used up."""


class ToolOutOfMemory(WorkerFailed):
    """A tool would have needed more memory than it may have."""


class ToolOutputTooLarge(WorkerFailed):
    """What a tool read, wrote or answered is larger than allowed."""


class ToolFailed(WorkerFailed):
    """A program or library could not do it with this content."""


class ToolMissing(WorkerFailed):
    """A program or library is not installed."""


class SettingsError(OperatingError):
    """Settings that are unknown, contradict each other, or are unsafe."""


class InvariantViolated(BandProError):
    """A rule that this program must keep was broken by this program."""
