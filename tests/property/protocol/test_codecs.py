"""Decoders over any bytes at all: a value or an error of their own, never anything else."""

import contextlib
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from collab.errors import PeerError
from collab.limits import ANY_DEPTH_MAX, CLOCK_MAX, UINT53_MAX
from collab.protocol import hocuspocus, y_sync
from collab.protocol.id_ranges import IdRanges
from collab.protocol.messages import AwarenessEntry, AwarenessUpdate
from collab.protocol.state_vector import decode_state_vector, encode_state_vector
from collab.protocol.update_scan import ScannedUpdate, UpdateScan, scan_update
from collab.protocol.varint import Reader, write_bytes, write_string, write_uint
from tests.property.protocol.hostile import real_updates
from tests.unit.protocol import building

uints = st.integers(0, UINT53_MAX)
clocks = st.integers(0, CLOCK_MAX - 1)
texts = st.text(st.characters(codec="utf-8"))

# Frames whose beginning is right more often than chance would have it.
frames = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda head, body: bytes(head) + body,
        st.lists(st.integers(0, 10), min_size=1, max_size=4),
        st.binary(max_size=100),
    ),
    st.builds(
        lambda name, kind, body: write_string(name) + bytes([kind]) + body,
        texts,
        st.integers(0, 10),
        st.binary(max_size=100),
    ),
)
damaged_updates = st.builds(
    lambda update, at, change: update[: at % len(update)] + change + update[at % len(update) :],
    st.sampled_from(real_updates()),
    st.integers(0),
    st.binary(max_size=6),
)


@given(frames)
def test_any_frame_is_decoded_or_refused(frame: bytes) -> None:
    """SCAN-3."""
    y_sync.peek_kind(frame)
    hocuspocus.peek(frame)
    for decode in (y_sync.decode, hocuspocus.decode, decode_state_vector):
        with contextlib.suppress(PeerError):
            decode(frame)


@given(st.one_of(frames, damaged_updates))
def test_any_update_is_scanned_or_refused_within_a_turn_for_each_byte(update: bytes) -> None:
    """The work is linear: each turn of one step reads something, or closes what it opened.

    Bears SCAN-7.
    """
    scan = UpdateScan(update)
    turns_max = 4 * len(update) + 2 * ANY_DEPTH_MAX
    with contextlib.suppress(PeerError):
        turns = 0
        while not scan.advance(1):
            turns += 1
            assert turns <= turns_max


@given(damaged_updates)
def test_slicing_the_scan_changes_nothing(update: bytes) -> None:
    """The verdict on an update does not depend on the turns in which it is reached."""

    def verdict(budget: int) -> object:
        scan = UpdateScan(update)
        try:
            while not scan.advance(budget):
                pass
        except PeerError as error:
            return type(error), str(error)
        found = scan.result
        return found.ranges, found.fillers, found.skips, found.deletes, found.needs

    assert verdict(1) == verdict(3) == verdict(10_000)


# What is usual stands several times, so that it comes up often enough together.
usual_ids = [(5, 0), (5, 6), (5, 6), (6, 3)] * 3
ids = st.sampled_from([*usual_ids, (5, 7), (2**40, 6), (6, CLOCK_MAX), (2**53, 0)])


@st.composite
def typed(draw: st.DrawFn) -> bytes:
    """One piece of text behind something, or nearly so."""
    info = draw(st.sampled_from([0x84, 0x84, 0xC4, 0xC4, 0xC4, 0x44, 0x94, 0xA4]))
    references = [draw(ids) for flag in (0x80, 0x40) if info & flag]
    return building.update(
        building.block(
            draw(st.sampled_from([5, 5, 5, 5, 2**40])),
            draw(st.sampled_from([7, 7, 7, 7, 7, 0, CLOCK_MAX - 1, CLOCK_MAX])),
            bytes([info])
            + b"".join(building.uint(part) for pair in references for part in pair)
            + building.text(draw(st.sampled_from([b"x", b"xyz", b"xy", b"", b"\xc3\xa9"]))),
        ),
        delete_set=draw(
            st.sampled_from([b"\x00"] * 12 + [b"", b"\x00\x00", b"\x01\x05\x01\x00\x01"])
        ),
    )


@given(st.one_of(typed(), damaged_updates))
def test_typed_text_is_scanned_as_everything_else_is(update: bytes) -> None:
    """There is a short way through the scan; it must lead to the same place."""

    def verdict(scan: Callable[[bytes], ScannedUpdate]) -> object:
        try:
            found = scan(update)
        except PeerError as error:
            return type(error), str(error)
        index = found.index
        return (
            (found.ranges, found.fillers, found.skips, found.deletes, found.needs),
            (found.struct_count, found.branches),
            (index.offsets, index.clocks, index.ends),
        )

    def long_way(update: bytes) -> ScannedUpdate:
        scan = UpdateScan(update)
        while not scan.advance(10_000):
            pass
        return scan.result

    assert verdict(scan_update) == verdict(long_way)


@given(uints)
def test_unsigned_integers_come_back(value: int) -> None:
    reader = Reader(write_uint(value))
    assert reader.read_uint() == value
    assert reader.remaining() == 0


@given(texts, st.binary())
def test_texts_and_bytes_come_back(text: str, value: bytes) -> None:
    reader = Reader(write_string(text) + write_bytes(value))
    assert reader.read_string(reader.remaining()) == text
    assert reader.read_bytes(reader.remaining()) == value
    assert reader.remaining() == 0


@given(st.dictionaries(uints, clocks))
def test_state_vectors_come_back(vector: dict[int, int]) -> None:
    assert decode_state_vector(encode_state_vector(vector)) == vector


@given(
    st.lists(
        st.builds(AwarenessEntry, uints, clocks, st.one_of(st.none(), texts)).filter(
            lambda entry: entry.state != "null"
        )
    )
)
def test_awareness_comes_back(entries: list[AwarenessEntry]) -> None:
    assert y_sync.decode(y_sync.encode_awareness(entries)) == (AwarenessUpdate(tuple(entries)),)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_a_row_of_messages_is_its_messages_in_a_row(payloads: list[bytes]) -> None:
    encoded = [y_sync.encode_update(payload) for payload in payloads]
    decoded = y_sync.decode(b"".join(encoded))
    assert decoded == tuple(message for frame in encoded for message in y_sync.decode(frame))


spans = st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(0, 40))


@given(st.lists(spans, max_size=30), st.lists(spans, max_size=10))
def test_id_ranges_are_sets_of_ids(
    added: list[tuple[int, int, int]], others: list[tuple[int, int, int]]
) -> None:
    """Compared with a plain set of (client, clock) pairs."""
    ranges = IdRanges()
    model: set[tuple[int, int]] = set()
    for client, start, end in added:
        ranges.add(client, start, end)
        model.update((client, clock) for clock in range(start, end))
    for client, start, end in others:
        expected = all((client, clock) in model for clock in range(start, end))
        assert ranges.covers(client, start, end) == expected
