"""Jobs in real processes: conversions, kills, and messages over Redis and SQS."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import botocore.session
import pytest
from taskiq import AsyncBroker

from collab.errors import AccessDenied, ToolFailed
from collab.ids import FIRST_EPOCH, BlobKey, Subject, UnixSeconds, room_key, room_name
from gateway.auth.build import SYSTEM_CLOCKS
from gateway.jobs import Jobs
from gateway.observe.metrics import Metrics
from gateway.rooms.new_scores import NewScores, NoLiveRooms
from gateway.settings import Settings, load_settings
from gateway.store_settings import store_settings
from persistence.build import Stores, StoreSettings, open_stores
from persistence.manifests import ensure_manifest
from persistence.offload import Offload
from persistence.score_record import read_score_record
from tests.support.command import BANDPRO, bandpro, fresh_environment
from tests.support.counts import proving, repeats
from tests.support.job_worker import KIND, RULES
from tests.support.redis_server import RedisServer, redis_server
from tests.support.s3 import URL_VARIABLE, s3
from tests.support.server import running_server
from tests.support.sheet import score
from tests.support.store_passage import PassedBlobs
from workers.convert import Converter
from workers.formats import Format
from workers.jobs.brokers import BrokerChoice, build_broker
from workers.jobs.conversions import ConversionHandler, ConversionRequest, order_conversion
from workers.jobs.imports import ImportRequest, order_import
from workers.jobs.job import Job, JobOrder, JobState
from workers.jobs.ledger import JobLedger
from workers.jobs.links import Link, LinkSigner
from workers.jobs.ports import Failed
from workers.jobs.turns import Turns

ANN = Subject("ann")
T = TypeVar("T")


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with await open_stores(StoreSettings(data_folder=tmp_path / "data")) as opened:
        yield opened


@asynccontextmanager
async def jobs_of(settings: Settings, stores: Stores) -> AsyncIterator[Jobs]:
    async with aclosing(Offload()) as offload:
        wall, size_max = SYSTEM_CLOCKS.wall, settings.document_bytes_max
        maker = NewScores(stores, NoLiveRooms(), offload, wall, size_max)
        async with aclosing(Jobs(settings, stores, Metrics(), maker)) as made:
            yield made


@pytest.fixture
async def jobs(stores: Stores) -> AsyncIterator[Jobs]:
    async with jobs_of(load_settings({}), stores) as made:
        yield made


async def known(ledger: JobLedger, job: Job) -> Job:
    found = await ledger.get(job.job_id)
    assert found is not None
    return found


async def ended(ledger: JobLedger, job: Job, within_s: float = 60) -> Job:
    async with asyncio.timeout(within_s):
        while True:
            seen = await known(ledger, job)
            if seen.is_final:
                return seen
            await asyncio.sleep(0.02)


def request(target: Format, data: str = "", **more: Any) -> ConversionRequest:  # noqa: ANN401 - of the request
    return ConversionRequest(ANN, (data or score()).encode(), Format.MUSICXML, target, **more)


async def test_a_conversion_is_done_once_for_each_state_of_a_document(
    stores: Stores, jobs: Jobs
) -> None:
    """JOB-2: Its file is below the room's key; the same state is not engraved again."""
    room = room_key(room_name("band/song"))
    place: dict[str, Any] = {
        "folder": ("rooms", room, "1", "exports"),
        "state": "7",
        "name": "song",
    }
    job = await order_conversion(jobs.ledger, stores.blobs, request(Format.PDF, **place))
    jobs.start()
    await jobs.tell()
    done = await ended(jobs.ledger, job)
    assert done.state is JobState.DONE, done.error
    (file,) = (done.result or {})["files"]
    assert (file["name"], file["media_type"]) == ("song.pdf", "application/pdf")
    assert file["key"].startswith(f"rooms/{room}/1/exports/")
    blob = await stores.blobs.read(BlobKey(file["key"]))
    assert blob is not None
    assert blob.data.startswith(b"%PDF-")
    assert len(blob.data) == file["size_bytes"]
    same = await order_conversion(jobs.ledger, stores.blobs, request(Format.PDF, score(9), **place))
    assert same == done
    later = await order_conversion(
        jobs.ledger, stores.blobs, request(Format.SVG, score(150), **(place | {"state": "8"}))
    )
    await jobs.tell()
    pages = (await ended(jobs.ledger, later)).result or {}
    assert [each["name"] for each in pages["files"]][:2] == ["song-1.svg", "song-2.svg"]


