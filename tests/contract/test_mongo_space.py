"""How much space MongoDB has left, seen aside."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from collab.limits import MIB
from persistence.stores import Stores
from tests.contract.backends import MongoUnderTest


async def told_in_the_end(stores: Stores) -> list[str]:
    """What a check says once it says anything; looks at space end meanwhile."""
    async with asyncio.timeout(10):
        while True:
            if wrong := await stores.check():
                return wrong


async def test_a_store_that_saves_is_ready_however_long_its_space_is_counted(
    mongo: MongoUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STO-39: Nor is the space counted at each question."""
    counted = asyncio.Event()
    asked = 0
    command: Any = AsyncDatabase.command

    async def slow(self: AsyncDatabase[Any], name: str, **options: object) -> dict[str, Any]:
        nonlocal asked
        answer: dict[str, Any] = await command(self, name, **options)
        if name == "dbStats":
            asked += 1
            await counted.wait()
            answer |= {"fsTotalSize": 10**12, "fsUsedSize": 10**12 - 3 * MIB}
        return answer

    monkeypatch.setattr(AsyncDatabase, "command", slow)
    async with await mongo.open() as stores:
        for _ in range(3):
            assert await stores.check() == []
        counted.set()
        wrong = await told_in_the_end(stores)
        assert wrong == ["only 3 MiB are free on the disk of MongoDB"]
        assert asked == 1
        # Closing does not wait for a look that hangs.
        counted.clear()
        monkeypatch.setattr("persistence.mongo.store.SPACE_LOOK_S", 0.0)
        await stores.check()
