"""When two sets of updates are the same document, and when they are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pycrdt
import pytest
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from workers.fingerprint import fingerprint

FACES = {f"k{number}": number for number in range(9)}


def edits(client: int, *acts: Callable[[Doc[Any]], object], of: bytes = b"") -> list[bytes]:
    """The update that each act makes in a document."""
    doc: Doc[Any] = Doc(client_id=client)
    if of:
        doc.apply_update(of)
    made: list[bytes] = []
    subscription = doc.observe(lambda event: made.append(event.update))
    for act in acts:
        act(doc)
    del subscription
    return made


def words(doc: Doc[Any]) -> Text:
    text: Text = doc.get("words", type=Text)
    return text


def note(doc: Doc[Any]) -> None:
    doc.get("notes", type=Map)["n1"] = FACES | {"deeper": [FACES]}


def page(doc: Doc[Any]) -> None:
    attributes = {name: str(number) for name, number in FACES.items()}
    nodes = doc.get("page", type=XmlFragment).children
    nodes.append(XmlElement("p", attributes, [XmlText("Kyrie")]))


def bold(doc: Doc[Any]) -> None:
    words(doc).format(0, 3, {"span": FACES})


SCORE = edits(
    7,
    lambda doc: words(doc).insert(0, "Kyrie eleison"),
    note,
    page,
    bold,
    lambda doc: words(doc).__delitem__(slice(2, 5)),
    lambda doc: doc.get("notes", type=Map).pop("n1"),
    note,
    lambda doc: doc.get("list", type=Array).append(1),
    lambda doc: doc.get("list", type=Array).clear(),
)


def test_a_document_is_itself_however_often_it_is_read() -> None:
    """BAK-10: members of maps and attributes are written in an order of chance each time."""
    assert len({pycrdt.Doc.get_update(taken(SCORE)) for _ in range(20)}) > 1
    assert len({fingerprint(SCORE) for _ in range(20)}) == 1


def taken(updates: list[bytes]) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return doc


def test_a_document_is_itself_however_it_is_cut() -> None:
    """BAK-10: merged, integrated with what was deleted blanked, in another order of writers."""
    others = [
        update
        for client in (3, 2**31, 40, 11)
        for update in edits(client, lambda doc: words(doc).insert(0, "!"))
    ]
    whole = [*SCORE, *others]
    expected = fingerprint(whole)
    assert fingerprint([pycrdt.merge_updates(*whole)]) == expected
    assert fingerprint([pycrdt.merge_updates(*whole[:4]), *whole[4:]]) == expected
    assert fingerprint([*others[::-1], *SCORE]) == expected
    assert fingerprint([taken(whole).get_update()]) == expected


@pytest.mark.parametrize("number", range(len(SCORE)))
def test_a_lost_update_makes_another_document(number: int) -> None:
    """BAK-10: whichever it is."""
    assert fingerprint(SCORE[:number] + SCORE[number + 1 :]) != fingerprint(SCORE)


@pytest.mark.parametrize("letter", [b"Kyr", b"lei"])
def test_a_flipped_letter_makes_another_document(letter: bytes) -> None:
    """BAK-10: in a text, and in one within a node."""
    merged = pycrdt.merge_updates(*SCORE)
    assert letter in merged
    assert fingerprint([merged.replace(letter, letter.swapcase())]) != fingerprint([merged])


def test_an_update_that_waits_for_another_one_counts() -> None:
    """BAK-10."""
    first, second, third = edits(
        5,
        lambda doc: words(doc).insert(0, "a"),
        lambda doc: words(doc).insert(1, "b"),
        lambda doc: words(doc).insert(2, "c"),
    )
    assert len({fingerprint([first]), fingerprint([first, third])}) == 2
    assert fingerprint([first, third, second]) == fingerprint([first, second, third])