async def test_a_score_that_cannot_be_converted_is_a_failed_job(stores: Stores, jobs: Jobs) -> None:
    """JOB-3: At the first attempt, with what is wrong with it."""
    job = await order_conversion(jobs.ledger, stores.blobs, request(Format.PDF, "<score-partwise>"))
    jobs.start()
    failed = await ended(jobs.ledger, job)
    assert (failed.state, failed.attempt) == (JobState.FAILED, 1)
    assert "not well-formed XML" in failed.error


async def test_what_is_made_of_a_room_goes_when_that_is_erased_meanwhile(
    stores: Stores, jobs: Jobs
) -> None:
    """JOB-14: Also when it was written after the erasure had deleted all that there was."""
    folder = ("rooms", room_key(room_name("band/song")), "1", "exports")
    job = await order_conversion(jobs.ledger, stores.blobs, request(Format.MXL, folder=folder))

    class Erasing:
        """Erases the room when the conversion is done and its file is written."""

        async def through(self, call: str, work: Callable[[], Awaitable[T]]) -> T:
            if call == "blobs.create":
                await stores.blobs.delete(BlobKey(job.payload["input"]))
            return await work()

    blobs = PassedBlobs(stores.blobs, Erasing())
    async with aclosing(Converter()) as converter:
        with pytest.raises(ToolFailed, match="gone"):
            await ConversionHandler(converter, blobs)(job, lambda _done, _total: None)
    assert await stores.blobs.list("rooms/", after=None, limit=1) == ()


async def test_a_link_is_good_for_one_file_and_a_while(stores: Stores) -> None:
    """JOB-9: On every node of the store; nothing in it can be changed."""
    link = Link(BlobKey("exports/a-1.pdf"), "Größe.pdf", "application/pdf", UnixSeconds(100))
    token = await LinkSigner(stores.records).sign(link)
    other = LinkSigner(stores.records)
    assert await other.read(token, UnixSeconds(99)) == link
    with pytest.raises(AccessDenied, match="expired"):
        await other.read(token, UnixSeconds(100))
    content, _, mac = token.partition(".")
    forged = [token[:-2] + "AA", mac + "." + content, "B" + token, content, "", "é.é", "a" * 9_999]
    for each in forged:
        with pytest.raises(AccessDenied, match="not valid"):
            await other.read(each, UnixSeconds(99))


async def test_a_server_does_what_was_asked_for_before_it_was_started(tmp_path: Path) -> None:
    """JOB-2: And one that was killed meanwhile; with jobs off it leaves them to others."""
    settings = StoreSettings(data_folder=tmp_path / "data")
    async with await open_stores(settings) as stores:
        ledger = JobLedger(stores.records, stores.blobs)
        job = await order_conversion(ledger, stores.blobs, request(Format.MIDI))
    async with running_server(tmp_path, args=["--jobs", "off"]):
        await asyncio.sleep(0)
    reading = replace(settings, read_only=True)
    async with running_server(tmp_path), await open_stores(reading) as stores:
        seen = JobLedger(stores.records, stores.blobs)
        done = await ended(seen, job)
    assert (done.state, done.attempt) == (JobState.DONE, 1)


