"""Mails to a real mail server in every mood, and digests under a clock of the test's own."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path

import pytest

from collab.errors import AccessDenied
from collab.ids import RoomName, Subject, UnixSeconds
from persistence.build import KeySettings, StoreSettings, open_stores
from persistence.memory import MemoryStore
from tests.support.certificates import self_signed
from tests.support.mail_sink import MailSink, Mood, mail_sink, parsed, text_of
from workers.jobs.job import NOTICES, Job, JobOrder, JobState
from workers.jobs.ledger import JobLedger, JobRules
from workers.jobs.runner import JobRunner, WorkPace
from workers.notices import smtp
from workers.notices.digests import DigestBook
from workers.notices.events import Event, EventKind, event_id_of
from workers.notices.letters import Letter, sentence_of
from workers.notices.mails import KIND, MailHandler, Mails, MailSite
from workers.notices.preferences import (
    InvalidAddress,
    Period,
    checked_address,
    period_end,
    person_of,
)
from workers.notices.smtp import MailNotSent, MailServer, MailTls

ANN, BOB = Subject("ann"), Subject("bob")
SENDER = Address("BandPro", addr_spec="noreply@bandpro.example")
SITE = MailSite("https://bandpro.example", "/v1/confirm/", "/v1/unsubscribe/")
PACE = WorkPace(beat_s=0.01, look_s=0.02, again_s=0.001, again_s_max=0.002, forget_s=1e9)
NOON = 1_767_614_400.0  # Monday, 5 January 2026, 12:00 UTC
DAY_S = 86_400


@pytest.fixture(scope="module")
def shared_sink() -> Iterator[MailSink]:
    with mail_sink() as running:
        yield running


@pytest.fixture
def sink(shared_sink: MailSink) -> MailSink:
    shared_sink.mood = Mood.GOOD
    shared_sink.taken.clear()
    shared_sink.connections = 0
    return shared_sink


class Post:
    """All that sends mails, over one store; a second one over it is another node."""

    def __init__(self, sink: MailSink, store: MemoryStore) -> None:
        stores = store.stores()
        self.now = NOON
        self.ledger = JobLedger(stores.records, stores.blobs, JobRules(), self.clock, NOTICES)
        self.jobs: list[Job] = []
        self.mails = Mails(stores.records, self.submit, is_on=True, clock=self.clock)
        server = MailServer("127.0.0.1", sink.port, MailTls.OFF, "", "", SENDER)
        self.handler = MailHandler(self.mails, server, SITE, rest_s=0.0)

    def clock(self) -> float:
        return self.now

    async def submit(self, order: JobOrder) -> Job:
        job = await self.ledger.submit(order)
        self.jobs.append(job)
        return job

    async def know(self, subject: Subject, address: str) -> None:
        await self.mails.set_address(subject, address, is_confirmed=True)

    async def done(self) -> list[JobState]:
        """Run until all jobs have ended; how they did."""
        async with self._running():
            for _ in range(5_000):
                found = [await self.ledger.get(job.job_id) for job in self.jobs]
                if all(job is not None and job.is_final for job in found):
                    return [job.state for job in found if job is not None]
                self.now += 0.001  # what waits comes up by the ledger's clock
                await asyncio.sleep(0.002)
        raise AssertionError("they never ended")

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        runner = JobRunner(self.ledger, self.ledger, {KIND: self.handler}, PACE)
        task = asyncio.create_task(runner.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def event(
    number: int,
    kind: EventKind = EventKind.MENTION,
    room: str = "band/song",
    name: str | None = "Clara",
    to: tuple[Subject, ...] = (ANN,),
) -> Event:
    event_id = event_id_of("test", str(number))
    at = UnixSeconds(int(NOON))
    return Event(event_id, kind, RoomName(room), BOB, name, to, at, {"thread": "c1"})


async def test_an_event_is_one_mail_to_each_who_wants_it_at_once(sink: MailSink) -> None:
    """NOTE-20: However often it is asked for; nothing to those of whom no address is known."""
    post = Post(sink, MemoryStore())
    await post.know(ANN, "ann@example.org")
    told = event(1, to=(ANN, Subject("cyd")))
    await post.mails(told)
    await post.mails(told)
    await post.mails(event(2, EventKind.EXPORT_READY))  # never, unless somebody says so
    assert set(await post.done()) == {JobState.DONE}
    assert [to for to, _ in sink.taken] == ["ann@example.org"]
    mail = parsed(sink.taken[0][1])
    assert mail["Message-ID"].startswith(f"<{told.event_id}.")
    assert mail["Message-ID"].endswith("@bandpro.example>")
    assert mail["From"] == "BandPro <noreply@bandpro.example>"
    assert mail["Date"].datetime == datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "Clara mentioned you in a comment on band/song"
    assert "Clara mentioned you in a comment on band/song." in text_of(mail)
    assert "Clara mentioned you in a comment on band/song." in text_of(mail, "html")


async def test_a_mail_of_unknown_fate_is_sent_again_as_it_was(sink: MailSink) -> None:
    """NOTE-23: The same bytes with the same Message-ID; and it ends when it is acknowledged."""
    post = Post(sink, MemoryStore())
    await post.know(ANN, "ann@example.org")
    sink.mood = Mood.BREAKS_OFF
    await post.mails(event(1))
    assert await post.done() == [JobState.DONE]
    (_, first), (_, second) = sink.taken
    assert first == second


@pytest.mark.parametrize("mood", [Mood.REFUSES_RECIPIENTS, Mood.REFUSES_MAILS])
async def test_what_is_refused_for_good_is_not_tried_again(sink: MailSink, mood: Mood) -> None:
    """NOTE-23: It is among the failed jobs, after one attempt."""
    post = Post(sink, MemoryStore())
    await post.know(ANN, "ann@example.org")
    sink.mood = mood
    await post.mails(event(1))
    assert await post.done() == [JobState.FAILED]
    job = await post.ledger.get(post.jobs[0].job_id)
    assert job is not None
    assert (job.attempt, sink.connections) == (1, 1)
    assert "for good" in job.error
    assert "ann@example.org" not in job.encode().decode()


@pytest.mark.parametrize("mood", [Mood.BUSY, Mood.SILENT])
async def test_what_is_refused_for_now_is_tried_again(
    sink: MailSink, mood: Mood, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NOTE-23: Also where the server says nothing at all: that is waited for, but not for long."""
    monkeypatch.setattr(smtp, "SEND_S", 0.2)
    post = Post(sink, MemoryStore())
    await post.know(ANN, "ann@example.org")
    sink.mood = mood
    await post.mails(event(1))
    trying = asyncio.create_task(post.done())
    await sink.come(2)
    assert sink.taken == []
    sink.mood = Mood.GOOD
    assert await trying == [JobState.DONE]
    assert [to for to, _ in sink.taken] == ["ann@example.org"]


