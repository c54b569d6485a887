"""What the HTTP API asks of those who edit scores; implemented beside the rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from collab import ids
from collab.access import Claims


@dataclass(frozen=True, slots=True)
class WantedEdit:
    """Operations to be made as one edit.

    Attributes:
        operations: as JSON, in order.
        id_prefix: what the ids of new elements begin with.
        request: a digest of the request, where it had an idempotency key.
        sequence: the newest update that whoever asks has seen; None to not ask.
        state_vector: what their document holds; None to not ask.
    """

    operations: Sequence[Mapping[str, JsonValue]] = field(repr=False)
    id_prefix: str
    request: str = ""
    sequence: int | None = None
    state_vector: Mapping[int, int] | None = None


@dataclass(frozen=True, slots=True)
class EditFinding:
    """Something that is wrong with a score since an edit."""

    facet: str
    key: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class MadeEdit:
    """What became of it.

    Attributes:
        sequence: of the newest update that is stored, this edit among them.
        made: ids of the new elements, for each operation.
        findings: what is wrong with the score now that was not before.
        is_repeated: whether an earlier request with this key made it.
    """

    sequence: ids.Sequence
    made: Sequence[Sequence[str]]
    findings: Sequence[EditFinding] = ()
    is_repeated: bool = False


class RoomScoreEdits(Protocol):
    """Edits of scores by operations. May raise StoreUnavailable."""

    async def edit(self, name: ids.RoomName, wanted: WantedEdit, claims: Claims) -> MadeEdit:
        """Make operations as one edit like any other, all of them or none.

        Raises:
            InvalidOperation: something is no operation.
            EditRefused: the score does not allow one of them.
            StateConflict: the score is archived, or has what whoever asks has not seen.
            RoomUnavailable: it could not be stored; repeating is safe with a key.
            WorkerFailed: it could not be worked out within the limits of a worker.
        """
