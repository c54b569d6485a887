"""Operations on a score, written down as one edit of its document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Final, NamedTuple

from collab.errors import PeerError
from collab.protocol.state_vector import decode_state_vector
from collab.score.normalise import Chord, normalise
from collab.score.operations import Changes, decode_operations, plan_all
from collab.score.operations.changes import refusal as edit_refusal
from collab.score.schema import Json
from collab.score.validate import validate
from workers.content import load
from workers.edits import refusal, with_edit, written
from workers.scores import facets_of

_WITH_IDS: Final = ("parts", "measures", "ev", "sp", "dir")
_FINDINGS_MAX: Final = 100
_PROBLEMS_MAX: Final = 10_000

_Held = Mapping[str, Mapping[str, object]]


class _Finding(NamedTuple):
    facet: str
    key: str
    code: str
    detail: str


def edit_score(current: bytes, request: bytes, client: bytes) -> bytes:
    """Find the edit that some operations make, all of them or none.

    Args:
        current: the score as one update.
        request: as JSON: ``operations``, and ``id_prefix`` for the ids of new elements.
        client: the client id of the edit, in decimal digits.

    Returns:
        JSON with its length of 4 bytes in front, then the edit; empty when all is so already. The
        JSON is what `refusal` tells, or ``made`` (the new ids of each operation), ``findings``
        (what is wrong with the score since), and ``clocks`` of the client before and after.
    """
    asked = json.loads(request)
    author = int(client)
    doc = load(current, client=author)
    held = facets_of(doc)
    try:
        operations = decode_operations(asked["operations"])
        changes, made = plan_all(held, operations, _ids(held, asked["id_prefix"]))
    except PeerError as error:
        return with_edit(refusal(error), b"")
    before = _clock(doc.get_state(), author)
    update = written(doc, _by_facet(changes))
    told = {
        "made": made,
        "findings": _new_findings(held, changes),
        "clocks": [before, _clock(doc.get_state(), author)],
    }
    return with_edit(told, update)


def _ids(held: _Held, prefix: str) -> Callable[[], str]:
    """Number new elements behind a prefix.

    Raises (when one is drawn):
        EditRefused: something has that id already.
    """
    numbers: Iterator[int] = count(1)

    def draw() -> str:
        key = f"{prefix}{next(numbers)}"
        if any(key in held.get(facet, {}) for facet in _WITH_IDS):
            raise edit_refusal("occupied", "An element has this id already.", key)
        return key

    return draw


def _by_facet(changes: Changes) -> dict[str, dict[str, Json]]:
    found: dict[str, dict[str, Json]] = {}
    for (facet, key), value in sorted(changes.sets.items(), key=lambda item: item[0]):
        found.setdefault(facet, {})[key] = value
    for facet, key in sorted(changes.deletes):
        found.setdefault(facet, {})[key] = None
    return found


def _new_findings(held: _Held, changes: Changes) -> list[dict[str, str]]:
    """What is wrong with the score now that was not before, each with its element."""
    after: dict[str, dict[str, object]] = {name: dict(each) for name, each in held.items()}
    for (facet, key), value in changes.sets.items():
        after.setdefault(facet, {})[key] = value
    for facet, key in changes.deletes:
        del after[facet][key]
    found = list(_findings(after))
    known = set(_findings(held) if found else ())
    new = [each for each in found if each not in known][:_FINDINGS_MAX]
    return [each._asdict() for each in new]


def _findings(facets: _Held) -> Iterator[_Finding]:
    """Go through what does not fit together, then what is not shown as it is written."""
    for problem in validate(facets, problems_max=_PROBLEMS_MAX):
        yield _Finding(problem.facet, problem.key, problem.code, problem.detail)
    view = normalise(facets)
    for measure in view.measures:
        for cell in measure.cells:
            if cell.is_overfull:
                yield _Finding("measures", measure.id, "overfull", f"in part {cell.part}")
            for item in (item for voice in cell.voices for item in voice.items):
                if isinstance(item, Chord) and item.moved_from is not None:
                    told = f"another note of voice {item.moved_from} is there"
                    yield from (_Finding("ev", key, "displaced", told) for key in item.ids)
    for line in view.hidden:
        yield _Finding("sp", line.id, "hidden", line.reason)


def _clock(state_vector: bytes, client: int) -> int:
    return decode_state_vector(state_vector).get(client, 0)
