"""Plans for articulations and fermatas, which a chord has once, whichever of its notes has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from fractions import Fraction
from typing import TypeAlias

from collab.score.model import Event, read_event
from collab.score.operations.changes import Draft, refusal
from collab.score.operations.operations import Articulate
from collab.score.operations.places import events_in, is_note
from collab.score.schema import Json
from collab.score.validate import malformed

_Stem: TypeAlias = tuple[str, str, int, Fraction, Fraction | None, str | None]


def articulate(draft: Draft, operation: Articulate) -> None:
    """Change ``nx`` alone."""
    named = [draft.event(key) for key in operation.events]
    for event in named:
        _require_bearer(draft, event, is_for_notes=bool(operation.add))
    for chord in _chords(draft, named):
        _change_articulations(draft, chord, operation)
        if operation.fermata is not None:
            _change_fermata(draft, chord, operation.fermata)


def pass_marks_on(draft: Draft, gone: AbstractSet[str]) -> None:
    """Have what is left of chords say what those of their notes said that go."""
    marked = []
    for key in gone:
        value = draft.get("nx", key) or {}
        if is_note(draft, key) and ("articulations" in value or "fermata" in value):
            event = read_event(key, draft.get("ev", key) or {})
            marked += [event] if event is not None else []
    for chord in _chords(draft, marked):
        left = [key for key in chord if key not in gone]
        if left:
            _take_over(draft, left, [key for key in chord if key in gone])


def _require_bearer(draft: Draft, event: Event, *, is_for_notes: bool) -> None:
    """Refuse articulations for what does not sound, and all marks for what is not drawn."""
    pitch = draft.get("pt", event.id)
    if event.is_space or pitch is None or (is_for_notes and "rest" in pitch):
        raise refusal("wrong-kind", "That is no note.", event.id)


def _chords(draft: Draft, named: Sequence[Event]) -> Iterable[tuple[str, ...]]:
    """Name the notes of each chord of which one was named, by id; a rest is by itself."""
    together: dict[_Stem, list[str]] = {}
    for inside in events_in(draft, {(event.part, event.measure) for event in named}).values():
        for event in inside:
            if not event.is_space and is_note(draft, event.id):
                together.setdefault(_stem(event), []).append(event.id)
    return dict.fromkeys(
        tuple(together[_stem(event)]) if is_note(draft, event.id) else (event.id,)
        for event in named
    )


def _stem(event: Event) -> _Stem:
    """What the notes of a chord have in common."""
    lasting = event.duration if event.grace is None else None
    return event.part, event.measure, event.voice, event.onset, lasting, event.grace


def _change_articulations(draft: Draft, chord: Sequence[str], operation: Articulate) -> None:
    kept = {
        key: [each for each in _held(draft, key) if each not in operation.remove] for key in chord
    }
    present = {each for names in kept.values() for each in names}
    kept[chord[0]] += [each for each in operation.add if each not in present]
    for key, names in kept.items():
        if names != _held(draft, key):
            _put(draft, key, "articulations", names or None)


def _change_fermata(draft: Draft, chord: Sequence[str], form: str) -> None:
    held = [key for key in chord if "fermata" in (draft.get("nx", key) or {})]
    if form == "none":
        for key in held:
            _put(draft, key, "fermata", None)
        return
    for key in held or chord[:1]:
        _put(draft, key, "fermata", form)


def _take_over(draft: Draft, left: Sequence[str], gone: Sequence[str]) -> None:
    """Give the first note that is left the marks that none of them has."""
    taker = left[0]
    present = {each for key in left for each in _held(draft, key)}
    names = dict.fromkeys(each for key in gone for each in _held(draft, key))
    added = [each for each in names if each not in present]
    fermatas = [_fermata(draft, key) for key in gone if _fermata(draft, key) is not None]
    is_held = any(_fermata(draft, key) is not None for key in left)
    value = draft.get("nx", taker) or {}
    if added:
        value["articulations"] = [*_held(draft, taker), *added]
    if fermatas and not is_held:
        value["fermata"] = fermatas[0]
    # What nobody can read keeps nobody from deleting.
    if value and not malformed({"nx": {taker: value}}):
        draft.put("nx", taker, value)


def _fermata(draft: Draft, key: str) -> Json | None:
    return (draft.get("nx", key) or {}).get("fermata")


def _held(draft: Draft, key: str) -> list[str]:
    names = (draft.get("nx", key) or {}).get("articulations")
    return [each for each in names if isinstance(each, str)] if isinstance(names, list) else []


def _put(draft: Draft, key: str, name: str, value: list[str] | str | None) -> None:
    """Set one field of a notation; without any there is none."""
    others = {field: each for field, each in (draft.get("nx", key) or {}).items() if field != name}
    if value is not None:
        draft.put("nx", key, {**others, name: value})
    elif others:
        draft.put("nx", key, others)
    else:
        draft.drop("nx", key)
