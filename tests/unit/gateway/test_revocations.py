"""Revocations: in force at once, durable, bounded, and about the tokens issued before."""

from dataclasses import replace
from pathlib import Path

import pytest

from collab.access import ANYBODY, Action, Claims, Grant, Role, decide, role_in
from collab.errors import AuthFailure, LimitExceeded, StoreUnavailable, Unauthenticated
from collab.ids import RoomName, Subject, UnixSeconds
from gateway.auth import revocations as module
from gateway.auth.revocation_file import Revocation, RevocationFile
from gateway.auth.revocations import FILE_NAME, Revocations, open_revocations

NOW = UnixSeconds(1_800_000_000)
LIFETIME_S = 1_000
ROOM, OTHER = RoomName("band/score"), RoomName("band/other")
CLARA = Claims(
    Subject("clara"),
    "Clara",
    (Grant("band/*", Role.EDITOR),),
    expires_at=UnixSeconds(NOW + 500),
    issued_at=UnixSeconds(NOW - 5),
)


def revocation(
    *, subject: str = "clara", room: RoomName | None = None, role: Role | None = None, at: int = NOW
) -> Revocation:
    return Revocation(Subject(subject), room, role, UnixSeconds(at))


def opened(folder: Path | None, *, now: int = NOW) -> Revocations:
    return open_revocations(folder, lifetime_s=LIFETIME_S, now=UnixSeconds(now))


async def test_a_revoked_subject_is_out_everywhere() -> None:
    """ACC-5: The reason tells the client that this token will not do again."""
    revocations = opened(None)
    await revocations.revoke(revocation())
    with pytest.raises(Unauthenticated) as caught:
        revocations.effective_claims(CLARA)
    assert caught.value.reason is AuthFailure.REVOKED


async def test_others_are_not_concerned() -> None:
    """Neither other subjects nor everybody in open mode."""
    revocations = opened(None)
    await revocations.revoke(revocation())
    await revocations.revoke(revocation(subject="anonymous"))
    ann = replace(CLARA, subject=Subject("ann"))
    assert revocations.effective_claims(ann) == ann
    assert revocations.effective_claims(ANYBODY) == ANYBODY


async def test_a_room_is_taken_away_and_the_others_stay() -> None:
    """ACC-5: Subject and room."""
    revocations = opened(None)
    await revocations.revoke(revocation(room=ROOM))
    claims = revocations.effective_claims(CLARA)
    assert not decide(claims, ROOM, Action.JOIN)
    assert role_in(claims, OTHER) is Role.EDITOR


async def test_a_role_is_lowered_and_never_raised() -> None:
    """ACC-5: Subject, room and role: the token says the most there can be."""
    revocations = opened(None)
    await revocations.revoke(revocation(room=ROOM, role=Role.VIEWER))
    assert role_in(revocations.effective_claims(CLARA), ROOM) is Role.VIEWER
    await revocations.revoke(revocation(room=OTHER, role=Role.OWNER))
    assert role_in(revocations.effective_claims(CLARA), OTHER) is Role.EDITOR


async def test_the_latest_decision_counts() -> None:
    """A demotion can be taken back, also for claims that carry the earlier ruling."""
    revocations = opened(None)
    await revocations.revoke(revocation(room=ROOM))
    demoted = revocations.effective_claims(CLARA)
    await revocations.revoke(revocation(room=ROOM, role=Role.OWNER))
    assert role_in(revocations.effective_claims(demoted), ROOM) is Role.EDITOR


@pytest.mark.parametrize(("issued_after_s", "holds"), [(-5, False), (0, False), (1, True)])
async def test_a_later_token_holds_again(issued_after_s: int, *, holds: bool) -> None:
    """ACC-6: Revocations concern tokens issued up to and in their second."""
    revocations = opened(None)
    await revocations.revoke(revocation())
    claims = replace(CLARA, issued_at=UnixSeconds(NOW + issued_after_s))
    if holds:
        assert revocations.effective_claims(claims) == claims
    else:
        with pytest.raises(Unauthenticated):
            revocations.effective_claims(claims)


async def test_revocations_outlive_a_restart(tmp_path: Path) -> None:
    """ACC-7: All three kinds, for as long as a token of before may live."""
    before = opened(tmp_path)
    await before.revoke(revocation(subject="ann"))
    await before.revoke(revocation(room=ROOM, role=Role.VIEWER))
    await before.revoke(revocation(room=OTHER))
    after = opened(tmp_path, now=NOW + LIFETIME_S - 1)
    with pytest.raises(Unauthenticated):
        after.effective_claims(replace(CLARA, subject=Subject("ann")))
    claims = after.effective_claims(CLARA)
    assert role_in(claims, ROOM) is Role.VIEWER
    assert role_in(claims, OTHER) is None
    assert len(opened(tmp_path, now=NOW + LIFETIME_S)) == 0


