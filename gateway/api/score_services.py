"""What the HTTP API asks of scores; implemented beside the rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from collab.access import Claims
from collab.ids import RoomName
from collab.score.schema import Json, Transposition
from persistence.score_record import ScoreRecord

EMPTY: Final = "empty"
"""What a score was made of that has a title at most; a file may still be imported into it."""


@dataclass(frozen=True, slots=True)
class NewScore:
    """A score to be made.

    Attributes:
        facets: what it begins with; empty for an empty score.
        title: what the document says.
        origin: what it is made of, such as ``template:satb``.
        request: a digest of the request, where it had an idempotency key.
    """

    facets: Mapping[str, Mapping[str, Json]] = field(repr=False)
    title: str = field(repr=False)
    origin: str
    request: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a file that could not be taken as it stands; it is kept all the same."""

    line: int
    message: str


class RoomScores(Protocol):
    """The scores among the rooms. All may raise StoreUnavailable."""

    async def record(self, name: RoomName) -> ScoreRecord:
        """What is told about a score beside its document. Opens nothing."""

    async def summary(self, name: RoomName) -> Mapping[str, Json] | None:
        """A score in brief: title, people, parts, and numbers; None where there is no room.

        Raises:
            RoomQuarantined: the room is out of service.
            RoomUnavailable: it cannot be loaded now.
            WorkerFailed: it could not be read within the limits of a worker.
        """

    async def create(self, name: RoomName, new: NewScore, claims: Claims) -> ScoreRecord:
        """Make a score of a room in which nothing was ever written.

        What is there already is never added to: of two who make a score of one room at the same
        time, on any nodes, one is refused. A repeated request is answered as the first one was.

        Raises:
            StateConflict: something was written in the room, or its record says that it was made.
            InvalidScore: the facets are not sound.
            LimitExceeded: they are more than a document may have.
        """

    async def import_file(
        self, name: RoomName, file: bytes, request: str, claims: Claims
    ) -> tuple[ScoreRecord, tuple[Finding, ...]]:
        """Make a score of a MusicXML file, in a room in which nothing was ever written.

        A score that was made empty, and in which nothing was written since, is such a room.

        Args:
            name: the room.
            file: its bytes, compressed or not.
            request: a digest of the request, where it had an idempotency key.
            claims: of who asks.

        Returns:
            What is told about the score, and what could not be taken as it stands.

        Raises:
            StateConflict: something was written in the room; nothing is ever added to that.
            InvalidScore: it is no score.
            LimitExceeded: it passes a limit.
        """

    async def export(
        self, name: RoomName, part: str | None, transposition: Transposition | None
    ) -> bytes | None:
        """A score as it is now, or one part of it, as a MusicXML file; None where there is none.

        Args:
            name: the room.
            part: the part's id; None for all.
            transposition: of the instrument that shall read the part; None for as it is written.

        Raises:
            NotThere: there is no such part.
            StateConflict: there is no score in the room.
            LimitExceeded: the file would be too large.
        """

    async def rename(self, name: RoomName, title: str, claims: Claims) -> ScoreRecord:
        """Give a score another title, by an edit like any other, for everybody at once.

        Raises:
            StateConflict: the score is archived.
            RoomUnavailable: it could not be stored; repeating is safe.
        """

    async def archive(self, name: RoomName, claims: Claims, *, is_archived: bool) -> ScoreRecord:
        """Let nobody edit a score from now on, or everybody who may again.

        Raises:
            RoomUnavailable: it could not be stored; repeating is safe.
        """

    async def copy(self, name: RoomName, target: RoomName, claims: Claims) -> ScoreRecord:
        """Begin another room with what is in a score now, as a fork of a version of it.

        Raises:
            StateConflict: nothing was ever written in the score, or anything in the other room.
            RoomUnavailable: it could not be stored.
        """
