"""Every test that asks for `store` or `stores` runs once over each kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from collab.ids import room_key, room_name
from persistence.build import Stores
from tests.contract.backends import (
    MemoryUnderTest,
    MongoUnderTest,
    SqliteUnderTest,
    StoreUnderTest,
)
from tests.support.mongodb import mongodb, new_database

NAME = room_name("band/Größe 1")
ROOM = room_key(NAME)
OTHER = room_key(room_name("band/other"))


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mongodb(tmp_path_factory.mktemp("mongodb")) as url:
        yield url


@pytest.fixture
def mongo(mongodb_url: str) -> Iterator[MongoUnderTest]:
    under_test = MongoUnderTest(new_database(mongodb_url))
    yield under_test
    under_test.drop()


@pytest.fixture(params=["memory", "sqlite", "mongodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StoreUnderTest:
    match request.param:
        case "memory":
            return MemoryUnderTest()
        case "sqlite":
            return SqliteUnderTest(tmp_path / "data")
        case _:
            mongo: MongoUnderTest = request.getfixturevalue("mongo")
            return mongo


@pytest.fixture
async def stores(store: StoreUnderTest) -> AsyncIterator[Stores]:
    async with await store.open() as opened:
        yield opened


@pytest.fixture
def sqlite(tmp_path: Path) -> SqliteUnderTest:
    return SqliteUnderTest(tmp_path / "data")
