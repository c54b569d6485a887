"""What the commands that keep what is stored have in common."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from collab.errors import ArchiveUnreadable, StoreUnavailable, TargetRefused
from collab.ids import Sequence, UnixSeconds
from collab.ports import BlobStore
from gateway.drill import DrillReport
from gateway.settings import BACKUP_KEY_VARIABLES
from gateway.terminal import shown_size, usage
from persistence.backup.catalogue import BackupId, backup_ids, read_manifest
from persistence.backup.points import Goal
from persistence.backup.sealing import BackupKey, Sealer
from persistence.build import StoreSettings, open_raw_stores
from persistence.capture import all_manifests
from persistence.stores import Stores

REVOCATIONS: Final = "revocations.jsonl"
_KEY_VARIABLE, _KEY_FILE_VARIABLE = BACKUP_KEY_VARIABLES
TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})")
FINDINGS_SHOWN_MAX: Final = 100

Key = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help="File with the key: 32 random bytes in hex or base64. Or the key itself in "
        "BANDPRO_BACKUP_KEY.",
        envvar=_KEY_FILE_VARIABLE,
        metavar="PATH",
    ),
]
Backup = Annotated[
    str | None, typer.Option("--backup", help="Which backup; the newest one if not given.")
]


async def open_source(settings: StoreSettings, *, is_at_rest: bool) -> tuple[Stores, bool]:
    """The store to copy, and whether nobody else writes to it.

    A folder is locked meanwhile, which tells. A database is shared, so somebody has to say it.
    """
    reading = await open_raw_stores(replace(settings, read_only=True))
    if not settings.url.startswith("sqlite:"):
        return reading, is_at_rest
    await reading.close()  # whatever is wrong with it is told before anything is locked or made
    try:
        return await open_raw_stores(settings), True
    except StoreUnavailable:
        return await open_raw_stores(replace(settings, read_only=True)), False


def files_of(folder: Path) -> dict[str, bytes]:
    """The files of a data folder that belong into a backup."""
    try:
        return {REVOCATIONS: (folder / REVOCATIONS).read_bytes()}
    except FileNotFoundError:
        return {}


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a backup, or of a store that was copied, into a data folder."""
    text = files.get(REVOCATIONS)
    if text is not None:
        write_revocations(folder, text)


def write_revocations(folder: Path, text: bytes) -> None:
    """Write the file whole or not at all; one that is there already is kept."""
    path = folder / REVOCATIONS
    if path.exists():
        if path.read_bytes() == text:
            return
        raise TargetRefused(f"{path} is there already and differs: join both by hand")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def sealer_of(key_file: Path | None) -> Sealer:
    """What packs and unpacks backups, with the key that was given, if any."""
    text = os.environ.get(_KEY_VARIABLE)
    if key_file is not None:
        return Sealer(BackupKey.from_file(key_file))
    return Sealer(BackupKey.derive(text) if text else None)


def goal_of(room: str | None, sequence: int | None, at: str | None) -> Goal:
    """Which state the options name."""
    if sequence is not None and (room is None or at is not None):
        raise usage("--sequence needs --room, and no --at", "Sequences are each room's own.")
    if at is None:
        return Goal(sequence=None if sequence is None else Sequence(sequence))
    if TIME.fullmatch(at) is None:
        raise usage(f"--at {at}: no time", "Write it as 2026-11-28T04:15:00Z.")
    return Goal(at=UnixSeconds(int(datetime.fromisoformat(at).timestamp())))


async def newest(blobs: BlobStore, sealer: Sealer, goal: Goal) -> BackupId:
    """The newest whole backup; for a time, the first one that was begun after it."""
    whole, _ = await backup_ids(blobs)
    if not whole:
        raise ArchiveUnreadable("there is no whole backup")
    if goal.at is None:
        return whole[-1]
    for backup_id in whole:
        manifest, _ = await read_manifest(blobs, sealer, backup_id)
        if manifest.begun.begun_at > goal.at:
            return backup_id
    raise ArchiveUnreadable("no backup was begun after that time: make one first, or take --backup")


async def count_rooms(stores: Stores) -> int:
    """How many rooms a store has."""
    count = 0
    async for _ in all_manifests(stores):
        count += 1
    return count


@contextmanager
def bar(title: str, total: int | None, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not shown) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def steps(*, shown: bool) -> Iterator[Callable[[str, int], None]]:
    """One line for each step, counting."""
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:.0f} rooms"))
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not shown) as progress:
        tasks = {}

        def step(title: str, done: int) -> None:
            if title not in tasks:
                tasks[title] = progress.add_task(title, total=None)
            progress.update(tasks[title], completed=done)

        yield step


def print_drill(report: DrillReport) -> None:
    """Show what a drill measured."""
    table = Table("", "measured", box=None, header_style="bold")
    table.add_row("rooms compared", str(report.rooms))
    table.add_row("backup", f"{report.backup_s:.2f} s, {shown_size(report.stored_bytes)}")
    table.add_row("RTO: restore", f"{report.restore_s:.2f} s")
    table.add_row("reading back and comparing", f"{report.check_s:.2f} s")
    table.add_row("RPO: acknowledged rows lost", f"{report.rows_lost} of {report.rows}")
    table.add_row("documents that differ", str(len(report.differing)))
    if report.not_compared:
        table.add_row("compared by their rows alone", str(report.not_compared))
    Console().print(table)
    tell(dict.fromkeys(report.differing, "is another document now"), as_json=False)


def tell(troubles: object, *, as_json: bool) -> None:
    """Show what is wrong with rooms."""
    if as_json or not isinstance(troubles, dict):
        return
    console = Console(stderr=True, highlight=False)
    for name, what in list(troubles.items())[:FINDINGS_SHOWN_MAX]:
        console.print(Text(f"{name}: {what}", style="yellow"), soft_wrap=True)


def time_now() -> UnixSeconds:
    """The time by this machine."""
    return UnixSeconds(int(time.time()))
