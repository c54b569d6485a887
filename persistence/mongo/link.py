"""The connection to MongoDB: how durable, how long, how often again, and errors in plain words.

Every write waits until a majority of the replica set has it in its journal; every read sees only
what a majority has, from the primary. Every call ends within `MongoLimits.operation_timeout_ms`,
all attempts of the driver and of this module included.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

import pymongo
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)
from pymongo.read_concern import ReadConcern

from collab.errors import SettingsError, StoreUnavailable
from collab.ids import UnixSeconds
from persistence.failpoints import Failpoints
from persistence.mongo.sessions import BEAT_S, Sessions
from persistence.store_urls import masked
from persistence.stores import MongoLimits

Result = TypeVar("Result")
Document: TypeAlias = dict[str, Any]
Collection: TypeAlias = AsyncCollection[Document]
Session: TypeAlias = AsyncClientSession

DEFAULT_DATABASE: Final = "bandpro"
SCHEMES: Final = ("mongodb", "mongodb+srv")
TRANSACTIONS_MAX: Final = 30
"""How often a transaction is begun anew because another one touched the same documents."""

COMMITS_MAX: Final = 3
"""How often a commit whose outcome is unknown is asked for, the driver's own repetition aside."""

_PAUSE_MS_MAX: Final = 100.0
_DURABLE: Final = WriteConcern(w="majority", j=True)
_MAJORITY: Final = ReadConcern("majority")
_SNAPSHOT: Final = ReadConcern("snapshot")
_TRANSIENT: Final = "TransientTransactionError"
_INTERRUPTED: Final = 11601  # another node ended the session; the server does not label it

_ADVICE: Final = {
    13: "the user may not read and write this database: grant it the role readWrite",
    18: "MongoDB refused the user name or the password",
    20: "MongoDB runs without a replica set: start it with --replSet and initiate it",
    50: "MongoDB did not finish in time: look for slow disks or too much load there",
    64: "too few members of the replica set confirmed the write in time",
    91: "MongoDB is shutting down",
    100: "the replica set has too few members that can confirm a write",
    189: "the primary of the replica set stepped down",
    388: "MongoDB's cache is too small for this write: give it more memory",
    10107: "the primary of the replica set changed",
    14031: "the disk of MongoDB is full: free some space, saving then resumes by itself",
}
"""What an operator should know, by code of the server's error."""


class Conflict(Exception):
    """A transaction ended without a trace, because another one touched the same documents."""


