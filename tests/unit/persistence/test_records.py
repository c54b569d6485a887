"""Checksums, the written form of a manifest, and the frames between server and worker."""

from __future__ import annotations

import hashlib
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.errors import InvariantViolated
from collab.ids import Epoch, RoomKey, Sequence, room_key, room_name
from collab.ports import Manifest, RoomStatus, SnapshotRef
from persistence.checksums import row_checksum, snapshot_checksum
from persistence.manifest_codec import decode_manifest, encode_manifest
from persistence.worker_frames import (
    Operation,
    Status,
    decode_request,
    encode_answer,
    encode_request,
)

ROOM = room_key(room_name("r"))

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
counts = st.integers(0, 2**53)
manifests = st.builds(
    Manifest,
    name=st.just(room_name("r")),
    epoch=counts.map(Epoch),
    revision=st.integers(1, 2**53),
    snapshots=st.lists(
        st.builds(
            SnapshotRef,
            snapshot_id=texts,
            sequence=counts.map(Sequence),
            size_bytes=counts,
            checksum=texts,
        ),
        max_size=3,
    ).map(tuple),
    status=st.sampled_from(RoomStatus),
    status_reason=texts,
    open_attempts=counts,
    trimmed_through=counts.map(Sequence),
)


def test_row_checksum_is_blake2b_over_room_sequence_and_bytes() -> None:
    expected = hashlib.blake2b(
        ROOM.encode() + struct.pack(">Q", 258) + b"update", digest_size=8, person=b"bandpro row"
    ).digest()
    assert row_checksum(ROOM, Sequence(258), b"update") == expected


def test_row_checksum_differs_by_room_by_sequence_and_by_every_byte() -> None:
    other = RoomKey("0" * 64)
    seen = {
        row_checksum(ROOM, Sequence(1), b"update"),
        row_checksum(other, Sequence(1), b"update"),
        row_checksum(ROOM, Sequence(2), b"update"),
        row_checksum(ROOM, Sequence(1), b"updatf"),
        row_checksum(ROOM, Sequence(1), b"updat"),
    }
    assert len(seen) == 5


def test_snapshot_checksum_is_sha_256_in_hex() -> None:
    assert snapshot_checksum(b"abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@given(manifest=manifests)
def test_manifest_is_read_back_as_it_was_written(manifest: Manifest) -> None:
    record, checksum = encode_manifest(ROOM, manifest)
    decoded = decode_manifest(ROOM, manifest.name, manifest.revision, record, checksum)
    assert decoded == manifest


@given(manifest=manifests, position=st.integers(0, 10_000), bit=st.integers(0, 6))
def test_manifest_with_any_bit_turned_over_is_quarantined(
    manifest: Manifest, position: int, bit: int
) -> None:
    record, checksum = encode_manifest(ROOM, manifest)
    position %= len(record)
    flipped = chr(ord(record[position]) ^ (1 << bit))
    damaged = record[:position] + flipped + record[position + 1 :]
    decoded = decode_manifest(ROOM, manifest.name, manifest.revision, damaged, checksum)
    assert decoded.status is RoomStatus.QUARANTINED
    assert (decoded.name, decoded.revision) == (manifest.name, manifest.revision)


def test_manifest_under_the_key_of_another_room_is_quarantined() -> None:
    manifest = Manifest(name=room_name("r"), epoch=Epoch(1), revision=1)
    record, checksum = encode_manifest(ROOM, manifest)
    decoded = decode_manifest(RoomKey("0" * 64), manifest.name, 1, record, checksum)
    assert decoded.status is RoomStatus.QUARANTINED


def test_manifest_record_is_json_that_operators_can_read() -> None:
    record, _ = encode_manifest(ROOM, Manifest(name=room_name("r"), epoch=Epoch(2), revision=1))
    assert json.loads(record)["epoch"] == 2


def test_request_frame_is_laid_out_as_documented() -> None:
    frame = b"".join(encode_request(Operation.MERGE, [b"ab", b""]))
    assert frame == bytes.fromhex("0000000b 01 00000002 6162 00000000".replace(" ", ""))
    assert encode_answer(Status.REFUSED, b"no") == bytes.fromhex("00000003016e6f")


@given(arguments=st.lists(st.binary(max_size=300), max_size=20))
def test_request_is_read_back_as_it_was_written(arguments: list[bytes]) -> None:
    frame = b"".join(encode_request(Operation.STATE_VECTOR, arguments))
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert decode_request(frame[4:]) == (Operation.STATE_VECTOR, arguments)


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_request_that_ends_within_an_argument_is_our_own_mistake(cut: int) -> None:
    frame = b"".join(encode_request(Operation.MERGE, [b"ab"]))[4:]
    with pytest.raises(InvariantViolated):
        decode_request(frame[:-cut])
