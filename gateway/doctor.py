"""`bandpro doctor`: looks at all a server needs before it is started, and says what to do."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from stat import S_IRWXG, S_IRWXO
from typing import Final

from collab.errors import BandProError, BlobsNotOwned, StoreUnavailable
from collab.ids import room_key
from collab.limits import MIB
from collab.ports import Manifest, RoomStatus
from gateway import lines
from gateway.auth.revocation_file import RevocationFile
from gateway.auth.revocations import FILE_NAME
from gateway.compiled.form import running_form
from gateway.mails import mail_server
from gateway.orphans_command import described, survey
from gateway.setting_types import AuthMode, BusKind, StoreKind
from gateway.settings import SECRET_BYTES_MIN, Settings
from gateway.store_settings import store_settings
from persistence.blob_owner import require_place
from persistence.blob_probe import probe_blobs
from persistence.build import Stores, open_stores
from persistence.capture import all_manifests
from persistence.encryption.rotation import key_status
from workers.installed import installed_tools, is_isolated
from workers.notices.smtp import MailNotSent, probe
from workers.tools.options import ToolOptions

FREE_BYTES_MIN: Final = 64 * MIB
FREE_BYTES_LOW: Final = 1024 * MIB
SPARE_DESCRIPTORS: Final = 64  # listeners, the store, and what libraries open
DISTINCT_BYTES_MIN: Final = 10
_PACKAGES: Final = ("pycrdt", "uvicorn", "uvloop", "starlette", "websockets")


class Verdict(StrEnum):
    """How a check came out."""

    GOOD = "good"
    WARNING = "warning"  # it will run, but you should know
    BAD = "bad"  # it will not run


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: what was looked at.
        verdict: how it came out.
        found: one line about it.
        advice: what to do; empty when all is well.
    """

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Run all checks, quick ones first.

    Args:
        settings: as the server would be started with. Nothing is changed, except that the store
            is made or opened, which repairs what a crash left, and damaged rows are moved aside.
    """
    for finding in _quick_checks(settings):
        yield finding
    if settings.jwks_url is not None:
        yield await _check_jwks(str(settings.jwks_url))
    if settings.bus.kind is BusKind.REDIS:
        yield await _check_bus(settings.bus.url)
    yield await _check_mail(settings)
    async for finding in _check_store(settings):
        yield finding


def _quick_checks(settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", Verdict.GOOD, "known, and fit each other")
    yield _check_versions()
    yield _check_form()
    yield _check_broadcasts()
    yield from _check_secret(settings)
    yield from _check_key_files(settings)
    yield _check_port("port", settings.host, settings.port)
    if settings.admin_port is not None:
        yield _check_port("admin port", "127.0.0.1", settings.admin_port)
    yield _check_descriptors(settings.connections_max)
    if settings.workers > 1:
        yield _check_workers(settings.workers)
    yield from _check_tools()
    if settings.store.kind is not StoreKind.MEMORY:
        yield _check_space(settings.data)
        yield _check_revocations(settings.data)


def _check_versions() -> Finding:
    python = ".".join(str(part) for part in sys.version_info[:3])
    try:
        found = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    except PackageNotFoundError as error:
        return Finding("versions", Verdict.BAD, f"{error.name} is not installed", "Run: make setup")
    return Finding("versions", Verdict.GOOD, f"Python {python}, {found}")


def _check_form() -> Finding:
    """Which form of the core this command runs; a server started like it runs the same."""
    form = running_form()
    if form.is_compiled:
        return Finding("core", Verdict.GOOD, "compiled")
    return Finding("core", Verdict.WARNING, f"plain Python: {form.reason}", form.advice)


def _check_broadcasts() -> Finding:
    """What writes a broadcast to its sockets: C along with the compiled core, else Python."""
    if lines.is_compiled():
        return Finding("broadcasts", Verdict.GOOD, "written in C")
    if not running_form().is_compiled:
        return Finding("broadcasts", Verdict.GOOD, "written in Python, as the core is")
    advice = "Run: make compiled"
    return Finding("broadcasts", Verdict.WARNING, "the C form cannot be loaded", advice)


def _check_secret(settings: Settings) -> Iterator[Finding]:
    if settings.auth is AuthMode.OPEN:
        yield Finding("auth", Verdict.GOOD, f"open to whoever reaches {settings.host}")
        return
    if settings.token_secret is None:
        yield Finding("auth", Verdict.GOOD, "tokens, checked with the keys of a JWKS")
        return
    secret = settings.token_secret.get_secret_value().encode()
    if len(set(secret)) < DISTINCT_BYTES_MIN:
        yield Finding(
            "auth",
            Verdict.WARNING,
            f"the secret has {SECRET_BYTES_MIN} bytes or more, but few different ones",
            "Take a random one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
        )
    else:
        yield Finding("auth", Verdict.GOOD, "tokens, checked with a secret of good length")
    file = settings.token_secret_file
    if file is not None and file.stat().st_mode & (S_IRWXG | S_IRWXO):
        yield Finding(
            "secret file", Verdict.WARNING, f"{file} is open to others", f"Run: chmod 600 {file}"
        )


def _check_port(what: str, host: str, port: int) -> Finding:
    if port == 0:
        return Finding(what, Verdict.GOOD, "any free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host.strip("[]"), port), family=family):
            return Finding(what, Verdict.GOOD, f"{host}:{port} is free")
    except OSError as error:
        option = what.replace(" ", "-")
        return Finding(
            what,
            Verdict.BAD,
            f"{host}:{port} cannot be used: {error.strerror}",
            f"Stop what listens there (a running server?), or choose another with --{option}.",
        )


def _check_descriptors(connections_max: int) -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections_max + SPARE_DESCRIPTORS
    if soft >= needed or soft == resource.RLIM_INFINITY:
        return Finding("open files", Verdict.GOOD, f"{soft} allowed, {needed} needed at most")
    able = hard == resource.RLIM_INFINITY or hard >= needed
    advice = (
        f"Run first: ulimit -n {needed}"
        if able
        else f"Raise the hard limit ({hard}), or start with --connections-max "
        f"{max(1, hard - SPARE_DESCRIPTORS)}."
    )
    return Finding(
        "open files",
        Verdict.WARNING,
        f"{soft} allowed, {needed} needed for {connections_max} connections",
        advice,
    )


def _check_workers(workers: int) -> Finding:
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    found = f"{workers}, on {processors} processors"
    if workers > processors:
        advice = f"They would wait for each other: --workers {processors}"
        return Finding("workers", Verdict.WARNING, found, advice)
    return Finding("workers", Verdict.GOOD, found)


def _check_tools() -> Iterator[Finding]:
    """What engraves and plays scores: without it, those conversions are refused."""
    tools = list(installed_tools(ToolOptions()))
    missing = [tool for tool in tools if not tool.found]
    if missing:
        yield Finding(
            "tools",
            Verdict.WARNING,
            f"not installed: {', '.join(tool.name for tool in missing)}",
            "; ".join(tool.advice for tool in missing),
        )
    else:
        yield Finding("tools", Verdict.GOOD, ", ".join(tool.name for tool in tools))
    if is_isolated():
        yield Finding("isolation", Verdict.GOOD, "tools run where there is no network")
    else:
        yield Finding(
            "isolation",
            Verdict.WARNING,
            "tools run under limits, but in reach of the network",
            "On Linux, allow user namespaces (in a container: its seccomp profile).",
        )


def _check_space(folder: Path) -> Finding:
    existing = next(
        path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir()
    )
    free_bytes = shutil.disk_usage(existing).free
    found = f"{free_bytes // MIB} MiB free for {folder}"
    if free_bytes < FREE_BYTES_MIN:
        return Finding("disk", Verdict.BAD, found, "Make room, or choose another --data folder.")
    if free_bytes < FREE_BYTES_LOW:
        return Finding("disk", Verdict.WARNING, found, "Make room before the store fills it.")
    return Finding("disk", Verdict.GOOD, found)


def _check_revocations(folder: Path) -> Finding:
    try:
        kept = len(RevocationFile(folder / FILE_NAME).load())
    except BandProError as error:
        return Finding("revocations", Verdict.BAD, str(error), "Restore the file from a backup.")
    return Finding("revocations", Verdict.GOOD, f"{kept} kept")


async def _check_jwks(url: str) -> Finding:
    # An HTTP client takes its time to import, and most servers fetch no keys.
    import httpx  # noqa: PLC0415

    from gateway.auth.jwks import FETCH_TIMEOUT_S  # noqa: PLC0415

    try:
        async with httpx.AsyncClient(timeout=FETCH_TIMEOUT_S, follow_redirects=False) as client:
            response = await client.get(url)
            keys = len(response.raise_for_status().json()["keys"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        return Finding(
            "jwks",
            Verdict.BAD,
            f"no keys could be fetched ({type(error).__name__})",
            "Check jwks_url, and that this machine may reach it.",
        )
    return Finding("jwks", Verdict.GOOD, f"{keys} keys")


async def _check_bus(url: str) -> Finding:
    # The client of Redis takes its time to import, and a node by itself does not need it.
    from redis.exceptions import RedisError  # noqa: PLC0415

    from gateway.cluster.probe import probe_bus  # noqa: PLC0415

    try:
        return Finding("bus", Verdict.GOOD, await probe_bus(url))
    except (RedisError, OSError) as error:
        return Finding(
            "bus",
            Verdict.WARNING,
            f"cannot be used ({type(error).__name__}: {error})",
            "A server starts all the same, and nodes meet in the store every 2 seconds. Check bus, "
            "and that this machine may reach it.",
        )


async def _check_mail(settings: Settings) -> Finding:
    server = mail_server(settings)
    if server is None:
        return Finding("mail", Verdict.GOOD, "off")
    try:
        return Finding("mail", Verdict.GOOD, await probe(server))
    except MailNotSent as error:
        return Finding(
            "mail",
            Verdict.WARNING,
            str(error),
            "A server starts all the same, and mails wait for two hours. Check smtp_host, "
            "smtp_port, smtp_tls and the password, and that this machine may reach it.",
        )


async def _check_store(settings: Settings) -> AsyncIterator[Finding]:
    if settings.store.kind is StoreKind.MEMORY:
        yield Finding(
            "store",
            Verdict.WARNING,
            "in memory: everything is gone when the server stops",
            "Use --store sqlite or --store mongodb://... to keep rooms.",
        )
        return
    try:
        stores = await open_stores(store_settings(settings))
    except BandProError as error:
        yield Finding("store", Verdict.BAD, str(error), "; ".join(getattr(error, "__notes__", ())))
        return
    async with stores:
        try:
            usage = await stores.usage()
        except StoreUnavailable as error:
            yield Finding("store", Verdict.BAD, str(error), "Look at the server of the database.")
            return
        # Asked for second: MongoDB's space is judged by what was last seen of it.
        wrong = await stores.check()
        if wrong:
            yield Finding("store", Verdict.BAD, "; ".join(wrong), "Restore the folder, or free it.")
            return
        yield Finding(
            "store", Verdict.GOOD, f"{stores.description}, {usage.used_bytes // 1024} KiB"
        )
        yield await _check_blobs(stores)
        yield await _check_orphans(stores, settings.orphan_age_hours)
        yield await _check_encryption(stores)
        yield await _check_rooms(stores)


async def _check_blobs(stores: Stores) -> Finding:
    problems = await probe_blobs(stores.blobs)
    if problems:
        return Finding(
            "blobs",
            Verdict.BAD,
            "; ".join(problems),
            "Snapshots cannot be stored: see the part on buckets in docs/operators.md.",
        )
    return Finding("blobs", Verdict.GOOD, "made, replaced, listed and deleted one")


async def _check_orphans(stores: Stores, age_hours: int) -> Finding:
    """Files that nothing names; and whether the place is the store's, which a server insists on."""
    try:
        await require_place(stores)
        found = await survey(stores, age_hours)
    except BlobsNotOwned as error:
        advice = " ".join(getattr(error, "__notes__", ()))
        return Finding("orphans", Verdict.BAD, str(error), advice)
    return Finding("orphans", Verdict.GOOD, described(found, age_hours))


