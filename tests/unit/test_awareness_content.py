"""What an awareness state may hold, and what is stamped on it."""

import json

import pytest

from collab.awareness import AwarenessTable, Publisher
from collab.errors import LimitExceeded, ProtocolError
from collab.ids import SessionId, Subject
from collab.protocol.awareness_state import checked_state
from tests.unit.awareness_entries import (
    ANN,
    OPEN_1,
    entry,
    give,
)

# Limits and content -------------------------------------------------------------------------


def test_a_session_owns_a_bounded_number_of_ids() -> None:
    """Renewing them is no new one; the last one that fits is taken."""
    table = AwarenessTable(clients_per_session_max=2)
    give(table, ANN, entry(5, 1), entry(6, 1))
    give(table, ANN, entry(5, 2), entry(6, 2))
    with pytest.raises(LimitExceeded) as excess:
        give(table, ANN, entry(7, 1))
    assert excess.value.limit == "awareness_clients_per_session_max"
    assert table.owned_by(ANN.session_id) == {5, 6}
    assert table.owner_of(7) is None


def test_withdrawing_does_not_free_a_place() -> None:
    """Else one connection could fill the table with what it withdrew."""
    table = AwarenessTable(clients_per_session_max=1)
    give(table, ANN, entry(5, 1))
    give(table, ANN, entry(5, 2, None))
    with pytest.raises(LimitExceeded):
        give(table, ANN, entry(6, 1))


@pytest.mark.parametrize("letter", ["x", "é", "𝄞"])
def test_a_state_has_a_bounded_size_in_bytes(letter: str) -> None:
    """Of UTF-8, whatever the number of characters."""
    fits = json.dumps({"a": letter * 10}, ensure_ascii=False)
    size = len(fits.encode())
    assert checked_state(fits, OPEN_1.stamp, size) == fits
    with pytest.raises(LimitExceeded) as excess:
        checked_state(fits, OPEN_1.stamp, size - 1)
    assert excess.value.limit == "awareness_state_bytes_max"


@pytest.mark.parametrize(
    "state",
    [
        "",
        "nul",
        "[1]",
        '"a"',
        "1",
        "true",
        "{'a':1}",
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":-Infinity}',
        '{"a":1',
        '{"a":1}}',
        '{"a":' + "[" * 5_000 + "]" * 5_000 + "}",
        '{"a":' + "[" * 64 + "]" * 64 + "}",
    ],
)
@pytest.mark.parametrize("who", [ANN, OPEN_1])
def test_a_state_is_a_json_object(state: str, who: Publisher) -> None:
    """AWR-12: Anything else would make every browser's parser, or a page's code, throw."""
    table = AwarenessTable()
    with pytest.raises(ProtocolError):
        give(table, who, entry(5, 1, state))
    assert table.current() == ()


def test_a_state_may_be_nested_to_the_limit() -> None:
    """AWR-12: 64 deep, the object itself included."""
    deep = '{"a":' + "[" * 63 + "]" * 63 + "}"
    assert checked_state(deep, OPEN_1.stamp, 1_000) == deep


def test_without_a_token_a_state_is_passed_on_as_it_came() -> None:
    """Byte for byte, spaces, order and all."""
    state = '{ "user": {"name": "me", "id": 5}, "b":[1.50, 1e400],"a":"\\u00e9" }'
    assert checked_state(state, OPEN_1.stamp, 1_000) == state


def test_with_a_token_the_user_is_the_tokens() -> None:
    """AWR-5: Whatever the client says it is; the rest of its words stand."""
    said = {"user": {"id": "root", "name": "Admin", "color": "#30bced"}, "cursor": [1, None]}
    stamped = json.loads(checked_state(json.dumps(said), ANN.stamp, 1_000))
    assert stamped == {
        "user": {"id": "u-ann", "name": "U-ANN", "color": "#30bced"},
        "cursor": [1, None],
    }


@pytest.mark.parametrize("user", ["", '"user":null', '"user":"root"', '"user":[1]'])
def test_a_user_that_is_no_object_is_replaced(user: str) -> None:
    """There is nothing of it to keep."""
    stamped = json.loads(checked_state("{" + user + "}", ANN.stamp, 1_000))
    assert stamped == {"user": {"id": "u-ann", "name": "U-ANN"}}


def test_without_a_display_name_the_subject_is_shown() -> None:
    """A name that the client makes up is not."""
    nameless = Publisher(SessionId("s"), Subject("u-9"), None, stamped=True)
    stamped = json.loads(checked_state('{"user":{"name":"Clara"}}', nameless.stamp, 1_000))
    assert stamped == {"user": {"id": "u-9", "name": "u-9"}}


def test_of_two_equal_keys_the_last_one_is_stamped_over() -> None:
    """As JavaScript reads them."""
    stamped = checked_state('{"user":{"id":"a"},"user":{"id":"root","x":1}}', ANN.stamp, 1_000)
    assert json.loads(stamped) == {"user": {"id": "u-ann", "name": "U-ANN", "x": 1}}
    assert stamped.count('"user"') == 1


def test_names_in_any_script_are_stamped_as_they_are() -> None:
    """Not escaped, so that they keep their size."""
    who = Publisher(SessionId("s"), Subject("u-1"), "Björk 🎻 新", stamped=True)
    assert '"name":"Björk 🎻 新"' in checked_state("{}", who.stamp, 1_000)


def test_a_number_that_json_cannot_hold_is_refused_when_stamping() -> None:
    """It would be written as Infinity, which no browser reads."""
    with pytest.raises(ProtocolError):
        checked_state('{"a":1e400}', ANN.stamp, 1_000)
