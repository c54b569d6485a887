"""Which sessions a node's transactions run in, so that others can end what it leaves behind.

A transaction of a node that was killed keeps hold of what it touched until MongoDB gives it up, by
default after a minute; until then nobody can append to its rooms. So each session is listed before
its first transaction. A node that is outpaced at every attempt ends the sessions of all others:
transactions of the living take milliseconds, and one that is ended begins anew.
"""

from __future__ import annotations

import time
from typing import Any, Final

import structlog
from bson.binary import Binary
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

SESSIONS: Final = "sessions"
LISTED_S: Final = 3_600
"""A session in use is listed again after so long."""

KEPT_S: Final = 24 * 3_600
"""MongoDB has forgotten a session that was not used for half an hour, let alone for a day."""

_log = structlog.stdlib.get_logger(__name__)


class Sessions:
    """The list, as one node sees it.

    Args:
        database: where it is kept.
    """

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._admin = database.client.admin
        self._listed = database[SESSIONS]
        self._own: dict[Binary, float] = {}

    async def enlist(self, session: AsyncClientSession) -> None:
        """List a session before its first transaction, and now and then again.

        Raises:
            PyMongoError: MongoDB did not do it.
        """
        session_id = session.session_id["id"]
        if time.monotonic() - self._own.get(session_id, -LISTED_S) < LISTED_S:
            return
        used = {"$set": {"used_at_unix_s": int(time.time())}}
        await self._listed.update_one({"_id": session_id}, used, upsert=True)
        self._own[session_id] = time.monotonic()

    async def end_others(self) -> None:
        """End whatever transactions other nodes have begun and not committed.

        Raises:
            PyMongoError: MongoDB did not do it.
        """
        others = self._listed.find({"_id": {"$nin": list(self._own)}})
        found = [{"id": listed["_id"]} async for listed in others]
        if not found:
            return
        try:
            await self._admin.command("killSessions", found)
        except OperationFailure as error:  # a service without it: MongoDB gives them up in time
            _log.warning("store.sessions_not_ended", code=error.code)
        else:
            _log.warning("store.sessions_ended", sessions=len(found))

    async def forget_old(self) -> None:
        """Strike what was listed so long ago that MongoDB has given it up.

        Raises:
            PyMongoError: MongoDB did not do it.
        """
        before = {"$lt": int(time.time()) - KEPT_S}
        await self._listed.delete_many({"used_at_unix_s": before})

    async def close(self) -> None:
        """Strike this node's own.

        Raises:
            PyMongoError: MongoDB did not do it.
        """
        if self._own:
            await self._listed.delete_many({"_id": {"$in": list(self._own)}})
