"""Every test that asks for `store` or `stores` runs once over each kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collab.ids import room_key, room_name
from persistence.build import Stores
from tests.contract.backends import MemoryUnderTest, SqliteUnderTest, StoreUnderTest

NAME = room_name("band/Größe 1")
ROOM = room_key(NAME)
OTHER = room_key(room_name("band/other"))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StoreUnderTest:
    return MemoryUnderTest() if request.param == "memory" else SqliteUnderTest(tmp_path / "data")


@pytest.fixture
async def stores(store: StoreUnderTest) -> AsyncIterator[Stores]:
    async with await store.open() as opened:
        yield opened


@pytest.fixture
def sqlite(tmp_path: Path) -> SqliteUnderTest:
    return SqliteUnderTest(tmp_path / "data")
