"""What the JSON bodies about scores hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from collab.ids import RoomName
from collab.limits import (
    SCORE_MEASURES_EMPTY_MAX,
    SCORE_TEXT_CHARS_MAX,
    SCORES_PAGE_MAX,
)
from collab.score.schema import ID_CHARS_MAX, Transposition
from collab.score.templates import TEMPLATES
from gateway.api.answers import Answer, Count, Name
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import RequestModel
from persistence.score_record import ScoreRecord

Title = Annotated[str, Field(max_length=SCORE_TEXT_CHARS_MAX)]
TemplateName = Annotated[str, Field(json_schema_extra={"enum": list(TEMPLATES)})]


class ScoreFacts(Answer):
    """What is told about a score beside its document."""

    room: Name = Field(description="The room that its document is in.")
    title: str = Field(
        description="As the document has it; what editors write is here a moment later."
    )
    is_archived: bool = Field(description="Whether nobody edits it.")
    created_at: Count | None = Field(
        description="Unix time in seconds; null for a room that was not made here."
    )
    created_by: str = Field(description="Subject of that token; empty where not known.")
    origin: str = Field(
        description="What it was made of: `empty`, `facets`, `template:` and its name, `copy:` and "
        "the id of the version that was copied; empty where not known."
    )

    @classmethod
    def of_record(cls, room: RoomName, record: ScoreRecord) -> ScoreFacts:
        """The answer for one score."""
        return cls(
            room=room,
            title=record.title,
            is_archived=record.is_archived,
            created_at=record.created_at,
            created_by=record.created_by,
            origin=record.origin,
        )


class PartFacts(Answer):
    """One part of a score."""

    part_id: str = Field(description="Its id in the document.")
    name: str = Field(description="As it stands before the first system.")


class Score(ScoreFacts):
    """One score in brief, as its document is now."""

    people: dict[str, str] = Field(description="`composer`, `lyricist`, `arranger`, where named.")
    parts: list[PartFacts] = Field(description="From the top of the page.")
    measures: Count = Field(description="Without the deleted ones.")
    notes: Count = Field(description="In these, rests among them.")


class FindingFacts(Answer):
    """Something in a file that could not be taken as it stands; it is kept all the same."""

    line: Count = Field(description="In the file, from 1; 0 where none is to blame.")
    message: str = Field(description="What.")


class ImportedScore(ScoreFacts):
    """A score that was made of a file."""

    findings: list[FindingFacts] = Field(description="In the order of the file; 100 at most.")


class Scores(Answer):
    """A page of scores."""

    scores: list[ScoreFacts] = Field(description="In order of room.")
    next: Name | None = Field(
        description="What to pass as `after` for the next page; null on the last one. A page may "
        "have fewer scores than were asked for, or none, and still not be the last."
    )


class TemplateFacts(Answer):
    """A template to begin a score with."""

    template: str = Field(description="What to pass when making a score.")
    name: str = Field(description="For people.")
    instruments: list[str] = Field(description="From the top of the page.")


class Templates(Answer):
    """All templates."""

    templates: list[TemplateFacts]


class ScoreRequest(RequestModel):
    """A score to be made: of a template, of facets, or empty."""

    room: Name = Field(description="The room to be; nothing may have been written in it yet.")
    title: Title | None = Field(None, description="What it is called.")
    composer: Title | None = Field(None, description="Who wrote it.")
    template: TemplateName | None = Field(None, description="The template to begin with.")
    measures: int | None = Field(
        None, ge=1, le=SCORE_MEASURES_EMPTY_MAX, description="How many, with a template."
    )
    fifths: int | None = Field(
        None, ge=-7, le=7, description="The key as it sounds, with a template: sharps, or flats."
    )
    beats: int | None = Field(None, ge=1, le=32, description="Of a measure, with a template.")
    unit: Literal[1, 2, 4, 8, 16, 32] | None = Field(
        None, description="Of a beat, with a template: 4 for a quarter."
    )
    facets: dict[str, dict[str, JsonValue]] | None = Field(
        None, description="The whole content, by facet and key, as the score's schema has it."
    )


class ScoreChange(RequestModel):
    """What shall be different about a score."""

    title: Title | None = Field(None, description="Its new title.")
    is_archived: bool | None = Field(None, description="Whether nobody may edit it.")


class CopyRequest(RequestModel):
    """A room to be made of a score."""

    room: Name = Field(description="Its name; nothing may have been written in it yet.")


class ExportQuery(RequestModel):
    """The query of an export."""

    part: str | None = Field(
        None, min_length=1, max_length=ID_CHARS_MAX, description="Only this part, by its id."
    )
    diatonic: int | None = Field(
        None,
        ge=-35,
        le=35,
        description="With a part: what the instrument that shall read it sounds compared with "
        "what is written, in steps of the scale; -1 for one in B flat.",
    )
    chromatic: int | None = Field(
        None, ge=-60, le=60, description="The same in semitones; -2 for one in B flat."
    )

    def transposition(self) -> Transposition | None:
        """The instrument's; None where the part is wanted as it is written.

        Raises:
            ProblemError: part, diatonic and chromatic do not go together.
        """
        if self.diatonic is None and self.chromatic is None:
            return None
        if self.diatonic is None or self.chromatic is None or self.part is None:
            raise ProblemError(
                Problem.MALFORMED_REQUEST, "part, diatonic and chromatic go together"
            )
        return {"diatonic": self.diatonic, "chromatic": self.chromatic}


class ScoresQuery(RequestModel):
    """The query of the list of scores."""

    after: Name | None = Field(None, description="List scores of rooms after this name.")
    limit: int = Field(100, ge=1, le=SCORES_PAGE_MAX, description="How many at most.")
    is_archived: bool = Field(
        False,  # noqa: FBT003 - pydantic's default
        description="List the archived ones instead of those in use.",
    )
