"""Taking a document apart costs no more than it may, whatever the document."""

from pycrdt import Doc, Map, merge_updates

from collab.limits import DISSOLVE_MS_MAX, DISSOLVE_STEPS_MAX
from collab.protocol.state_vector import encode_state_vector
from collab.protocol.update_scan import scan_update
from collab.room.doc import RoomDoc

SLOW_MS = 6.0  # whatever is asked of the library


def test_many_clients_are_taken_apart_in_few_steps() -> None:
    """MEM-3: each transaction of the library costs time for every client that it knows."""
    doc = _written_by(1_000, each=3)
    steps = doc.dissolve_in_steps()
    next(steps)
    count = 1
    try:
        while True:
            steps.send(SLOW_MS)
            count += 1
    except StopIteration:
        pass
    assert count <= DISSOLVE_STEPS_MAX + 2
    assert _keys(doc) == 0


def test_what_takes_too_long_to_take_apart_is_left() -> None:
    """MEM-3."""
    doc = _written_by(200, each=40)
    steps = doc.dissolve_in_steps()
    next(steps)
    try:
        while True:
            steps.send(DISSOLVE_MS_MAX / 2)
    except StopIteration:
        pass
    assert 0 < _keys(doc) < 8_000


def _written_by(clients: int, *, each: int) -> RoomDoc:
    """A document to which many have added keys of their own."""
    updates = []
    for number in range(clients):
        source: Doc[Map[object]] = Doc(client_id=1_000 + number * 7_919)
        shared = source.get("ev", type=Map)
        for key in range(each):
            shared[f"{number}-{key}"] = key
        updates.append(source.get_update())
    update = merge_updates(*updates)
    doc = RoomDoc()
    doc.apply(update, scan_update(update))
    return doc


def _keys(doc: RoomDoc) -> int:
    """How many keys the CRDT library holds."""
    replica: Doc[Map[object]] = Doc()
    replica.apply_update(doc.difference(encode_state_vector({99: 0})))
    return len(replica.get("ev", type=Map))
