"""Revocations: what was decided about subjects after their tokens were issued.

They apply at once to whoever joins and, through the observers, to live sessions; they are durable
for as long as a token that they concern can live.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from collab.access import Claims, Ruling
from collab.errors import AuthFailure, LimitExceeded, Unauthenticated
from collab.ids import RoomName, Subject, UnixSeconds
from gateway.auth.revocation_file import Revocation, RevocationFile

REVOCATIONS_MAX: Final = 100_000
FILE_NAME: Final = "revocations.jsonl"
_SPARE_LINES: Final = 1_000

Observer = Callable[[Revocation], None]


class Sharing(Protocol):
    """Where the revocations of many nodes are."""

    async def read_on(self) -> list[Revocation]:
        """Those that were added since the last call, in order.

        Raises:
            StoreUnavailable: they cannot be read now.
        """

    async def append(self, revocation: Revocation) -> list[Revocation]:
        """Store one more, and return those of others that were read meanwhile.

        Raises:
            StoreUnavailable: it may not be stored.
        """


_Key = tuple[Subject, RoomName | None]


class Revocations:
    """The revocations in force; made by :func:`open_revocations`.

    Args:
        entries: those of earlier runs, oldest first.
        file: where they are kept; None to forget them at the end.
        lifetime_s: how long each is kept.
    """

    def __init__(
        self, entries: list[Revocation], *, file: RevocationFile | None, lifetime_s: int
    ) -> None:
        self._file = file
        self._lifetime_s = lifetime_s
        self._file_is_whole = True
        self._writing = asyncio.Lock()
        self._entries: OrderedDict[_Key, Revocation] = OrderedDict()  # oldest first
        self._by_subject: dict[Subject, dict[RoomName | None, Revocation]] = {}
        self._observers: list[Observer] = []
        for entry in entries:
            self._put(entry)
        self._lines = len(self._entries)
        self._last_write: asyncio.Task[None] | None = None
        self._sharing: Sharing | None = None
        self._unstored: list[Revocation] = []
        self._told = _nothing

    def __len__(self) -> int:
        return len(self._entries)

    async def revoke(self, revocation: Revocation) -> None:
        """Put a revocation in force, tell the observers, and store it.

        It is in force before this first waits, and stays so when storing fails.

        Args:
            revocation: the decision; a later one about the same subject and room replaces it.

        Raises:
            LimitExceeded: too many are in force; nothing was done.
            StoreUnavailable: in force, but it would not outlive a restart; repeat the call.
        """
        self._drop_expired(revocation.revoked_at)
        key = (revocation.subject, revocation.room)
        if key not in self._entries and len(self._entries) >= REVOCATIONS_MAX:
            raise LimitExceeded("too many revocations are in force", limit="revocations_max")
        self._put(revocation)
        self._unstored.append(revocation)
        self._tell(revocation)
        # Shielded: a caller that goes away must not let two writes overlap in the file.
        self._last_write = asyncio.create_task(self._store(revocation), name="revocation.store")
        await asyncio.shield(self._last_write)

    async def share(
        self, sharing: Sharing, *, now: UnixSeconds, told: Callable[[], None] | None = None
    ) -> None:
        """Take over what other nodes have decided, and from now on keep these with them.

        Args:
            sharing: where they are.
            now: the wall clock.
            told: called after something was stored there, to tell the other nodes; None where
                there are none now, so that these are kept in the file as before.

        Raises:
            StoreUnavailable: they cannot be read or stored.
        """
        found = await sharing.read_on()
        newest = {(entry.subject, entry.room): entry.revoked_at for entry in found}
        missing = [
            entry for key, entry in self._entries.items() if entry.revoked_at > newest.get(key, -1)
        ]
        if told is not None:
            self._sharing, self._told = sharing, told
            for entry in missing:
                found += await sharing.append(entry)
        self._take([*found, *missing])
        self._drop_expired(now)

    async def read_on(self, *, now: UnixSeconds) -> None:
        """Put in force what other nodes have decided since, and drop what matters no more.

        Args:
            now: the wall clock.

        Raises:
            StoreUnavailable: they cannot be read now.
        """
        assert self._sharing is not None, "they are not shared"
        # Not while one of our own is being stored: what is read may be later than that one.
        async with self._writing:
            self._take(await self._sharing.read_on())
        self._drop_expired(now)

    def _take(self, revocations: list[Revocation]) -> None:
        """Put what other nodes have decided in force; what is on its way to them counts as later.

        Args:
            revocations: in the order of all nodes.
        """
        for revocation in (*revocations, *self._unstored):
            self._put(revocation)
        for revocation in revocations:
            self._tell(revocation)

    def effective_claims(self, claims: Claims) -> Claims:
        """What a token's claims are still worth.

        Args:
            claims: as the token says, with or without rulings of an earlier call.

        Returns:
            The claims with the rulings of today; roles of the other rooms stay as they are.

        Raises:
            Unauthenticated: everything issued to the subject up to some second was revoked.
        """
        found = self._by_subject.get(claims.subject)
        if found is None or not claims.verified:
            return claims if not claims.rulings else replace(claims, rulings=())
        issued_at = claims.issued_at or UnixSeconds(0)
        in_force = [entry for entry in found.values() if issued_at <= entry.revoked_at]
        if any(entry.room is None for entry in in_force):
            raise Unauthenticated("the token was revoked", reason=AuthFailure.REVOKED)
        rulings = tuple(
            Ruling(entry.room, entry.role) for entry in in_force if entry.room is not None
        )
        return replace(claims, rulings=rulings)

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Call a function for each new revocation, at once and in the event loop's thread.

        Args:
            observer: called with the revocation once it is in force; must not raise or block.

        Returns:
            A function that ends it.
        """
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def _tell(self, revocation: Revocation) -> None:
        for observer in tuple(self._observers):
            observer(revocation)

    def _put(self, revocation: Revocation) -> None:
        key = (revocation.subject, revocation.room)
        self._entries[key] = revocation
        self._entries.move_to_end(key)
        self._by_subject.setdefault(revocation.subject, {})[revocation.room] = revocation

    def _drop_expired(self, now: UnixSeconds) -> None:
        while self._entries:
            (subject, room), oldest = next(iter(self._entries.items()))
            if oldest.revoked_at + self._lifetime_s > now:
                return
            self._entries.popitem(last=False)
            del self._by_subject[subject][room]
            if not self._by_subject[subject]:
                del self._by_subject[subject]

    async def _store(self, revocation: Revocation) -> None:
        try:
            if self._sharing is not None:
                async with self._writing:
                    self._take(await self._sharing.append(revocation))
                self._told()
            else:
                await self._store_in_file(revocation)
        finally:
            self._unstored.remove(revocation)

    async def _store_in_file(self, revocation: Revocation) -> None:
        if self._file is None:
            return
        async with self._writing:
            rewrite = not self._file_is_whole or self._lines > 2 * len(self) + _SPARE_LINES
            self._file_is_whole = False  # until the write below has returned
            if rewrite:
                entries = tuple(self._entries.values())
                since = UnixSeconds(revocation.revoked_at - self._lifetime_s)
                await asyncio.to_thread(partial(self._file.replace, entries, since=since))
                self._lines = len(entries)
            else:
                await asyncio.to_thread(self._file.append, revocation)
                self._lines += 1
            self._file_is_whole = True


def _nothing() -> None:
    """There is nobody to tell."""


def open_revocations(
    folder: Path | None, *, lifetime_s: int, now: UnixSeconds, writes: bool = True
) -> Revocations:
    """Read the revocations of earlier runs that still matter.

    Args:
        folder: the data folder; None to keep them in memory only.
        lifetime_s: the longest life of a token, with the leeway.
        now: the wall clock.
        writes: whether more are kept there; otherwise the file is only read.

    Raises:
        StoreUnavailable: the file cannot be read or written, or is damaged.
    """
    if folder is None:
        return Revocations([], file=None, lifetime_s=lifetime_s)
    file = RevocationFile(folder / FILE_NAME)
    entries = [entry for entry in file.load() if entry.revoked_at + lifetime_s > now]
    if not writes:
        return Revocations(entries, file=None, lifetime_s=lifetime_s)
    revocations = Revocations(entries, file=file, lifetime_s=lifetime_s)
    # Also drops what a power cut left of a line, onto which the next append would be glued.
    file.replace((), since=UnixSeconds(now - lifetime_s))
    return revocations
