"""What jobs are promised, over every store that they may be kept in."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest

from collab.errors import LeaseLost, LimitExceeded, StateConflict
from collab.ids import NO_ROOM, BlobKey, Subject, UnixSeconds
from collab.ports import RecordKind
from persistence.build import Stores
from persistence.capture import other_blobs, room_blobs, room_records
from tests.contract.backends import StoreUnderTest
from tests.contract.conftest import ROOM
from workers.jobs.inputs import order_with_input
from workers.jobs.job import NOTICES, Job, JobOrder, JobState, Priority
from workers.jobs.ledger import JobLedger, JobRules
from workers.jobs.links import Link, LinkSigner
from workers.jobs.ports import Claim, Done, Failed, GivenBack, Stopped

RULES = JobRules(attempts_max=3, lease_s=10, waiting_max=5)
RESULT = {"files": [{"key": "exports/a-1.pdf"}]}


@dataclass
class Time:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ledger(stores: Stores, time: Time) -> JobLedger:
    return JobLedger(stores.records, stores.blobs, RULES, time)


def order(key: str, subject: str = "ann", priority: Priority = Priority.NORMAL) -> JobOrder:
    return JobOrder("convert", key, Subject(subject), {"key": key}, priority)


async def claimed(ledger: JobLedger) -> Claim:
    claim = await ledger.claim()
    assert claim is not None
    return claim


async def turns_left(stores: Stores) -> int:
    return len(await stores.records.list(RecordKind.JOB_TURN, NO_ROOM, after=None, limit=100))


async def test_a_job_that_was_asked_for_outlives_the_process(
    store: StoreUnderTest, time: Time
) -> None:
    """JOB-2: And is the same one when it is asked for again."""
    async with await store.open() as stores:
        ledger = JobLedger(stores.records, stores.blobs, RULES, time)
        asked = await ledger.submit(order("a"))
    async with await store.open() as stores:
        ledger = JobLedger(stores.records, stores.blobs, RULES, time)
        assert await ledger.get(asked.job_id) == asked
        assert await ledger.submit(order("a")) == asked
        assert (await claimed(ledger)).job.payload == {"key": "a"}
        assert await ledger.claim() is None


async def test_a_job_is_done_once_by_whoever_asks_at_the_same_time(
    stores: Stores, ledger: JobLedger
) -> None:
    """JOB-2: Ten ask for one job, ten claim it; one gets it, and it leaves no turn behind."""
    asked = await asyncio.gather(*(ledger.submit(order("a", f"s{n}")) for n in range(10)))
    assert len({job.job_id for job in asked}) == 1
    claims = [each for each in await asyncio.gather(*(ledger.claim() for _ in range(10))) if each]
    assert len(claims) == 1
    assert (await ledger.settle(claims[0], Done(RESULT))).state is JobState.DONE
    assert await ledger.submit(order("a")) == await ledger.get(asked[0].job_id)
    assert await ledger.claim() is None
    assert await turns_left(stores) == 0


async def test_a_job_comes_up_again_when_its_worker_is_silent(
    ledger: JobLedger, time: Time
) -> None:
    """JOB-4: And the silent one can change nothing of it any more."""
    await ledger.submit(order("a"))
    silent = await claimed(ledger)
    time.now += 9
    assert await ledger.claim() is None
    time.now += 2
    other = await claimed(ledger)
    assert other.job.attempt == 2
    for act in (ledger.renew(silent, (1, 2)), ledger.settle(silent, Done({"stale": True}))):
        with pytest.raises(LeaseLost):
            await act
    assert (await ledger.settle(other, Done(RESULT))).result == RESULT
    with pytest.raises(LeaseLost):
        await ledger.settle(silent, Failed("late", None))


async def test_a_worker_that_is_heard_of_keeps_its_job(ledger: JobLedger, time: Time) -> None:
    """JOB-4: And what it tells of progress is there for all to see."""
    await ledger.submit(order("a"))
    claim = await claimed(ledger)
    for done in range(1, 5):
        time.now += 9
        claim = await ledger.renew(claim, (done, 5))
        assert await ledger.claim() is None
        seen = await ledger.get(claim.job.job_id)
        assert seen is not None
        assert seen.progress == (done, 5)


async def test_a_job_that_fails_is_tried_again_later_and_then_kept_as_failed(
    stores: Stores, ledger: JobLedger, time: Time
) -> None:
    """JOB-3: Three attempts; then a dead letter, which can be revived."""
    await ledger.submit(order("a"))
    for attempt in (1, 2):
        claim = await claimed(ledger)
        assert claim.job.attempt == attempt
        job = await ledger.settle(claim, Failed("no luck", 5))
        assert (job.state, job.error) == (JobState.WAITING, "no luck")
        time.now += 4
        assert await ledger.claim() is None
        time.now += 2
    failed = await ledger.settle(await claimed(ledger), Failed("no luck", 5))
    assert failed.state is JobState.FAILED
    time.now += 100
    assert await ledger.claim() is None
    assert await turns_left(stores) == 0
    assert [job.error for job in await ledger.list(after=None, limit=10)] == ["no luck"]
    revived = await ledger.revive(failed.job_id)
    assert revived is not None
    assert (await claimed(ledger)).job.attempt == 1
    with pytest.raises(StateConflict):
        await ledger.revive(failed.job_id)


async def test_a_job_that_kills_its_workers_ends_as_failed(ledger: JobLedger, time: Time) -> None:
    """JOB-3: Nobody ever tells what happened to it."""
    asked = await ledger.submit(order("a"))
    for _ in range(3):
        await claimed(ledger)
        time.now += 11
    assert await ledger.claim() is None
    job = await ledger.get(asked.job_id)
    assert job is not None
    assert (job.state, job.error) == (JobState.FAILED, "its workers ended without a word")


async def test_what_would_fail_again_is_not_tried_again(ledger: JobLedger) -> None:
    """JOB-3."""
    await ledger.submit(order("a"))
    assert (await ledger.settle(await claimed(ledger), Failed("bad", None))).state == "failed"


async def test_a_job_is_cancelled_before_and_while_it_is_done(
    stores: Stores, ledger: JobLedger
) -> None:
    """JOB-5."""
    waiting = await ledger.submit(order("a"))
    cancelled = await ledger.cancel(waiting.job_id)
    assert cancelled is not None
    assert cancelled.state is JobState.CANCELLED
    assert await ledger.claim() is None
    running = await ledger.submit(order("b"))
    claim = await claimed(ledger)
    await ledger.cancel(running.job_id)
    claim = await ledger.renew(claim, None)
    assert claim.job.wants_stop
    assert (await ledger.settle(claim, Stopped())).state is JobState.CANCELLED
    with pytest.raises(StateConflict):
        await ledger.cancel(running.job_id)
    assert await ledger.cancel(order("never").job_id) is None
    assert await turns_left(stores) == 0


async def test_a_job_that_is_given_back_is_taken_at_once(ledger: JobLedger) -> None:
    """JOB-4: It was not the job's fault."""
    await ledger.submit(order("a"))
    await ledger.settle(await claimed(ledger), GivenBack())
    assert (await claimed(ledger)).job.attempt == 1


