"""Failpoints: how they are written, and that they do nothing unless asked to."""

from __future__ import annotations

import time

import pytest

from collab.errors import SettingsError, StoreUnavailable
from persistence.failpoints import POINTS, Failpoints


def test_nothing_is_armed_by_default() -> None:
    failpoints = Failpoints.parse("")
    for point in POINTS:
        failpoints.hit(point)
    assert failpoints.armed == {}


def test_error_comes_at_the_nth_hit_only() -> None:
    failpoints = Failpoints.parse("append.before_commit=error@3")
    failpoints.hit("append.before_commit")
    failpoints.hit("append.after_commit")
    failpoints.hit("append.before_commit")
    with pytest.raises(StoreUnavailable, match=r"append\.before_commit"):
        failpoints.hit("append.before_commit")
    failpoints.hit("append.before_commit")


def test_error_without_a_count_comes_every_time() -> None:
    failpoints = Failpoints.parse(" trim.before_commit=error , manifest.after_commit=error@2,")
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            failpoints.hit("trim.before_commit")
    failpoints.hit("manifest.after_commit")
    with pytest.raises(StoreUnavailable):
        failpoints.hit("manifest.after_commit")


def test_delay_sleeps_as_long_as_it_says() -> None:
    failpoints = Failpoints.parse("append.after_commit=delay:30")
    begun_s = time.monotonic()
    failpoints.hit("append.after_commit")
    assert time.monotonic() - begun_s >= 0.03


@pytest.mark.parametrize(
    "text",
    [
        "append",
        "append.before_commit",
        "append.before_commit=",
        "append.before_commit=explode",
        "append.sometimes=kill",
        "append.before_commit=kill@0",
        "append.before_commit=kill@x",
        "append.before_commit=kill@-1",
        "append.before_commit=kill@",
        "append.before_commit=kill:5",
        "append.before_commit=delay",
        "append.before_commit=delay:@2",
        "append.before_commit=delay:ten",
        "append.before_commit=delay:٣",
    ],
)
def test_what_is_no_failpoint_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        Failpoints.parse(text)
