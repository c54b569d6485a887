"""The leases in SQLite; its clock is the machine's, which all processes that share it have."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from functools import partial
from typing import Final

from collab.cluster.leases import FencingToken, Lease, LeaseHolder, LeaseName
from collab.errors import LeaseLost
from persistence.lease_rules import check_lease
from persistence.sqlite.reader import Reader
from persistence.sqlite.writer import Kind, Writer

_NOW_MS: Final = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
_ACQUIRE: Final = f"""
    INSERT INTO leases (name, holder, token, ends_at_unix_ms, value)
    VALUES (?, ?, 1, {_NOW_MS} + ?, ?)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = token + 1,
        ends_at_unix_ms = excluded.ends_at_unix_ms, value = excluded.value
    WHERE ends_at_unix_ms <= {_NOW_MS} RETURNING token
"""  # noqa: S608 - of constants
_RENEW: Final = f"""
    UPDATE leases SET ends_at_unix_ms = {_NOW_MS} + ?, value = ?
    WHERE name = ? AND token = ? AND ends_at_unix_ms > {_NOW_MS}
"""  # noqa: S608
_HELD: Final = f"""
    SELECT name, holder, token, ends_at_unix_ms - {_NOW_MS}, value FROM leases
    WHERE name >= ? AND name < ? AND ends_at_unix_ms > {_NOW_MS} ORDER BY name
"""  # noqa: S608


class SqliteLeases:
    """The leases.

    Args:
        writer: commits changes.
        reader: reads them.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def acquire(
        self, name: LeaseName, holder: LeaseHolder, *, ttl_ms: int, value: bytes = b""
    ) -> Lease | None:
        """Take it; see `Leases.acquire`."""
        check_lease(name, value)
        lease = Lease(name, holder, FencingToken(0), ttl_ms, value)
        token = await self._writer.run(Kind.UPKEEP, partial(_acquire, lease))
        return None if token is None else replace(lease, token=token)

    async def renew(self, lease: Lease, *, ttl_ms: int, value: bytes = b"") -> Lease:
        """Hold it longer; see `Leases.renew`."""
        check_lease(lease.name, value)
        renewed = replace(lease, left_ms=ttl_ms, value=value)
        if not await self._writer.run(Kind.UPKEEP, partial(_renew, renewed)):
            raise LeaseLost(f"the lease on {lease.name} is over")
        return renewed

    async def release(self, lease: Lease) -> None:
        """Let others have it; see `Leases.release`."""
        await self._writer.run(Kind.UPKEEP, partial(_release, lease))

    async def held(self, prefix: str) -> tuple[Lease, ...]:
        """All that are held; see `Leases.held`."""
        return await self._reader.run(partial(_held, prefix))


def _acquire(lease: Lease, connection: sqlite3.Connection) -> FencingToken | None:
    row = connection.execute(
        _ACQUIRE, (lease.name, lease.holder, lease.left_ms, lease.value)
    ).fetchone()
    return None if row is None else FencingToken(row[0])


def _renew(lease: Lease, connection: sqlite3.Connection) -> bool:
    changed = connection.execute(_RENEW, (lease.left_ms, lease.value, lease.name, lease.token))
    return changed.rowcount == 1


def _release(lease: Lease, connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE leases SET ends_at_unix_ms = 0 WHERE name = ? AND token = ?",
        (lease.name, lease.token),
    )


def _held(prefix: str, connection: sqlite3.Connection) -> tuple[Lease, ...]:
    rows = connection.execute(_HELD, (prefix, prefix + "\x7f"))
    return tuple(
        Lease(LeaseName(name), LeaseHolder(holder), FencingToken(token), left_ms, value)
        for name, holder, token, left_ms, value in rows
    )