async def test_subjects_take_turns_within_a_priority(ledger: JobLedger) -> None:
    """JOB-6: Ann asked for four before Bob asked for two; what somebody waits for goes first."""
    for number in range(4):
        await ledger.submit(order(f"ann{number}"))
    await claimed(ledger)  # ann0 is under way
    for number in range(2):
        await ledger.submit(order(f"bob{number}", "bob"))
    await ledger.submit(order("bulk", "cid", Priority.LOW))
    await ledger.submit(order("now", "dan", Priority.HIGH))
    came = [(await claimed(ledger)).job.payload["key"] for _ in range(7)]
    assert came[0] == "now"
    assert came[-1] == "bulk"
    assert [key for key in came if key.startswith("ann")] == ["ann1", "ann2", "ann3"]
    assert came.index("bob0") < came.index("ann2")
    assert came.index("bob1") < came.index("ann3")


async def test_one_subject_cannot_fill_the_queue(ledger: JobLedger) -> None:
    """JOB-6: Five may wait; the others are served all the same, and a place is free again later."""
    for number in range(5):
        await ledger.submit(order(str(number)))
    with pytest.raises(LimitExceeded) as caught:
        await ledger.submit(order("one too many"))
    assert caught.value.limit == "jobs_waiting_max"
    await ledger.submit(order("other", "bob"))
    await ledger.settle(await claimed(ledger), Done(RESULT))
    await ledger.settle(await claimed(ledger), Done(RESULT))
    await ledger.submit(order("now it fits"))


