"""Two nodes over one store and a bus that loses, doubles and goes down: what each does with it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from pycrdt import Doc, Map

from collab.access import Claims, Grant, Role
from collab.cluster.envelope import BootEpoch, Hello, NodeId, Sender, States, Updates
from collab.ids import (
    FIRST_EPOCH,
    NO_SEQUENCE,
    Epoch,
    Milliseconds,
    Sequence,
    SessionId,
    Subject,
    room_key,
)
from collab.limits import BUS_INBOX_BYTES_MAX, BUS_UPDATES_BYTES_MAX
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import AwarenessEntry, AwarenessUpdate, SyncUpdate
from gateway.cluster.cluster import Cluster
from gateway.observe.metrics import Metrics
from gateway.rooms.runner import RoomRunner
from persistence.memory import MemoryStore
from tests.support.local_bus import Hub, LocalBus
from tests.unit.rooms.rig import NAME, Rig, Seat, content, edit, rig

KEY = room_key(NAME)


@dataclass(slots=True)
class Node:
    """One node with one session in the room."""

    cluster: Cluster
    rig: Rig
    bus: LocalBus
    runner: RoomRunner
    seat: Seat

    @property
    def head(self) -> int:
        return self.runner.appender.head

    def content(self) -> dict[str, object]:
        return content(self.runner.room.doc.difference(b"\x00"))

    async def write(self, doc: Doc[Map[object]], key: str, value: object = 1) -> SyncUpdate:
        """An edit of the node's session, until it is durable."""
        update = edit(doc, key, value)
        await self.runner.receive(SessionId(f"at {self.bus.sender.node}"), update)
        await self.runner.drain()
        return update

    def counted(self, name: str, **labels: str) -> float:
        found = self.cluster.metrics.registry.get_sample_value(f"bandpro_{name}_total", labels)
        return found or 0.0


async def node(name: str, hub: Hub, store: MemoryStore, *, is_patient: bool = False) -> Node:
    sender = Sender(NodeId(name), BootEpoch(1))
    cluster = Cluster(sender, Metrics(), store.log, chance=lambda: 1.0)
    bus = cluster.bus = LocalBus(hub, sender, cluster)
    made = rig(
        store=store,
        neighbours=cluster,
        metrics=cluster.metrics,
        attempts_max=1_000 if is_patient else 3,
        retry_ms_max=10_000 if is_patient else 200,
    )
    runner, seat = await made.join(f"at {name}")
    return Node(cluster, made, bus, runner, seat)


async def two() -> tuple[Node, Node, Hub]:
    hub, store = Hub(), MemoryStore()
    ann, bob = await node("ann", hub, store), await node("bob", hub, store)
    await settled()
    hub.sent.clear()
    return ann, bob, hub


async def settled() -> None:
    """Let all that is under way within this process come to its end; nothing here takes time."""
    for _ in range(100):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - of many parts, without events
            await asyncio.sleep(0.01)


async def test_rows_are_published_after_their_commit_and_applied_elsewhere() -> None:
    """BUS-4: an append that has not been committed is not told of."""
    ann, bob, hub = await two()
    gate = ann.rig.faults.gates["log.append"] = asyncio.Event()
    update = edit(Doc(), "a", 1)
    await ann.runner.receive(SessionId("at ann"), update)
    await settled()
    assert hub.sent == []
    gate.set()
    await ann.runner.drain()
    await settled()
    (envelope,) = hub.contents(Updates)
    assert envelope.content == Updates((update.update,))
    assert (envelope.first, envelope.last, envelope.room) == (1, 1, KEY)
    assert bob.content() == {"a": 1}
    assert bob.head == 1
    assert len(bob.seat.updates()) == 1
    assert bob.rig.faults.calls.count("log.read") == 1  # when it loaded
    assert bob.counted("peer_rows", via="bus") == 1


async def test_what_one_turn_appends_is_published_once() -> None:
    """BUS-6: one envelope a commit, however many edits are in it."""
    ann, bob, hub = await two()
    doc: Doc[Map[object]] = Doc()
    updates = [edit(doc, f"k{number}", number) for number in range(5)]
    for update in updates:
        await ann.runner.receive(SessionId("at ann"), update)
    await ann.runner.drain()
    await settled()
    told = [each.content for each in hub.sent if isinstance(each.content, Updates)]
    assert [update for each in told for update in each.updates] == [each.update for each in updates]
    assert len(hub.contents(Updates)) <= 2
    assert bob.content() == {f"k{number}": number for number in range(5)}


