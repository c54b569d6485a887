"""Connections are counted at the door; every error has its close code."""

from dataclasses import replace

import pytest

from collab import errors
from collab.errors import AuthFailure, BandProError, LimitExceeded
from collab.limits import REASON_BYTES_MAX
from collab.protocol.close_codes import MEANING, CloseCode, is_retryable, is_terminal
from gateway.transport.gate import Gate, GateLimits
from gateway.transport.rates import ADDRESSES_MAX, Pace, TokenBucket
from gateway.transport.refusals import close_code_for, close_reason

ROOMY = GateLimits(
    connections_max=100, connections_per_address_max=100, connects_per_s=100, connects_burst=100
)


def test_the_last_connection_of_a_node_is_let_in_and_the_next_is_not() -> None:
    """LIM-4."""
    door = Gate(replace(ROOMY, connections_max=2))
    door.enter("10.0.0.1", 0)
    door.enter("10.0.0.2", 0)
    with pytest.raises(LimitExceeded) as caught:
        door.enter("10.0.0.3", 0)
    assert caught.value.limit == "connections_max"
    door.leave("10.0.0.1")
    door.enter("10.0.0.3", 0)


def test_one_address_cannot_take_the_connections_of_others() -> None:
    """LIM-4."""
    door = Gate(replace(ROOMY, connections_per_address_max=1))
    door.enter("10.0.0.1", 0)
    with pytest.raises(LimitExceeded) as caught:
        door.enter("10.0.0.1", 0)
    assert caught.value.limit == "connections_per_address_max"
    door.enter("10.0.0.2", 0)
    assert door.total == 2


def test_connections_that_come_too_fast_wait_for_the_bucket() -> None:
    """LIM-4."""
    door = Gate(replace(ROOMY, connects_per_s=2, connects_burst=3))
    for _ in range(3):
        door.enter("10.0.0.1", 10.0)
    with pytest.raises(LimitExceeded) as caught:
        door.enter("10.0.0.1", 10.4)
    assert caught.value.limit == "connects_per_s"
    door.enter("10.0.0.1", 10.5)  # two a second: one has flowed in after half of it


def test_without_limits_per_address_only_the_total_counts() -> None:
    door = Gate(replace(ROOMY, connections_per_address_max=1, connects_burst=1, per_address=False))
    for _ in range(5):
        door.enter("10.0.0.1", 0)
    assert door.total == 5


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = TokenBucket.full(per_s=10, burst=5, now_s=0)
    assert bucket.take(5, 1000)
    assert not bucket.take(1, 1000)
    assert bucket.take(1, 1000.1)


def test_each_address_has_a_pace_of_its_own() -> None:
    """A burst, then the sustained rate."""
    pace = Pace(2, 4)
    assert [pace.admits("a", 0) for _ in range(6)] == [True] * 4 + [False] * 2
    assert pace.admits("b", 0)
    assert [pace.admits("a", 1.0) for _ in range(3)] == [True, True, False]


def test_addresses_do_not_fill_the_memory() -> None:
    """However many there are; quiet ones are forgotten first."""
    pace = Pace(1, 2)
    for number in range(ADDRESSES_MAX):
        pace.admits(str(number), 0)
    pace.admits("busy", 10.0)
    assert len(pace) == 1
    for number in range(3 * ADDRESSES_MAX):
        pace.admits(str(number), 10.0)
    assert len(pace) <= ADDRESSES_MAX


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ProtocolError("x"), 4400),
        (errors.MalformedUpdate("x"), 4400),
        (errors.Unauthenticated("x", reason=AuthFailure.EXPIRED), 4401),
        (errors.AccessDenied("x"), 4403),
        (errors.InvalidRoomName("x"), 4404),
        (errors.ClientIdTaken("x"), 4409),
        (LimitExceeded("x", limit="document_bytes_max"), 4413),
        (errors.RoomQuarantined("x"), 4423),
        (errors.RoomUnavailable("x"), 4503),
        (errors.StoreUnavailable("x"), 4503),
        (LimitExceeded("x", limit="sessions_per_room_max"), 4513),
        (LimitExceeded("x", limit="connections_max"), 4528),
        (LimitExceeded("x", limit="messages_per_s"), 4529),
        (LimitExceeded("x", limit="update_bytes_max"), 1009),
        (errors.KeysUnavailable("x"), 1013),
        (errors.InvariantViolated("x"), 1011),
    ],
)
def test_each_error_closes_with_its_code(error: BandProError, code: int) -> None:
    """LIM-9."""
    assert close_code_for(error) == code


@pytest.mark.parametrize("code", list(CloseCode))
def test_every_code_has_a_meaning_that_fits_a_close_frame(code: CloseCode) -> None:
    assert 0 < len(MEANING[code].encode()) <= REASON_BYTES_MAX
    assert not (is_retryable(code) and is_terminal(code))


def test_a_long_reason_is_cut_between_characters() -> None:
    reason = close_reason(CloseCode.BAD_MESSAGE, "é" * 100)
    assert reason == "é" * 61  # 122 of 123 bytes
