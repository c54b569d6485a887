"""A server whose snapshots are in a bucket, and what an operator prepares that bucket with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import text_of, text_update
from tests.support.command import bandpro
from tests.support.http import request, room_path, stored_update
from tests.support.s3 import CREDENTIALS, SECRET_KEY, Bucket, new_bucket, s3
from tests.support.server import running_server


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return CREDENTIALS


@pytest.fixture(scope="module")
def bucket(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> Iterator[Bucket]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with s3(tmp_path_factory.mktemp("s3")) as service:
            made = new_bucket(service)
            yield made
            made.clear()


def options(bucket: Bucket, folder: Path) -> list[str]:
    endpoint = bucket.service.endpoint
    place = ["--blobs", bucket.url, "--data", str(folder)]
    return [*place, "--blobs-endpoint", endpoint, "--blobs-path-style", "on"] if endpoint else place


def rules_of(bucket: Bucket) -> list[dict[str, Any]]:
    found = bucket.service.client().get_bucket_lifecycle_configuration(Bucket=bucket.name)
    rules: list[dict[str, Any]] = found["Rules"]
    return rules


def test_lifecycle_rules_are_taken_by_s3_and_expire_nothing_that_is_current(
    bucket: Bucket,
) -> None:
    """OPS-30."""
    printed = bandpro("reference", "s3-lifecycle")
    assert printed.returncode == 0
    document = json.loads(printed.stdout)
    bucket.service.client().put_bucket_lifecycle_configuration(
        Bucket=bucket.name, LifecycleConfiguration=document
    )
    rules = rules_of(bucket)
    assert {rule["ID"] for rule in rules} == {rule["ID"] for rule in document["Rules"]}
    read_at_once = {"STANDARD_IA", "GLACIER_IR"}
    for rule in rules:
        assert set(rule.get("Expiration", {})) <= {"ExpiredObjectDeleteMarker"}
        assert {step["StorageClass"] for step in rule.get("Transitions", ())} <= read_at_once


def test_doctor_tries_the_bucket_and_leaves_nothing_in_it(
    bucket: Bucket, environment: dict[str, str], tmp_path: Path
) -> None:
    """OPS-31."""
    free = ["--port", "0", "--admin-port", "0"]
    found = bandpro("doctor", *options(bucket, tmp_path), *free, env=environment)
    assert found.returncode == 0, found.stdout
    assert "made, replaced, listed and deleted one" in found.stdout
    assert bucket.stored_keys() == []
    missing = Bucket(bucket.service, "no-such-bucket-here", "")
    found = bandpro("doctor", *options(missing, tmp_path), *free, env=environment)
    assert found.returncode == 1
    assert "there is no such bucket" in " ".join(found.stdout.split())
    assert SECRET_KEY not in found.stdout + found.stderr


async def snapshot_in(bucket: Bucket) -> str:
    """The key of the first snapshot, once there is one."""
    found: list[str] = []
    async with asyncio.timeout(30):
        while not found:
            await asyncio.sleep(0.1)
            found = [key for key in bucket.stored_keys() if "/snapshots/" in key]
    return found[0]


async def test_document_that_was_compacted_into_a_bucket_is_there_after_a_restart(
    bucket: Bucket, environment: dict[str, str], tmp_path: Path
) -> None:
    """STO-3."""
    room = "band/in a bucket"
    args = [*options(bucket, tmp_path / "data"), "--compaction-tail-updates", "2"]
    async with running_server(tmp_path, env=environment, args=args) as server:
        for number in range(3):
            update = text_update("word ", client_id=number + 1)
            answer = await request(server, "POST", f"{room_path(room)}/updates", content=update)
            assert answer.status_code == 200, answer.text
        key = await snapshot_in(bucket)
    async with running_server(tmp_path, env=environment, args=args) as server:
        assert text_of(await stored_update(server, room)) == "word word word "
    tags = bucket.service.client().get_object_tagging(Bucket=bucket.name, Key=bucket.prefix + key)
    assert tags["TagSet"] == [{"Key": "bandpro-kind", "Value": "snapshot"}]
