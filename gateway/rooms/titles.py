"""Keeps the titles in lists those that the documents have, whoever wrote them there.

A list is made of records and opens no document (`persistence.score_record`). So a room in which
something of its titles and names was changed is looked at here, a tick or two later: what is stored
of it is read in a worker, and its title kept in the record if it is another one. A room that
somebody edits for the first time since it was opened is looked at once, which also makes up for
what a node could not do any more before it ended. Whoever is in many rooms at once, or changes
titles without end, takes a small share of one worker by that, and nothing of the event loop.

Each node looks at the rooms that it has open, its home or not: two that keep one title write it
once, and of two titles the later one is looked at again wherever it arrives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from collections.abc import Sequence as SequenceOf
from contextlib import suppress
from typing import Final
from weakref import WeakKeyDictionary, ref

import structlog

from collab.errors import BandProError, StoreUnavailable, WorkerFailed
from collab.ids import RoomName, commented_room, room_key
from collab.room.replica import MapWatch
from gateway.rooms.node_load import NodeLoad
from gateway.rooms.runner import RoomRunner
from persistence.loading import load_room
from persistence.score_record import keep_title
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)
_META: Final = "meta"
_AGAIN_S: Final = 1.0  # after the store or a worker has failed
_READS_FAILED_MAX: Final = 3
"""How often workers may fail at a title before it is left: one may lack memory for a moment."""
_REST_S_MIN: Final = 0.05
_REST_SHARE: Final = 5
"""After each look, so many times what it took: at most a sixth of a worker is taken."""

ReadTitle = Callable[[SequenceOf[bytes]], Awaitable[str]]
"""Reads the title of the score that updates amount to, off the event loop."""


class TitleKeeper:
    """The titles of one node's rooms.

    Args:
        stores: where rooms and records are kept.
        read: reads a title.
        load: how busy the node is.
    """

    def __init__(self, stores: Stores, read: ReadTitle, load: NodeLoad) -> None:
        self._stores = stores
        self._read = read
        self._load = load
        self._watches: WeakKeyDictionary[RoomRunner, MapWatch] = WeakKeyDictionary()
        # No runner is held: a room may be unloaded before its turn, all being stored by then.
        self._changed: dict[RoomName, ref[RoomRunner]] = {}
        self._edited: dict[RoomName, ref[RoomRunner]] = {}  # most have the title that is known
        self._failed: dict[RoomName, int] = {}  # how often in a row, of those to be read again
        self._looking: asyncio.Task[None] | None = None

    def tick(self, rooms: SequenceOf[RoomRunner]) -> None:
        """Note which of the live rooms are to be looked at, and begin."""
        for runner in rooms:
            if runner.appender.head == runner.appender.first_head:
                continue  # so it is with most
            watch = self._watches.get(runner)
            if watch is None and commented_room(runner.name) is None:
                self._edited.setdefault(runner.name, ref(runner))
            elif watch is not None and watch.is_changed:
                self._changed.setdefault(runner.name, ref(runner))
        if (self._changed or self._edited) and self._looking is None:
            self._looking = asyncio.create_task(self._look_at_all())
            self._looking.add_done_callback(self._looked)

    def look_again(self, runner: RoomRunner) -> None:
        """Have a room looked at from the next tick on: somebody else has kept a title of it."""
        self._changed.setdefault(runner.name, ref(runner))

    async def aclose(self) -> None:
        """Stop; what is under way is given up."""
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    def _looked(self, _: asyncio.Task[None]) -> None:
        self._looking = None

    async def _look_at_all(self) -> None:
        loop = asyncio.get_running_loop()
        while due := self._changed or self._edited:
            await self._load.calm()
            name = next(iter(due))
            known = due.pop(name)
            begun_s = loop.time()
            is_read = await self._try(name, known())
            if not is_read:
                self._edited.setdefault(name, known)
            least_s = _REST_S_MIN if is_read else _AGAIN_S
            await asyncio.sleep(max(least_s, _REST_SHARE * (loop.time() - begun_s)))

    async def _try(self, name: RoomName, runner: RoomRunner | None) -> bool:
        """Look at a room; False where that failed, so that it is to be looked at again."""
        try:
            await self._look(name, runner)
        except StoreUnavailable:
            return False
        except BandProError as error:
            failed = self._failed.get(name, 0) + 1
            if isinstance(error, WorkerFailed) and failed < _READS_FAILED_MAX:
                self._failed[name] = failed
                return False
            _log.warning("score.title_unread", room=_shown(name), error=type(error).__name__)
        self._failed.pop(name, None)
        return True

    async def _look(self, name: RoomName, runner: RoomRunner | None) -> None:
        if runner is not None:
            self._watch(runner)
            await runner.drain()  # what was noticed is stored then
        loaded = await load_room(self._stores, name)
        title = await self._read(loaded.updates)
        if await keep_title(self._stores, name, title, of=loaded.manifest.epoch):
            _log.info("score.title_kept", room=_shown(name))

    def _watch(self, runner: RoomRunner) -> None:
        """Notice what is changed from now on, before what is there is read."""
        watch = self._watches.get(runner)
        if watch is None:
            self._watches[runner] = runner.room.doc.watch_map(_META)
        else:
            watch.begin_anew()


def _shown(name: RoomName) -> str:
    return room_key(name)[:12]
