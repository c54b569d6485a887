"""Restoring over random histories, judged by replicas of the CRDT library alone."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from tests.support.counts import repeats
from workers.restore import restore

WORDS = st.sampled_from(["a", "é", "👩‍🎤", "\n", "Kyrie ", "e\u0301", "𝄞", "xyz"])
KEYS = st.sampled_from(["k1", "k2", "k3"])
VALUES = st.one_of(
    st.integers(-5, 5), st.text(max_size=3), st.none(), st.lists(st.booleans(), max_size=2)
)
DEEDS = st.one_of(
    st.tuples(st.just("set"), KEYS, VALUES),
    st.tuples(st.just("unset"), KEYS, st.none()),
    st.tuples(st.just("nest"), KEYS, st.sampled_from(["map", "text", "array"])),
    st.tuples(st.just("write"), st.integers(0, 40), WORDS),
    st.tuples(st.just("erase"), st.integers(0, 40), st.integers(1, 9)),
    st.tuples(st.just("dress"), st.integers(0, 40), st.sampled_from(["b", "i"])),
    st.tuples(st.just("push"), st.integers(0, 9), VALUES),
    st.tuples(st.just("drop"), st.integers(0, 9), st.none()),
)
HISTORIES = st.lists(DEEDS, max_size=12)


def boundary(text: Text, wanted: int) -> int:
    """The nearest place up to `wanted` bytes at which a character begins."""
    encoded = str(text).encode()
    at = min(wanted, len(encoded))
    while at < len(encoded) and encoded[at] & 0xC0 == 0x80:
        at -= 1
    return at


def change(text: Text, start: int, what: Any) -> None:  # noqa: ANN401 - a length or a name
    """Erase so many bytes, or give some of them an attribute."""
    end = boundary(text, start + (what if isinstance(what, int) else 4))
    if end > start and isinstance(what, int):
        del text[start:end]
    elif end > start:
        text.format(start, end, {what: True})


def play(doc: Doc[Any], history: list[tuple[str, Any, Any]]) -> None:
    entries, text = doc.get("map", type=Map), doc.get("text", type=Text)
    items = doc.get("list", type=Array)
    for deed, where, what in history:
        match deed:
            case "set":
                entries[where] = what
            case "unset" if where in entries:
                del entries[where]
            case "nest":
                made = {"map": Map({"x": 1}), "text": Text("in"), "array": Array([1, Map()])}
                entries[where] = made[what]
            case "write":
                text.insert(boundary(text, where), what)
            case "erase" | "dress":
                change(text, boundary(text, where), what)
            case "push":
                items.insert(min(where, len(items)), what)
            case "drop" if where < len(items):
                del items[where]


def replica(*updates: bytes) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    for update in updates:
        if update:
            doc.apply_update(update)
    return doc


def content(doc: Doc[Any]) -> object:
    """All that a reader sees, adjacent pieces of text of one dress joined."""
    runs: list[list[Any]] = []
    for piece, dress in doc.get("text", type=Text).diff():
        told = {key: value for key, value in (dress or {}).items() if value is not None}
        if runs and runs[-1][1] == told:
            runs[-1][0] += piece
        else:
            runs.append([piece, told])
    return (doc.get("map", type=Map).to_py(), doc.get("list", type=Array).to_py(), runs)


@settings(max_examples=repeats(150, proof=5_000), deadline=None)
@given(HISTORIES, HISTORIES, HISTORIES)
def test_a_restore_brings_back_the_content_on_every_replica(
    before: list[Any], since: list[Any], meanwhile: list[Any]
) -> None:
    """VER-11, VER-12: As the only edit exactly; beside others', all replicas agree in any order."""
    doc: Doc[Any] = Doc(client_id=1)
    play(doc, before)
    version = doc.get_update()
    play(doc, since)
    current = doc.get_update()

    answer = restore(current, version, b"99")
    told = 4 + int.from_bytes(answer[:4], "big")
    assert json.loads(answer[4:told]) == {"notes": []}
    edit = answer[told:]
    assert content(replica(current, edit)) == content(replica(version))

    other: Doc[Any] = Doc(client_id=2)
    other.apply_update(current)
    state = other.get_state()
    play(other, meanwhile)
    concurrent = other.get_update(state)
    one, another = replica(current, edit, concurrent), replica(current, concurrent, edit)
    assert content(one) == content(another)
    assert one.get_state() == another.get_state()
