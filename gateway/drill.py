"""The recovery drill: back up, lose everything, restore it elsewhere, compare every document."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from pycrdt import Doc, Text

from collab.errors import WorkerFailed
from collab.ids import FIRST_EPOCH, RoomName, Sequence, UnixSeconds, room_key, room_name
from collab.limits import MIB
from collab.ports import BlobStore
from persistence.backup.catalogue import BackupId
from persistence.backup.making import BackupRequest, anchor_of, make_backup
from persistence.backup.reader import Chain
from persistence.backup.restoring import RestoreRequest, restore
from persistence.backup.sealing import Sealer
from persistence.build import StoreSettings, open_raw_stores, open_stores
from persistence.capture import all_manifests, capture_room, require_snapshots
from persistence.manifests import ensure_manifest
from persistence.offload import Offload
from persistence.room_copy import require_empty
from persistence.stores import Stores
from persistence.worker_pool import PoolLimits

Step = Callable[[str, int], None]
PIECE_BYTES: Final = 256 * 1024
LIMITS: Final = PoolLimits(memory_bytes=8192 * MIB, cpu_s=300, wall_s=600.0)
"""A large document is compared with more than the server's workers may use."""

WORDS: Final = 20
"""Updates in each room of scratch data."""


@dataclass(frozen=True, slots=True)
class _Expected:
    """What was acknowledged for a room before the backup began."""

    head: Sequence
    fingerprint: bytes | None
    rows: dict[Sequence, str]


@dataclass(slots=True)
class DrillReport:
    """What a drill measured.

    Attributes:
        rooms: rooms that had to come back.
        rows: rows that were acknowledged before the backup began and still in the log.
        stored_bytes: of the backup.
        backup_s: time that the backup took.
        restore_s: time from an empty store to the last room restored: the RTO.
        check_s: time that reading back and comparing took.
        rows_lost: acknowledged rows that did not come back: the RPO in rows.
        differing: rooms whose document is another one.
        not_compared: rooms whose content a worker would not read; their rows were compared.
    """

    rooms: int = 0
    rows: int = 0
    stored_bytes: int = 0
    backup_s: float = 0.0
    restore_s: float = 0.0
    check_s: float = 0.0
    rows_lost: int = 0
    differing: list[str] = field(default_factory=list)
    not_compared: int = 0

    @property
    def is_good(self) -> bool:
        """Whether everything came back."""
        return not self.rows_lost and not self.differing


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """Between which places a drill goes.

    Attributes:
        source: the store; only read, unless it is scratch data.
        target: an empty store.
        kept: where the backup is kept.
        destroys: the source is scratch data in a folder: remove it before the restore.
    """

    source: StoreSettings
    target: StoreSettings
    kept: BlobStore
    destroys: bool = False


async def drill(plan: DrillPlan, sealer: Sealer, step: Step) -> DrillReport:
    """Run a drill.

    Args:
        plan: from where to where.
        sealer: compresses and encrypts the backup.
        step: told what is being done, and how far it is.

    Raises:
        TargetRefused: the target has rooms already.
        OperatingError: a step failed.
    """
    report = DrillReport()
    offload = Offload(LIMITS)
    try:
        async with await open_raw_stores(plan.target) as fresh:
            await require_empty(fresh)
        async with await open_stores(plan.source) as stores:
            await require_snapshots(stores)
            expected = await _expectations(stores, offload, step)
            backup = await _back_up(stores.raw, plan.kept, sealer, step, report)
        if plan.destroys:
            shutil.rmtree(plan.source.sqlite_folder)
        async with await open_raw_stores(plan.target) as fresh:
            began = time.monotonic()
            chain = await Chain.open(plan.kept, sealer, backup)
            await restore(
                chain, fresh, RestoreRequest(progress=lambda rooms, _: step("restoring", rooms))
            )
            report.restore_s = time.monotonic() - began
        target = replace(plan.target, encryption=plan.source.encryption)
        async with await open_stores(target) as fresh:
            await _compare(fresh, expected, offload, step, report)
    finally:
        await offload.aclose()
    return report


