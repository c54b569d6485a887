"""Revocations of many nodes over one store: none is missed, and all agree on the order."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from collab.access import Claims, Grant, Role, role_in
from collab.errors import Unauthenticated
from collab.ids import NO_ROOM, RoomName, Subject, UnixSeconds
from collab.ports import RecordKind
from gateway.auth import shared_revocations
from gateway.auth.revocation_file import Revocation
from gateway.auth.revocations import Revocations, open_revocations
from gateway.auth.shared_revocations import RevocationFollower, SharedRevocations
from persistence.memory import MemoryStore
from persistence.stores import Stores

NOW = UnixSeconds(1_800_000_000)
LIFETIME_S = 1_000
ROOM = RoomName("band/score")
CLARA = Claims(
    Subject("clara"),
    "Clara",
    (Grant("band/*", Role.OWNER),),
    expires_at=UnixSeconds(NOW + 500),
    issued_at=UnixSeconds(NOW - 5),
)


def decided(role: Role | None, at: int = NOW) -> Revocation:
    return Revocation(Subject("clara"), ROOM, role, UnixSeconds(at))


def held(revocations: Revocations) -> Role | None:
    return role_in(revocations.effective_claims(CLARA), ROOM)


class Node:
    """One node's revocations, and what it was told."""

    def __init__(self, stores: Stores, folder: Path | None = None) -> None:
        self.revocations = open_revocations(folder, lifetime_s=LIFETIME_S, now=NOW, writes=False)
        self.shared = SharedRevocations(stores.records)
        self.told = 0
        self.observed: list[Revocation] = []
        self.revocations.observe(self.observed.append)

    async def join(self) -> Node:
        await self.revocations.share(self.shared, now=NOW, told=self._tell)
        return self

    def _tell(self) -> None:
        self.told += 1

    async def read_on(self) -> None:
        await self.revocations.read_on(now=NOW)


class LateAnswers(SharedRevocations):
    """A store that has stored a decision for a while before it says so."""

    def __init__(self, stores: Stores) -> None:
        super().__init__(stores.records)
        self.has_stored = asyncio.Event()
        self.answers = asyncio.Event()

    async def append(self, revocation: Revocation) -> list[Revocation]:
        others = await super().append(revocation)
        self.has_stored.set()
        await self.answers.wait()
        return others


@pytest.fixture
def stores() -> Stores:
    return MemoryStore().stores()


async def test_what_one_node_was_told_is_in_force_on_all_and_observed_there(
    stores: Stores,
) -> None:
    """NODE-10: also on a node that starts later."""
    ann, bob = await Node(stores).join(), await Node(stores).join()
    await ann.revocations.revoke(decided(Role.VIEWER))
    assert ann.told == 1
    await bob.read_on()
    assert held(bob.revocations) is Role.VIEWER
    assert bob.observed == [decided(Role.VIEWER)]
    await bob.revocations.revoke(Revocation(Subject("clara"), None, None, NOW))
    later = await Node(stores).join()
    await ann.read_on()
    for node in (ann, later):
        with pytest.raises(Unauthenticated):
            node.revocations.effective_claims(CLARA)


@pytest.mark.parametrize("seed", range(20))
async def test_all_nodes_agree_on_the_last_of_decisions_made_at_once(
    stores: Stores, seed: int
) -> None:
    """NODE-10: whatever their clocks say."""
    draw = random.Random(seed)
    nodes = [await Node(stores).join() for _ in range(3)]

    async def decide(node: Node) -> None:
        for _ in range(5):
            await asyncio.sleep(draw.choice((0, 0, 0.001)))
            role = draw.choice((Role.VIEWER, Role.COMMENTER, Role.EDITOR, None))
            decision = decided(role, NOW + draw.randint(-100, 100))
            await node.revocations.revoke(decision)

    await asyncio.gather(*(decide(node) for node in nodes), *(node.read_on() for node in nodes))
    for node in nodes:
        await node.read_on()
    stored = await stores.records.list(RecordKind.REVOCATION, NO_ROOM, after=None, limit=100)
    assert [int(record.record_id) for record in stored] == list(range(1, 16))
    fresh = await Node(stores).join()
    assert len({held(node.revocations) for node in (*nodes, fresh)}) == 1


