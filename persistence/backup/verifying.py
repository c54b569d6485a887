"""Reading everything of a store, or of a backup and its parents, and saying what is wrong.

Nothing is changed: a store is opened for reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from collab.errors import ArchiveUnreadable, StoreUnavailable
from collab.ids import NO_ROOM, BlobKey, Epoch, RoomKey, RoomName, room_key
from collab.ports import BlobStore, Manifest, Record, RecordKind, RoomStatus
from persistence.backup.catalogue import BackupId, RoomLine, part_key
from persistence.backup.entries import EntryType, decode_chunk
from persistence.backup.points import Lines, Run, runs_of
from persistence.backup.reader import Archive, Chain
from persistence.backup.restoring import described, newest_records
from persistence.backup.room_keys import SealedEpochs
from persistence.backup.sealing import Sealer
from persistence.backup.writer import CHUNKS
from persistence.capture import all_manifests, log_start, other_blobs, room_blobs, room_records
from persistence.encryption.envelope import is_sealed
from persistence.named_blobs import RoomRecord, told_unheld, unheld
from persistence.stores import Stores
from persistence.version_codec import decode_version
from persistence.versions import FOLDER as VERSIONS
from persistence.versions import version_content

Progress = Callable[[int], None]

WHOLE_STORE: Final = "(the whole store)"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        place: a room's name, or a blob of a backup.
        what: a sentence.
    """

    place: str
    what: str


@dataclass(slots=True)
class Report:
    """What was read, and what was found.

    Attributes:
        rooms: rooms read.
        rows: rows read.
        read_bytes: bytes of rows and snapshots, or of a backup's blobs.
        findings: empty when all is well.
    """

    rooms: int = 0
    rows: int = 0
    read_bytes: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, place: str, what: str) -> None:
        """Remember that something is wrong."""
        self.findings.append(Finding(place, what))


async def verify_store(stores: Stores, progress: Progress = lambda rooms: None) -> Report:  # noqa: ARG005 - a signature
    """Read every manifest, row, snapshot, record and blob of a store.

    Args:
        stores: opened for reading, so that what is damaged is not moved aside.
        progress: called with the number of rooms read.

    Raises:
        StoreUnavailable: the store cannot be read at all.
    """
    report = Report()
    await _verify_extras(stores, NO_ROOM, None, report)
    async for manifest in all_manifests(stores):
        await _verify_room(stores, manifest, report)
        report.rooms += 1
        progress(report.rooms)
    return report


async def _verify_room(stores: Stores, listed: Manifest, report: Report) -> None:
    """One room; what a compaction or an open replaced meanwhile is read again."""
    key = room_key(listed.name)
    manifest: Manifest | None = listed
    while manifest is not None:
        once = Report()
        try:
            await _read_room(stores, key, manifest, once)
        except StoreUnavailable as error:
            once.add(manifest.name, str(error))
        await _verify_extras(stores, key, manifest, once)
        again = await stores.manifests.get(key) if once.findings else manifest
        if again == manifest:
            report.findings += once.findings
            report.rows += once.rows
            report.read_bytes += once.read_bytes
            return
        manifest = again


async def _read_room(stores: Stores, key: RoomKey, manifest: Manifest, report: Report) -> None:
    name = manifest.name
    if manifest.status is RoomStatus.QUARANTINED:
        report.add(name, f"is quarantined: {manifest.status_reason}")
    tail = await stores.log.read(key, after=manifest.trimmed_through)
    report.rows += len(tail.rows)
    report.read_bytes += sum(len(row.update) for row in tail.rows)
    for sequence in tail.quarantined:
        report.add(name, f"row {sequence} is missing or fails its checksum")
    if tail.epoch != manifest.epoch:
        report.add(name, f"its log is in epoch {tail.epoch}, its manifest in {manifest.epoch}")
    held = 0
    for ref in manifest.snapshots:
        update = await stores.snapshots.get(key, ref)
        if update is None:
            report.add(name, f"the snapshot at {ref.sequence} is missing or fails its checksum")
            continue
        report.read_bytes += len(update)
        held = max(held, ref.sequence)
        if ref.sequence > tail.head:
            report.add(name, f"its log ends at {tail.head}, before the snapshot at {ref.sequence}")
    if log_start(tail) > held:
        report.add(name, f"no snapshot that can be read holds the rows up to {log_start(tail)}")