async def make_scratch(
    settings: StoreSettings, rooms: int, document_bytes: int, step: Step
) -> None:
    """Fill a new store with documents: many small ones, and perhaps a large one.

    Args:
        settings: of the store.
        rooms: how many small ones.
        document_bytes: size of the large one; 0 for none.
        step: told how far it is.

    Raises:
        TargetRefused: the store has rooms already.
    """
    async with await open_stores(settings) as stores:
        await require_empty(stores)
        for number in range(rooms):
            name = room_name(f"drill/{number:06d}")
            words = [f"{number} {word} " for word in range(WORDS)]
            await _write(stores, name, _typed(words, client=number + 1))
            step("writing", number + 1)
        if document_bytes:
            count = document_bytes // PIECE_BYTES
            pieces = [os.urandom(PIECE_BYTES // 2).hex() for _ in range(count)]
            await _write(stores, room_name("drill/large"), _typed(pieces, client=7))


async def _write(stores: Stores, name: RoomName, updates: list[bytes]) -> None:
    key = room_key(name)
    await ensure_manifest(stores, name)
    head = await stores.log.head(key)
    for start in range(0, len(updates), WORDS):  # a document at once is too much for a transaction
        batch = updates[start : start + WORDS]
        head = await stores.log.append(key, epoch=FIRST_EPOCH, after=head, updates=batch)


def _typed(pieces: list[str], client: int) -> list[bytes]:
    """One update for each piece of text typed at the end."""
    doc: Doc[Text] = Doc(client_id=client)
    text = doc.get("text", type=Text)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    for piece in pieces:
        text += piece
    del subscription
    return updates


async def _expectations(stores: Stores, offload: Offload, step: Step) -> dict[RoomName, _Expected]:
    expected: dict[RoomName, _Expected] = {}
    async for manifest in all_manifests(stores):
        capture = await capture_room(stores, manifest.name)
        if capture is None:
            continue
        updates = [row.update for row in capture.rows]
        if capture.base is not None:
            updates.insert(0, capture.base.update)
        rows = {row.sequence: anchor_of(row) for row in capture.rows}
        print_ = await _fingerprint(offload, updates)
        expected[manifest.name] = _Expected(capture.head, print_, rows)
        step("reading", len(expected))
    return expected


async def _back_up(
    stores: Stores, blobs: BlobStore, sealer: Sealer, step: Step, report: DrillReport
) -> BackupId:
    began = time.monotonic()
    request = BackupRequest(progress=lambda rooms, _: step("backing up", rooms))
    result = await make_backup(
        stores, blobs, sealer, request, lambda: UnixSeconds(int(time.time()))
    )
    report.backup_s = time.monotonic() - began
    report.stored_bytes = result.manifest.size_bytes
    return result.manifest.backup_id


async def _compare(
    stores: Stores,
    expected: dict[RoomName, _Expected],
    offload: Offload,
    step: Step,
    report: DrillReport,
) -> None:
    began = time.monotonic()
    for number, (name, room) in enumerate(expected.items(), start=1):
        report.rooms += 1
        report.rows += len(room.rows)
        capture = await capture_room(stores, name)
        if capture is None:
            report.rows_lost += len(room.rows)
            report.differing.append(name)
            continue
        back = {row.sequence: row for row in capture.rows}
        for sequence, anchor in room.rows.items():
            found = back.get(sequence)
            is_held = sequence <= capture.base_sequence
            report.rows_lost += not is_held and (found is None or anchor_of(found) != anchor)
        updates = [row.update for row in capture.rows if row.sequence <= room.head]
        if capture.base is not None:
            updates.insert(0, capture.base.update)
        found_print = await _fingerprint(offload, updates)
        if found_print != room.fingerprint:
            report.differing.append(name)
        report.not_compared += found_print is None
        step("comparing", number)
    report.check_s = time.monotonic() - began


async def _fingerprint(offload: Offload, updates: list[bytes]) -> bytes | None:
    try:
        return await offload.fingerprint(updates)
    except WorkerFailed:
        return None