async def test_a_lost_envelope_is_noticed_with_the_next_one() -> None:
    """BUS-3: the log is read once for all that was missed. NODE-16: that is counted as a gap."""
    ann, bob, hub = await two()
    doc: Doc[Map[object]] = Doc()
    hub.losing = True
    await ann.write(doc, "a")
    await ann.write(doc, "b")
    await settled()
    assert bob.head == 0
    hub.losing = False
    await ann.write(doc, "c")
    await until(lambda: bob.head == 3)
    assert bob.content() == {"a": 1, "b": 1, "c": 1}
    assert bob.counted("log_looks", reason="gap") == 1
    assert bob.counted("peer_rows", via="log") == 3
    assert bob.cluster.report("redis").gaps == 1
    assert ann.cluster.report("redis").gaps == 0


async def test_what_comes_twice_counts_once() -> None:
    """BUS-3."""
    ann, bob, hub = await two()
    hub.copies = 3
    doc: Doc[Map[object]] = Doc()
    for key in "abc":
        await ann.write(doc, key)
    await settled()
    assert (bob.head, len(bob.seat.updates())) == (3, 3)
    assert bob.counted("log_looks", reason="gap") == 0


async def test_the_log_is_read_when_the_bus_is_heard_again() -> None:
    """BUS-5: what was appended while it was down is found without another edit."""
    ann, bob, hub = await two()
    hub.interrupt()
    doc: Doc[Map[object]] = Doc()
    await ann.write(doc, "a")
    await settled()
    assert hub.contents(Updates) == []
    assert bob.head == 0
    hub.resume()
    await until(lambda: bob.head == 1)
    assert bob.content() == {"a": 1}


async def test_a_hello_with_a_head_that_is_not_known_leads_to_the_log() -> None:
    """BUS-5."""
    ann, bob, hub = await two()
    hub.losing = True
    await ann.write(Doc(), "a")
    hub.losing = False
    ann.cluster.listening(KEY)
    await until(lambda: bob.head == 1)
    (hello,) = hub.contents(Hello)
    assert hello.last == 1


async def test_the_timer_finds_what_nobody_told() -> None:
    """BUS-5: within 2 s without a bus, 5 s with one."""
    ann, bob, hub = await two()
    hub.losing = True
    await ann.write(Doc(), "a")
    now_ms = asyncio.get_running_loop().time() * 1000
    links = list(bob.cluster._links.values())
    assert [link.look_due_ms <= now_ms + 5_000 for link in links] == [True]
    hub.interrupt()
    assert [link.look_due_ms <= now_ms + 2_000 for link in links] == [True]
    for link in links:
        link.look_due_ms = 0
    bob.cluster.tick()
    await until(lambda: bob.head == 1)
    assert bob.counted("log_looks", reason="timer") == 1
    told = bob.cluster.report("redis")  # NODE-16: a bus that is down met no gap
    assert (told.is_up, told.gaps, told.interruptions) == (False, 0, 1)


async def test_rows_too_large_for_the_bus_are_read_from_the_log() -> None:
    """BUS-7."""
    ann, bob, hub = await two()
    await ann.write(Doc(), "a", "x" * (BUS_UPDATES_BYTES_MAX + 1))
    await until(lambda: bob.head == 1)
    (envelope,) = hub.contents(Updates)
    assert envelope.content == Updates(())
    assert bob.counted("log_looks", reason="gap") == 1
    assert len(str(bob.content()["a"])) == BUS_UPDATES_BYTES_MAX + 1


async def test_an_inbox_that_overflows_is_emptied_and_the_log_read() -> None:
    """BUS-7: what cannot be taken in as fast as it comes is not kept, and not lost."""
    ann, bob, hub = await two()
    gate = asyncio.Event()
    bob.rig.faults.gates["log.read"] = gate
    doc: Doc[Map[object]] = Doc()
    hub.losing = True
    await ann.write(doc, "lost")
    hub.losing = False
    count = 3 * BUS_INBOX_BYTES_MAX // BUS_UPDATES_BYTES_MAX
    for number in range(count):
        await ann.write(doc, f"k{number}", "x" * (BUS_UPDATES_BYTES_MAX - 1_000))
    await settled()
    assert bob.counted("bus_envelopes_dropped", reason="inbox") > 0
    gate.set()
    await until(lambda: bob.head == count + 1)
    assert set(bob.content()) == {"lost", *(f"k{number}" for number in range(count))}