async def _verify_extras(
    stores: Stores, key: RoomKey, manifest: Manifest | None, report: Report
) -> None:
    """What a room, or the whole store, has besides documents: first the records, then the blobs."""
    name = WHOLE_STORE if manifest is None else manifest.name
    records: list[RoomRecord] = []

    def tell(error: StoreUnavailable) -> None:
        report.add(name, str(error))

    try:
        async for each in room_records(stores, key, damaged=tell):
            records.append(each)  # noqa: PERF401 - what was read before an error counts
    except StoreUnavailable as error:
        tell(error)
    versions = {
        str(found.record_id): found for kind, found in records if kind is RecordKind.VERSION
    }
    keys: set[BlobKey] = set()
    async for info in other_blobs(stores) if key == NO_ROOM else room_blobs(stores, key):
        try:
            blob = await stores.blobs.read(info.key)
            if blob is not None:
                keys.add(info.key)
                report.read_bytes += len(blob.data)
                await _verify_version(versions, info.key, blob.data)
        except StoreUnavailable as error:
            report.add(name, f"{info.key}: {error}")
    for kind, record in () if manifest is None else unheld(records, manifest.epoch, keys):
        # One that was deleted since was there without its blob for no moment.
        if await stores.records.get(kind, key, record.record_id) is not None:
            report.add(name, told_unheld((kind, record)))


async def _verify_version(versions: Mapping[str, Record], key: BlobKey, stored: bytes) -> None:
    """Compare what is a version's content with its record, by id, unless they are sealed.

    Raises:
        StoreUnavailable: they do not belong together, or the record cannot be read.
    """
    record = versions.get(key.rpartition(f"/{VERSIONS}/")[2])
    if record is not None and not is_sealed(record.value) and not is_sealed(stored):
        await version_content(decode_version(record), stored)


# Backups ----------------------------------------------------------------------------------------


async def verify_backup(
    blobs: BlobStore,
    sealer: Sealer,
    backup: BackupId,
    progress: Progress = lambda rooms: None,  # noqa: ARG005 - a signature
) -> Report:
    """Read everything of a backup and of its parents.

    Raises:
        StoreUnavailable: the destination cannot be read.
    """
    report = Report()
    try:
        chain = await Chain.open(blobs, sealer, backup)
    except ArchiveUnreadable as error:
        report.add(backup, " ".join([str(error), *getattr(error, "__notes__", ())]))
        return report
    for archive in chain.archives:
        await _verify_parts(archive, report)
    if report.findings:
        return report
    try:
        keys = SealedEpochs()
        async for history in chain.histories():
            await _verify_history(chain, history, keys, report)
            progress(report.rooms)
    except ArchiveUnreadable as error:
        report.add(backup, str(error))
    expected = chain.newest.manifest.rooms
    if report.rooms != expected and not report.findings:
        report.add(backup, f"its index has {report.rooms} rooms, its manifest says {expected}")
    return report


async def _verify_parts(archive: Archive, report: Report) -> None:
    """Every blob against the SHA-256 in the manifest, and every entry."""
    manifest = archive.manifest
    for number, info in enumerate(manifest.chunks):
        place = part_key(manifest.backup_id, CHUNKS, number)
        try:
            for entry in decode_chunk(place, await archive.read_chunk(number)):
                report.rows += entry.kind is EntryType.ROW
        except ArchiveUnreadable as error:
            report.add(place, str(error))
        report.read_bytes += info.size_bytes
    for number, info in enumerate(manifest.index):
        try:
            await archive.read_index(number)
        except ArchiveUnreadable as error:
            report.add(manifest.backup_id, str(error))
        report.read_bytes += info.size_bytes


async def _verify_history(chain: Chain, history: Lines, keys: SealedEpochs, report: Report) -> None:
    """One room: rows without a gap in every run, and everything that its newest line names."""
    _, line = history[-1]
    report.rooms += bool(line.name)
    records = [each async for each in newest_records(chain, history)]
    for kind, record in records:
        keys.hold(kind, record)
    key = room_key(RoomName(line.name))
    locked: set[Epoch | None] = set()
    for lines in runs_of(history) if line.name else ():
        run = Run(lines, lines[-1][1].head)
        last = run.base
        async for row in run.rows():
            last = row.sequence
            locked.add(keys.missing(key, row.update))
        while last < run.through and last + 1 in run.lost:
            last = type(last)(last + 1)
        if last != run.through:
            report.add(line.name, f"its rows end at {last}, its line says {run.through}")
        snapshot = await run.snapshot() if run.base else b""
        locked.add(keys.missing(key, snapshot))
        if run.base and not snapshot:
            report.add(line.name, f"the snapshot at {run.base} is not in the backup")
    for epoch in locked - {None}:
        report.add(line.name, f"the data key of its epoch {epoch} is not in the backup")
    for lost in unheld(records, Epoch(line.epoch), [BlobKey(blob.key) for blob in line.blobs]):
        report.add(line.name, told_unheld(lost))
    await _verify_blobs(chain, history, report)


async def _verify_blobs(chain: Chain, history: Lines, report: Report) -> None:
    _, line = history[-1]
    lines_by_id = {each.manifest.backup_id: found for each, found in history}
    for blob in line.blobs:
        held = lines_by_id.get(blob.held_by)
        if held is None or not await _holds(chain.archive(blob.held_by), held, blob.key):
            report.add(line.name, f"the blob {blob.key} is not in the backup {blob.held_by}")


async def _holds(archive: Archive, line: RoomLine, key: str) -> bool:
    async for what, _ in described(archive, line, EntryType.BLOB):
        if what["key"] == key:
            return True
    return False
