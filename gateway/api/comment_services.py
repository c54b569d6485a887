"""What the HTTP API asks of comments; implemented beside the rooms."""

from __future__ import annotations

from typing import Protocol

from collab.access import Claims
from collab.ids import RoomName
from collab.score.comment_deeds import Deed, Question
from persistence.erasure import Erased


class RoomComments(Protocol):
    """The comments on the rooms' documents, each in a reserved room beside its own.

    All may raise RoomQuarantined or RoomUnavailable (one of both rooms cannot be used now),
    WorkerFailed (its content could not be read) and InvalidRoomName (the name is too long for it
    to have comments).
    """

    async def read(self, name: RoomName, question: Question) -> bytes:
        """Threads with the places where they stand in the score now.

        Returns:
            As JSON, ``{"threads", "next"}`` or the thread that was asked for; empty where there is
            none.
        """

    async def do(self, name: RoomName, deed: Deed, claims: Claims) -> bytes:
        """Carry a deed out as an edit of the comments; it is durable when this returns.

        Its author is who the claims say. A repeated request that was carried out already writes
        nothing and is answered alike.

        Returns:
            The thread as it is now, as JSON; empty where nothing is left of it.

        Raises:
            AccessDenied: it is about somebody else's comment.
            NotThere: it is about no thread or message that is there.
            StateConflict: what is to be commented on is not there, the score is archived, or an
                idempotency key was used for another request.
            LimitExceeded: there are as many comments as there may be.
        """

    async def forget(self, name: RoomName, subject: str) -> Erased | None:
        """Take a subject's name out of all comments, and erase the history that held it.

        Returns:
            What the erasure did; None where nobody has commented.

        Raises:
            StateConflict: the comments are being erased already.
        """