def test_nothing_that_people_are_called_gets_into_headers_or_markup() -> None:
    """NOTE-24: Line breaks, foreign letters, great lengths and tags are text, in one header."""
    evil = "x\r\nBcc: eve@evil.example\r\n\r\n<script>alert(1)</script>\u2028Ω\ud800"
    for name, room in ((evil, "r"), ("n", evil), ("é" * 5_000, "ß" * 5_000)):
        told = event(1, room=room, name=name)
        letter = Letter(
            letter_id=f"{told.event_id}.abc",
            at=UnixSeconds(0),
            subject=sentence_of(told),
            lines=(sentence_of(told),),
            link="https://bandpro.example",
            footer="f",
            unsubscribe="https://bandpro.example/" + "u" * 600,
        )
        data = letter.message(SENDER, "ann@example.org")
        mail = parsed(data)
        assert sorted(mail.keys()) == sorted(
            [
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "Auto-Submitted",
                "List-Unsubscribe",
                "List-Unsubscribe-Post",
                "MIME-Version",
                "Content-Type",
            ]
        )
        assert mail["To"] == "ann@example.org"
        assert len(mail["Subject"]) <= 150
        assert mail["List-Unsubscribe"] == f"<https://bandpro.example/{'u' * 600}>"
        assert f"List-Unsubscribe: <https://bandpro.example/{'u' * 600}>\r\n".encode() in data
        assert "<script" not in text_of(mail, "html")
        assert all(len(line) <= 998 for line in data.split(b"\r\n"))
        assert b"\n" not in data.replace(b"\r\n", b"")
    assert "&lt;script&gt;" in text_of(
        parsed(
            Letter("a", UnixSeconds(0), "s", ("<script>",), "https://x", "f").message(
                SENDER, "a@b.example"
            )
        ),
        "html",
    )


