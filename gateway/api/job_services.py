"""What the HTTP API asks of jobs; implemented beside the rooms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from collab.access import Claims
from collab.ids import RoomName
from collab.score.schema import Transposition
from workers.formats import Format
from workers.jobs.job import Job
from workers.jobs.links import Link, LinkSigner
from workers.jobs.ports import JobBook
from workers.tools.options import Page


@dataclass(frozen=True, slots=True)
class Export:
    """What a score shall be made into.

    Attributes:
        target: the format.
        part: id of the only part that is wanted; None for all.
        transposition: of the instrument that shall read the part; None for as it is written.
        page: the size of pages.
        dots_per_inch: of pictures.
    """

    target: Format
    part: str | None
    transposition: Transposition | None
    page: Page
    dots_per_inch: int


class RoomJobs(Protocol):
    """Jobs on the scores among the rooms. All may raise StoreUnavailable."""

    @property
    def book(self) -> JobBook:
        """All jobs."""

    @property
    def links(self) -> LinkSigner:
        """Makes links to results."""

    @property
    def is_ending(self) -> bool:
        """Whether the node is shut down, and nobody may be kept waiting."""

    async def export(self, name: RoomName, wanted: Export, claims: Claims) -> Job | None:
        """Have a score as it is now made into files; None where there is no room.

        The same music in the same form is the same job, whoever asks; one that failed or was
        cancelled is begun anew.

        Raises:
            NotThere: there is no such part.
            StateConflict: there is no score in the room.
            LimitExceeded: it passes a limit, or the subject has too many jobs that wait.
            RoomUnavailable: it cannot be read now.
        """

    async def import_file(self, name: RoomName, source: Format, file: bytes, claims: Claims) -> Job:
        """Have a file made the first content of a room, in which nothing was ever written.

        The same file into the same room is the same job; one that failed or was cancelled is begun
        anew.

        Raises:
            StateConflict: something was written in the room.
            LimitExceeded: the subject has too many jobs that wait.
        """

    async def pause(self) -> None:
        """Wait until it is time to look at a job again, half a second at most."""

    async def file(self, link: Link) -> bytes | None:
        """What a link is good for; None where it is not kept any more."""
