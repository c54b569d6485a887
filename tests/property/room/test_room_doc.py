"""The room's document integrates exactly what can be integrated, whatever comes in which order."""

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Map, Text, merge_updates

from collab.errors import MalformedUpdate
from collab.protocol.scanned import ScannedUpdate
from collab.protocol.update_scan import scan_update
from collab.room.applied import Applied
from collab.room.doc import RoomDoc
from tests.property.room.world import Id, World
from tests.support.providers import clocks_of


def unordered(content: tuple[str, Any, Any]) -> tuple[list[str], Any, Any]:
    """The same, whatever the order of the letters.

    Structs drawn at random claim places that no replica would: who comes first among those that
    compete for one then depends on their order of arrival.
    """
    text, *rest = content
    return (sorted(text), rest[0], rest[1])


def content_of(doc: Doc[Any]) -> tuple[str, object, object]:
    """All that can be read of a replica: its text, its map, and how many ids are deleted."""
    text = str(doc.get("text", type=Text))
    values = doc.get("map", type=Map).to_py()
    gone = sum(span.end - span.start for span in scan_update(doc.get_update()).deletes)
    return text, values, gone


def replica(*updates: bytes) -> Doc[Any]:
    """A replica that was given these updates."""
    doc: Doc[Any] = Doc(client_id=1)
    for row in updates:
        doc.apply_update(row)
    return doc


def brought(scanned: ScannedUpdate) -> list[tuple[int, int, int]]:
    """The spans of clocks in an update, without its Skips."""
    spans = []
    for client, start, end in scanned.ranges:
        at = start
        for skip in scanned.skips:
            if skip.client == client:
                spans.append((client, at, skip.start))
                at = skip.end
        spans.append((client, at, end))
    return spans


def deleted(scanned: ScannedUpdate) -> list[Id]:
    """The ids in an update's delete set."""
    return [(c, clock) for c, start, end in scanned.deletes for clock in range(start, end)]


def in_steps(doc: RoomDoc, row: bytes) -> Applied:
    """Apply an update step by step."""
    steps = doc.apply_in_steps(row, scan_update(row, stored=True), stored=True)
    before = dict(doc.clocks)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            outcome: Applied = done.value
            return outcome
        assert doc.clocks == before
        assert clocks_of(doc.state_vector()) == before


def loaded(rows: list[bytes]) -> RoomDoc:
    """A document read back from what was stored."""
    doc = RoomDoc()
    for row in rows:
        doc.apply(row, scan_update(row, stored=True), stored=True)
    return doc


def assert_same(one: RoomDoc, other: RoomDoc) -> None:
    """Two documents hold the same, and as much waits in both."""
    assert one.clocks == other.clocks
    assert content_of(replica(one.full_update())) == content_of(replica(other.full_update()))
    assert one.is_incomplete == other.is_incomplete


def accepted(world: World, count: int) -> list[bytes]:
    """Updates of a world, without those whose structs wait for each other in a circle."""
    rows = []
    for _ in range(count):
        row = world.draw_update()
        try:
            scan_update(row)
        except MalformedUpdate:
            continue
        rows.append(row)
    return rows


@given(seed=st.integers(0, 2**64), count=st.integers(1, 25))
def test_what_can_be_integrated_is_and_nothing_else(seed: int, count: int) -> None:
    """Known clocks are never over- nor understated, and the news tells the others everything."""
    world = World.drawn(Random(seed))
    doc = RoomDoc()
    others: Doc[Any] = Doc(client_id=1)
    for row in accepted(world, count):
        scanned = scan_update(row)
        before = dict(doc.clocks)
        adds = doc.adds(scanned)
        outcome = doc.apply(row, scanned)
        world.deliver(brought(scanned), deleted(scanned))
        after = world.clocks()
        assert doc.clocks == after
        assert clocks_of(doc._doc.get_state()) == after
        assert doc.is_incomplete == world.waits()
        assert (doc.waiting_bytes > 0) == world.waits()
        moved = {client for client in after if after[client] > before.get(client, 0)}
        assert adds or not moved
        assert moved <= outcome.rewind.keys()
        assert all(outcome.rewind[client] == before.get(client, 0) for client in outcome.rewind)
        if outcome.news is not None:
            others.apply_update(outcome.news)
        assert clocks_of(others.get_state()) == after
    reference = unordered(content_of(replica(*world.as_single_updates())))
    assert unordered(content_of(others)) == reference
    assert unordered(content_of(replica(doc.full_update()))) == reference
    assert not scan_update(doc.full_update()).skips


@given(seed=st.integers(0, 2**64), count=st.integers(1, 25), cut=st.floats(0, 1))
def test_a_reloaded_document_is_the_same(seed: int, count: int, cut: float) -> None:
    """From the rows, from any prefix of them merged, in any order, in steps: the same document."""
    random = Random(seed)
    rows = accepted(World.drawn(random), count)
    if not rows:
        return
    live = loaded(rows)
    prefix = 1 + int(cut * (len(rows) - 1))
    merged = merge_updates(*rows[:prefix], b"\x00\x00")
    assert_same(loaded([merged, *rows[prefix:]]), live)
    stepwise = RoomDoc()
    for row in random.sample(rows, len(rows)):
        in_steps(stepwise, row)
    assert_same(stepwise, live)


@given(seed=st.integers(0, 2**64), count=st.integers(1, 25))
def test_what_is_known_adds_nothing(seed: int, count: int) -> None:
    """What a document holds is recognised, by itself and by whoever it was sent to."""
    world = World.drawn(Random(seed))
    doc = loaded(accepted(world, count))
    assert not doc.adds(scan_update(doc.full_update()))
    other = replica(doc.full_update())
    assert not doc.adds(scan_update(other.get_update(doc.state_vector())))
    for row in world.as_single_updates():
        assert doc.adds(scan_update(row)) == loaded([doc.full_update()]).adds(scan_update(row))


@given(seed=st.integers(0, 2**64), count=st.integers(2, 25))
def test_who_releases_something_is_sent_it(seed: int, count: int) -> None:
    """A sender that has everything but what waited is sent exactly that by its own update."""
    world = World.drawn(Random(seed))
    doc = RoomDoc()
    for row in accepted(world, count):
        sender = replica(doc.full_update())
        outcome = doc.apply(row, scan_update(row))
        if not outcome.incomplete and not scan_update(row).skips:
            sender.apply_update(row)
            if outcome.released is not None:
                sender.apply_update(outcome.released)
            assert clocks_of(sender.get_state()) == doc.clocks
            assert content_of(sender) == content_of(replica(doc.full_update()))