async def test_both_write_at_once_and_each_row_is_stored_once() -> None:
    """BUS-4, SYNC-12: compare-and-append decides; the loser takes in what came first."""
    ann, bob, _ = await two()
    docs: dict[str, Doc[Map[object]]] = {"a": Doc(), "b": Doc()}
    for number in range(20):
        await asyncio.gather(ann.write(docs["a"], f"a{number}"), bob.write(docs["b"], f"b{number}"))
    await until(lambda: ann.head == bob.head == 40)
    expected = {f"{who}{number}": 1 for who in "ab" for number in range(20)}
    assert ann.content() == bob.content() == expected
    tail = await ann.rig.stores.log.read(KEY, after=Sequence(0))
    assert len(tail.rows) == len({row.update for row in tail.rows}) == 40


@pytest.mark.parametrize("after", [True, False], ids=["stored", "not stored"])
async def test_an_append_of_unknown_outcome_is_not_overtaken_by_a_look(after: bool) -> None:  # noqa: FBT001
    """ACK-6: a look must not take our own rows for others', or they would be stored twice."""
    ann, bob, _ = await two()
    ann.rig.faults.fail("log.append", after=after)
    writing = asyncio.create_task(ann.write(Doc(), "a"))
    await asyncio.sleep(0.005)  # between the failure and the next try
    ann.cluster.listening(KEY)
    await writing
    await until(lambda: bob.head == ann.head == 1)
    tail = await ann.rig.stores.log.read(KEY, after=Sequence(0))
    assert len(tail.rows) == 1
    assert bob.content() == {"a": 1}
    assert not ann.seat.closed


async def test_an_append_waits_for_a_look_that_is_under_way() -> None:
    """ACK-6: else the look could find a row of ours whose commit we were not told of."""
    ann, bob, hub = await two()
    hub.losing = True
    await bob.write(Doc(), "b")
    hub.losing = False
    gate = ann.rig.faults.gates["log.read"] = asyncio.Event()
    ann.cluster.listening(KEY)
    await settled()
    ann.rig.faults.fail("log.append", after=True)
    writing = asyncio.create_task(ann.write(Doc(), "a"))
    await settled()
    assert "log.append" not in ann.rig.faults.calls
    gate.set()
    await writing
    await until(lambda: bob.head == ann.head == 2)
    assert ann.content() == bob.content() == {"a": 1, "b": 1}


async def test_sessions_reload_where_the_log_was_begun_anew_elsewhere() -> None:
    """BUS-3: an envelope of a later epoch ends the room here."""
    ann, bob, _ = await two()
    await ann.write(Doc(), "a")
    await until(lambda: bob.head == 1)
    later = Epoch(FIRST_EPOCH + 1)
    await ann.rig.stores.log.begin_epoch(KEY, of=FIRST_EPOCH, epoch=later, after=Sequence(1))
    ann.cluster.publish(KEY, Hello(), later, NO_SEQUENCE, Sequence(1))
    await until(lambda: bool(bob.seat.closed))
    assert bob.seat.closed == [CloseCode.RELOAD]


async def test_a_store_that_fails_costs_a_look_and_no_session() -> None:
    """BUS-5."""
    ann, bob, hub = await two()
    hub.losing = True
    doc: Doc[Map[object]] = Doc()
    await ann.write(doc, "a")
    hub.losing = False
    bob.rig.faults.fail("log.read")
    await ann.write(doc, "b")
    await settled()
    assert (bob.head, bob.seat.closed) == (0, [])
    await ann.write(doc, "c")
    await until(lambda: bob.head == 3)


async def test_what_cannot_be_applied_ends_the_room_here_and_the_log_decides() -> None:
    """BUS-3: a member that says nonsense costs its hearers a reconnect, and no document."""
    ann, bob, _ = await two()
    ann.cluster.publish(KEY, Updates((b"\xff",)), FIRST_EPOCH, Sequence(1), Sequence(1))
    await until(lambda: bob.seat.closed == [CloseCode.INTERNAL_ERROR])
    await ann.write(Doc(), "a")
    again, _ = await bob.rig.join("back at bob")
    assert (again.appender.head, again.room.doc.difference(b"\x00")) == (
        1,
        ann.runner.room.doc.difference(b"\x00"),
    )


