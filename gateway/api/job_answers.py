"""What the JSON bodies about jobs hold."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from collab.limits import JOBS_PAGE_MAX
from gateway.api.answers import Answer, Count, Name
from gateway.api.requests import RequestModel
from gateway.api.score_answers import ExportQuery, FindingFacts
from gateway.api.terms import JOB_ID_PATTERN
from workers.formats import SOURCES, TARGETS
from workers.jobs import imports
from workers.jobs import job as jobs
from workers.jobs.job import JobState
from workers.tools.options import Page

TargetName = Literal["musicxml", "mxl", "mei", "timemap", "svg", "pdf", "png", "midi", "wav", "mp3"]
SourceName = Literal["musicxml", "mxl", "abc", "midi"]
JobKind = Literal["export", "import"]
JobIdText = Annotated[str, Field(pattern=JOB_ID_PATTERN)]

assert set(get_args(TargetName)) == set(TARGETS)
assert set(get_args(SourceName)) == set(SOURCES)


class Progress(Answer):
    """How much of a job is done."""

    done: Count = Field(description="Pages, or steps.")
    total: Count = Field(description="Of so many.")


class ResultFile(Answer):
    """A file that a job made."""

    name: str = Field(description="What it is saved as.")
    media_type: str = Field(description="Of its content.")
    size_bytes: Count = Field(description="How large it is.")
    url: str = Field(description="Where it is read, by whoever has this link, without a token.")
    expires_at: Count = Field(description="Until when, in Unix seconds; ask again for a new one.")


class JobFacts(Answer):
    """What everybody in the room of a job is told: not who asked for it."""

    kind: JobKind = Field(description="Whether a score is made into files, or of one.")
    format: str = Field(description="That is made, or read.")
    state: JobState = Field(description="Where it is.")
    progress: Progress | None = Field(description="How much is done; null where that is not known.")

    @classmethod
    def of_job(cls, job: jobs.Job) -> JobFacts:
        """What is told of one job."""
        is_import = job.kind == imports.KIND
        done = (
            None if job.progress is None else Progress(done=job.progress[0], total=job.progress[1])
        )
        return cls(
            kind="import" if is_import else "export",
            format=job.payload["source" if is_import else "target"],
            state=job.state,
            progress=done,
        )


class Job(JobFacts):
    """A job as it is now."""

    job_id: JobIdText = Field(description="The same for whoever asks for the same.")
    room: Name = Field(description="The room of the score.")
    attempt: Count = Field(description="How often it was begun.")
    error: str = Field(description="What went wrong last; empty for nothing.")
    created_at: Count = Field(description="When it was asked for, in Unix seconds.")
    changed_at: Count = Field(description="When anything last became of it, in Unix seconds.")
    files: list[ResultFile] = Field(description="What it made; one for each page of pictures.")
    findings: list[FindingFacts] = Field(
        description="What could not be taken from a file as it stands."
    )


class Jobs(Answer):
    """A page of jobs."""

    jobs: list[Job] = Field(description="In order of id.")
    next: JobIdText | None = Field(
        description="What to pass as `after` for the next page; null on the last one. A page may "
        "have fewer jobs than were asked for, or none, and still not be the last."
    )


class ExportRequest(ExportQuery):
    """What a score shall be made into."""

    format: TargetName = Field(description="Of the files.")
    page: Page = Field("a4", description="The size of pages.")
    dots_per_inch: int = Field(150, ge=36, le=600, description="Of pictures.")


class ImportQuery(RequestModel):
    """The query of an import."""

    format: SourceName = Field("musicxml", description="Of the file.")


class JobsQuery(RequestModel):
    """The query of the list of jobs."""

    room: Name | None = Field(None, description="Only jobs on this score.")
    state: JobState | None = Field(None, description="Only jobs in this state.")
    after: JobIdText | None = Field(None, description="List jobs after this id.")
    limit: int = Field(100, ge=1, le=JOBS_PAGE_MAX, description="How many at most.")