async def test_a_job_that_several_want_is_cancelled_by_the_last(ledger: JobLedger) -> None:
    """JOB-13: Each for themselves; and whoever has the store's keys for all of them."""
    job = await ledger.submit(order("a"))
    both = await ledger.submit(order("a", "ben"))
    assert (both.job_id, both.askers) == (job.job_id, ("ann", "ben"))
    left = await ledger.cancel(job.job_id, Subject("ann"))
    assert left is not None
    assert (left.state, left.askers) == (JobState.WAITING, ("ben",))
    await ledger.submit(order("a"))
    gone = await ledger.cancel(job.job_id)
    assert gone is not None
    assert gone.state is JobState.CANCELLED
    assert await ledger.claim() is None


async def test_a_job_that_is_refused_leaves_no_file(stores: Stores, ledger: JobLedger) -> None:
    """JOB-6: Nobody would ever delete what it was to work on."""
    for number in range(RULES.waiting_max):
        await ledger.submit(order(str(number)))
    with pytest.raises(LimitExceeded):
        await order_with_input(ledger, stores.blobs, order("more"), ("exports",), b"score")
    assert await stores.blobs.list("exports/", after=None, limit=1) == ()


async def test_jobs_that_ended_are_forgotten_with_their_files(
    stores: Stores, ledger: JobLedger, time: Time
) -> None:
    """JOB-7: Not those that wait, nor those that ended since."""
    done = await ledger.submit(order("a"))
    await stores.blobs.create(BlobKey("exports/a-1.pdf"), b"%PDF")
    await ledger.settle(await claimed(ledger), Done(RESULT))
    waiting = await ledger.submit(order("b"))
    assert await ledger.forget(before=time.now) == 0
    time.now += 10
    assert await ledger.forget(before=time.now) == 1
    assert await ledger.get(done.job_id) is None
    assert await ledger.get(waiting.job_id) == waiting
    assert await stores.blobs.read(BlobKey("exports/a-1.pdf")) is None


async def test_many_workers_do_each_job_once(ledger: JobLedger) -> None:
    """JOB-2: Thirty jobs, six workers, no time passing."""
    for number in range(30):
        await ledger.submit(order(str(number), f"s{number}"))
    did: Counter[str] = Counter()

    async def work() -> None:
        while (claim := await ledger.claim()) is not None:
            did[claim.job.payload["key"]] += 1
            await ledger.settle(claim, Done({}))

    await asyncio.gather(*(work() for _ in range(6)))
    # A worker that lost a race may have seen nothing due; what is left is taken by the next look.
    await work()
    assert did == {str(number): 1 for number in range(30)}
    jobs: list[Job] = list(await ledger.list(after=None, limit=100))
    assert {job.state for job in jobs} == {JobState.DONE}


async def test_copies_of_a_store_leave_jobs_and_their_files_out(
    stores: Stores, ledger: JobLedger
) -> None:
    """JOB-11: Of the whole store and of a room; what else is there is taken."""
    await ledger.submit(order("a"))
    await LinkSigner(stores.records).sign(Link(BlobKey("a"), "a", "b/c", UnixSeconds(1)))
    mine, others = f"rooms/{ROOM}/1/exports/a-1.pdf", f"rooms/{ROOM}/1/archives/a"
    for key in ("exports/a-1.pdf", "archives/a", mine, others):
        await stores.blobs.create(BlobKey(key), b"%PDF")
    kinds = {kind async for kind, _ in room_records(stores, NO_ROOM)}
    assert not {kind for kind in kinds if kind.startswith(("job", "link"))}
    assert {info.key async for info in other_blobs(stores)} == {"archives/a"}
    assert {info.key async for info in room_blobs(stores, ROOM)} == {others}


async def test_notices_are_claimed_beside_other_jobs_and_never_refused(
    stores: Stores, ledger: JobLedger, time: Time
) -> None:
    """JOB-6: Neither runner sees what is the other's; no notice is refused, however many wait."""
    notices = JobLedger(stores.records, stores.blobs, RULES, time, NOTICES)
    await ledger.submit(order("work", priority=Priority.LOW))
    for number in range(RULES.waiting_max + 1):
        await ledger.submit(order(f"told {number}", priority=Priority.NOTICE))
    assert (await claimed(ledger)).job.payload == {"key": "work"}
    assert await ledger.claim() is None
    told = [(await claimed(notices)).job.payload["key"] for _ in range(RULES.waiting_max + 1)]
    assert told == [f"told {number}" for number in range(RULES.waiting_max + 1)]
    assert await notices.claim() is None
