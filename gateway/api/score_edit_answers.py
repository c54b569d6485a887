"""What the JSON bodies about edits of scores hold."""

from __future__ import annotations

from pydantic import Field, JsonValue

from collab.limits import SCORE_EDITS_MAX
from collab.score.schema import OPERATIONS_VERSION
from gateway.api.answers import Answer, Count
from gateway.api.requests import RequestModel
from gateway.api.terms import ID_PREFIX_PATTERN


class EditsRequest(RequestModel):
    """Operations to be made as one edit, all of them or none."""

    version: int = Field(
        ge=OPERATIONS_VERSION,
        le=OPERATIONS_VERSION,
        description="Of the form in which the operations are written.",
    )
    operations: list[dict[str, JsonValue]] = Field(
        min_length=1,
        max_length=SCORE_EDITS_MAX,
        description="In order: `op`, such as `InsertNote`, and its members as the documentation "
        "of the score has them. Each is made in the score as those before it leave it.",
    )
    id_prefix: str | None = Field(
        None,
        pattern=ID_PREFIX_PATTERN,
        description="New elements get this and a number as their ids, counted from 1 through all "
        "operations, so that later ones can name them. Without it the server draws one.",
    )
    sequence: Count | None = Field(
        None,
        description="As an answer told it: when anything was stored since, nothing is changed.",
    )
    state_vector: str | None = Field(
        None,
        description="Of your document, in base64url: when the score holds anything that you have "
        "not seen, nothing is changed. Deletions alone do not count; `sequence` tells of them too.",
    )


class EditFindingFacts(Answer):
    """Something that is wrong with a score since an edit, such as a slur whose note is gone."""

    facet: str = Field(description="The map of the document it was found in.")
    key: str = Field(description="The entry: the element's id, or begins with it.")
    code: str = Field(description="`dangling`, `orphaned`, `overfull`, `displaced`, `hidden` ...")
    detail: str = Field(description="What is wrong, in words.")


class ScoreEdited(Answer):
    """An edit that was made."""

    sequence: Count = Field(description="Sequence of the newest update that is stored.")
    made: list[list[str]] = Field(description="Ids of the new elements, for each operation.")
    findings: list[EditFindingFacts] = Field(
        description="What is wrong with the score that was not before; 100 at most."
    )
    is_repeated: bool = Field(
        description="Whether an earlier request with this key made it; `findings` are empty then."
    )
