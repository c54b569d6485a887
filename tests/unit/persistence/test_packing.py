"""Packed documents: small, read back as they were, and readable for ever."""

from __future__ import annotations

import hashlib
import random
from importlib import resources
from typing import Final

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.scores import score_document
from collab.errors import StoreUnavailable
from persistence.packing import DICTIONARIES, DICTIONARY_BYTES_MAX, pack, unpack

DIGESTS: Final = {
    "score-40001.zdict": "d7e96710613418f25cdaceca7bcfc642734705b64947ab725c7b330dbc7f8510",
}

# Made once, by the version that brought the dictionary, and never to be made again.
FROZEN_UPDATE: Final = bytes.fromhex(
    "0104950d002801046d657461057469746c650177054b7972696528010570617274730a6e4162336445356748"
    "370176040c616262726576696174696f6e7702532e046e616d657707536f7072616e6f056f72646572770261"
    "30067374617665737d0128010265760a6e513177324533723454017608086475726174696f6e75027d027d04"
    "046b696e6477046e6f7465076d65617375726577026d31056f6e73657475027d007d040470617274770a6e41"
    "62336445356748370573746166667d010474797065770665696768746805766f6963657d0128010270740a6e"
    "513177324533723454017602066f63746176657d04047374657077014700"
)
FROZEN_FRAME: Final = bytes.fromhex(
    "28b52ffd22419cfa4d030003430bd68a15e4a56b052b5660ad20233d56ace0b18295bb375243659915d45023"
    "13b9233fdbfbe3f9e64f164258710515fc766755c54ce7c8f67cd9d468b6a73bee281e82126471ebdc1a6bb2"
    "e6a9a1af15fc1061fb3f0ec8d296535645dd91fbc7745a32b9662b64"
)


def test_dictionaries_are_what_they_were_when_frames_were_made_with_them() -> None:
    """BLOB-6."""
    assert set(DICTIONARIES.values()) == set(DIGESTS)
    for dictionary_id, name in DICTIONARIES.items():
        data = (resources.files("persistence") / "dictionaries" / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == DIGESTS[name]
        assert zstandard.ZstdCompressionDict(data).dict_id() == dictionary_id


def test_frame_that_an_earlier_version_made_is_read() -> None:
    """BLOB-6: With a dictionary, and without one as versions were packed before there was any."""
    assert zstandard.get_frame_parameters(FROZEN_FRAME).dict_id == 40_001
    assert unpack(FROZEN_FRAME, len(FROZEN_UPDATE)) == FROZEN_UPDATE
    assert unpack(zstandard.compress(FROZEN_UPDATE, 3), len(FROZEN_UPDATE)) == FROZEN_UPDATE


@given(st.binary(max_size=200), st.integers(0, 60))
@example(b"x" * 50, DICTIONARY_BYTES_MAX // 50)
@example(b"x" * 50 + b"y", DICTIONARY_BYTES_MAX // 50)
def test_what_is_packed_comes_back(part: bytes, times: int) -> None:
    update = part * times
    assert unpack(pack(update), len(update)) == update


@pytest.mark.parametrize(("size_bytes", "share"), [(500, 0.6), (1_000, 0.65), (4_000, 0.8)])
def test_dictionary_saves_a_fifth_of_what_small_scores_take(size_bytes: int, share: float) -> None:
    """BLOB-6: Of scores that it was not trained with."""
    scores = [score_document(size_bytes, random.Random(1_000_000 + n)) for n in range(10)]
    alone = sum(len(zstandard.compress(score, 3)) for score in scores)
    assert sum(len(pack(score)) for score in scores) < share * alone


def test_large_document_needs_no_dictionary() -> None:
    packed = pack(score_document(20_000, random.Random(5)))
    assert zstandard.get_frame_parameters(packed).dict_id == 0


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"no frame at all",
        FROZEN_FRAME[:-1],
        FROZEN_FRAME[: len(FROZEN_FRAME) // 2],
        zstandard.compress(FROZEN_UPDATE + b"x"),
    ],
)
def test_damage_is_told(damaged: bytes) -> None:
    with pytest.raises(StoreUnavailable, match="damaged"):
        unpack(damaged, len(FROZEN_UPDATE))


def test_dictionary_of_a_later_version_is_named() -> None:
    """BLOB-6: Rather than taken for damage."""
    trained = zstandard.train_dictionary(
        1_024, [score_document(900, random.Random(n)) for n in range(50)], dict_id=40_999
    )
    frame = zstandard.ZstdCompressor(dict_data=trained).compress(FROZEN_UPDATE)
    with pytest.raises(StoreUnavailable, match="dictionary 40999 is not in this version"):
        unpack(frame, len(FROZEN_UPDATE))
