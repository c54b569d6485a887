"""What a store calls itself: one thing to all who ask, and nothing that another store would say."""

import asyncio

from persistence.memory import MemoryStore
from persistence.store_id import store_id
from persistence.stores import Stores


async def test_all_who_ask_at_once_are_told_the_same(stores: Stores) -> None:
    """BUS-12."""
    told = set(await asyncio.gather(*(store_id(stores) for _ in range(5))))
    assert len(told) == 1
    assert await store_id(stores) in told
    assert await store_id(MemoryStore().stores()) not in told