async def test_jobs_are_listed_shown_cancelled_and_revived(tmp_path: Path) -> None:
    """JOB-10: From the folder of a server that is not running; listing also while it is in use."""
    settings = StoreSettings(data_folder=tmp_path / "data")
    async with await open_stores(settings) as stores:
        ledger = JobLedger(stores.records, stores.blobs)
        bad = await ledger.submit(JobOrder("convert", "bad", ANN))
        claim = await ledger.claim()
        assert claim is not None
        await ledger.settle(claim, Failed("no score\x1b[2J", None))
        waiting = await ledger.submit(JobOrder("convert", "later", ANN))
        listed = await asyncio.to_thread(bandpro, "jobs", "list", "--state", "failed", cwd=tmp_path)
        assert listed.returncode == 0, listed.stderr
        assert bad.job_id in listed.stdout
        assert "no score\\u001b[2J" in listed.stdout
        assert waiting.job_id not in listed.stdout
    assert "cancelled" in bandpro("jobs", "cancel", waiting.job_id, cwd=tmp_path).stdout
    assert "waits again" in bandpro("jobs", "revive", bad.job_id, cwd=tmp_path).stdout
    shown = json.loads(bandpro("jobs", "show", bad.job_id, cwd=tmp_path).stdout)
    assert (shown["state"], shown["attempt"], shown["error"]) == ("waiting", 0, "")
    refused = bandpro("jobs", "cancel", "0" * 40, cwd=tmp_path)
    assert refused.returncode == 2
    assert "there is no job" in refused.stderr


class Workers:
    """Processes that do jobs of a folder, and die at any moment."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._running = [self._start() for _ in range(count)]
        self.kills = 0

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.job_worker", str(self._folder)]
        return subprocess.Popen(
            command, env=fresh_environment(), cwd=Path(__file__).parents[2], stdout=subprocess.PIPE
        )

    def ready(self) -> None:
        for process in self._running:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"

    def kill_one(self) -> None:
        at = random.randrange(len(self._running))
        self._end(self._running[at])
        self._running[at] = self._start()
        self.kills += 1

    def end(self) -> None:
        for process in self._running:
            self._end(process)

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()


async def ask(ledger: JobLedger, count: int) -> list[Job]:
    """Jobs of seven people, one after the other."""
    return [
        await ledger.submit(
            JobOrder(KIND, str(number), Subject(f"s{number % 7}"), {"text": f"t{number}"})
        )
        for number in range(count)
    ]


@pytest.mark.prove
@pytest.mark.slow
async def test_workers_that_are_killed_at_any_moment_lose_and_double_no_job(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """JOB-2, JOB-4: Every job ends as done, with one file that says what was asked for."""
    count, kills_max = repeats(60, proof=1_000), repeats(3, proof=60)
    async with await open_stores(StoreSettings(data_folder=tmp_path, shared=True)) as stores:
        ledger = JobLedger(stores.records, stores.blobs, RULES)
        workers = Workers(tmp_path, repeats(2, proof=3))
        try:
            workers.ready()
            asking = asyncio.create_task(ask(ledger, count))
            while True:
                await asyncio.sleep(random.uniform(0.02, 0.6 if proving() else 0.15))
                if workers.kills < kills_max:
                    workers.kill_one()
                if asking.done() and all(
                    [(await known(ledger, job)).is_final for job in await asking]
                ):
                    break
            asked = await asking
        finally:
            workers.end()
        attempts = 0
        for number, job in enumerate(asked):
            done = await known(ledger, job)
            assert done.state is JobState.DONE
            (file,) = (done.result or {})["files"]
            blob = await stores.blobs.read(BlobKey(file["key"]))
            assert blob is not None
            assert blob.data == f"t{number}".encode()
            attempts += done.attempt
        assert len(await stores.blobs.list("exports/", after=None, limit=count + 1)) == count
    record_property("jobs", count)
    record_property("kills", workers.kills)
    record_property("attempts", attempts)
    assert workers.kills >= repeats(2, proof=30)


async def heard(broker: Callable[[str], AsyncBroker], count: int) -> dict[str, int]:
    """Tell one thing after the other, and see who hears of it."""
    hearers = {"a": 0, "b": 0}
    everything = asyncio.Event()

    def hearing(name: str) -> Turns:
        async def take() -> None:
            hearers[name] += 1
            if sum(hearers.values()) >= count:
                everything.set()
            await asyncio.sleep(0.05)

        return Turns(broker(name), take)

    teller = Turns(broker("teller"), None)
    await teller.tell()  # before anybody listens
    turns = [hearing(name) for name in hearers]
    tasks = [asyncio.create_task(each.hear()) for each in turns]
    for _ in range(count - 1):
        await teller.tell()
    async with asyncio.timeout(30):
        await everything.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for each in (teller, *turns):
        with suppress(Exception):
            await each.aclose()
    return hearers


async def test_workers_hear_of_jobs_over_redis(tmp_path: Path) -> None:
    """JOB-8: Each message is one worker's, also those from before any was there."""
    with redis_server(tmp_path) as redis:
        hearers = await heard(lambda name: build_broker(BrokerChoice(redis.url, name)), 10)
    assert sum(hearers.values()) == 10
    assert min(hearers.values()) > 0


