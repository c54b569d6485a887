"""What may happen to a job, held against its table."""

from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest

from collab.errors import LimitExceeded, StateConflict
from collab.ids import RecordId, Subject
from workers.jobs.job import Job, JobId, JobOrder, JobState, Priority

W, R, D, F, C = (
    JobState.WAITING,
    JobState.RUNNING,
    JobState.DONE,
    JobState.FAILED,
    JobState.CANCELLED,
)

ANN, BEN = Subject("ann"), Subject("ben")

EVENTS: dict[str, Callable[[Job], Job]] = {
    "claimed": lambda job: job.claimed(9, attempts_max=3),
    "claimed too often": lambda job: replace(job, attempt=3).claimed(9, attempts_max=3),
    "claimed unwanted": lambda job: replace(job, wants_stop=True).claimed(9, attempts_max=3),
    "progressed": lambda job: job.progressed(1, 2, 9),
    "done": lambda job: job.finished({"files": []}, 9),
    "failed": lambda job: job.failed("why", 9, again=True),
    "failed for good": lambda job: job.failed("why", 9, again=False),
    "cancelled": lambda job: job.cancelled(9),
    "asked again": lambda job: job.asked_again(BEN, 9),
    "withdrawn": lambda job: job.withdrawn(ANN, 9),
    "withdrawn by one of two": lambda job: replace(job, askers=(ANN, BEN)).withdrawn(ANN, 9),
    "stopped": lambda job: job.stopped(9),
    "given back": lambda job: job.given_back(9),
    "revived": lambda job: job.revived(RecordId("1.2.3"), 9),
}
TABLE: dict[tuple[JobState, str], JobState] = {
    (W, "claimed"): R,
    (W, "claimed too often"): F,
    (W, "claimed unwanted"): C,
    (W, "cancelled"): C,
    (W, "asked again"): W,
    (W, "withdrawn"): C,
    (W, "withdrawn by one of two"): W,
    (R, "asked again"): R,
    (R, "withdrawn"): R,
    (R, "withdrawn by one of two"): R,
    (D, "asked again"): D,
    (F, "asked again"): F,
    (C, "asked again"): C,
    (R, "claimed"): R,
    (R, "claimed too often"): F,
    (R, "claimed unwanted"): C,
    (R, "progressed"): R,
    (R, "cancelled"): R,
    (R, "done"): D,
    (R, "failed"): W,
    (R, "failed for good"): F,
    (R, "stopped"): C,
    (R, "given back"): W,
    (F, "revived"): W,
    (C, "revived"): W,
}


def job(state: JobState) -> Job:
    order = JobOrder("convert", "key", ANN)
    return Job(
        order.job_id,
        order.kind,
        order.subject,
        {"a": [1]},
        Priority.LOW,
        RecordId("2.7.x"),
        created_at=1.5,
        changed_at=2.5,
        state=state,
        attempt=1,
        askers=(ANN,),
    )


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("event", EVENTS)
def test_a_job_goes_the_ways_of_its_table_and_no_other(state: JobState, event: str) -> None:
    """JOB-1."""
    expected = TABLE.get((state, event))
    if expected is None:
        with pytest.raises(StateConflict):
            EVENTS[event](job(state))
    else:
        became = EVENTS[event](job(state))
        assert became.state is expected
        assert became.changed_at == 9


def test_a_job_is_wanted_until_the_last_who_asked_does_not_want_it() -> None:
    """JOB-13: Whoever asks while it is being stopped has it go on; there is room for 200."""
    both = job(R).asked_again(BEN, 9)
    assert both.askers == (ANN, BEN)
    assert both.asked_again(ANN, 10) is both
    left = both.withdrawn(ANN, 9)
    assert (left.askers, left.wants_stop) == ((BEN,), False)
    nobody = left.withdrawn(BEN, 9)
    assert (nobody.askers, nobody.wants_stop) == ((BEN,), True)
    assert not nobody.asked_again(BEN, 9).wants_stop
    many = replace(both, askers=tuple(Subject(f"u{number}") for number in range(200)))
    with pytest.raises(LimitExceeded):
        many.asked_again(ANN, 9)
    old = orjson.loads(both.encode())
    del old["askers"]
    assert Job.decode(both.job_id, 1, orjson.dumps(old)).askers == (ANN,)


def test_attempts_are_counted_when_they_begin() -> None:
    """JOB-3: Giving back takes one off again, reviving begins anew; a stop is asked for once."""
    begun = job(W).claimed(9, attempts_max=3)
    assert (begun.attempt, begun.progress) == (2, None)
    assert begun.given_back(9).attempt == 1
    assert job(F).revived(RecordId("1"), 9).attempt == 0
    asked = begun.cancelled(9)
    assert asked.wants_stop
    assert job(C).revived(RecordId("1"), 9).wants_stop is False
    dead = replace(job(R), attempt=3).claimed(9, attempts_max=3)
    assert dead.error == "its workers ended without a word"


def test_what_is_recorded_comes_back() -> None:
    """JOB-2."""
    known = replace(
        job(R), progress=(3, 7), result={"files": [{"key": "a"}]}, error="é", revision=4
    )
    assert Job.decode(known.job_id, 4, known.encode()) == known


def test_errors_are_cut() -> None:
    """JOB-3."""
    assert len(job(R).failed("x" * 10_000, 9, again=False).error) == 400


def test_a_key_is_a_job() -> None:
    """JOB-2: Whoever asks; of another kind it is another one."""
    one = JobOrder("convert", "key", Subject("ann"))
    assert one.job_id == JobOrder("convert", "key", Subject("bob"), {"x": 1}, Priority.HIGH).job_id
    assert one.job_id != JobOrder("notify", "key", Subject("ann")).job_id
    assert one.job_id != JobOrder("convert", "key2", Subject("ann")).job_id
    assert JobId(one.job_id).isalnum()
