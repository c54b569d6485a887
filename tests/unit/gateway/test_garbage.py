"""When cyclic garbage is searched, checked with weak references: they say what has been freed."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from gateway.garbage import FULL_AFTER_BLOCKS, YOUNG_OBJECTS_MAX, GarbageWatch


class Knot:
    """Keeps itself alive: only a search frees it."""

    def __init__(self) -> None:
        self.itself = self


class Clock:
    """Stands still until told."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(autouse=True)
def only_the_watch_searches() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


def dropped_knot() -> weakref.ref[Knot]:
    return weakref.ref(Knot())


def test_new_garbage_is_freed_at_the_next_tick() -> None:
    """A cycle that died within the second is found in the search of what is new."""
    watch = GarbageWatch(lambda: False, Clock())
    knot = dropped_knot()
    watch.tick()
    assert knot() is None


def test_survivors_are_put_out_of_sight_and_still_counted() -> None:
    """What lived through a tick is searched no more, but dies with its last reference as ever."""
    watch = GarbageWatch(lambda: False, Clock())
    held = [Knot() for _ in range(100)]
    before = gc.get_freeze_count()
    watch.tick()
    assert gc.get_freeze_count() - before >= 100
    free = weakref.ref(held[0])
    held[0].itself = None  # type: ignore[assignment]  # cut the knot
    del held[0]
    assert free() is None


def test_very_much_at_once_is_not_searched() -> None:
    """A member's update of a hundred thousand clients must not cost a pause: its cycles wait."""
    watch = GarbageWatch(lambda: False, Clock())
    alive: list[list[int]] = [[] for _ in range(YOUNG_OBJECTS_MAX + 1)]
    knot = dropped_knot()
    watch.tick()
    assert knot() is not None
    assert alive


def test_very_much_at_once_is_not_searched_while_as_much_dies() -> None:
    """The balance of births and deaths says nothing about how much there is to search."""
    watch = GarbageWatch(lambda: False, Clock())
    old: list[list[int]] = [[] for _ in range(YOUNG_OBJECTS_MAX * 2)]
    watch.tick()
    new: list[list[int]] = [[] for _ in range(YOUNG_OBJECTS_MAX * 2)]
    knot = dropped_knot()
    old.clear()
    watch.tick()
    assert knot() is not None
    assert new


def test_all_is_searched_once_a_minute_when_nobody_is_there() -> None:
    """Old cycles are found when a pause disturbs nobody, and not before."""
    clock = Clock()
    quiet = False
    watch = GarbageWatch(lambda: quiet, clock)
    alive: list[list[int]] = [[] for _ in range(YOUNG_OBJECTS_MAX + 1)]
    knot = dropped_knot()
    watch.tick()
    clock.now_s = 61.0
    watch.tick()
    assert knot() is not None
    quiet = True
    watch.tick()
    assert knot() is None
    assert alive


def test_all_is_searched_when_much_more_lives_even_if_somebody_is_there() -> None:
    """A node that is never quiet does not keep its cycles for ever."""
    clock = Clock()
    watch = GarbageWatch(lambda: False, clock)
    knot = dropped_knot()
    gc.freeze()
    clock.now_s = 61.0
    watch.tick()
    assert knot() is not None
    alive = [[] for _ in range(FULL_AFTER_BLOCKS + 1)]  # type: list[list[int]]
    watch.tick()
    assert knot() is None
    assert alive


def test_what_has_died_by_its_reference_count_is_no_reason_to_search_all() -> None:
    """Updates that make very many objects and let go of them cost no pause later."""
    clock = Clock()
    watch = GarbageWatch(lambda: False, clock)
    knot = dropped_knot()
    gc.freeze()
    clock.now_s = 61.0
    for _ in range(4):
        alive: list[list[int]] = [[] for _ in range(FULL_AFTER_BLOCKS // 2)]
        watch.tick()
        alive.clear()
    assert knot() is not None