async def test_presence_crosses_conflated_and_goes_with_its_node() -> None:
    """BUS-8, BUS-9."""
    ann, bob, hub = await two()
    for clock in range(1, 30):
        show(ann, 41, clock, f'{{"at":{clock}}}')
    await settled()
    await until(lambda: bob.runner.room.awareness.current() == (state(41, 29),))
    assert len(hub.contents(States)) <= 2  # at once, and after a tenth of a second
    assert bob.runner.room.awareness.owner_of(41) is not None
    bob.cluster._gone(ann.bus.sender)
    assert bob.runner.room.awareness.current() == ()


async def test_who_came_back_elsewhere_is_shown_when_the_old_session_ends() -> None:
    """BUS-8: until then both nodes show the state, each through the session that it has."""
    ann, bob, _ = await two()
    cara = Claims(Subject("cara"), "cara", (Grant("**", Role.EDITOR),))
    for each in (ann, bob):
        await each.rig.join("cara", claims=cara)
        update = AwarenessUpdate((AwarenessEntry(7, 1, '{"a":1}'),))
        await each.runner.receive(SessionId("cara"), update)
        await asyncio.sleep(0.15)
    assert owners(ann) == owners(bob) == {7: ""}
    ann.runner.leave(SessionId("cara"))
    await until(lambda: owners(ann) == {7: "bob:1"})
    assert owners(bob) == {7: ""}


def owners(node: Node) -> dict[int, str]:
    """Whose session shows each client id, by its node."""
    table = node.runner.room.awareness
    shown = {each.client_id: table.owner_of(each.client_id) for each in table.current()}
    return {client: owner.node for client, owner in shown.items() if owner is not None}


async def test_who_opens_the_room_is_told_who_is_there() -> None:
    """BUS-8."""
    hub, store = Hub(), MemoryStore()
    ann = await node("ann", hub, store)
    await settled()
    show(ann, 41, 7, '{"at":7}')
    bob = await node("bob", hub, store)
    await until(lambda: bob.runner.room.awareness.current() == (state(41, 7),))


async def test_a_node_that_stood_still_is_there_again_and_takes_nobody_for_dead() -> None:
    """BUS-9: it was taken for dead meanwhile, and has not heard the others' beats itself."""
    ann, bob, _ = await two()
    show(ann, 41, 1, '{"at":1}')
    show(bob, 42, 1, '{"at":1}')
    both = {state(41, 1), state(42, 1)}
    await until(lambda: set(bob.runner.room.awareness.current()) == both)
    await until(lambda: set(ann.runner.room.awareness.current()) == both)
    bob.cluster._gone(ann.bus.sender)
    assert bob.runner.room.awareness.current() == (state(42, 1),)
    ann.cluster._ticked_ms = Milliseconds(ann.cluster._ticked_ms - 10_000)
    for sender in ann.cluster._peers._heard_ms:
        ann.cluster._peers._heard_ms[sender] = Milliseconds(0)
    ann.cluster.tick()
    assert set(ann.runner.room.awareness.current()) == both
    shown = {AwarenessEntry(41, 3, '{"at":1}'), state(42, 1)}  # told as withdrawn at 2
    await until(lambda: set(bob.runner.room.awareness.current()) == shown)


async def test_a_room_that_is_unloaded_is_not_heard_any_more() -> None:
    ann, bob, _ = await two()
    bob.runner.leave(SessionId("at bob"))
    await until(lambda: bob.runner.can_unload)
    bob.rig.registry.tick()
    assert bob.bus.rooms == set()
    assert bob.cluster._links == {}
    again, _ = await bob.rig.join("back at bob")
    await settled()
    await ann.write(Doc(), "a")
    await settled()
    assert again.appender.head == 1


def show(where: Node, client_id: int, clock: int, text: str) -> None:
    message = AwarenessUpdate((AwarenessEntry(client_id, clock, text),))
    assert where.runner.try_receive(SessionId(f"at {where.bus.sender.node}"), message)


def state(client_id: int, clock: int) -> AwarenessEntry:
    return AwarenessEntry(client_id, clock, f'{{"at":{clock}}}')