async def test_a_redis_that_is_away_holds_nobody_up(tmp_path: Path) -> None:
    """JOB-8: Telling ends, hearing tries again; the jobs are in the store."""
    redis = RedisServer(tmp_path)
    told = Turns(build_broker(BrokerChoice(redis.url, "a")), None)
    async with asyncio.timeout(10):
        await told.tell()


async def test_workers_hear_of_jobs_after_their_redis_was_emptied(tmp_path: Path) -> None:
    """JOB-8: What they had set up there is gone with everything else; they set it up anew."""
    heard_of = asyncio.Event()

    async def take() -> None:
        heard_of.set()

    with redis_server(tmp_path) as redis:
        turns = Turns(build_broker(BrokerChoice(redis.url, "a")), take)
        teller = Turns(build_broker(BrokerChoice(redis.url, "teller")), None)
        hearing = asyncio.create_task(turns.hear())
        async with asyncio.timeout(60):
            for _ in range(2):
                await teller.tell()
                await heard_of.wait()
                heard_of.clear()
                redis.flush()
            await teller.tell()
            await heard_of.wait()
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        await turns.aclose()
        await teller.aclose()


async def test_workers_hear_of_jobs_over_sqs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JOB-8: Over a queue that an operator made."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "of-a-test")
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    with s3(tmp_path) as service:
        assert service.endpoint is not None
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", service.endpoint)
        client = botocore.session.get_session().create_client(
            "sqs", endpoint_url=service.endpoint, region_name="eu-west-1"
        )
        client.create_queue(QueueName="turns")
        url = "sqs://eu-west-1/turns"
        hearers = await heard(lambda name: build_broker(BrokerChoice(url, name)), 6)
    assert sum(hearers.values()) == 6


async def test_a_worker_beside_a_store_does_what_was_asked_for(tmp_path: Path) -> None:
    """JOB-8: `bandpro worker`, told over Redis of a conversion and an import, until its end."""
    room = room_name("band/imported")

    async def told(stores: Stores, jobs: Jobs) -> None:
        blobs = stores.blobs
        await ensure_manifest(stores, room)
        song = ImportRequest(ANN, room, FIRST_EPOCH, Format.MUSICXML, score(title="Song").encode())
        ordered = [
            await order_conversion(jobs.ledger, blobs, request(Format.MIDI)),
            await order_import(jobs.ledger, blobs, song),
        ]
        await jobs.tell()
        for job in ordered:
            assert (await ended(jobs.ledger, job)).state is JobState.DONE
        record = await read_score_record(stores, room)
        assert (record.title, record.created_by, record.origin) == ("Song", "ann", "musicxml")

    key = tmp_path / "bus.key"
    key.write_text("k" * 40)
    with redis_server(tmp_path) as redis:
        options = {"data": str(tmp_path / "data"), "bus": redis.url, "bus_key_file": str(key)}
        settings = load_settings({**options, "jobs": "off"})
        command = [BANDPRO, "worker"]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", value]
        async with await open_stores(store_settings(settings)) as stores:
            worker = subprocess.Popen(  # noqa: ASYNC220 - begun in an instant
                command, env=fresh_environment(), stderr=subprocess.PIPE
            )
            try:
                async with jobs_of(settings, stores) as jobs:
                    await told(stores, jobs)
            finally:
                worker.terminate()
                _, said = await asyncio.to_thread(worker.communicate)
    assert worker.returncode == 0, said
    assert b"jobs.worker_stopped" in said
    assert b"taskiq" not in said


def test_a_worker_needs_a_store_that_it_can_share(tmp_path: Path) -> None:
    """JOB-8: Said before anything is opened."""
    refused = bandpro("worker", "--data", str(tmp_path / "data"))
    assert refused.returncode == 2
    assert "share" in refused.stderr
    assert not (tmp_path / "data").exists()