class MongoLink:
    """One client and one database.

    Args:
        url: ``mongodb://`` or ``mongodb+srv://``; what it says of durability is overruled.
        limits: bounds on waiting.
        failpoints: where to fail on purpose.

    Raises:
        SettingsError: the URL cannot be understood.
    """

    def __init__(self, url: str, limits: MongoLimits, failpoints: Failpoints) -> None:
        self.place = masked(url)
        self.limits = limits
        self._failpoints = failpoints
        self._ended_silent_s = 0.0
        try:
            self.client: AsyncMongoClient[Document] = AsyncMongoClient(
                url,
                appname="bandpro",
                connectTimeoutMS=limits.socket_timeout_ms,
                maxPoolSize=limits.connections_max,
                readConcernLevel="majority",
                readPreference="primary",
                retryReads=True,
                retryWrites=True,
                serverSelectionTimeoutMS=limits.selection_timeout_ms,
                socketTimeoutMS=limits.socket_timeout_ms,
                tz_aware=True,
            )
            name = urlsplit(url).path.strip("/") or DEFAULT_DATABASE
            self.database = self.client.get_database(
                name,
                read_concern=_MAJORITY,
                read_preference=ReadPreference.PRIMARY,
                write_concern=_DURABLE,
            )
            self.sessions = Sessions(self.database)
        except (PyMongoError, ValueError, TypeError) as error:
            # The driver's own words may quote the URL, and with it the password.
            raise SettingsError(
                f"{self.place} is no URL that MongoDB's driver understands "
                f"({type(error).__name__}): escape user and password, and check the options"
            ) from None

    def collection(self, name: str) -> Collection:
        """A collection of the database."""
        return self.database[name]

    async def now(self) -> UnixSeconds:
        """The time by the clock of the primary, which all nodes share."""
        found: Document = await self.call(lambda: self.database.command("hello"))
        return UnixSeconds(int(found["localTime"].timestamp()))

    async def call(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Await what `work` begins, within the bounds.

        Raises:
            StoreUnavailable: MongoDB did not do it, or its outcome is unknown.
        """
        with self.bounded():
            return await work()

    async def transact(
        self, work: Callable[[Session], Awaitable[Result]], *, kind: str | None = None
    ) -> Result:
        """Run `work` in a transaction, anew as long as others' transactions get in its way.

        Args:
            work: passes the session to each operation; an error of ours undoes everything.
            kind: names the failpoints around the commit.

        Raises:
            StoreUnavailable: MongoDB did not do it, or its outcome is unknown.
            BandProError: whatever `work` raised.
        """
        with self.bounded():
            begun_s = time.monotonic()
            for attempt in range(TRANSACTIONS_MAX):
                try:
                    return await self.transact_once(work, kind=kind)
                except Conflict:
                    await self.outpaced(attempt, begun_s)
            await self.sessions.end_silent()
        raise StoreUnavailable(OTHERS_FASTER)

    async def transact_once(
        self, work: Callable[[Session], Awaitable[Result]], *, kind: str | None = None
    ) -> Result:
        """Run `work` in one transaction; to be called within `bounded`.

        Raises:
            Conflict: nothing was written, it may be tried again.
            StoreUnavailable: the outcome of the commit is unknown.
            PyMongoError: an error before the commit; nothing was written.
        """
        async with (
            self.client.start_session(causal_consistency=False) as session,
            self.sessions.using(session),
        ):
            await session.start_transaction(read_concern=_SNAPSHOT, write_concern=_DURABLE)
            try:  # leaving the session undoes a transaction that was not committed
                result = await work(session)
            except PyMongoError as error:
                is_over = error.has_error_label(_TRANSIENT) or _is_interrupted(error)
                if is_over and not error.timeout:
                    raise Conflict from error
                raise
            if kind is not None:
                await self.hit(f"{kind}.before_commit")
            await _commit(session)
        return result

    async def outpaced(self, attempt: int, begun_s: float) -> None:
        """Wait a little because others came first, longer at each attempt; end whoever never will.

        Those who never will are looked for twice a second from then on, not when all attempts have
        failed: whoever was killed may have been silent for a while before, and the next call, which
        begins to count anew, should not meet it again.

        Args:
            attempt: the number of the one that came too late.
            begun_s: the monotonic time at which the first was begun.

        Raises:
            PyMongoError: MongoDB did not do it.
        """
        await pause(attempt)
        now_s = time.monotonic()
        if now_s - begun_s > BEAT_S and now_s - self._ended_silent_s > BEAT_S:
            self._ended_silent_s = now_s
            await self.sessions.end_silent()

    async def hit(self, point: str) -> None:
        """Pass a failpoint, without holding up the loop."""
        if self._failpoints.armed:
            await asyncio.to_thread(self._failpoints.hit, point)

    @contextlib.contextmanager
    def bounded(self, *, spare: tuple[type[PyMongoError], ...] = ()) -> Iterator[None]:
        """Bound the time of what happens inside, and tell the driver's errors in plain words.

        Args:
            spare: errors that are passed on as they are.
        """
        try:
            with pymongo.timeout(self.limits.operation_timeout_ms / 1_000):
                yield
        except spare:
            raise
        except PyMongoError as error:
            raise unavailable(error) from error

    async def close(self) -> None:
        """Let go of all connections."""
        with contextlib.suppress(StoreUnavailable):  # then it is struck by its age
            await self.call(self.sessions.close)
        await self.client.close()


OTHERS_FASTER: Final = "others changed the same documents of MongoDB at every attempt"


async def pause(attempt: int) -> None:
    """Wait a little, longer at each attempt and never alike, so that rivals part."""
    await asyncio.sleep(random.uniform(0.0, min(2.0**attempt, _PAUSE_MS_MAX)) / 1_000)  # noqa: S311


async def _commit(session: Session) -> None:
    """Commit; once the outcome was unknown, only a plain yes counts.

    Only the label of a transient error says that nothing was written. Any other error leaves it
    open, labelled or not: who waits for the majority may be interrupted after the commit.

    Raises:
        Conflict: nothing was written.
        StoreUnavailable: the outcome is unknown.
    """
    is_unknown = False
    for _ in range(COMMITS_MAX):
        try:
            await session.commit_transaction()
            return
        except PyMongoError as error:
            is_undone = error.has_error_label(_TRANSIENT)
            if is_undone and not is_unknown and not isinstance(error, WriteConcernError):
                raise Conflict from error
            is_unknown = True
            if is_undone or error.timeout:
                break
    raise StoreUnavailable("MongoDB did not say whether it committed")


def _is_interrupted(error: PyMongoError) -> bool:
    return isinstance(error, OperationFailure) and error.code == _INTERRUPTED


def unavailable(error: PyMongoError) -> StoreUnavailable:
    """The error that callers see: an operator's words, then the driver's name for it.

    The driver's message is left out: it may quote what was stored, names of rooms for example.
    """
    code = error.code if isinstance(error, OperationFailure) else None
    return StoreUnavailable(
        f"{_advice(error, code)} ({type(error).__name__}{'' if code is None else f' {code}'})"
    )


def _advice(error: PyMongoError, code: int | None) -> str:
    if code is not None and code in _ADVICE:
        return _ADVICE[code]
    if isinstance(error, ServerSelectionTimeoutError):
        return "no primary of the replica set answers: check that MongoDB runs and can be reached"
    if error.timeout:
        return _ADVICE[50]
    if isinstance(error, ConnectionFailure):
        return "the connection to MongoDB was lost"
    if isinstance(error, ConfigurationError):
        return "MongoDB cannot be used with these options of its URL"
    return "MongoDB refused a command"
