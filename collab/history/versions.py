"""Versions of a document: what one is, when one is due by itself, and which go as they age.

=====================  ==========================================
age of automatic ones  which are kept
=====================  ==========================================
up to an hour          all
up to a day            the last of each hour
up to 30 days          the last of each day
up to a year           the last of each week (from Monday, in UTC)
older                  none
=====================  ==========================================

Named versions are never thinned. The spans are settings; see `ThinningRules`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from collab.ids import Epoch, RoomName, Sequence, Subject, UnixSeconds, VersionId
from collab.limits import VERSION_LULL_FACTOR, VERSION_SPACING_S, VERSIONS_AUTOMATIC_MAX

_HOUR_S: Final = 3_600
_DAY_S: Final = 24 * _HOUR_S
_WEEK_S: Final = 7 * _DAY_S
_MONDAY_S: Final = 3 * _DAY_S  # 1970 began on a Thursday


class VersionKind(StrEnum):
    """How a version came about."""

    AUTOMATIC = "automatic"  # by activity; thinned as it ages
    NAMED = "named"  # somebody asked for it; kept until somebody deletes it


@dataclass(frozen=True, slots=True)
class VersionSource:
    """The version of another room that a room was forked from."""

    room: RoomName = field(repr=False)
    version_id: VersionId


@dataclass(frozen=True, slots=True)
class Version:
    """A point in a document's history that one can return to.

    Attributes:
        version_id: unique within the room.
        kind: how it came about.
        epoch: the incarnation of the log that it was taken from.
        sequence: it holds all updates up to and with this one.
        created_at: wall-clock second.
        size_bytes: of its content, as one update.
        checksum: SHA-256 of its content, hex.
        name: what it is called; empty for an automatic one.
        message: more about it, in the author's words.
        author: whose request made it, by the token; None when the server did by itself.
        author_name: that token's display name, if it had one.
        source: where its content came from, for the first version of a fork.
    """

    version_id: VersionId
    kind: VersionKind
    epoch: Epoch
    sequence: Sequence
    created_at: UnixSeconds
    size_bytes: int
    checksum: str
    name: str = field(default="", repr=False)
    message: str = field(default="", repr=False)
    author: Subject | None = None
    author_name: str | None = field(default=None, repr=False)
    source: VersionSource | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.

    Attributes:
        sequence: up to which the log is durable, the edit within it.
        undo: the version of the state before it; None when that was empty.
        notes: what could not be brought back, in plain sentences.
    """

    sequence: Sequence
    undo: VersionId | None
    notes: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ThinningRules:
    """Up to which age automatic versions are kept how densely; each span holds the one before."""

    all_s: int = _HOUR_S
    hourly_s: int = _DAY_S
    daily_s: int = 30 * _DAY_S
    weekly_s: int = 365 * _DAY_S


@dataclass(frozen=True, slots=True)
class ActivityRules:
    """How much must have happened for an automatic version.

    Attributes:
        interval_s: since the last one.
        edits: updates since the last one; fewer have to wait `VERSION_LULL_FACTOR` intervals.
    """

    interval_s: float = 600
    edits: int = 50


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened in a room since its last version, as far as is known.

    Attributes:
        edits: updates stored since.
        elapsed_s: time since.
        is_deserted: whether everybody has left.
    """

    edits: int
    elapsed_s: float
    is_deserted: bool


def is_due(activity: Activity, rules: ActivityRules) -> bool:
    """Whether an automatic version is due: after enough edits and time, or once all have left."""
    if activity.edits <= 0:
        return False
    if activity.is_deserted:
        return True
    if activity.edits >= rules.edits:
        return activity.elapsed_s >= rules.interval_s
    return activity.elapsed_s >= rules.interval_s * VERSION_LULL_FACTOR


def adds_to(newest: Version | None, *, epoch: Epoch, head: Sequence, now: UnixSeconds) -> bool:
    """Whether an automatic version made now would hold news, and is not too soon.

    Args:
        newest: the room's newest version of any kind.
        epoch: of the room's log.
        head: of the room's log.
        now: wall-clock second.
    """
    if newest is None:
        return True
    if (newest.epoch, newest.sequence) == (epoch, head):
        return False
    is_soon = 0 <= now - newest.created_at < VERSION_SPACING_S
    return not (is_soon and newest.kind is VersionKind.AUTOMATIC)


def plan_thinning(
    versions: Iterable[Version], rules: ThinningRules, *, now: UnixSeconds
) -> tuple[Version, ...]:
    """Which versions have to go, oldest first.

    Args:
        versions: all of a room, in any order.
        rules: how densely they are kept.
        now: wall-clock second.
    """
    automatic = [version for version in versions if version.kind is VersionKind.AUTOMATIC]
    automatic.sort(key=lambda version: (version.created_at, version.sequence), reverse=True)
    taken: set[tuple[str, int]] = set()
    kept = 0
    gone: list[Version] = []
    for version in automatic:
        place = _place(version, rules, now)
        if place is None or place in taken or kept == VERSIONS_AUTOMATIC_MAX:
            gone.append(version)
            continue
        kept += 1
        if place[0] != "all":
            taken.add(place)
    return tuple(reversed(gone))


def _place(version: Version, rules: ThinningRules, now: UnixSeconds) -> tuple[str, int] | None:
    """What a version competes for with others; None when it is too old for any place."""
    at = version.created_at
    age_s = now - at
    if age_s <= rules.all_s:
        return ("all", 0)
    if age_s <= rules.hourly_s:
        return ("hour", at // _HOUR_S)
    if age_s <= rules.daily_s:
        return ("day", at // _DAY_S)
    if age_s <= rules.weekly_s:
        return ("week", (at + _MONDAY_S) // _WEEK_S)
    return None
