"""Exports and imports over HTTP at a real server, done by its own tool processes."""

import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from collab.ids import UnixSeconds
from persistence.build import StoreSettings, open_stores
from tests.support.access import mint, ticket
from tests.support.http import NO_CERTIFICATES, request, room_path
from tests.support.score_api import change, make, score_path
from tests.support.server import Server, serving
from tests.support.sheet import score
from tests.support.ws_client import Member, hocuspocus, y_websocket
from workers.jobs.links import LinkSigner

ENDED = {"done", "failed", "cancelled"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("score-jobs")
    with serving(home, auth="token", args=["--rate-limits", "off"]) as running:
        yield running


@pytest.fixture
def owner(server: Server) -> str:
    return mint(server, {"**": "owner"}, subject="u-olga")


async def order_import(
    server: Server, room: str, token: str | None, file: str, form: str = "musicxml"
) -> httpx.Response:
    path = f"{score_path(room)}/imports?format={form}"
    return await request(server, "POST", path, token=token, content=file.encode())


async def order_export(
    server: Server, room: str, token: str | None, form: str, **told: object
) -> httpx.Response:
    body = {"format": form, **told}
    return await request(server, "POST", f"{score_path(room)}/exports", token=token, json=body)


async def job_of(server: Server, job_id: str, token: str | None) -> httpx.Response:
    return await request(server, "GET", f"/v1/jobs/{job_id}", token=token)


@asynccontextmanager
async def events(
    server: Server, job_id: str, token: str | None, last: str = ""
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """What is told of a job: name, id and data of each event, until the stream ends."""
    headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": last} if last else {})
    async with (
        httpx.AsyncClient(timeout=60, verify=NO_CERTIFICATES) as client,
        client.stream("GET", f"{server.url}/v1/jobs/{job_id}/events", headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _parsed(answer)


async def _parsed(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    fields: dict[str, Any] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = json.loads(value) if name == "data" else value
        elif "data" in fields:
            yield fields
            fields = {}


async def ended(server: Server, answer: httpx.Response, token: str | None) -> Mapping[str, Any]:
    """A job that was ordered, at its end."""
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    if job["state"] not in ENDED:
        async with events(server, job["job_id"], token) as told:
            job = [each async for each in told][-1]["data"]
    assert job["state"] in ENDED
    return job


async def imported(server: Server, room: str, token: str, file: str = "") -> None:
    job = await ended(server, await order_import(server, room, token, file or score()), token)
    assert job["state"] == "done", job


async def fetched(server: Server, job: Mapping[str, Any], number: int = 0) -> httpx.Response:
    """A file of a job, without a token."""
    return await request(server, "GET", job["files"][number]["url"])


@asynccontextmanager
async def people(server: Server, room: str, token: str) -> AsyncIterator[list[Member]]:
    """Somebody in a room over each protocol."""
    one_use = await ticket(server, room, token)
    url = server.hocuspocus_url
    async with (
        hocuspocus(url, room, token=token) as shared,
        y_websocket(server.collab_url, room, ticket=one_use) as own,
    ):
        yield [shared, own]


def jobs_shown_to(member: Member) -> dict[str, Any]:
    """The jobs in the awareness states that somebody has."""
    states = [state for state in member.present().values() if isinstance(state, dict)]
    return {job_id: job for state in states for job_id, job in state.get("jobs", {}).items()}


def are_shown(member: Member, jobs: set[str]) -> bool:
    """Whether somebody is shown just these jobs, and nothing else where there are none."""
    return jobs_shown_to(member).keys() == jobs and bool(member.present()) is bool(jobs)


async def test_a_score_is_imported_and_engraved_over_http(server: Server, owner: str) -> None:
    """JOB-12, JOB-14: The file comes by a link without a token, to be saved and never shown."""
    room = "jobs/Größe"
    await imported(server, room, owner, score(title="Song"))
    facts = (await request(server, "GET", score_path(room), token=owner)).json()
    assert (facts["title"], facts["origin"], facts["measures"]) == ("Song", "musicxml", 4)
    job = await ended(server, await order_export(server, room, owner, "pdf"), owner)
    assert (job["kind"], job["room"], job["format"], job["error"]) == ("export", room, "pdf", "")
    file = await fetched(server, job)
    assert file.status_code == 200
    assert file.content.startswith(b"%PDF-")
    assert len(file.content) == job["files"][0]["size_bytes"]
    assert file.headers["content-type"] == "application/pdf"
    assert file.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf"
    )
    assert file.headers["x-content-type-options"] == "nosniff"


async def test_the_same_music_is_engraved_once_for_all(server: Server, owner: str) -> None:
    """JOB-13: Whoever asks, until it is edited; and each form and part is another job."""
    room = "jobs/once"
    await imported(server, room, owner, score(2))
    reader = mint(server, {"jobs/*": "viewer"}, subject="u-rita")
    first = await ended(server, await order_export(server, room, owner, "svg"), owner)
    known = (await order_export(server, room, reader, "svg")).json()
    assert (known["job_id"], known["state"]) == (first["job_id"], "done")
    assert known["files"][0]["name"] == "once.svg"
    part = (await request(server, "GET", score_path(room), token=owner)).json()["parts"][0]
    horn = {"part": part["part_id"], "diatonic": -4, "chromatic": -7}
    written = await ended(server, await order_export(server, room, owner, "svg", **horn), owner)
    assert written["job_id"] != first["job_id"]
    assert written["files"][0]["name"] == f"once-{part['part_id']}.svg"
    assert (await fetched(server, written)).content != (await fetched(server, first)).content
    assert (await change(server, room, owner, title="Another")).is_success
    later = (await order_export(server, room, owner, "svg")).json()
    assert later["job_id"] != first["job_id"]
    assert (await order_export(server, room, owner, "svg", part="none")).status_code == 404
    unpaired = await order_export(server, room, owner, "svg", diatonic=1)
    assert unpaired.status_code == 400


async def test_who_may_not_read_a_score_neither_exports_it_nor_sees_its_jobs(
    server: Server, owner: str
) -> None:
    """JOB-12: Who asked does, and an owner of the score; nobody else is told that there is one."""
    room = "jobs/rights"
    await imported(server, room, owner, score(3))
    ann = mint(server, {"jobs/*": "viewer"}, subject="u-ann")
    ben = mint(server, {"jobs/*": "editor"}, subject="u-ben")
    out = mint(server, {"elsewhere": "owner"}, subject="u-ann")
    assert (await order_export(server, room, out, "midi")).status_code == 403
    assert (await order_import(server, "jobs/new", ann, score())).status_code == 403
    assert (await order_export(server, f"{room}/~comments", ann, "midi")).status_code == 403
    job = await ended(server, await order_export(server, room, ann, "midi"), ann)
    path = f"/v1/jobs/{job['job_id']}"
    for token, status in ((ann, 200), (owner, 200), (ben, 404), (out, 404), (None, 401)):
        for below in ("", "/events"):
            told = await request(server, "GET", path + below, token=token)
            assert told.status_code == status, (token, below)
        listed = await request(server, "GET", f"/v1/jobs?room={room}&limit=200", token=token)
        if token is not None:
            is_listed = job["job_id"] in [each["job_id"] for each in listed.json()["jobs"]]
            assert is_listed is (status == 200)
    for token, status in ((ann, 409), (ben, 404), (out, 404)):
        refused = await request(server, "POST", f"{path}/cancel", token=token)
        assert refused.status_code == status
    assert (await order_export(server, room, ben, "midi")).json()["state"] == "done"
    assert (await job_of(server, job["job_id"], ben)).status_code == 200


async def test_a_link_that_is_bent_or_over_is_refused(server: Server, owner: str) -> None:
    """JOB-9: With 403, and what is wrong with it; and nothing is left of an erased room's files."""
    room = "jobs/links"
    await imported(server, room, owner)
    job = await ended(server, await order_export(server, room, owner, "mei"), owner)
    url: str = job["files"][0]["url"]
    assert url.startswith("/v1/files/")
    bent = await request(server, "GET", url[:-4] + url[-1] * 4)
    assert (bent.status_code, bent.json()["detail"]) == (403, "the link is not valid")
    settings = StoreSettings(data_folder=server.data, read_only=True)
    async with await open_stores(settings) as stores:
        signer = LinkSigner(stores.records)
        link = await signer.read(url.rpartition("/")[2], UnixSeconds(0))
        over = await signer.sign(replace(link, expires_at=UnixSeconds(int(time.time()))))
    refused = await request(server, "GET", f"/v1/files/{over}")
    assert (refused.status_code, refused.json()["detail"]) == (403, "the link has expired")
    assert (await fetched(server, job)).status_code == 200
    erasure = f"{room_path(room)}/erasure?mode=everything"
    assert (await request(server, "POST", erasure, token=owner)).is_success
    assert (await fetched(server, job)).status_code == 404


async def test_an_import_that_cannot_be_leaves_the_room_as_it_is(
    server: Server, owner: str
) -> None:
    """JOB-15: What is there is never added to; the same file again is the same job."""
    room = "jobs/taken"
    first = await order_import(server, room, owner, score(2, title="First"))
    assert (await ended(server, first, owner))["state"] == "done"
    again = await order_import(server, room, owner, score(2, title="First"))
    assert (again.json()["job_id"], again.json()["state"]) == (first.json()["job_id"], "done")
    other = await order_import(server, room, owner, score(2, title="Other"))
    assert other.status_code == 409
    assert (await make(server, "jobs/empty", owner, title="Mine", composer="Me")).is_success
    async with people(server, "jobs/empty", owner) as members:
        await imported(server, "jobs/empty", owner, score(3))
        await members[1].until_closed()  # it comes back to the score as it is now
    filled = (await request(server, "GET", score_path("jobs/empty"), token=owner)).json()
    assert (filled["measures"], filled["origin"]) == (3, "musicxml")
    assert (filled["people"], filled["title"]) == ({"composer": "Me"}, "Mine")
    assert (await order_import(server, "jobs/empty", owner, score(4))).status_code == 409
    assert (await make(server, "jobs/begun", owner, template="solo")).is_success
    assert (await order_import(server, "jobs/begun", owner, score())).status_code == 409
    broken = await ended(
        server, await order_import(server, "jobs/broken", owner, "<score-partwise>"), owner
    )
    assert broken["state"] == "failed"
    assert "line 1" in broken["error"]
    tune = "X:1\nT:Tune\nM:4/4\nL:1/4\nK:G\nGABc|d2d2|\n"
    heard = await ended(
        server, await order_import(server, "jobs/broken", owner, tune, "abc"), owner
    )
    assert heard["state"] == "done", heard
    facts = (await request(server, "GET", score_path("jobs/broken"), token=owner)).json()
    assert (facts["title"], facts["notes"]) == ("Tune", 6)


async def test_an_import_that_comes_to_nothing_leaves_no_score_in_lists(
    server: Server, owner: str, tmp_path: Path
) -> None:
    """SCO-5: Neither while it waits, nor when it has failed or was cancelled, nor in archives."""

    async def listed(at: Server) -> list[str]:
        reader = mint(at, {"nothing/*": "viewer"})
        found = []
        for is_archived in ("false", "true"):
            path = f"/v1/scores?is_archived={is_archived}"
            page = (await request(at, "GET", path, token=reader)).json()
            found += [each["room"] for each in page["scores"]]
        return found

    failed = "nothing/failed"
    broken = await ended(server, await order_import(server, failed, owner, "<oops"), owner)
    assert broken["state"] == "failed"
    async with people(server, "nothing/seen", owner) as (shared, own):
        await shared.until(lambda: shared.synced)
        await own.until(lambda: own.synced)
        assert await listed(server) == []
    # The room is there for those who erase the file with it, and for another try.
    erasure = f"{room_path(failed)}/erasure?mode=everything"
    assert (await request(server, "POST", erasure, token=owner)).is_success
    assert await listed(server) == []
    await imported(server, failed, owner)
    assert await listed(server) == [failed]
    with serving(tmp_path, auth="token", args=["--jobs", "off"]) as idle:
        editor = mint(idle, {"nothing/*": "editor"}, subject="u-emil")
        waits = (await order_import(idle, "nothing/waits", editor, score())).json()
        assert (waits["state"], await listed(idle)) == ("waiting", [])
        path = f"/v1/jobs/{waits['job_id']}/cancel"
        cancelled = await request(idle, "POST", path, token=editor)
        assert (cancelled.json()["state"], await listed(idle)) == ("cancelled", [])


async def test_a_job_is_followed_over_a_restart_and_cancelled(server: Server, owner: str) -> None:
    """JOB-5, JOB-13, JOB-16, JOB-17: Streams end with their node; it is made while it is wanted."""
    room = "jobs/long"
    await imported(server, room, owner, score(1_500))
    ann, ben = (mint(server, {"jobs/*": "viewer"}, subject=name) for name in ("u-ann", "u-ben"))
    ordered = [await order_export(server, room, by, "png", dots_per_inch=300) for by in (ann, ben)]
    (job_id,) = {answer.json()["job_id"] for answer in ordered}
    path = f"/v1/jobs/{job_id}"
    async with events(server, job_id, ann) as told:
        async for each in told:
            assert each["data"]["job_id"] == job_id
            if each["event"] == "progress" and each["data"]["progress"]:
                break
        assert each["data"]["progress"]["total"] > 5
        left = await request(server, "POST", f"{path}/cancel", token=ann)
        assert left.json()["state"] == "running"
        await server.terminate()
        assert not {one["event"] async for one in told} - {"progress", "waiting"}
    await server.start()
    assert (await job_of(server, job_id, ann)).status_code == 404
    assert (await request(server, "POST", f"{path}/cancel", token=ben)).is_success
    async with events(server, job_id, ben, last=each["id"]) as told:
        rest = [one async for one in told]
    assert rest[-1]["event"] == "cancelled"
    assert min(int(one["id"]) for one in rest) > int(each["id"])
    assert not rest[-1]["data"]["files"]
    again = await order_export(server, room, ann, "png", dots_per_inch=300)
    assert (again.json()["job_id"], again.json()["error"]) == (job_id, "")
    assert again.json()["state"] in {"waiting", "running"}
    async with people(server, room, ann) as members:
        for member in members:  # who joined when it was under way already
            await member.until(partial(are_shown, member, {job_id}))
            (told_of,) = jobs_shown_to(member).values()
            assert (told_of["kind"], told_of["format"]) == ("export", "png")
        assert (await request(server, "POST", f"{path}/cancel", token=owner)).is_success
        for member in members:
            await member.until(partial(are_shown, member, set()))
