"""Access policy: one function decides every ``(claims, room, action)``.

Deny by default. A grant names rooms by exact name or by pattern; the strongest role that
matches counts. Nothing else in the project compares roles.

The comments on a room live in a reserved room beside it. Who may do what there follows from the
role in the room that is commented on, and nobody edits them but through the API, where the
authorship is the token's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from collab.ids import RoomName, Subject, UnixSeconds, commented_room


class Role(StrEnum):
    """What a subject is in a room."""

    OWNER = "owner"
    EDITOR = "editor"
    COMMENTER = "commenter"
    VIEWER = "viewer"


class Action(StrEnum):
    """What a subject wants to do in a room."""

    JOIN = "join"
    READ = "read"
    EDIT = "edit"
    PRESENCE = "presence"
    INSPECT = "inspect"  # sessions, sizes and watermarks of the room
    MANAGE = "manage"  # close sessions, revoke
    ERASE = "erase"  # all content, or all history, for good
    READ_VERSIONS = "read_versions"  # list, open and compare them
    KEEP_VERSIONS = "keep_versions"  # make, name and restore them
    DELETE_VERSIONS = "delete_versions"
    COMMENT = "comment"  # write comments, change and delete one's own, resolve threads
    MODERATE = "moderate"  # delete anybody's comments


_ALLOWED: Final[dict[Role, frozenset[Action]]] = {
    Role.OWNER: frozenset(Action),
    Role.EDITOR: frozenset(
        {
            Action.JOIN,
            Action.READ,
            Action.EDIT,
            Action.PRESENCE,
            Action.INSPECT,
            Action.READ_VERSIONS,
            Action.KEEP_VERSIONS,
            Action.COMMENT,
        }
    ),
    # Comments live in documents of their own, so a commenter only reads the score itself.
    Role.COMMENTER: frozenset(
        {Action.JOIN, Action.READ, Action.PRESENCE, Action.READ_VERSIONS, Action.COMMENT}
    ),
    Role.VIEWER: frozenset({Action.JOIN, Action.READ, Action.PRESENCE, Action.READ_VERSIONS}),
}
# Versions of comments are not kept: what their authors delete would stay in them.
_ALLOWED_IN_COMMENTS: Final = frozenset(
    {
        Action.JOIN,
        Action.READ,
        Action.PRESENCE,
        Action.INSPECT,
        Action.MANAGE,
        Action.ERASE,
    }
)
_STRENGTH: Final[dict[Role, int]] = {
    Role.VIEWER: 1,
    Role.COMMENTER: 2,
    Role.EDITOR: 3,
    Role.OWNER: 4,
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in the rooms that a pattern matches.

    Attributes:
        pattern: a room name in which ``*`` stands for any run of characters within one segment
            and ``**`` for any run at all; everything else is literal.
        role: what the subject is there.
    """

    pattern: str
    role: Role


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided about a subject in one room after its token was issued.

    Attributes:
        room: the room it is about, by exact name.
        role: the most that the subject may still be there; None for nothing at all.
    """

    room: RoomName
    role: Role | None


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says, and nothing that a client says of itself.

    Attributes:
        subject: the person or service.
        display_name: shown to others in presence; None where the server does not speak for the
            name (open mode).
        grants: roles by room pattern.
        expires_at: wall-clock second from which the claims hold no longer; None for never.
        verified: False in open mode, where everybody is the same unnamed owner.
        issued_at: wall-clock second at which the token was issued; revocations reach back to it.
        rulings: later decisions, each of which caps what the grants give in its room.
        email: an address that whoever issued the token has verified; None for none.
    """

    subject: Subject
    display_name: str | None
    grants: tuple[Grant, ...]
    expires_at: UnixSeconds | None = None
    verified: bool = True
    issued_at: UnixSeconds | None = None
    rulings: tuple[Ruling, ...] = ()
    email: str | None = field(default=None, repr=False)


ANYBODY: Final = Claims(
    subject=Subject("anonymous"),
    display_name=None,
    grants=(Grant("**", Role.OWNER),),
    verified=False,
)
"""The claims of every connection in open mode."""


def role_in(claims: Claims, room: RoomName) -> Role | None:
    """The strongest role the grants give in a room, weakened by what was ruled since, or None.

    In a room of comments it is the role in the room that is commented on.
    """
    room = commented_room(room) or room
    roles = [grant.role for grant in claims.grants if matches(grant.pattern, room)]
    granted = max(roles, key=_STRENGTH.__getitem__, default=None)
    for ruling in claims.rulings:
        if ruling.room == room and granted is not None:
            granted = _weaker(granted, ruling.role)
    return granted


def decide(claims: Claims, room: RoomName, action: Action) -> bool:
    """Whether the claims allow an action in a room; expiry is the caller's clock to watch."""
    role = role_in(claims, room)
    if role is None or action not in _ALLOWED[role]:
        return False
    return action in _ALLOWED_IN_COMMENTS or commented_room(room) is None


def _weaker(granted: Role, cap: Role | None) -> Role | None:
    return None if cap is None else min(granted, cap, key=_STRENGTH.__getitem__)


def matches(pattern: str, room: str) -> bool:
    """Whether a grant's pattern covers a room's name."""
    if pattern == "**":
        return True
    return matches_asterisks(pattern, room) if "*" in pattern else pattern == room


@lru_cache(maxsize=4096)
def matches_asterisks(pattern: str, room: str) -> bool:
    """Whether a pattern with asterisks covers a name.

    All places that the pattern may have reached are advanced together, so the time is bounded by
    the product of both lengths, whatever the pattern.
    """
    reached = {0}
    for piece in re.findall(r"\*\*|\*|[^*]+", pattern):
        if piece == "**":
            reached = set(range(min(reached), len(room) + 1))
        elif piece == "*":
            reached = _spread_within_segments(room, reached)
        else:
            reached = {at + len(piece) for at in reached if room.startswith(piece, at)}
        if not reached:
            return False
    return len(room) in reached


def _spread_within_segments(room: str, reached: set[int]) -> set[int]:
    spread: set[int] = set()
    for start in sorted(reached):
        if start not in spread:
            slash = room.find("/", start)
            spread.update(range(start, (len(room) if slash < 0 else slash) + 1))
    return spread
