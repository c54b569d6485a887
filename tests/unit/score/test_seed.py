"""A seed is one deterministic Yjs update: seeding twice is doing nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import cast

import pytest
from pycrdt import Doc, Map, get_state

from collab.ids import Epoch, room_name
from collab.score.chorale import chorale_facets
from collab.score.schema import FACETS, Facets, Json, normalise_numbers
from collab.score.seed import (
    SEED_CLIENT_ID,
    import_client,
    import_update,
    import_updates,
    seed_update,
)

EVERY_KIND: Facets = {
    "parts": {
        "p": {
            "o": {},
            "n": [
                *(-1, 0, 63, 64, -64, 127, 8192),
                *(2147483647, 2147483648, -2147483647, -2147483648, 9007199254740991),
                *(0.5, 0.1, -1.5, 1e-7),
            ],
            "e": [],
            "b": True,
            "a": False,
        }
    },
    "meta": {"z": None, "t": 'é𝄞 "x"'},
}

# From Yjs 13.6.33 under Node 20: a Y.Doc of clientID 1685 in which the same entries were set
# in the order of FACETS, keys and members sorted, then encodeStateAsUpdate.
EVERY_KIND_BY_YJS = bytes.fromhex(
    "0103950d002801046d657461017401770ac3a9f09d849e202278222801046d657461017a017e"
    "2801057061727473017001760501617901627801657500016e75107d417d007d3f7d80017dc001"
    "7dbf017d8080017dbfffffff0f7c4f0000007dffffffff0f7ccf0000007b433fffffffffffff"
    "7c3f0000007b3fb999999999999a7cbfc000007b3e7ad7f29abcaf48016f760000"
)


def _doc(*updates: bytes) -> Doc[Map[object]]:
    doc: Doc[Map[object]] = Doc()
    for update in updates:
        doc.apply_update(update)
    return doc


def _content(doc: Doc[Map[object]]) -> object:
    return normalise_numbers({name: doc.get(name, type=Map).to_py() for name in FACETS})


def test_bytes_are_those_that_yjs_writes() -> None:
    assert seed_update(EVERY_KIND) == EVERY_KIND_BY_YJS


def test_pycrdt_reads_the_whole_chorale_back() -> None:
    assert _content(_doc(seed_update(chorale_facets()))) == chorale_facets()


def test_equal_facets_give_equal_bytes_whatever_order_they_are_built_in() -> None:
    def reversed_order(value: Json) -> Json:
        if isinstance(value, dict):
            return {key: reversed_order(item) for key, item in reversed(value.items())}
        return value

    facets = chorale_facets()
    turned = {
        name: {key: reversed_order(item) for key, item in reversed(entries.items())}
        for name, entries in reversed(facets.items())
    }
    assert list(turned["ev"]) != list(facets["ev"])
    assert seed_update(turned) == seed_update(facets)


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_bytes_are_the_same_in_every_process(hash_seed: str) -> None:
    """SEED-1."""
    program = (
        "import sys; from collab.score.chorale import chorale_facets;"
        "from collab.score.seed import seed_update;"
        "sys.stdout.buffer.write(seed_update(chorale_facets()))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert elsewhere.stdout == seed_update(chorale_facets())


def test_seed_comes_from_one_client_and_starts_at_clock_zero() -> None:
    total = sum(map(len, chorale_facets().values()))
    clocks_used = bytes((1, *_var_uint(SEED_CLIENT_ID), *_var_uint(total)))
    assert get_state(seed_update(chorale_facets())) == clocks_used


def _var_uint(value: int) -> tuple[int, ...]:
    """Two-byte varints are enough for the numbers above."""
    assert 128 <= value < 16384
    return (0x80 | value & 0x7F, value >> 7)


def test_seeding_twice_leaves_the_state_of_seeding_once() -> None:
    """SEED-2."""
    seed = seed_update(chorale_facets())
    once, twice = _doc(seed), _doc(seed, seed)
    assert twice.get_state() == once.get_state()
    assert _content(twice) == _content(once)


def test_a_second_seed_adds_nothing_and_wakes_no_observer() -> None:
    seed = seed_update(chorale_facets())
    doc = _doc(seed)
    woken: list[object] = []
    subscription = doc.observe(woken.append)
    doc.apply_update(seed)
    assert woken == []
    doc.get("meta", type=Map)["title"] = "changed"
    assert len(woken) == 1
    doc.unobserve(subscription)


def test_replicas_seeded_apart_merge_without_doubling_anything() -> None:
    """SEED-3."""
    seed = seed_update(chorale_facets())
    left, right = _doc(seed), _doc(seed)
    left.apply_update(right.get_update(left.get_state()))
    right.apply_update(left.get_update(right.get_state()))
    assert left.get_state() == right.get_state() == _doc(seed).get_state()
    assert _content(left) == _content(right) == chorale_facets()


def test_seeding_again_does_not_undo_an_edit_or_a_deletion() -> None:
    """SEED-2."""
    seed = seed_update(chorale_facets())
    doc = _doc(seed)
    doc.get("pt", type=Map)["s1n1"] = {"step": "C", "octave": 5}
    del doc.get("ev", type=Map)["s2n1"]
    edited = _content(doc)

    doc.apply_update(seed)

    assert _content(doc) == edited
    assert doc.get("pt", type=Map)["s1n1"] == {"step": "C", "octave": 5}
    assert "s2n1" not in doc.get("ev", type=Map)


def test_an_edit_made_before_the_seed_arrives_wins_over_it() -> None:
    doc: Doc[Map[object]] = Doc(client_id=2_000_000_000)
    doc.get("meta", type=Map)["title"] = "mine"
    doc.apply_update(seed_update(chorale_facets()))
    other = _doc(seed_update(chorale_facets()), doc.get_update())
    assert doc.get("meta", type=Map)["title"] == "mine"
    assert _content(other) == _content(doc)


def test_edits_of_duration_and_pitch_made_apart_both_survive() -> None:
    seed = seed_update(chorale_facets())
    rhythm, melody = _doc(seed), _doc(seed)
    event = cast("dict[str, object]", rhythm.get("ev", type=Map)["s1n1"])
    rhythm.get("ev", type=Map)["s1n1"] = event | {"duration": [2, 1], "type": "half"}
    melody.get("pt", type=Map)["s1n1"] = {"step": "C", "octave": 5}

    rhythm.apply_update(melody.get_update())

    merged = normalise_numbers(_content(rhythm))
    assert isinstance(merged, dict)
    assert merged["ev"]["s1n1"]["duration"] == [2, 1]
    assert merged["pt"]["s1n1"] == {"step": "C", "octave": 5}


@pytest.mark.parametrize("facets", [{}, {"ev": {}}])
def test_nothing_to_seed_is_the_empty_update(facets: Facets) -> None:
    assert seed_update(facets) == b"\x00\x00"
    assert _doc(seed_update(facets)).get_state() == b"\x00"


def test_a_name_that_is_no_facet_is_refused() -> None:
    with pytest.raises(ValueError, match="notes"):
        seed_update({"notes": {}})


@pytest.mark.parametrize(
    "number",
    [float("nan"), float("inf"), 2**53, -(2**53), pytest.param(10**400, id="10^400")],
)
def test_numbers_that_json_or_javascript_cannot_hold_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="number"):
        seed_update({"meta": {"x": number}})


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        seed_update({"meta": {"x": "\ud800"}})


@pytest.mark.parametrize("value", [b"bytes", bytearray(b"bytes"), {1, 2}, object()])
def test_values_that_are_not_json_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="is not JSON"):
        seed_update({"meta": {"x": cast("Json", value)}})


def test_values_nested_deeper_than_a_room_accepts_are_refused() -> None:
    def nested(levels: int) -> Json:
        value: Json = 1
        for _ in range(levels):
            value = [value]
        return value

    seed_update({"meta": {"x": nested(63)}})
    with pytest.raises(ValueError, match="deeper than 64"):
        seed_update({"meta": {"x": nested(64)}})


ROOM = room_name("scores/one")
FILE = bytes(range(32))


def test_mxl_2_importing_again_adds_nothing_and_undoes_nothing() -> None:
    update = import_update(chorale_facets(), ROOM, FILE)
    doc = _doc(update)
    doc.get("pt", type=Map)["s1n1"] = {"step": "C", "octave": 5}
    edited = _content(doc)
    doc.apply_update(import_update(chorale_facets(), ROOM, FILE))
    assert _content(doc) == edited


def test_mxl_2_several_updates_hold_the_structs_of_one() -> None:
    updates = import_updates(chorale_facets(), ROOM, FILE, bytes_max=4096)
    assert len(updates) > 5
    assert max(map(len, updates)) <= 4096
    whole = _doc(import_update(chorale_facets(), ROOM, FILE))
    pieces = _doc(*updates)
    assert _content(pieces) == _content(whole) == chorale_facets()
    assert pieces.get_state() == whole.get_state()
    # The same clocks hold the same entries: neither has anything that the other lacks.
    state = whole.get_state()
    pieces.apply_update(whole.get_update())
    assert pieces.get_state() == state


def test_mxl_2_the_client_id_tells_file_room_and_epoch_apart() -> None:
    ids = {
        import_client(ROOM, FILE),
        import_client(ROOM, bytes(32)),
        import_client(room_name("scores/two"), FILE),
        import_client(ROOM, FILE, epoch=Epoch(2)),
        SEED_CLIENT_ID,
    }
    assert len(ids) == 5
    # SHA-256 of "score import", the room, "1" and the file's digest, a zero byte between them;
    # its first 31 bits.
    assert import_client(ROOM, FILE) == 1260135612


def test_updates_of_nothing_are_one_update_of_nothing() -> None:
    assert import_updates({}, ROOM, FILE) == [b"\0\0"]