@pytest.mark.parametrize(
    "text",
    [
        "ann",
        "ann@host",
        "ann@example.org\r\nBcc: eve@evil.example",
        "ann@example.org, eve@evil.example",
        "Ann <ann@example.org>",
        "änn@example.org",
        "ann@@example.org",
        "a" * 65 + "@example.org",
        "ann@" + "a." * 130 + "org",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """NOTE-24: An address names one mailbox."""
    with pytest.raises(InvalidAddress):
        checked_address(text)


async def test_three_comments_are_one_mail_when_it_is_time(sink: MailSink) -> None:
    """NOTE-25: Each in it once, in order, whichever nodes look, and none before its time."""
    store = MemoryStore()
    post = Post(sink, store)
    await post.know(ANN, "ann@example.org")
    for number, name in enumerate(("Clara", "Dora", "Clara")):
        await post.mails(event(number, EventKind.COMMENT, name=name))
    await post.mails(event(1, EventKind.COMMENT, name="Dora"))  # handed on again after a crash
    post.now = NOON + 17 * 3_600  # Tuesday at 05:00: an hour before it is sent
    await post.mails.digests.look()
    assert post.jobs == []
    post.now += 3_600
    another = Post(sink, store)
    another.now = post.now
    await asyncio.gather(post.mails.digests.look(), another.mails.digests.look())
    assert set(await post.done()) == {JobState.DONE}
    (mail,) = sink.mails("ann@example.org")
    assert mail["Subject"] == "3 things happened in band/song"
    lines = [line for line in text_of(mail).splitlines() if "wrote a comment" in line]
    assert [line.split()[0] for line in lines] == ["Clara", "Dora", "Clara"]
    post.now += DAY_S
    await post.mails.digests.look()
    await post.done()
    assert len(sink.taken) == 1
    assert await calendar(store) == 0


async def calendar(store: MemoryStore) -> int:
    """How many entries the calendar has."""
    return len([due async for due in DigestBook(store.stores().records).due(NOON * 2)])


async def test_a_digest_outlives_whoever_had_it(sink: MailSink) -> None:
    """NOTE-25: A node dies after it set events aside; what comes later is for the next mail."""
    store = MemoryStore()
    dying = Post(sink, store)
    await dying.know(ANN, "ann@example.org")
    await dying.mails(event(1, EventKind.COMMENT, name="Clara"))
    dying.now += DAY_S
    person = person_of(ANN)
    book = dying.mails.digest_book
    await book.set_aside(person, await book.get(person))
    next_one = Post(sink, store)
    next_one.now = dying.now
    await next_one.mails(event(2, EventKind.COMMENT, name="Dora"))
    await next_one.mails.digests.look()
    assert await next_one.done() == [JobState.DONE]
    next_one.now += DAY_S
    await next_one.mails.digests.look()
    assert await next_one.done() == [JobState.DONE, JobState.DONE]
    first, second = sink.mails("ann@example.org")
    assert (first["Subject"].split()[0], second["Subject"].split()[0]) == ("Clara", "Dora")
    assert first["Message-ID"] != second["Message-ID"]


async def test_a_digest_that_cannot_be_sent_is_part_of_the_next(sink: MailSink) -> None:
    """NOTE-25: Its job has failed at last; what it held comes first in the next one."""
    post = Post(sink, MemoryStore())
    await post.know(ANN, "ann@example.org")
    await post.mails(event(1, EventKind.COMMENT, name="Clara"))
    post.now += DAY_S
    await post.mails.digests.look()
    (job,) = post.jobs
    await post.ledger.cancel(job.job_id)
    await post.mails.digests.look()
    await post.mails(event(2, EventKind.COMMENT, name="Dora"))
    post.now += DAY_S
    await post.mails.digests.look()
    await post.done()
    (mail,) = sink.mails("ann@example.org")
    lines = [line for line in text_of(mail).splitlines() if "wrote a comment" in line]
    assert [line.split()[0] for line in lines] == ["Clara", "Dora"]


async def test_a_change_of_mind_counts_when_a_mail_is_sent(sink: MailSink) -> None:
    """NOTE-22: What is under way is not sent any more, and what was collected is forgotten."""
    post = Post(sink, MemoryStore())
    await post.know(ANN, "ann@example.org")
    await post.mails(event(1))
    await post.mails(event(2, EventKind.COMMENT))
    link = await post.mails.refusal(await post.mails.wanted(ANN))
    await post.mails.unsubscribe(link)
    await post.mails.unsubscribe(link)
    post.now += DAY_S
    await post.mails.digests.look()
    assert await post.done() == [JobState.DONE]
    assert sink.taken == []
    with pytest.raises(AccessDenied):  # what was signed for one thing is not good for another
        await post.mails.confirm(link)
    await post.know(ANN, "ann@elsewhere.example")
    await post.mails.unsubscribe(link)  # about the address before
    assert (await post.mails.wanted(ANN)).is_told


async def test_an_address_is_in_no_file_of_an_encrypted_store(tmp_path: Path) -> None:
    """NOTE-23: Nor what was collected; the same search finds both in a plain store."""
    key = tmp_path / "master.key"
    key.write_text(base64.b64encode(bytes(range(32))).decode())
    key.chmod(0o600)
    found = []
    for name, spelled in (("plain", "off"), ("sealed", f"file:{key}")):
        settings = StoreSettings("sqlite:", tmp_path / name, encryption=KeySettings(spelled))
        async with await open_stores(settings) as stores:
            mails = Mails(stores.records, no_jobs, is_on=True, clock=lambda: NOON)
            await mails.set_address(ANN, "ann@example.org", is_confirmed=True)
            await mails(event(1, EventKind.COMMENT, name="Clarissa"))
            assert (await mails.wanted(ANN)).address == "ann@example.org"
            assert (await mails.digest_book.get(person_of(ANN))).digest.events
        files = [file for file in settings.data_folder.rglob("*") if file.is_file()]
        held = b"".join(file.read_bytes() for file in files)
        found.append((b"ann@example.org" in held, b"Clarissa" in held))
    assert found == [(True, True), (False, False)]


async def no_jobs(order: JobOrder) -> Job:
    raise AssertionError(f"nobody asked for {order.kind}")


@pytest.mark.parametrize(
    ("period", "at", "end"),
    [
        (Period.HOURLY, "2026-01-05T12:00:00", "2026-01-05T13:00:00"),
        (Period.HOURLY, "2026-01-05T12:59:59", "2026-01-05T13:00:00"),
        (Period.DAILY, "2026-01-05T05:59:59", "2026-01-05T06:00:00"),
        (Period.DAILY, "2026-01-05T06:00:00", "2026-01-06T06:00:00"),
        (Period.WEEKLY, "2026-01-05T05:00:00", "2026-01-05T06:00:00"),
        (Period.WEEKLY, "2026-01-05T06:00:00", "2026-01-12T06:00:00"),
        (Period.WEEKLY, "2026-01-11T23:00:00", "2026-01-12T06:00:00"),
    ],
)
def test_digests_come_by_the_clock(period: Period, at: str, end: str) -> None:
    """NOTE-25: Each hour, each day at 06:00 UTC, Mondays at 06:00 UTC."""
    now = datetime.fromisoformat(f"{at}+00:00").timestamp()
    assert datetime.fromtimestamp(period_end(period, now), UTC).isoformat() == f"{end}+00:00"


async def test_a_password_is_told_over_tls_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NOTE-26: STARTTLS with a certificate that is checked; a server without it gets nothing."""
    made = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with mail_sink(context, ("bandpro", "secret")) as sink, mail_sink() as plain:
        server = MailServer("127.0.0.1", sink.port, MailTls.STARTTLS, "bandpro", "secret", SENDER)
        with pytest.raises(MailNotSent):  # nobody vouches for that certificate yet
            await smtp.probe(server)
        monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
        smtp.authorities.cache_clear()
        assert "signed in as bandpro" in await smtp.probe(server)
        await smtp.send(server, "ann@example.org", b"Subject: a\r\n\r\nb\r\n")
        assert [to for to, _ in sink.taken] == ["ann@example.org"]
        wrong = MailServer("127.0.0.1", sink.port, MailTls.STARTTLS, "bandpro", "no", SENDER)
        with pytest.raises(MailNotSent, match="535"):
            await smtp.probe(wrong)
        bare = MailServer("127.0.0.1", plain.port, MailTls.STARTTLS, "bandpro", "secret", SENDER)
        with pytest.raises(MailNotSent):
            await smtp.probe(bare)
    smtp.authorities.cache_clear()