async def test_odd_names_survive_the_file(tmp_path: Path) -> None:
    """Quotes, backslashes and every script."""
    subject, room = 'a"\\u0000 né 🎻', RoomName('b"\\ 楽譜')
    await opened(tmp_path).revoke(revocation(subject=subject, room=room))
    (entry,) = opened(tmp_path)._entries.values()
    assert (entry.subject, entry.room) == (subject, room)


async def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    """It names people."""
    await opened(tmp_path).revoke(revocation())
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


async def test_a_line_cut_by_a_power_cut_is_dropped(tmp_path: Path) -> None:
    """It was never acknowledged; and the next one is not glued onto it."""
    await opened(tmp_path).revoke(revocation(subject="ann"))
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes() + b'{"at":1800000000,"subject":"half')
    await opened(tmp_path).revoke(revocation(subject="ben"))
    assert {subject for subject, _ in opened(tmp_path)._entries} == {"ann", "ben"}


@pytest.mark.parametrize(
    "line",
    [b"garbage", b"[]", b'{"at":1}', b'{"at":1,"subject":"a","room":"..","role":null}', b"\xff"],
)
async def test_a_damaged_file_stops_the_start(tmp_path: Path, line: bytes) -> None:
    """ACC-7: To skip a line could let somebody in again."""
    await opened(tmp_path).revoke(revocation())
    path = tmp_path / FILE_NAME
    path.write_bytes(line + b"\n" + path.read_bytes())
    with pytest.raises(StoreUnavailable, match="damaged at line 1"):
        opened(tmp_path)


async def test_a_failed_write_is_reported_in_force_and_made_good(tmp_path: Path) -> None:
    """What could not be stored is in force; the next one stores both."""
    folder = tmp_path / "data"
    revocations = opened(folder)
    (folder / FILE_NAME).unlink()
    (folder / FILE_NAME).mkdir()
    with pytest.raises(StoreUnavailable):
        await revocations.revoke(revocation())
    with pytest.raises(Unauthenticated):
        revocations.effective_claims(CLARA)
    (folder / FILE_NAME).rmdir()
    await revocations.revoke(revocation(subject="ann"))
    assert {subject for subject, _ in opened(folder)._entries} == {"clara", "ann"}


async def test_observers_are_told_before_the_call_first_waits() -> None:
    """Live sessions follow at once, and not after the disk."""
    revocations = opened(None)
    told: list[Revocation] = []
    stop = revocations.observe(told.append)
    made = revocation(room=ROOM)
    call = revocations.revoke(made)
    call.send(None)
    assert told == [made]
    call.close()
    stop()
    await revocations.revoke(revocation())
    assert told == [made]


async def test_expired_ones_make_room_and_the_number_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When too many are in force, one more is refused rather than an old one forgotten."""
    monkeypatch.setattr(module, "REVOCATIONS_MAX", 2)
    revocations = opened(None)
    await revocations.revoke(revocation(subject="a"))
    await revocations.revoke(revocation(subject="b", at=NOW + 10))
    with pytest.raises(LimitExceeded):
        await revocations.revoke(revocation(subject="c", at=NOW + 20))
    await revocations.revoke(revocation(subject="b", at=NOW + 20))
    await revocations.revoke(revocation(subject="c", at=NOW + LIFETIME_S))
    assert {subject for subject, _ in revocations._entries} == {"b", "c"}
    assert set(revocations._by_subject) == {"b", "c"}


async def test_the_file_does_not_grow_with_repetition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decisions about the same subject and room replace each other on disk, too."""
    monkeypatch.setattr(module, "_SPARE_LINES", 10)
    revocations = opened(tmp_path)
    for _ in range(100):
        await revocations.revoke(revocation())
    assert len((tmp_path / FILE_NAME).read_bytes().splitlines()) <= 13
    assert len(opened(tmp_path)) == 1


def test_nodes_that_share_a_folder_drop_nothing_of_each_other(tmp_path: Path) -> None:
    """BUS-11: whoever rewrites the file takes along what others have stored meanwhile."""
    path = tmp_path / FILE_NAME
    one, two = RevocationFile(path), RevocationFile(path)
    one.replace((), since=NOW)
    one.append(revocation(subject="ann"))
    two.append(revocation(subject="bob"))
    path.write_bytes(path.read_bytes() + b'{"at":1800000000,"subject":"half')  # killed meanwhile
    one.append(revocation(subject="cec", role=Role.VIEWER))
    two.append(revocation(subject="old", at=NOW - 10))
    one.replace([revocation(subject="ann"), revocation(subject="dan")], since=UnixSeconds(NOW - 5))
    two.replace([revocation(subject="cec", at=NOW + 1)], since=UnixSeconds(NOW - 5))
    kept = {each.subject: (each.revoked_at, each.role) for each in two.load()}
    assert kept == {
        "ann": (NOW, None),
        "bob": (NOW, None),
        "cec": (NOW + 1, None),
        "dan": (NOW, None),
    }
