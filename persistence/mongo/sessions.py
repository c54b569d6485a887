"""Which sessions a node's transactions run in, so that others can end what it leaves behind.

A transaction of a node that was killed keeps hold of what it touched until MongoDB gives it up, by
default after a minute; until then nobody can append to its rooms. So each session is listed when a
transaction begins in it, with the time by MongoDB's clock, and again twice a second while that
lasts, all that are in use at once.
A node that is outpaced at every attempt ends the sessions of which nothing was heard for some
seconds, whoever's they are, and strikes them: its own too, where a connection was lost before a
transaction could be undone. Whoever uses one of them again lists it again. So no transaction is
ended of a node that lives, except where its event loop stood still for as long; and one that is
ended begins anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from datetime import timedelta
from typing import Any, Final

import pymongo
import structlog
from bson.binary import Binary
from pymongo import WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

SESSIONS: Final = "sessions"
BEAT_S: Final = 0.5
"""From one sign of life of the sessions in use to the next."""

FRESH_S: Final = 1.0
"""A session of which something was heard so lately is not listed anew when it is used again."""

SILENT_S: Final = 2.0
"""A session of which so long nothing was heard has nobody who would end its transaction."""

KEPT_S: Final = 24 * 3_600
"""MongoDB has forgotten a session that was not used for half an hour, let alone for a day."""

_log = structlog.stdlib.get_logger(__name__)

assert FRESH_S + BEAT_S < SILENT_S, "one in use would be taken for one that nobody ends"


class Sessions:
    """The list, as one node sees it.

    Args:
        database: where it is kept.
    """

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._admin = database.client.admin
        # What a failing primary takes back of the list it takes back of the transactions, too.
        self._listed = database.get_collection(SESSIONS, write_concern=WriteConcern(w=1))
        self._heard: dict[Binary, float] = {}
        self._busy: set[Binary] = set()
        self._beating: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def using(self, session: AsyncClientSession) -> AsyncIterator[None]:
        """List a session for as long as a transaction of this node is open in it.

        Raises:
            PyMongoError: MongoDB did not do it.
        """
        session_id = session.session_id["id"]
        if time.monotonic() - self._heard.get(session_id, -SILENT_S) >= FRESH_S:
            await self._list(session_id)
        self._busy.add(session_id)
        if self._beating is None:
            # Not in the context of this call, whose bound of time ends with it.
            self._beating = asyncio.create_task(self._go_on_beating(), context=Context())
        try:
            yield
        finally:
            self._busy.discard(session_id)

    async def end_silent(self) -> None:
        """End what transactions were begun in sessions of which nothing is heard any more.

        Raises:
            PyMongoError: MongoDB did not do it.
        """
        now = (await self._admin.command("hello"))["localTime"]
        before = now - timedelta(seconds=SILENT_S)
        # One without the time was listed by an earlier version, which gives no sign of life.
        silent = {"$or": [{"heard_at": {"$lt": before}}, {"heard_at": {"$exists": False}}]}
        others = self._listed.find({"_id": {"$nin": list(self._busy)}, **silent})
        found = [listed["_id"] async for listed in others]
        if not found:
            return
        try:
            await self._admin.command("killSessions", [{"id": each} for each in found])
        except OperationFailure as error:  # a service without it: MongoDB gives them up in time
            _log.warning("store.sessions_not_ended", code=error.code)
            return
        _log.warning("store.sessions_ended", sessions=len(found))
        await self._listed.delete_many({"_id": {"$in": found}, **silent})

    async def _list(self, session_id: Binary) -> None:
        begun = time.monotonic()
        await self._listed.update_one({"_id": session_id}, _heard_now(), upsert=True)
        self._heard[session_id] = begun

    async def _go_on_beating(self) -> None:
        """Give signs of life, until at a beat no session is in use."""
        try:
            while True:
                await asyncio.sleep(BEAT_S)
                if not self._busy:
                    return
                with suppress(PyMongoError):  # then others may take the node for dead, and be right
                    await self._beat(list(self._busy))
        finally:
            self._beating = None

    async def _beat(self, session_ids: list[Binary]) -> None:
        begun = time.monotonic()
        with pymongo.timeout(SILENT_S):
            known = await self._listed.update_many({"_id": {"$in": session_ids}}, _heard_now())
            if known.matched_count < len(session_ids):  # others took this node for dead meanwhile
                for each in session_ids:
                    await self._list(each)
        self._heard.update(dict.fromkeys(session_ids, begun))

    async def forget_old(self) -> None:
        """Strike what was listed so long ago that MongoDB has given it up.

        Raises:
            PyMongoError: MongoDB did not do it.
        """
        before = {"$lt": int(time.time()) - KEPT_S}
        await self._listed.delete_many({"used_at_unix_s": before})

    async def close(self) -> None:
        """End giving signs of life, and strike this node's own.

        Raises:
            PyMongoError: MongoDB did not do it.
        """
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])
        if self._heard:
            await self._listed.delete_many({"_id": {"$in": list(self._heard)}})


def _heard_now() -> dict[str, Any]:
    return {"$set": {"used_at_unix_s": int(time.time())}, "$currentDate": {"heard_at": True}}
