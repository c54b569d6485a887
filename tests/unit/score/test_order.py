"""Orders between orders."""

from __future__ import annotations

import random

import pytest

from collab.errors import EditRefused
from collab.score.order import order_key, place_after


def _insert(present: list[tuple[str, str]], anchor: str | None, new: list[str]) -> list[str]:
    orders = {key: order for order, key in present}
    orders.update(place_after(present, anchor, new))
    return sorted(orders, key=lambda key: (orders[key], key))


def test_a_fresh_list_is_numbered_as_the_usual_libraries_number_one() -> None:
    places = (0, 9, 10, 35, 36, 61, 62, 62 + 62**2 - 1, 62 + 62**2)
    assert [order_key(place) for place in places] == [
        *("a0", "a9", "aA", "aZ", "aa", "az", "b00", "bzz", "c000"),
    ]


@pytest.mark.parametrize(("anchor", "expected"), [(None, "xyab"), ("a", "axyb"), ("b", "abxy")])
def test_edit_8_new_elements_come_behind_their_anchor(anchor: str | None, expected: str) -> None:
    assert _insert([("a0", "a"), ("a1", "b")], anchor, ["x", "y"]) == [*expected]


def test_edit_8_neighbours_keep_their_orders_unless_they_are_equal() -> None:
    assert place_after([("a0", "a"), ("a1", "b")], "a", ["x"]).keys() == {"x"}
    equal = [("a0", "a"), ("a0", "b"), ("a1", "c")]
    assert place_after(equal, "a", ["x"]).keys() == {"x", "b"}
    assert _insert(equal, "a", ["x"]) == ["a", "x", "b", "c"]


def test_edit_8_two_people_inserting_at_once_get_different_orders() -> None:
    one, other = (place_after([("a0", "a")], "a", [key])[key] for key in ("x", "y"))
    assert one != other


def test_edit_8_a_thousand_appended_one_by_one_stay_short() -> None:
    present: list[tuple[str, str]] = []
    for number in range(1000):
        anchor = present[-1][1] if present else None
        key = f"m{number}"
        present.append((place_after(present, anchor, [key])[key], key))
    assert present == sorted(present)
    assert max(len(order) for order, _ in present) == 7


def test_edit_8_a_thousand_at_once_between_two_stay_short() -> None:
    new = [f"x{number}" for number in range(1000)]
    orders = place_after([("a0", "a"), ("a1", "b")], "a", new)
    assert sorted(new, key=orders.__getitem__) == new
    assert max(map(len, orders.values())) < 12


def test_edit_8_any_places_in_any_sequence() -> None:
    rng = random.Random(8)
    present: list[tuple[str, str]] = []
    wanted: list[str] = []
    for number in range(300):
        place = rng.randint(0, len(wanted))
        key = f"k{number}"
        orders = place_after(present, wanted[place - 1] if place else None, [key])
        assert orders.keys() == {key}
        wanted.insert(place, key)
        present = sorted([*present, (orders[key], key)])
    assert [key for _, key in present] == wanted


def test_edit_2_orders_without_room_and_anchors_that_are_gone_are_refused() -> None:
    with pytest.raises(EditRefused) as no_room:
        place_after([("a", "a"), ("a0", "b")], "a", ["x"])
    assert no_room.value.code == "no-room"
    with pytest.raises(EditRefused) as unknown:
        place_after([("a", "a")], "z", ["x"])
    assert (unknown.value.code, unknown.value.element_ids) == ("unknown-element", ("z",))