async def test_later_decision_that_is_read_while_ours_is_being_stored_stays(
    stores: Stores,
) -> None:
    """NODE-10: the order in the store counts, not when this node is answered."""
    ann, bob = Node(stores), await Node(stores).join()
    ann.shared = late = LateAnswers(stores)
    await ann.join()
    deciding = asyncio.create_task(ann.revocations.revoke(decided(Role.EDITOR)))
    await late.has_stored.wait()
    await bob.revocations.revoke(decided(Role.VIEWER))
    reading = asyncio.create_task(ann.read_on())
    for _ in range(20):
        await asyncio.sleep(0)
    late.answers.set()
    await asyncio.gather(deciding, reading)
    assert held(bob.revocations) is Role.VIEWER
    assert held(ann.revocations) is Role.VIEWER


async def test_node_that_decides_nothing_itself_keeps_none_that_matters_no_more(
    stores: Stores,
) -> None:
    """NODE-10: as long as a token lives that it concerns, and no longer."""
    ann, bob = await Node(stores).join(), await Node(stores).join()
    await ann.revocations.revoke(decided(Role.VIEWER))
    await bob.revocations.read_on(now=UnixSeconds(NOW + LIFETIME_S - 1))
    assert held(bob.revocations) is Role.VIEWER
    await bob.revocations.read_on(now=UnixSeconds(NOW + LIFETIME_S))
    assert len(bob.revocations) == 0


async def test_those_in_the_file_are_taken_over_unless_others_decided_later(
    stores: Stores, tmp_path: Path
) -> None:
    """NODE-10: a node that was by itself joins others, and is by itself again."""
    alone = open_revocations(tmp_path, lifetime_s=LIFETIME_S, now=NOW)
    await alone.revoke(decided(Role.VIEWER, NOW - 10))
    await alone.revoke(Revocation(Subject("ben"), None, None, NOW))
    other = await Node(stores).join()
    await other.revocations.revoke(decided(Role.EDITOR, NOW - 5))
    node = await Node(stores, tmp_path).join()
    await other.read_on()
    for each in (node, other):
        assert held(each.revocations) is Role.EDITOR
        assert len(each.revocations) == 2
    await node.revocations.revoke(decided(Role.COMMENTER))
    again = open_revocations(tmp_path, lifetime_s=LIFETIME_S, now=NOW)
    await again.share(SharedRevocations(stores.records), now=NOW)
    assert held(again) is Role.COMMENTER
    await again.revoke(decided(None))
    assert held(open_revocations(tmp_path, lifetime_s=LIFETIME_S, now=NOW)) is None


async def test_old_ones_are_deleted_and_the_numbers_go_on(stores: Stores) -> None:
    node = await Node(stores).join()
    for age_s in (300, 200, 100):
        await node.revocations.revoke(decided(Role.VIEWER, NOW - age_s))
    await node.shared.forget(UnixSeconds(NOW - 150))
    left = await stores.records.list(RecordKind.REVOCATION, NO_ROOM, after=None, limit=100)
    assert [int(record.record_id) for record in left] == [3]
    await node.shared.forget(NOW)
    late = await Node(stores).join()
    await late.revocations.revoke(decided(None))
    left = await stores.records.list(RecordKind.REVOCATION, NO_ROOM, after=None, limit=100)
    assert [int(record.record_id) for record in left] == [3, 4]


async def test_follower_reads_on_at_once_when_told_to(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NODE-10."""
    monkeypatch.setattr(shared_revocations, "FOLLOW_S", 3_600.0)  # not by itself
    ann, bob = await Node(stores).join(), await Node(stores).join()
    follower = RevocationFollower(bob.revocations, bob.shared, lambda: NOW, lambda: None)
    following = asyncio.create_task(follower.run())
    await asyncio.sleep(0)
    await ann.revocations.revoke(decided(None))
    follower.look_soon()
    async with asyncio.timeout(20):
        while not bob.observed:  # noqa: ASYNC110 - the observer is a list
            await asyncio.sleep(0.001)
    following.cancel()
    assert held(bob.revocations) is None
