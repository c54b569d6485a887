"""What the Python client does when a connection has ended."""

import pytest

from bandpro_client import (
    DocumentFull,
    EntryRefused,
    NoSuchRoom,
    Patience,
    Refused,
    RoomOutOfService,
    SignInRefused,
)
from bandpro_client.closing import BeginAnew, ComeBack, GiveUp, after_close, after_status
from bandpro_client.presence import Presence
from bandpro_client.tokens import room_address
from collab.protocol.messages import AwarenessEntry


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (4400, Refused),
        (4403, EntryRefused),
        (4404, NoSuchRoom),
        (4413, DocumentFull),
        (4423, RoomOutOfService),
        (4499, Refused),
        (1009, Refused),
    ],
)
def test_denials_are_final(code: int, error: type[Refused]) -> None:
    """PYC-4: Each with an error of its own, and the code."""
    found = after_close(code, "because", can_sign_in_again=True, replaced=0)
    assert isinstance(found, GiveUp)
    assert type(found.error) is error
    assert (found.error.code, str(found.error)) == (code, f"closed with {code}: because")


@pytest.mark.parametrize(
    ("code", "least_s"), [(1000, 0), (1001, 0), (1006, 0), (1011, 0), (1012, 0), (1013, 1),
                          (4503, 1), (4508, 0), (4513, 5), (4528, 5), (4529, 5), (4599, 0)],
)  # fmt: skip
def test_everything_else_is_tried_again(code: int, least_s: float) -> None:
    """PYC-3: At once or, where the server has too much to do, after some seconds."""
    found = after_close(code, "", can_sign_in_again=False, replaced=0)
    assert found == ComeBack(least_s)


def test_signing_in_is_tried_again_with_another_token_alone() -> None:
    """PYC-4, PYC-6."""
    assert after_close(4401, "", can_sign_in_again=True, replaced=0) == ComeBack()
    assert after_status(401, can_sign_in_again=True) == ComeBack()
    for found in (
        after_close(4401, "", can_sign_in_again=False, replaced=0),
        after_status(401, can_sign_in_again=False),
    ):
        assert isinstance(found, GiveUp)
        assert isinstance(found.error, SignInRefused)


def test_a_replaced_document_is_begun_anew_a_few_times() -> None:
    """PYC-5: Until the new one has come, after which it is counted afresh."""
    for code in (4409, 4410):
        for replaced in range(3):
            assert after_close(code, "", can_sign_in_again=True, replaced=replaced) == BeginAnew()
        assert isinstance(after_close(code, "", can_sign_in_again=True, replaced=3), GiveUp)


def test_answers_of_proxies_are_told_apart() -> None:
    """PYC-4: What a request like this can never get, from what it does not get now."""
    for status in (403, 404, 410):
        assert isinstance(after_status(status, can_sign_in_again=True), GiveUp)
    for status in (200, 408, 429, 500, 502, 503):
        assert after_status(status, can_sign_in_again=True) == ComeBack(1.0)


def test_pauses_grow_to_a_bound_and_are_never_all_alike() -> None:
    """PYC-3."""
    patience = Patience(backoff_first_s=0.5, backoff_s_max=8)
    assert [patience.pause_s(failures, 0, 0) for failures in (1, 2, 5, 6, 10**6)] == [
        0.25,
        0.5,
        4,
        4,
        4,
    ]
    assert patience.pause_s(1, 0, 0.5) == 0.375
    assert patience.pause_s(1, 5, 0.5) == 5.125


def test_addresses_are_those_of_servers() -> None:
    """PYC-1: Rooms are named in them as browsers would do it."""
    assert room_address("https://h:1/at/", "a/größe?#") == (
        "wss://h:1/at/collab/a/gr%C3%B6%C3%9Fe%3F%23"
    )
    for url in ("ftp://h", "h:8080", "http://", "http://h?token=x", "http://u:p@h"):
        with pytest.raises(ValueError, match="scheme, host and port"):
            room_address(url, "room")


def test_presence_holds_who_is_here_and_no_one_else() -> None:
    """PYC-8: Its own state comes back with a clock beyond what the server withdrew."""
    presence = Presence(1)
    assert presence.own() == ()
    presence.show({"user": {"name": "Bot"}})
    assert presence.own() == (AwarenessEntry(1, 1, '{"user":{"name":"Bot"}}'),)
    user = '{"user": {"id": "u-2", "name": "Clara"}}'
    odd = [AwarenessEntry(3, 1, "[" * 9), AwarenessEntry(4, 1, '{"user": 5}')]
    assert not presence.hear([AwarenessEntry(2, 7, user), *odd])
    assert [(who.client_id, who.user_id, who.name) for who in presence.others.values()] == [
        (2, "u-2", "Clara"),
        (3, "", ""),
        (4, "", ""),
    ]
    assert not presence.hear([AwarenessEntry(2, 8, None)])
    assert list(presence.others) == [3, 4]
    assert not presence.hear([AwarenessEntry(1, 1, '{"user":{"name":"Bot"}}')])
    assert presence.hear([AwarenessEntry(1, 2, None)])
    assert presence.own()[0].clock == 3
    presence.reconnected()
    assert (presence.own()[0].clock, presence.others) == (5, {})
