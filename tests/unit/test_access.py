"""The one policy function, and the patterns of grants."""

import pytest

from collab.access import (
    ANYBODY,
    Action,
    Claims,
    Grant,
    Role,
    Ruling,
    decide,
    matches,
    matches_asterisks,
    role_in,
)
from collab.ids import RoomName, Subject, comments_room, room_name
from tests.support.lines import lines_run

ROOM = room_name("bach/fugue")

# What a role may do, by hand; whatever is not listed is denied.
ALLOWED = {
    Role.OWNER: {
        *("join", "read", "edit", "presence", "inspect", "manage", "erase"),
        *("read_versions", "keep_versions", "delete_versions"),
        *("comment", "moderate"),
    },
    Role.EDITOR: {
        *("join", "read", "edit", "presence", "inspect"),
        *("read_versions", "keep_versions"),
        "comment",
    },
    Role.COMMENTER: {"join", "read", "presence", "read_versions", "comment"},
    Role.VIEWER: {"join", "read", "presence", "read_versions"},
}


def claims(*grants: Grant, rulings: tuple[Ruling, ...] = ()) -> Claims:
    return Claims(Subject("ann"), "Ann", grants, rulings=rulings)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("action", list(Action))
def test_each_role_may_do_exactly_what_its_row_says(role: Role, action: Action) -> None:
    """ACC-2."""
    allowed = decide(claims(Grant("bach/fugue", role)), ROOM, action)
    assert allowed == (action.value in ALLOWED[role])


@pytest.mark.parametrize("action", list(Action))
def test_without_a_grant_for_the_room_everything_is_denied(action: Action) -> None:
    """ACC-1."""
    assert not decide(claims(), ROOM, action)
    assert not decide(claims(Grant("bach/canon", Role.OWNER)), ROOM, action)


@pytest.mark.parametrize("action", list(Action))
def test_open_mode_allows_everybody_everything(action: Action) -> None:
    assert decide(ANYBODY, room_name("any/depth/of/room"), action)


# The same in the room of the comments on it.
ALLOWED_IN_COMMENTS = {
    Role.OWNER: {"join", "read", "presence", "inspect", "manage", "erase"},
    Role.EDITOR: {"join", "read", "presence", "inspect"},
    Role.COMMENTER: {"join", "read", "presence"},
    Role.VIEWER: {"join", "read", "presence"},
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("action", list(Action))
def test_nobody_edits_comments_and_who_reads_them_follows_from_the_room(
    role: Role, action: Action
) -> None:
    """CMT-1: Whatever pattern grants it, and whatever was ruled; a grant for itself is none."""
    comments = comments_room(ROOM)
    expected = action.value in ALLOWED_IN_COMMENTS[role]
    for pattern in ("bach/fugue", "bach/*", "**"):
        granted = claims(Grant(pattern, role), Grant("bach/fugue/*", Role.OWNER))
        assert decide(granted, comments, action) == expected
    ruled = claims(Grant("**", Role.OWNER), rulings=(Ruling(ROOM, role),))
    assert decide(ruled, comments, action) == expected
    assert not decide(claims(Grant(comments, Role.OWNER)), comments, action)


def test_the_strongest_of_several_grants_counts_in_any_order() -> None:
    """ACC-3."""
    grants = [
        Grant("bach/*", Role.VIEWER),
        Grant("bach/fugue", Role.EDITOR),
        Grant("**", Role.COMMENTER),
    ]
    assert role_in(claims(*grants), ROOM) is Role.EDITOR
    assert role_in(claims(*reversed(grants)), ROOM) is Role.EDITOR


def test_a_ruling_weakens_a_grant_and_never_strengthens_it() -> None:
    editor = Grant("**", Role.EDITOR)
    assert role_in(claims(editor, rulings=(Ruling(ROOM, Role.VIEWER),)), ROOM) is Role.VIEWER
    assert role_in(claims(editor, rulings=(Ruling(ROOM, Role.OWNER),)), ROOM) is Role.EDITOR
    assert role_in(claims(editor, rulings=(Ruling(ROOM, None),)), ROOM) is None
    assert role_in(claims(rulings=(Ruling(ROOM, Role.OWNER),)), ROOM) is None


def test_of_several_rulings_the_strictest_holds() -> None:
    rulings = (Ruling(ROOM, Role.VIEWER), Ruling(ROOM, Role.EDITOR))
    assert role_in(claims(Grant("**", Role.OWNER), rulings=rulings), ROOM) is Role.VIEWER
    cut_off = (Ruling(ROOM, None), Ruling(ROOM, Role.EDITOR))
    assert role_in(claims(Grant("**", Role.OWNER), rulings=cut_off), ROOM) is None


def test_a_ruling_is_about_one_room_by_its_exact_name() -> None:
    rulings = (Ruling(RoomName("bach/*"), None), Ruling(RoomName("bach"), None))
    assert role_in(claims(Grant("**", Role.OWNER), rulings=rulings), ROOM) is Role.OWNER


@pytest.mark.parametrize(
    ("pattern", "room", "expected"),
    [
        ("a", "a", True),
        ("a", "A", False),
        ("a", "ab", False),
        ("", "a", False),
        ("*", "a", True),
        ("*", "a/b", False),
        ("a/*", "a/b", True),
        ("a/*", "a/b/c", False),
        ("a/*", "ab", False),
        ("a*", "a", True),
        ("a*c", "abc", True),
        ("a*c", "ab/c", False),
        ("*/*", "a/b", True),
        ("*/b*/c", "a/bb/c", True),
        ("*a*a*", "banana", True),
        ("*x*", "banana", False),
        ("**", "a/b/c", True),
        ("a/**", "a/b/c", True),
        ("a/**", "a", False),
        ("**/c", "a/b/c", True),
        ("**/c", "c", False),
        ("a/**/d", "a/b/c/d", True),
        ("***", "a/b", True),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("a?", "ab", False),
        ("é*", "émile/x", False),
        ("é*", "émile", True),
    ],
)
def test_patterns(pattern: str, room: str, *, expected: bool) -> None:
    """ACC-3."""
    assert matches(pattern, room) is expected


def test_no_pattern_makes_matching_slow() -> None:
    """Work is counted in traced lines, not in seconds: hostile patterns stay near linear."""
    room = "a" * 255

    def lines_of(pattern: str) -> int:
        return lines_run(lambda: matches_asterisks.__wrapped__(pattern, room))

    once = lines_of("*a" * 100 + "b")
    assert lines_of("*a" * 200 + "b") < 3 * once
    assert once < 100 * 3 * len(room)
