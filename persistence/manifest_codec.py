"""How a manifest is written down: canonical JSON with a checksum beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from collab.ids import FIRST_EPOCH, Epoch, RoomKey, RoomName, Sequence
from collab.ports import Manifest, RoomStatus, SnapshotRef
from persistence.checksums import record_checksum

DAMAGED_REASON = "the stored manifest fails its checksum"


def encode_manifest(room: RoomKey, manifest: Manifest) -> tuple[str, bytes]:
    """The record as JSON text, and its checksum, which covers the room's key as well."""
    fields = {
        "name": manifest.name,
        "epoch": manifest.epoch,
        "revision": manifest.revision,
        "snapshots": [
            [ref.snapshot_id, ref.sequence, ref.size_bytes, ref.checksum]
            for ref in manifest.snapshots
        ],
        "status": manifest.status.value,
        "status_reason": manifest.status_reason,
        "open_attempts": manifest.open_attempts,
        "trimmed_through": manifest.trimmed_through,
    }
    record = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return record, _checksum(room, record)


def decode_manifest(
    room: RoomKey, name: str, revision: int, record: str, checksum: bytes
) -> Manifest:
    """Read a record back.

    Args:
        room: the key it is stored under.
        name: the room's name, as stored beside the record.
        revision: the revision, as stored beside the record.
        record: the JSON text.
        checksum: what `encode_manifest` returned with it.

    Returns:
        The manifest; a damaged one as far as it can be read, with the status QUARANTINED.
    """
    damaged = Manifest(
        name=RoomName(name),
        epoch=FIRST_EPOCH,
        revision=revision,
        status=RoomStatus.QUARANTINED,
        status_reason=DAMAGED_REASON,
    )
    try:
        manifest = _from_fields(json.loads(record))
    except (ValueError, TypeError, KeyError):
        return damaged
    is_whole = checksum == _checksum(room, record)
    if is_whole and (manifest.name, manifest.revision) == (name, revision):
        return manifest
    return replace(
        damaged,
        epoch=manifest.epoch,
        snapshots=manifest.snapshots,
        trimmed_through=manifest.trimmed_through,
    )


def _from_fields(fields: dict[str, Any]) -> Manifest:
    """Build a manifest whose fields have their types, whatever a damaged record holds."""
    return Manifest(
        name=RoomName(str(fields["name"])),
        epoch=Epoch(int(fields["epoch"])),
        revision=int(fields["revision"]),
        snapshots=tuple(
            SnapshotRef(str(snapshot_id), Sequence(int(sequence)), int(size_bytes), str(checksum))
            for snapshot_id, sequence, size_bytes, checksum in fields["snapshots"]
        ),
        status=RoomStatus(fields["status"]),
        status_reason=str(fields["status_reason"]),
        open_attempts=int(fields["open_attempts"]),
        trimmed_through=Sequence(int(fields["trimmed_through"])),
    )


def _checksum(room: RoomKey, record: str) -> bytes:
    return record_checksum(f"{room} {record}".encode(errors="surrogatepass"))