async def _check_encryption(stores: Stores) -> Finding:
    """That the store opened says that every master key in use is at hand and the right one."""
    if stores.data_keys is None:
        return Finding("encryption", Verdict.GOOD, "off")
    found = await key_status(stores.raw.records, stores.data_keys)
    wrapped = sum(key.data_keys for key in found)
    old = sum(key.data_keys for key in found if not key.is_current)
    text = f"on, {wrapped} documents' keys, {old} of them under an old master key"
    if old:
        return Finding("encryption", Verdict.WARNING, text, "Run: bandpro keys rotate")
    return Finding("encryption", Verdict.GOOD, text)


def _check_key_files(settings: Settings) -> Iterator[Finding]:
    for spelling in (settings.encryption, *settings.encryption_old_keys):
        kind, _, place = spelling.partition(":")
        file = Path(place).expanduser()
        if kind == "file" and file.is_file() and file.stat().st_mode & (S_IRWXG | S_IRWXO):
            yield Finding(
                "master key", Verdict.WARNING, f"{file} is open to others", f"chmod 600 {file}"
            )


async def _check_rooms(stores: Stores) -> Finding:
    """Read every row and snapshot, which verifies its checksum."""
    rooms = 0
    damaged = 0
    quarantined = 0
    async for manifest in all_manifests(stores):
        rooms += 1
        quarantined += manifest.status is RoomStatus.QUARANTINED
        damaged += await _is_damaged(stores, manifest)
    found = f"{rooms} stored, {damaged} with damage, {quarantined} quarantined"
    if damaged or quarantined:
        return Finding(
            "rooms",
            Verdict.WARNING,
            found,
            "Damaged rows were moved aside and an older generation serves. `bandpro rooms` names "
            "the rooms; POST /v1/rooms/{room}/release puts a quarantined one back in service.",
        )
    return Finding("rooms", Verdict.GOOD, found)


async def _is_damaged(stores: Stores, manifest: Manifest) -> bool:
    key = room_key(manifest.name)
    tail = await stores.log.read(key, after=manifest.trimmed_through)
    snapshots = [await stores.snapshots.get(key, ref) for ref in manifest.snapshots]
    return bool(tail.quarantined) or None in snapshots
