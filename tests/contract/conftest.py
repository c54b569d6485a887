"""Every test that asks for `store` or `stores` runs once over each kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from collab.ids import room_key, room_name
from persistence.build import Stores
from persistence.files import FileBlobs
from tests.contract.backends import (
    EncryptedUnderTest,
    MemoryUnderTest,
    MongoUnderTest,
    SqliteAndS3UnderTest,
    SqliteUnderTest,
    StoreUnderTest,
)
from tests.support.mongodb import mongodb, new_database
from tests.support.s3 import CREDENTIALS, Bucket, S3Service, new_bucket, s3
from tests.support.tcp_proxy import TcpProxy

NAME = room_name("band/Größe 1")
ROOM = room_key(NAME)
OTHER = room_key(room_name("band/other"))

KINDS = ["memory", "sqlite", "encrypted", "mongodb"]
OVER_A_BUCKET = {
    "test_blobs",
    "test_compaction",
    "test_filling",
    "test_loading",
    "test_blob_owner",
    "test_orphans",
    "test_snapshots",
}


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mongodb(tmp_path_factory.mktemp("mongodb")) as url:
        yield url


@pytest.fixture
async def proxy(bucket: Bucket) -> AsyncIterator[TcpProxy]:
    if bucket.service.endpoint is None:
        pytest.skip("a proxy needs a service on loopback")
    parts = urlsplit(bucket.service.endpoint)
    assert parts.hostname
    assert parts.port
    async with TcpProxy(parts.hostname, parts.port) as made:
        yield made


@pytest.fixture
def place(tmp_path: Path) -> FileBlobs:
    """Where backups are kept."""
    return FileBlobs(tmp_path / "kept")


@pytest.fixture
def mongo(mongodb_url: str) -> Iterator[MongoUnderTest]:
    under_test = MongoUnderTest(new_database(mongodb_url))
    yield under_test
    under_test.drop()


@pytest.fixture(scope="session")
def s3_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Service]:
    with pytest.MonkeyPatch.context() as patch, s3(tmp_path_factory.mktemp("s3")) as service:
        if service.url is None:
            for name, value in CREDENTIALS.items():
                patch.setenv(name, value)
        yield service


@pytest.fixture
def bucket(s3_service: S3Service) -> Iterator[Bucket]:
    made = new_bucket(s3_service)
    yield made
    made.clear()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Over a bucket run only the tests to which it matters where whole files are kept."""
    if "store" in metafunc.fixturenames:
        module = metafunc.module.__name__.rpartition(".")[2]
        kinds = [*KINDS, "sqlite+s3"] if module in OVER_A_BUCKET else KINDS
        metafunc.parametrize("store", kinds, indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StoreUnderTest:
    match request.param:
        case "memory":
            return MemoryUnderTest()
        case "sqlite":
            return SqliteUnderTest(tmp_path / "data")
        case "sqlite+s3":
            return SqliteAndS3UnderTest(tmp_path / "data", request.getfixturevalue("bucket"))
        case "encrypted":
            return EncryptedUnderTest(tmp_path / "data")
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
