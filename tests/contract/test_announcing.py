"""What is written down of deeds that are refused, over every store."""

from __future__ import annotations

import pytest

from collab.errors import StateConflict
from collab.ids import Subject, room_name
from persistence.build import Stores
from workers.notices.events import Cause, EventKind
from workers.notices.outbox import Outbox
from workers.notices.relay import Announcer


async def test_a_refused_repetition_does_not_strike_what_may_have_happened(stores: Stores) -> None:
    """NOTE-6: Its first request may have been carried out by a node that died then."""
    outbox = Outbox(stores.records)
    announce = Announcer(outbox)

    async def refused(cause_id: str) -> None:
        cause = Cause(
            cause_id, EventKind.COMMENT, room_name("r"), Subject("ann"), None, 1.0, {}, 1.0
        )
        with pytest.raises(StateConflict):
            async with announce(cause):
                raise StateConflict("the score is archived")

    await refused("new")
    assert await outbox.list(after=None) == ()
    done = Cause("done", EventKind.COMMENT, room_name("r"), Subject("ann"), None, 1.0, {}, 1.0)
    async with announce(done):
        pass
    await refused("done")
    (left,) = await outbox.list(after=None)
    assert left.cause_id == "done"
