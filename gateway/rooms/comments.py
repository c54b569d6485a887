"""What the HTTP API may ask of comments: the protocol of ``gateway/api/comment_services.py``.

A deed becomes a forward edit of the reserved room beside the score, computed in a worker process
from that room's present state, stored and fanned out like any edit. One deed at a time for each
room: the next one builds on it.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from collab.access import Action, Claims, decide
from collab.ids import RoomName, comments_room
from collab.score.comment_deeds import (
    Asked,
    BeginThread,
    Deed,
    Edit,
    Forget,
    Question,
    ReadThread,
    Reply,
    encode_asked,
)
from collab.score.comments import Author
from gateway.observe.metrics import Metrics
from gateway.rooms.edit_authors import EditAuthors
from gateway.rooms.refusals import accepted
from gateway.rooms.services import RoomServices
from gateway.rooms.witnesses import comment_cause, mention_cause
from persistence.erasure import Erased, ErasureMode
from persistence.offload import Offload
from workers.notices.events import Cause
from workers.notices.relay import Announced, untold

_log = structlog.stdlib.get_logger(__name__)


class CommentServices:
    """Comments over the rooms of one node.

    Args:
        rooms: the rooms.
        offload: where content is read.
        metrics: what is counted.
        wall_ms: the wall clock, in milliseconds.
        announced: where deeds are announced of which others are to know.
    """

    def __init__(
        self,
        rooms: RoomServices,
        offload: Offload,
        metrics: Metrics,
        wall_ms: Callable[[], int],
        announced: Announced = untold,
    ) -> None:
        self._rooms = rooms
        self._offload = offload
        self._metrics = metrics
        self._wall_ms = wall_ms
        self._announced = announced
        self._authors = EditAuthors()

    async def read(self, name: RoomName, question: Question) -> bytes:
        """Threads and their places; see ``RoomComments``."""
        asked = Asked(question, Author(""), self._wall_ms())
        held = await self._document(comments_room(name))
        told, _ = await self._asked(held, await self._document(name), asked, client=0)
        return told

    async def do(self, name: RoomName, deed: Deed, claims: Claims) -> bytes:
        """Carry a deed out; see ``RoomComments``."""
        author = Author(
            claims.subject, claims.display_name, moderates=decide(claims, name, Action.MODERATE)
        )
        async with self._announced(await self._cause(name, deed, claims)):
            return await self._carried_out(name, deed, author)

    async def _cause(self, name: RoomName, deed: Deed, claims: Claims) -> Cause | None:
        """What others are to know of a deed."""
        at = self._wall_ms() / 1000
        match deed:
            case BeginThread(words, _):
                return comment_cause(name, claims, words.message_id, words.message_id, at)
            case Reply(thread_id, words):
                return comment_cause(name, claims, thread_id, words.message_id, at)
            case Edit(thread_id, message_id, words) if words.mentions:
                told = await self.read(name, ReadThread(thread_id))
                return mention_cause(name, claims, told, message_id, words.mentions, at)
            case _:
                return None

    async def forget(self, name: RoomName, subject: str) -> Erased | None:
        """Take a subject's name out; see ``RoomComments``."""
        room = await self._rooms.comments_of(name)
        if room is None:
            return None
        await self._carried_out(name, Forget(subject), Author(""))
        return await self._rooms.erase(room, ErasureMode.HISTORY, accept_loss=False)

    async def _carried_out(self, name: RoomName, deed: Deed, author: Author) -> bytes:
        room = comments_room(name)
        async with self._authors.turn(room):
            score = await self._document(name)
            if not isinstance(deed, Forget):
                self._rooms.check_editable(name)
            runner = await self._rooms.open(room)
            runner.busy += 1  # it must not be unloaded between its state and the edit
            try:
                await runner.drain()
                if runner.link is not None:  # what was said on another node a moment ago
                    await runner.appender.read_on()
                held = await self._rooms.state_of(runner)
                asked = Asked(deed, author, self._wall_ms())
                told, update = await self._asked(held, score, asked, self._authors.client(runner))
                if update:
                    await runner.append(update)
            finally:
                runner.busy -= 1
        if update:
            self._metrics.comments.labels(type(deed).__name__).inc()
            _log.info("comments.changed", room=runner.key[:12], deed=type(deed).__name__)
        return told

    async def _asked(
        self, held: bytes, score: bytes, asked: Asked, client: int
    ) -> tuple[bytes, bytes]:
        told, answer, update = await self._offload.comments(
            held, score, encode_asked(asked), client
        )
        accepted(told)
        return answer, update

    async def _document(self, name: RoomName) -> bytes:
        return await self._rooms.document(name, state_vector=None) or b""
