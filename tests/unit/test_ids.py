"""Room names and the keys under which rooms are stored."""

import hashlib

import pytest

from collab.errors import InvalidRoomName
from collab.ids import commented_room, comments_room, room_key, room_name


@pytest.mark.parametrize(
    "spelling",
    [
        "a",
        "scores/bach/fugue in C",
        "Händel/Messias",
        "音楽",
        "...",
        "a..b/.c/d.",
        "x" * 255,
        "é" * 127,  # 254 bytes
        "%2F?&=#\\",
    ],
)
def test_a_usable_name_is_returned_unchanged(spelling: str) -> None:
    assert room_name(spelling) == spelling


@pytest.mark.parametrize("spelling", ["", "x" * 256, "é" * 128, "音" * 86])
def test_length_is_counted_in_bytes_of_utf8(spelling: str) -> None:
    """ROOM-1."""
    with pytest.raises(InvalidRoomName, match="1 to 255 bytes"):
        room_name(spelling)


@pytest.mark.parametrize("code", [0x00, 0x09, 0x0A, 0x1F, 0x7F, 0x80, 0x85, 0x9F])
def test_control_characters_are_refused(code: int) -> None:
    """ROOM-1."""
    with pytest.raises(InvalidRoomName, match="control"):
        room_name(f"a{chr(code)}b")


@pytest.mark.parametrize("code", [0x20, 0x7E, 0xA0, 0xAD])
def test_neighbours_of_control_characters_are_allowed(code: int) -> None:
    assert room_name(f"a{chr(code)}b") == f"a{chr(code)}b"


@pytest.mark.parametrize("spelling", ["/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/."])
def test_segments_that_path_handling_could_fold_are_refused(spelling: str) -> None:
    """ROOM-1."""
    with pytest.raises(InvalidRoomName, match="segments"):
        room_name(spelling)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(InvalidRoomName, match="Unicode"):
        room_name("a\ud800")


def test_two_spellings_of_one_letter_are_two_rooms() -> None:
    composed, decomposed = room_name("\u00e9"), room_name("e\u0301")
    assert room_key(composed) != room_key(decomposed)


def test_the_key_is_the_hex_sha256_of_the_name() -> None:
    """ROOM-8."""
    assert room_key(room_name("abc")) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    )
    assert room_key(room_name("音/楽")) == hashlib.sha256("音/楽".encode()).hexdigest()


@pytest.mark.parametrize("spelling", ["a", "band/setlist", "~comments", "a/~comments/b", "x" * 245])
def test_comments_have_a_room_beside_the_one_that_they_are_about(spelling: str) -> None:
    """CMT-1."""
    room = room_name(spelling)
    assert comments_room(room) == f"{spelling}/~comments"
    assert commented_room(comments_room(room)) == room
    assert commented_room(room) is None


@pytest.mark.parametrize("spelling", ["x" * 246, "a/~comments"])
def test_long_names_and_comments_have_no_comments(spelling: str) -> None:
    with pytest.raises(InvalidRoomName):
        comments_room(room_name(spelling))
