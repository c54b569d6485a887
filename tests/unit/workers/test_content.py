"""What documents hold, where they differ, and that nothing is cut within a character."""

import json
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from workers.compare import compare
from workers.content import describe, load
from workers.differences import clusters, edits
from workers.merge import merge, state
from workers.restore import restore


def document(**roots: Any) -> Doc[Any]:  # noqa: ANN401 - roots of any type
    doc: Doc[Any] = Doc(client_id=1)
    for name, value in roots.items():
        doc[name] = value
    return doc


def test_the_types_of_roots_are_inferred_from_what_they_hold() -> None:
    """VER-13: And numbers are written as JavaScript would."""
    doc = document(
        meta=Map({"bars": 3, "tempo": 1.5}),
        words=Text("Kyrie"),
        list=Array([1, "a", Map({"k": None})]),
        page=XmlFragment([XmlElement("p", {"class": "c"}, [XmlText("yo")])]),
        nothing=Map(),
    )
    roots = json.loads(describe(doc.get_update()))["roots"]
    assert roots["meta"] == {"type": "map", "value": {"bars": 3, "tempo": 1.5}}
    assert roots["words"] == {"type": "text", "value": "Kyrie"}
    assert roots["list"] == {"type": "array", "value": [1, "a", {"k": None}]}
    assert roots["page"] == {"type": "xml", "value": '<p class="c">yo</p>'}


def test_maps_are_compared_by_id_and_texts_by_lines_and_pieces() -> None:
    """VER-13."""
    old = document(ev=Map({"n1": {"v": 1}, "n2": 2, "n3": 3}), words=Text("one\ntwo\n"))
    new: Doc[Any] = Doc(client_id=2)
    new.apply_update(old.get_update())
    entries = new.get("ev", type=Map)
    entries["n1"] = {"v": 2}
    del entries["n2"]
    entries["n4"] = 4
    words = new.get("words", type=Text)
    words.insert(7, "lf")
    found = json.loads(compare(old.get_update(), new.get_update(), b"100,10000"))
    assert found == {
        "truncated": False,
        "roots": [
            {
                "name": "ev",
                "type": "map",
                "added": 1,
                "removed": 1,
                "changed": 1,
                "changes": [
                    {"change": "changed", "id": "n1", "old": {"v": 1}, "new": {"v": 2}},
                    {"change": "removed", "id": "n2", "old": 2},
                    {"change": "added", "id": "n4", "new": 4},
                ],
            },
            {
                "name": "words",
                "type": "text",
                "added": 0,
                "removed": 0,
                "changed": 1,
                "changes": [
                    {
                        "change": "changed",
                        "old": "two\n",
                        "new": "twolf\n",
                        "line": 2,
                        "new_line": 2,
                        "pieces": [{"same": "two"}, {"new": "lf"}, {"same": "\n"}],
                    }
                ],
            },
        ],
    }


@pytest.mark.parametrize(("bound", "told", "cut"), [(5, 5, False), (4, 4, True), (0, 0, True)])
def test_what_is_told_of_a_comparison_is_bounded(bound: int, told: int, cut: object) -> None:
    """VER-9: At the edge; the counts stay complete."""
    new = document(ev=Map({f"n{number}": number for number in range(5)}))
    found = json.loads(compare(b"", new.get_update(), b"%d,100000" % bound))
    (root,) = found["roots"]
    assert (len(root["changes"]), found["truncated"], root["added"]) == (told, cut, 5)


def test_a_restore_changes_no_more_than_what_differs() -> None:
    """VER-12: One letter typed since is one deletion; nothing is nothing, and all of it is made."""
    doc = document(words=Text("Kyrie eleison"))
    version = doc.get_update()
    doc.get("words", type=Text).insert(5, "x")
    answer = restore(doc.get_update(), version, b"99")
    assert answer[4 + int.from_bytes(answer[:4], "big") :] == bytes([0, 1, 1, 1, 13, 1])
    anew = restore(b"", version, b"99")
    restored: Doc[Any] = Doc()
    restored.apply_update(anew[4 + int.from_bytes(anew[:4], "big") :])
    assert str(restored.get("words", type=Text)) == "Kyrie eleison"
    same = restore(version, version, b"99")
    assert same[4 + int.from_bytes(same[:4], "big") :] in {b"", bytes(2)}


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("abc", 3), ("e\u0301x", 2), ("👩‍🎤", 1), ("👍🏽", 1), ("🇩🇪🇫🇷", 2), ("\r\n", 1)],
)
def test_texts_are_cut_between_what_people_take_for_characters(text: str, count: int) -> None:
    """VER-12: By the rules of UAX #29."""
    assert len(clusters(text)) == count
    assert "".join(clusters(text)) == text


def test_edits_of_long_sequences_take_bounded_work() -> None:
    """Beyond the bound the middle is replaced as a whole; both ends are kept."""
    assert edits("same", "same") == []
    assert edits("abcd", "abxcd") == [(2, 2, 2, 3)]
    long = ["a", *map(str, range(2_000)), "z"]
    assert edits(long, ["a", *map(str, range(5_000, 7_000)), "z"]) == [(1, 2_001, 1, 2_001)]


def with_a_gap() -> tuple[list[bytes], bytes]:
    """Updates of two clients, of which the second writes three; and one that comes between two."""
    base: Doc[Any] = Doc(client_id=12)
    base.get("text", type=Text).insert(0, "abc")
    doc: Doc[Any] = Doc(client_id=11)
    doc.apply_update(base.get_update())
    text, counted = doc.get("text", type=Text), doc.get("map", type=Map)
    made: list[bytes] = []
    subscription = doc.observe(lambda event: made.append(event.update))
    counted["first"] = 1
    counted["second"] = 2
    # Behind and before what the other client wrote: nothing that it names is missing.
    text.insert(1, "third")
    doc.unobserve(subscription)
    first, second, third = made
    return [base.get_update(), first, third], second


def shown(update: bytes) -> tuple[str, list[str]]:
    """The text, and the keys of the map."""
    doc = load(update)
    return str(doc.get("text", type=Text)), sorted(doc.get("map", type=Map).keys())


def test_what_waits_behind_a_gap_is_not_in_the_document() -> None:
    """Whoever reads a version sees what those saw who had it open."""
    updates, between = with_a_gap()
    assert shown(merge(updates)) == shown(state(updates)) == ("abc", ["first"])
    assert json.loads(describe(merge(updates))) == json.loads(describe(merge(updates[:2])))
    assert shown(merge([*updates, between])) == ("athirdbc", ["first", "second"])


def test_what_waits_is_not_restored() -> None:
    """It is taken away again where it has come since."""
    updates, between = with_a_gap()
    whole = merge([*updates, between])
    answer = restore(whole, merge(updates), b"13")
    edit = answer[4 + int.from_bytes(answer[:4], "big") :]
    assert shown(merge([whole, edit])) == ("abc", ["first"])
