"""Whatever is asked of them, the stores that keep something answer as the reference store does."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from collab.errors import BandProError, EpochMoved, HeadMoved
from collab.ids import FIRST_EPOCH, Epoch, RoomName, Sequence, room_key, room_name
from collab.ports import LogTail, Manifest, SnapshotRef
from persistence.build import Stores
from tests.contract.backends import (
    MemoryUnderTest,
    MongoUnderTest,
    SqliteUnderTest,
    StoreUnderTest,
)
from tests.support.counts import repeats
from tests.support.mongodb import new_database

HISTORIES = repeats(20, proof=1_000)
MONGODB_HISTORIES = repeats(3, proof=100)  # each takes about a second
NAMES = tuple(map(room_name, ("a", "a/b", "ä")))
names = st.sampled_from(NAMES)
updates = st.lists(st.binary(min_size=1, max_size=64), min_size=1, max_size=5)
near = st.integers(min_value=-2, max_value=2)


class StoresAgree(RuleBasedStateMachine):
    """Does everything to both stores and compares the answers.

    Attributes:
        kind: makes the store to compare, given an empty folder.
    """

    kind: ClassVar[Callable[[Path], StoreUnderTest]]

    @initialize()
    def open_both(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        tested = type(self).kind(Path(self.folder.name))
        self.kinds: tuple[StoreUnderTest, StoreUnderTest] = (MemoryUnderTest(), tested)
        self.opened = [self.runner.run(kind.open()) for kind in self.kinds]
        self.refs: list[tuple[RoomName, tuple[SnapshotRef, SnapshotRef]]] = []

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            for stores in self.opened:
                self.runner.run(stores.close())
            self.runner.close()
            self.folder.cleanup()

    def both(self, ask: Callable[[Stores], Awaitable[object]]) -> object:
        """The answer, or the error, on which both agree."""

        async def answer(stores: Stores) -> object:
            try:
                return await ask(stores)
            except HeadMoved as error:
                return (HeadMoved, error.expected, error.actual)
            except EpochMoved as error:
                return (EpochMoved, error.expected, error.actual)
            except BandProError as error:
                return type(error)

        reference, tested = (self.runner.run(answer(stores)) for stores in self.opened)
        assert tested == reference
        return reference

    def head(self, name: RoomName) -> int:
        found = self.both(lambda stores: stores.log.head(room_key(name)))
        assert isinstance(found, int)
        return found

    def epoch(self, name: RoomName) -> Epoch:
        tail = self.both(lambda stores: stores.log.read(room_key(name), after=Sequence(0)))
        assert isinstance(tail, LogTail)
        return tail.epoch

    @rule(name=names, off=near, late=st.sampled_from([0, 0, 0, -1, 1]), step=st.integers(-1, 2))
    def begin_epoch(self, name: RoomName, off: int, late: int, step: int) -> None:
        after = Sequence(max(0, self.head(name) + off))
        of = Epoch(self.epoch(name) + late)
        epoch = Epoch(self.epoch(name) + step)
        self.both(
            lambda stores: stores.log.begin_epoch(room_key(name), of=of, epoch=epoch, after=after)
        )

    @rule(name=names, off=near, step=st.integers(-1, 1), batch=updates)
    def append(self, name: RoomName, off: int, step: int, batch: list[bytes]) -> None:
        after = Sequence(max(0, self.head(name) + off))
        epoch = Epoch(self.epoch(name) + step)
        self.both(
            lambda stores: stores.log.append(
                room_key(name), epoch=epoch, after=after, updates=batch
            )
        )

    @rule(name=names, batch=updates)
    def append_at_head(self, name: RoomName, batch: list[bytes]) -> None:
        after, epoch = Sequence(self.head(name)), self.epoch(name)
        self.both(
            lambda stores: stores.log.append(
                room_key(name), epoch=epoch, after=after, updates=batch
            )
        )

    @rule(name=names, back=st.integers(0, 12))
    def read(self, name: RoomName, back: int) -> None:
        after = Sequence(max(0, self.head(name) - back))
        self.both(lambda stores: stores.log.read(room_key(name), after=after))

    @rule(name=names, back=st.integers(-1, 12))
    def trim(self, name: RoomName, back: int) -> None:
        through = Sequence(max(0, self.head(name) - back))
        self.both(lambda stores: stores.log.trim(room_key(name), through=through))

    @rule(name=names, pick=st.integers(0, 5), vanish=st.booleans())
    def damage_row(self, name: RoomName, pick: int, *, vanish: bool) -> None:
        """Whether the damage is found at once or later, both name the same rows."""
        tail = self.both(lambda stores: stores.log.read(room_key(name), after=Sequence(0)))
        assert isinstance(tail, LogTail)
        if tail.rows:
            sequence = tail.rows[pick % len(tail.rows)].sequence
            for kind in self.kinds:
                damage = kind.remove_row if vanish else kind.damage_row
                damage(room_key(name), sequence)

    @rule(name=names, back=st.integers(0, 3), update=st.binary(max_size=400))
    def put_snapshot(self, name: RoomName, back: int, update: bytes) -> None:
        sequence = Sequence(max(0, self.head(name) - back))
        one, other = (
            self.runner.run(
                stores.snapshots.put(
                    room_key(name), epoch=FIRST_EPOCH, sequence=sequence, update=update
                )
            )
            for stores in self.opened
        )
        assert replace(one, snapshot_id="") == replace(other, snapshot_id="")
        self.refs.append((name, (one, other)))

    @rule(pick=st.integers(0, 9), action=st.sampled_from(("get", "delete", "damage")))
    def use_snapshot(self, pick: int, action: str) -> None:
        if not self.refs:
            return
        name, refs = self.refs[pick % len(self.refs)]
        room = room_key(name)
        answers = []
        for kind, stores, ref in zip(self.kinds, self.opened, refs, strict=True):
            kept = ref in self.runner.run(stores.snapshots.list(room))
            if action == "delete":
                self.runner.run(stores.snapshots.delete(room, ref))
            elif action == "damage" and kept and ref.size_bytes:
                kind.damage_snapshot(room, ref)
            answers.append((kept, self.runner.run(stores.snapshots.get(room, ref))))
        assert answers[0] == answers[1]

    @rule(name=names, stale=st.integers(0, 3), attempts=st.integers(0, 5))
    def change_manifest(self, name: RoomName, stale: int, attempts: int) -> None:
        current = self.both(lambda stores: stores.manifests.get(room_key(name)))
        revision = current.revision if isinstance(current, Manifest) else 0
        manifest = Manifest(
            name=name,
            epoch=Epoch(1),
            revision=max(0, revision - stale // 2),
            open_attempts=attempts,
        )
        self.both(
            lambda stores: stores.manifests.compare_and_set(room_key(name), manifest=manifest)
        )

    @rule(after=st.none() | names, limit=st.integers(1, 4))
    def list_manifests(self, after: RoomName | None, limit: int) -> None:
        self.both(lambda stores: stores.manifests.list(after=after, limit=limit))

    @rule()
    def reopen(self) -> None:
        for stores in self.opened:
            self.runner.run(stores.close())
        self.opened = [self.runner.run(kind.open()) for kind in self.kinds]

    @invariant()
    def snapshots_are_listed_alike(self) -> None:
        if not hasattr(self, "opened"):
            return
        for name in NAMES:
            one, other = (
                self.runner.run(stores.snapshots.list(room_key(name))) for stores in self.opened
            )
            assert [ref.sequence for ref in one] == [ref.sequence for ref in other]


def compare(kind: Callable[[Path], StoreUnderTest], histories: int) -> None:
    """Run the machine over a kind of store."""
    run_state_machine_as_test(
        type("StoresAgreeOn", (StoresAgree,), {"kind": staticmethod(kind)}),
        settings=settings(
            max_examples=histories,
            stateful_step_count=40,
            deadline=None,
            # Explaining a failure traces every line, which takes minutes here.
            phases=[phase for phase in Phase if phase is not Phase.explain],
        ),
    )


@pytest.mark.prove
def test_both_stores_answer_alike_whatever_they_are_asked(
    record_property: Callable[[str, object], None],
) -> None:
    """The SQLite store and the store in memory answer alike, whatever is asked of them."""
    record_property("histories", HISTORIES)
    compare(SqliteUnderTest, HISTORIES)


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_mongodb_and_memory_answer_alike_whatever_they_are_asked(
    mongodb_url: str, record_property: Callable[[str, object], None]
) -> None:
    """The store in MongoDB and the store in memory answer alike, whatever is asked of them."""
    record_property("histories", MONGODB_HISTORIES)
    compare(lambda _: MongoUnderTest(new_database(mongodb_url)), MONGODB_HISTORIES)
