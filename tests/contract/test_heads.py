"""Where the logs of many rooms stand: the same in every store."""

from collab.cluster.heads import LogPlace
from collab.ids import FIRST_EPOCH, Epoch, RoomKey, Sequence
from collab.limits import HEADS_AT_ONCE_MAX
from collab.ports import UpdateLog
from persistence.stores import Stores
from tests.contract.conftest import OTHER, ROOM


async def test_places_are_those_of_the_logs(stores: Stores) -> None:
    """BUS-5: epoch and head as appends left them; rooms without a log are left out."""
    log: UpdateLog = stores.log
    rooms = [RoomKey(f"{number:064x}") for number in range(HEADS_AT_ONCE_MAX)]
    assert await stores.heads.places(rooms) == {}
    await log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a", b"b"])
    await log.append(OTHER, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
    await log.begin_epoch(OTHER, of=FIRST_EPOCH, epoch=Epoch(4), after=Sequence(1))
    await log.append(rooms[7], epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
    await log.trim(ROOM, through=Sequence(2))
    assert await stores.heads.places([ROOM, OTHER]) == {
        ROOM: LogPlace(FIRST_EPOCH, Sequence(2)),
        OTHER: LogPlace(Epoch(4), Sequence(1)),
    }
    assert await stores.heads.places(rooms) == {rooms[7]: LogPlace(FIRST_EPOCH, Sequence(1))}
