"""State vectors as Yjs encodes them, and those that are none."""

import pytest

from collab.errors import LimitExceeded, ProtocolError
from collab.limits import STATE_VECTOR_CLIENTS_MAX
from collab.protocol.state_vector import decode_state_vector, encode_state_vector
from collab.protocol.varint import write_uint
from tests import vectors

Y_PROTOCOLS = vectors.load("y_protocols")


def test_a_state_vector_of_yjs_reads_and_writes_the_same() -> None:
    encoded = bytes.fromhex(Y_PROTOCOLS["state_vector"])
    clocks = dict(Y_PROTOCOLS["clocks"])
    assert decode_state_vector(encoded) == clocks
    assert encode_state_vector(clocks) == encoded


def test_the_empty_state_vector_is_one_zero_byte() -> None:
    assert decode_state_vector(b"\x00") == {}
    assert encode_state_vector({}) == b"\x00"


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x01",
        b"\x01\x05",
        b"\x02\x05\x01",
        b"\x00\x00",  # trailing byte
        b"\x01\x05\x01\x00",
        b"\x02\x05\x01\x05\x02",  # a client twice
        b"\x01\x05\xff\xff\xff\xff\x0f",  # clock 2^32 - 1
        b"\xff\xff\x03",  # many entries, no bytes
    ],
)
def test_what_is_not_one_whole_state_vector_is_refused(encoded: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_state_vector(encoded)


def test_more_clients_than_allowed_are_refused_before_they_are_read() -> None:
    with pytest.raises(LimitExceeded) as caught:
        decode_state_vector(write_uint(STATE_VECTOR_CLIENTS_MAX + 1))
    assert caught.value.limit == "state_vector_clients_max"
