"""What the store in MongoDB promises beyond the ports."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import monitoring
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure, WriteConcernError
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from collab.errors import HeadMoved, StoreUnavailable
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, RoomKey, Sequence
from persistence.build import StoreSettings, open_stores
from persistence.failpoints import Failpoints
from persistence.mongo.link import COMMITS_MAX, OTHERS_FASTER, MongoLink, Session
from persistence.mongo.log import ROW_BYTES_MAX
from persistence.mongo.schema import ROOMS
from persistence.mongo.sessions import SESSIONS
from persistence.mongo.store import MongoStore
from persistence.stores import MongoLimits, Stores
from tests.contract.backends import MongoUnderTest
from tests.contract.conftest import OTHER, ROOM
from tests.support.mongodb import new_database
from tests.support.tcp_proxy import TcpProxy


class Heard(CommandListener):
    """Remembers the write concern of every commit."""

    def __init__(self) -> None:
        self.concerns: list[object] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "commitTransaction":
            self.concerns.append(event.command.get("writeConcern"))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing."""


async def test_an_append_is_committed_with_a_majority_s_journals(
    mongo: MongoUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ACK-1: Whatever the URL says."""
    heard = Heard()
    monkeypatch.setattr(
        "pymongo.monitoring._LISTENERS",
        monitoring._LISTENERS._replace(command_listeners=[heard]),
    )
    url = f"{mongo.url}?w=1&journal=false"
    store = await MongoStore.open(url, MongoLimits(), Failpoints())
    async with store.stores() as stores:
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=[b"x"])
    assert heard.concerns == [{"w": "majority", "j": True}]


KILLED_BEFORE_ITS_COMMIT = """
import asyncio, sys
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, RoomKey
from persistence.build import StoreSettings, open_stores
from persistence.failpoints import Failpoints

async def main():
    failpoints = Failpoints.parse("append.before_commit=kill@1")
    async with await open_stores(StoreSettings(sys.argv[1], failpoints=failpoints)) as stores:
        room = RoomKey(sys.argv[2])
        await stores.log.append(room, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=[b"never"])

asyncio.run(main())
"""


async def begin_and_be_killed(mongo: MongoUnderTest) -> None:
    """A transaction that holds the room, of a node that is no more."""
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED_BEFORE_ITS_COMMIT, mongo.url, ROOM]
    )
    assert ended.returncode == -signal.SIGKILL


async def append_in_the_end(stores: Stores) -> Sequence:
    """Append as a room does: again, as long as others hold it."""
    while True:
        try:
            return await stores.log.append(
                ROOM, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=[b"mine"]
            )
        except StoreUnavailable as error:
            if str(error) != OTHERS_FASTER:
                raise


async def test_a_transaction_of_a_killed_node_does_not_lock_others_out_of_its_room(
    mongo: MongoUnderTest,
) -> None:
    """STO-37: MongoDB itself would keep it for a minute, or for ever."""
    async with await mongo.open() as stores:
        await begin_and_be_killed(mongo)
        async with asyncio.timeout(30):
            assert await append_in_the_end(stores) == 1
        tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
        assert [row.update for row in tail.rows] == [b"mine"]


def listed(mongo: MongoUnderTest) -> set[bytes]:
    """The sessions of which somebody would say that they are in use."""
    with mongo.database() as database:
        return {bytes(each["_id"]) for each in database[SESSIONS].find()}


async def test_what_was_ended_once_is_not_ended_again_by_the_next_who_waits(
    mongo: MongoUnderTest,
) -> None:
    """STO-37: Nor is it told of in the log each time."""
    async with await mongo.open() as stores:
        before = listed(mongo)
        await begin_and_be_killed(mongo)
        left = listed(mongo) - before
        assert left
        async with asyncio.timeout(30):
            await append_in_the_end(stores)
        assert not left & listed(mongo)


async def test_a_session_in_use_that_was_struck_is_listed_again(mongo: MongoUnderTest) -> None:
    """STO-37: Its node had stood still; if it dies now, others have to find what it leaves."""
    link = MongoLink(mongo.url, MongoLimits(operation_timeout_ms=60_000), Failpoints())

    async def be_struck(session: Session) -> None:
        session_id = bytes(session.session_id["id"])
        assert session_id in listed(mongo)
        with mongo.database() as database:
            database[SESSIONS].delete_many({})
        while session_id not in listed(mongo):  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.05)

    async with await mongo.open(), asyncio.timeout(20):
        await link.transact(be_struck)
    await link.close()


async def test_a_slow_way_to_mongodb_keeps_nobody_from_ending_what_a_killed_node_left(
    mongo: MongoUnderTest,
) -> None:
    """STO-37: The time for all attempts is over before as many were made as there may be."""
    parts = urlsplit(mongo.url)
    assert parts.hostname is not None
    async with TcpProxy(parts.hostname, parts.port or 27017) as way:
        way.delay_s = 0.05
        around = parts._replace(netloc=f"127.0.0.1:{way.port}", query="directConnection=true")
        await begin_and_be_killed(mongo)
        async with await open_stores(StoreSettings(around.geturl())) as stores:
            async with asyncio.timeout(20):
                while True:
                    with suppress(StoreUnavailable):
                        await stores.log.append(
                            ROOM, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=[b"mine"]
                        )
                        break
            assert await stores.log.head(ROOM) == 1


async def test_a_transaction_of_a_living_node_is_not_ended_for_one_of_a_dead_node(
    mongo: MongoUnderTest,
) -> None:
    """STO-37: It is in another room, and open for longer than what the dead node left."""
    begun: list[Session] = []
    is_held, may_end = asyncio.Event(), asyncio.Event()

    async def hold(session: Session) -> None:
        begun.append(session)
        await living.collection(ROOMS).insert_one({"_id": OTHER, "head": 0}, session=session)
        is_held.set()
        await may_end.wait()

    living = MongoLink(mongo.url, MongoLimits(operation_timeout_ms=60_000), Failpoints())
    async with await mongo.open() as stores:
        holding = asyncio.create_task(living.transact(hold))
        await is_held.wait()
        await begin_and_be_killed(mongo)
        async with asyncio.timeout(30):
            await append_in_the_end(stores)
        may_end.set()
        await holding
        assert len(begun) == 1, "it was ended, and begun anew"
        assert await stores.log.head(OTHER) == 0
        with mongo.database() as database:
            assert database.rooms.count_documents({"_id": OTHER}) == 1
    await living.close()


async def test_a_room_that_others_are_writing_keeps_no_other_room_waiting(
    mongo: MongoUnderTest,
) -> None:
    """STO-38: Not in the same batch, nor in those that come while it waits."""
    is_held, may_end = asyncio.Event(), asyncio.Event()

    async def hold(session: Session) -> None:
        rooms = others.collection(ROOMS)
        await rooms.update_one({"_id": ROOM}, {"$set": {"seen": True}}, session=session)
        is_held.set()
        await may_end.wait()

    async def append(room: RoomKey, after: int) -> Sequence:
        return await stores.log.append(
            room, epoch=FIRST_EPOCH, after=Sequence(after), updates=[b"mine"]
        )

    others = MongoLink(mongo.url, MongoLimits(operation_timeout_ms=60_000), Failpoints())
    async with await mongo.open() as stores:
        await append(ROOM, 0)
        holding = asyncio.create_task(others.transact(hold))
        await is_held.wait()
        waiting = [asyncio.create_task(append(ROOM, 1))]
        async with asyncio.timeout(3):  # well before it is told that others were faster
            for after in range(5):
                assert await append(OTHER, after) == after + 1
                waiting.append(asyncio.create_task(append(ROOM, 2 + after)))
        assert not any(each.done() for each in waiting)
        may_end.set()
        await holding
        assert await asyncio.gather(*waiting) == [2, 3, 4, 5, 6, 7]
    await others.close()


async def test_what_a_node_cannot_undo_itself_is_ended_as_well(
    mongo: MongoUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STO-37: The connection was lost before it could say so; the node lives, and tries again."""
    failpoints = Failpoints.parse("append.before_commit=error@1")
    store = await MongoStore.open(mongo.url, MongoLimits(), failpoints)
    async with store.stores() as stores:
        with monkeypatch.context() as patch:
            patch.setattr(AsyncClientSession, "abort_transaction", gone)
            patch.setattr(AsyncClientSession, "_end_session", gone)
            with pytest.raises(StoreUnavailable):
                await stores.log.append(
                    ROOM, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=[b"never"]
                )
        async with asyncio.timeout(30):
            assert await append_in_the_end(stores) == 1


class Beats(CommandListener):
    """Remembers which sessions each sign of life was for."""

    def __init__(self) -> None:
        self.heard: list[set[bytes]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "update" and event.command["update"] == SESSIONS:
            (update,) = event.command["updates"]
            if update.get("multi"):
                self.heard.append({bytes(each) for each in update["q"]["_id"]["$in"]})

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing."""


async def test_the_transactions_of_a_node_share_their_signs_of_life(
    mongo: MongoUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STO-37: They go on for longer than the call may last that began with them."""
    beats = Beats()
    monkeypatch.setattr(
        "pymongo.monitoring._LISTENERS",
        monitoring._LISTENERS._replace(command_listeners=[beats]),
    )
    link = MongoLink(mongo.url, MongoLimits(operation_timeout_ms=1_500), Failpoints())

    async def hold(number: int) -> None:
        while len(beats.heard) < 6:  # three seconds
            await link.transact(lambda _: asyncio.sleep(0.4 + 0.05 * number))

    async with await mongo.open(), asyncio.timeout(60):
        await asyncio.gather(*map(hold, range(8)))
    await link.close()
    assert max(map(len, beats.heard)) == 8


async def gone(*args: object, **kwargs: object) -> None:
    """Nothing reaches the server."""


INTERRUPTED = 11601
LARGE = b"x" * (ROW_BYTES_MAX + 1)


@pytest.mark.parametrize("times", [1, COMMITS_MAX])
async def test_a_commit_that_is_interrupted_after_it_was_made_keeps_its_parts(
    mongo: MongoUnderTest, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """STO-37: Whoever ends the sessions of others may meet one that waits for the majority."""
    commit = AsyncClientSession.commit_transaction
    calls = 0

    async def interrupted(session: AsyncClientSession) -> None:
        nonlocal calls
        calls += 1
        await commit(session)
        if calls <= times:
            raise WriteConcernError("operation was interrupted", INTERRUPTED)

    async with await mongo.open() as stores:
        monkeypatch.setattr(AsyncClientSession, "commit_transaction", interrupted)
        appending = stores.log.append(ROOM, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=[LARGE])
        if times < COMMITS_MAX:
            assert await appending == 1
        else:
            with pytest.raises(StoreUnavailable, match="did not say"):
                await appending
        with pytest.raises(HeadMoved):  # it was written once, and whoever repeats it is told
            await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=[LARGE])
        tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
        assert [row.update for row in tail.rows] == [LARGE]


async def test_a_transaction_that_is_interrupted_before_its_commit_begins_anew(
    mongo: MongoUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STO-37."""
    async with await mongo.open() as stores:
        insert = AsyncCollection.insert_many
        failures = [OperationFailure("operation was interrupted", INTERRUPTED)]

        async def interrupted(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the driver's
            if kwargs.get("session") is not None and failures:
                raise failures.pop()
            return await insert(*args, **kwargs)

        monkeypatch.setattr(AsyncCollection, "insert_many", interrupted)
        append = {"epoch": FIRST_EPOCH, "after": NO_SEQUENCE, "updates": [LARGE]}
        assert await stores.log.append(ROOM, **append) == 1  # type: ignore[arg-type] # by name
        assert not failures
        tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
        assert [row.update for row in tail.rows] == [LARGE]


async def test_a_node_that_is_closed_lists_no_sessions(mongo: MongoUnderTest) -> None:
    """STO-37."""
    async with await mongo.open() as stores:
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=[b"x"])
        with mongo.database() as database:
            assert database.sessions.count_documents({}) > 0
    with mongo.database() as database:
        assert database.sessions.count_documents({}) == 0


async def test_a_newer_version_is_refused(mongo: MongoUnderTest) -> None:
    """STO-13."""
    async with await mongo.open():
        pass
    with mongo.database() as database:
        database.meta.update_one({"_id": "schema"}, {"$set": {"version": 999}})
    with pytest.raises(StoreUnavailable, match="version 999"):
        await mongo.open()


async def test_a_database_of_another_program_is_refused(mongo: MongoUnderTest) -> None:
    """STO-23."""
    with mongo.database() as database:
        database.customers.insert_one({"name": "x"})
    with pytest.raises(StoreUnavailable, match="another program"):
        await mongo.open()
    with mongo.database() as database:
        assert database.list_collection_names() == ["customers"]


async def test_an_index_that_lets_in_duplicates_is_refused_and_a_missing_one_made(
    mongo: MongoUnderTest,
) -> None:
    """STO-23."""
    async with await mongo.open():
        pass
    with mongo.database() as database:
        database.updates.drop_index("room_1_sequence_1")
    async with await mongo.open():
        pass
    with mongo.database() as database:
        assert database.updates.index_information()["room_1_sequence_1"]["unique"]
        database.updates.drop_index("room_1_sequence_1")
        database.updates.create_index([("room", 1), ("sequence", 1)])
    with pytest.raises(StoreUnavailable, match="drop it"):
        await mongo.open()


async def test_an_update_larger_than_a_document_is_stored_and_trimmed_with_its_parts(
    mongo: MongoUnderTest,
) -> None:
    """STO-1."""
    large = bytes(range(256)) * 80_000  # 20 MB
    async with await mongo.open() as stores:
        await stores.log.append(
            ROOM, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=[b"before", large, b"after"]
        )
        tail = await stores.log.read(ROOM, after=NO_SEQUENCE)
        assert [row.update for row in tail.rows] == [b"before", large, b"after"]
        assert await stores.log.trim(ROOM, through=Sequence(2)) == 2
        with mongo.database() as database:
            assert database.parts.count_documents({}) == 0
            assert database.unsettled.count_documents({}) == 0


async def test_a_password_is_in_no_error_and_no_description() -> None:
    """STO-24."""
    url = "mongodb://band:s3cr3t@127.0.0.1:1/scores"
    with pytest.raises(StoreUnavailable) as caught:
        await MongoStore.open(url, MongoLimits(selection_timeout_ms=200), Failpoints())
    assert "s3cr3t" not in str(caught.value)
    assert "no primary" in str(caught.value)


async def test_nodes_that_start_at_once_on_a_new_database_all_start(mongodb_url: str) -> None:
    """STO-23: What another node is making just now is no other program's."""
    for _ in range(5):
        under_test = MongoUnderTest(new_database(mongodb_url))
        opened = await asyncio.gather(*(under_test.open() for _ in range(6)))
        for stores in opened:
            await stores.close()
        under_test.drop()
