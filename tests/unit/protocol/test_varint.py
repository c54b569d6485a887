"""Variable-length values as lib0 writes them, and every way to get them wrong."""

import pytest

from collab.errors import ProtocolError
from collab.protocol.varint import Reader, write_bytes, write_string, write_uint
from tests import vectors

LIB0 = vectors.load("lib0")


@pytest.mark.parametrize(("value", "encoded"), LIB0["uints"])
def test_unsigned_integers_are_those_of_lib0(value: int, encoded: str) -> None:
    assert write_uint(value).hex() == encoded
    reader = Reader(bytes.fromhex(encoded))
    assert (reader.read_uint(), reader.remaining()) == (value, 0)


@pytest.mark.parametrize(("value", "encoded"), LIB0["ints"])
def test_signed_integers_are_those_of_lib0(value: int, encoded: str) -> None:
    reader = Reader(bytes.fromhex(encoded))
    assert (reader.read_int(), reader.remaining()) == (value, 0)


@pytest.mark.parametrize(("text", "encoded"), LIB0["texts"])
def test_texts_are_those_of_lib0_and_counted_in_bytes(text: str, encoded: str) -> None:
    assert write_string(text).hex() == encoded
    reader = Reader(bytes.fromhex(encoded))
    assert (reader.read_string(1000), reader.remaining()) == (text, 0)


def test_bytes_follow_their_length() -> None:
    assert write_bytes(b"\x05\x00") == b"\x02\x05\x00"
    assert write_bytes(b"x" * 128) == b"\x80\x01" + b"x" * 128


@pytest.mark.parametrize("value", [-1, 2**53])
def test_what_no_peer_could_read_is_not_written(value: int) -> None:
    with pytest.raises(ValueError, match="53 bits"):
        write_uint(value)


def test_a_lone_surrogate_is_written_as_a_question_mark() -> None:
    assert write_string("a\ud800b") == b"\x03a?b"


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x80",
        b"\xff\xff",
        b"\x80" * 7,  # cut short
        b"\x80" * 8 + b"\x00",  # longer than eight bytes
        b"\x80" * 200_000,
        b"\xff\xff\xff\xff\xff\xff\xff\x10",  # 2^53
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    ],
)
def test_unsigned_integers_stay_within_53_bits_and_8_bytes(encoded: bytes) -> None:
    with pytest.raises(ProtocolError):
        Reader(encoded).read_uint()


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\xc0",
        b"\x80" * 8 + b"\x00",
        b"\xbf\xff\xff\xff\xff\xff\xff\x20",  # 2^53
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    ],
)
def test_signed_integers_stay_within_53_bits_and_8_bytes(encoded: bytes) -> None:
    with pytest.raises(ProtocolError):
        Reader(encoded).read_int()


def test_a_giant_varint_is_given_up_after_eight_bytes() -> None:
    """SCAN-11."""
    reader = Reader(b"\xff" * 200_000)
    with pytest.raises(ProtocolError):
        reader.read_uint()
    assert reader.at == 8


@pytest.mark.parametrize("encoded", [b"\x02a", b"\x80\x80\x80\x80\x80\x80\x10", b"\x01"])
def test_a_length_beyond_the_end_is_refused(encoded: bytes) -> None:
    """SCAN-11."""
    with pytest.raises(ProtocolError, match="past the end"):
        Reader(encoded).read_bytes(2**53)


def test_a_length_beyond_the_limit_is_refused_whether_or_not_the_bytes_are_there() -> None:
    assert Reader(b"\x03abc").read_bytes(3) == b"abc"
    with pytest.raises(ProtocolError, match="at most 2"):
        Reader(b"\x03abc").read_bytes(2)
    with pytest.raises(ProtocolError, match="at most 2"):
        Reader(b"\x03").read_string(2)


@pytest.mark.parametrize(
    "encoded",
    [
        b"\xff",
        b"\xc3",  # cut short
        b"\xc0\x80",  # overlong
        b"\xed\xa0\x80",  # a surrogate
        b"\xf4\x90\x80\x80",  # beyond Unicode
    ],
)
def test_texts_are_strict_utf8(encoded: bytes) -> None:
    with pytest.raises(ProtocolError, match="UTF-8"):
        Reader(write_bytes(encoded)).read_string(100)


def test_reading_goes_on_where_it_stopped() -> None:
    reader = Reader(b"\x05\x80\x01\x41\x01a\x02\xff\x00")
    assert reader.read_u8() == 5
    assert reader.read_uint() == 128
    assert reader.read_int() == -1
    assert reader.read_string(1) == "a"
    assert reader.read_bytes(2) == b"\xff\x00"
    assert reader.remaining() == 0
    with pytest.raises(ProtocolError, match="cut short"):
        reader.read_u8()
