"""Large work in slices: one line for all rooms, and budgets of processor time."""

import asyncio
import time
from collections.abc import Generator
from itertools import pairwise

import pytest

from collab.errors import LimitExceeded
from gateway.rooms.applying import ApplyLimits, Budget, Slices

Steps = Generator[None, float | None, str]


def working(name: str, order: list[str], steps: int, busy_s: float = 0.0) -> Steps:
    """Work that notes each of its steps."""
    for _ in range(steps):
        order.append(name)
        until_s = time.perf_counter() + busy_s
        while time.perf_counter() < until_s:
            pass
        yield
    return name


async def test_between_any_two_slices_the_event_loop_comes_round() -> None:
    """LIM-21: However many rooms have large work."""
    slices = Slices()
    order: list[str] = []
    passes = [0]

    def come_round() -> None:
        passes.append(len(order))
        asyncio.get_running_loop().call_soon(come_round)

    asyncio.get_running_loop().call_soon(come_round)
    rooms = [slices.run(working(name, order, 5, 0.003)) for name in "abcd"]
    assert await asyncio.gather(*rooms) == list("abcd")
    done = [later - earlier for earlier, later in pairwise(passes)]
    assert len(order) == 20
    assert max(done) == 1


async def test_all_rooms_get_their_turns() -> None:
    """LIM-21: Nobody is at the front of the line twice in a row while others wait."""
    slices = Slices()
    order: list[str] = []
    await asyncio.gather(*(slices.run(working(name, order, 4, 0.003)) for name in "abc"))
    assert order == list("abc") * 4


async def test_small_steps_are_taken_together() -> None:
    """A turn of the loop for each would cost more than they do."""
    slices = Slices()
    order: list[str] = []
    await asyncio.gather(*(slices.run(working(name, order, 3)) for name in "ab"))
    assert order == list("aaabbb")


async def test_who_has_used_up_a_budget_waits_while_others_go_on() -> None:
    """LIM-22."""
    slices = Slices(ApplyLimits(burst_ms=0))
    order: list[str] = []
    costly = slices.run(working("costly", order, 2, 0.02), room="room", sender="mallory")
    honest = slices.run(working("honest", order, 2))
    await asyncio.gather(costly, honest)
    assert order == ["costly", "honest", "honest", "costly"]


async def test_the_turn_in_which_work_ends_is_paid_for_as_well() -> None:
    """LIM-22: Who has many things to do, each done in a single turn, gains nothing by that."""
    slices = Slices(ApplyLimits(burst_ms=0))
    order: list[str] = []

    def single(name: str) -> Steps:
        yield from working(name, order, 1, 0.001)
        until_s = time.perf_counter() + 0.02
        while time.perf_counter() < until_s:
            pass
        return name

    await slices.run(single("costly"), room="room", sender="mallory")
    again = slices.run(single("costly"), room="room", sender="mallory")
    await asyncio.gather(again, slices.run(working("honest", order, 1)))
    assert order == ["costly", "honest", "costly"]


async def test_work_that_fails_leaves_the_line_to_others() -> None:
    """Refused updates do."""
    slices = Slices()

    def failing() -> Steps:
        yield
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await slices.run(failing())
    assert await slices.run(working("next", [], 1)) == "next"


def test_a_budget_is_overdrawn_until_enough_has_flowed_in() -> None:
    """LIM-22: 200 ms a second, and a second's worth five times over at once."""
    budget = Budget(200.0, 1000.0, 50.0)
    for cost_ms, now_s, wait_s in ((1000.0, 50.0, 0.0), (100.0, 50.0, 0.5), (100.0, 50.5, 0.5)):
        budget.charge(cost_ms, now_s)
        assert budget.hold(now_s) == wait_s
    assert not budget.is_full(55.9)
    assert budget.is_full(56.0)
    budget.charge(1100.0, 100.0)
    assert budget.hold(100.0) == 0.5


def test_a_budget_adds_up_what_was_waited_for_until_it_is_full_again() -> None:
    """LIM-24: 1,100 ms are overdrawn by 100, which 200 ms a second make good in half a second."""
    budget = Budget(200.0, 1000.0, 0.0)
    for cost_ms, now_s in ((1100.0, 0.0), (100.0, 0.5)):
        budget.charge(cost_ms, now_s)
        budget.hold(now_s)
    assert budget.held_s == 1.0
    assert budget.hold(4.5) == 0.0
    assert budget.held_s == 1.0
    assert budget.hold(6.0) == 0.0
    assert budget.held_s == 0.0


@pytest.mark.parametrize(("held_ms_max", "is_refused"), [(0, True), (3_600_000, False)])
async def test_a_sender_may_be_held_back_for_so_long(held_ms_max: int, *, is_refused: bool) -> None:
    """LIM-24: Only the sender itself is refused, and only until its budget is full."""
    clock_s = [100.0]
    limits = ApplyLimits(1, sender_ms_per_s=1_000, room_ms_per_s=1_000, held_ms_max=held_ms_max)
    slices = Slices(limits, lambda: clock_s[0])
    await slices.run(working("costly", [], 2, 0.01), room="room", sender="mallory")
    slices.check_sender("ann")
    if is_refused:
        with pytest.raises(LimitExceeded):
            slices.check_sender("mallory")
        clock_s[0] += 60.0
    slices.check_sender("mallory")
