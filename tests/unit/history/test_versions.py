"""When an automatic version is due, and which ones go as they age: tables made by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from collab.history.versions import (
    Activity,
    ActivityRules,
    ThinningRules,
    Version,
    VersionKind,
    adds_to,
    is_due,
    plan_thinning,
)
from collab.ids import Epoch, Sequence, UnixSeconds, VersionId

# A Wednesday; 2026-11-23 and 2026-11-16 are Mondays.
NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
RULES = ThinningRules()


def at(moment: datetime) -> UnixSeconds:
    return UnixSeconds(int(moment.timestamp()))


def version(text: str, kind: VersionKind = VersionKind.AUTOMATIC) -> Version:
    """A version of a moment such as `2026-11-25 12:00`, which is also its id."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    made = at(moment)
    return Version(VersionId(text), kind, Epoch(1), Sequence(made), made, 1, "")


def gone(*moments: str, now: datetime = NOW) -> list[str]:
    versions = [version(moment) for moment in moments]
    return [each.version_id for each in plan_thinning(versions, RULES, now=at(now))]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        # All of the last hour stay, however many.
        (["2026-11-25 11:30", "2026-11-25 11:31", "2026-11-25 12:29"], []),
        # Then the last of each hour of the clock.
        (
            ["2026-11-25 10:00", "2026-11-25 10:30", "2026-11-25 10:59", "2026-11-25 11:00"],
            ["2026-11-25 10:00", "2026-11-25 10:30"],
        ),
        # From a day on, the last of each day in UTC.
        (
            ["2026-11-24 00:00", "2026-11-24 12:29", "2026-11-23 23:59", "2026-11-23 00:00"],
            ["2026-11-23 00:00", "2026-11-24 00:00"],
        ),
        # At exactly a day, it is still one of its hour.
        (["2026-11-24 12:30", "2026-11-24 12:29"], []),
        # From 30 days on, the last of each week, Monday to Sunday: 2026-10-19 is a Monday.
        (
            ["2026-10-18 12:00", "2026-10-19 00:00", "2026-10-21 12:00", "2026-10-25 23:00"],
            ["2026-10-19 00:00", "2026-10-21 12:00"],
        ),
        # From a year on, none.
        (["2025-11-25 12:29", "2025-11-25 12:31"], ["2025-11-25 12:29"]),
        ([], []),
    ],
)
def test_automatic_versions_are_thinned_by_their_age(made: list[str], expected: list[str]) -> None:
    """VER-2: All of the hour, then hourly, daily, weekly, and nothing after a year."""
    assert gone(*made) == expected
    assert gone(*reversed(made)) == expected


def test_named_versions_are_never_thinned() -> None:
    """VER-2."""
    versions = [version("1999-01-01 00:00", VersionKind.NAMED) for _ in range(300)]
    assert plan_thinning(versions, RULES, now=at(NOW)) == ()


def test_a_year_of_a_version_every_ten_minutes_leaves_what_the_spans_have_room_for() -> None:
    """VER-2: By hand: an hour of 7, 23 or 24 hours, 29 or 30 days, 47 to 49 weeks."""
    kept: list[Version] = []
    moment = NOW - timedelta(days=400)
    while moment <= NOW:
        made = moment.strftime("%Y-%m-%d %H:%M")
        kept.append(version(made))
        if moment.minute == 0 or moment == NOW:  # thinning at other moments changes nothing
            dropped = set(plan_thinning(kept, RULES, now=at(moment)))
            kept = [each for each in kept if each not in dropped]
        moment += timedelta(minutes=10)
    ages_h = [(at(NOW) - each.created_at) / 3600 for each in kept]
    assert sum(age <= 1 for age in ages_h) == 7
    assert sum(1 < age <= 24 for age in ages_h) in {23, 24}
    assert sum(24 < age <= 30 * 24 for age in ages_h) in {29, 30}
    assert sum(age > 30 * 24 for age in ages_h) in {47, 48, 49}


@pytest.mark.parametrize(("count", "dropped"), [(199, 0), (200, 0), (201, 1), (230, 30)])
def test_a_room_keeps_200_automatic_versions_at_most(count: int, dropped: int) -> None:
    """VER-9: The oldest go first."""
    start = NOW - timedelta(minutes=50)
    versions = [
        version((start + timedelta(seconds=10 * number)).strftime("%Y-%m-%d %H:%M:%S"))
        for number in range(count)
    ]
    assert list(plan_thinning(versions, RULES, now=at(NOW))) == versions[:dropped]


@pytest.mark.parametrize(
    ("edits", "elapsed_s", "is_deserted", "due"),
    [
        (0, 10_000, True, False),
        (1, 0, True, True),
        (1, 599, False, False),
        (49, 3_599, False, False),
        (49, 3_600, False, True),
        (50, 599, False, False),
        (50, 600, False, True),
    ],
)
def test_a_version_is_due_by_activity(
    *, edits: int, elapsed_s: float, is_deserted: bool, due: bool
) -> None:
    """VER-1: 50 edits and 10 minutes, or any edit and an hour, or any edit and an empty room."""
    assert is_due(Activity(edits, elapsed_s, is_deserted), ActivityRules()) == due


def test_what_adds_nothing_or_comes_too_soon_is_not_made() -> None:
    """VER-1: Nothing new since the newest version, or an automatic one within the minute."""
    newest = version("2026-11-25 12:30")
    head = newest.sequence
    later = Sequence(head + 1)
    in_time = at(NOW + timedelta(seconds=60))
    assert adds_to(None, epoch=Epoch(1), head=head, now=at(NOW))
    assert not adds_to(newest, epoch=Epoch(1), head=head, now=in_time)
    assert adds_to(newest, epoch=Epoch(1), head=later, now=in_time)
    assert not adds_to(newest, epoch=Epoch(1), head=later, now=UnixSeconds(in_time - 1))
    assert adds_to(newest, epoch=Epoch(2), head=head, now=in_time)
    named = version("2026-11-25 12:30", VersionKind.NAMED)
    assert adds_to(named, epoch=Epoch(1), head=later, now=at(NOW))
