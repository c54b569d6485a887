"""What is taken apart is applied, stored and told in one and the same form."""

from collab.protocol.update_scan import scan_update
from tests.unit.protocol.building import block, deleted, deletes, shared
from tests.unit.protocol.building import update as made
from tests.unit.room.building import A, edit, live_room, settled


def test_a_rest_goes_with_the_map_in_which_its_known_part_lies() -> None:
    """SCAN-18: Whatever map it names; when that one is deleted nothing is left behind, alive."""
    maps = [shared(1, sub="m"), *(shared(1, parent=(6, at), sub="k") for at in (0, 1))]
    room = live_room()
    settled(room, A)
    edit(room, A, made(block(6, 0, *maps)))
    # Its first clock is the innermost map; it says that it stands beside the one around that.
    edit(room, A, made(block(6, 2, deleted(3, parent=(6, 0), sub="k"))))
    edit(room, A, made(delete_set=deletes({6: [(0, 1)]})))
    whole = scan_update(room.doc.full_update())
    assert [tuple(span) for span in whole.deletes] == [(6, 0, 5)]
