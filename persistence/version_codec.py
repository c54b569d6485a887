"""How a version is written down: canonical JSON; the record store keeps a checksum beside it."""

from __future__ import annotations

import json
from typing import Any

from collab.errors import StoreUnavailable
from collab.history.versions import Version, VersionKind, VersionSource
from collab.ids import Epoch, RecordId, RoomName, Sequence, Subject, UnixSeconds, VersionId
from collab.ports import Record


def encode_version(version: Version, *, revision: int = 0) -> Record:
    """The record of a version, derived from a stored revision (0 for a new one)."""
    source = version.source
    fields = {
        "kind": version.kind.value,
        "epoch": version.epoch,
        "sequence": version.sequence,
        "created_at": version.created_at,
        "size_bytes": version.size_bytes,
        "checksum": version.checksum,
        "name": version.name,
        "message": version.message,
        "author": version.author,
        "author_name": version.author_name,
        "source": None if source is None else [source.room, source.version_id],
    }
    value = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    return Record(RecordId(version.version_id), revision, value)


def decode_version(record: Record) -> Version:
    """Read a version back.

    Raises:
        StoreUnavailable: the record is none of a version.
    """
    try:
        return _from_fields(VersionId(record.record_id), json.loads(record.value))
    except (ValueError, TypeError, KeyError) as error:
        raise StoreUnavailable("a version's record cannot be read") from error


def _from_fields(version_id: VersionId, fields: dict[str, Any]) -> Version:
    source = fields["source"]
    return Version(
        version_id=version_id,
        kind=VersionKind(fields["kind"]),
        epoch=Epoch(fields["epoch"]),
        sequence=Sequence(fields["sequence"]),
        created_at=UnixSeconds(fields["created_at"]),
        size_bytes=int(fields["size_bytes"]),
        checksum=str(fields["checksum"]),
        name=fields["name"],
        message=fields["message"],
        author=None if fields["author"] is None else Subject(fields["author"]),
        author_name=fields["author_name"],
        source=None if source is None else VersionSource(RoomName(source[0]), VersionId(source[1])),
    )
