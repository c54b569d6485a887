"""The Python client at a real server."""

import asyncio
import os
import re
import signal
import ssl
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Map

from bandpro_client import (
    DocumentReplaced,
    EntryRefused,
    NotSaved,
    Patience,
    ReadOnly,
    Score,
    ScoreClosed,
    SignInRefused,
    Unreachable,
    open_score,
)
from collab.score.chorale import chorale_facets
from collab.score.intervals import WrittenPitch
from collab.score.operations import EditRefused
from collab.score.operations.operations import DeleteElements, InsertNote, Repitch
from tests.interop.pycrdt_client import pycrdt_provider
from tests.support.access import mint
from tests.support.certificates import self_signed
from tests.support.http import request, room_path, stored_update
from tests.support.random_edits import first_score
from tests.support.score_api import make
from tests.support.server import Server, serving
from tests.support.sources import ROOT
from tests.support.tcp_proxy import TcpProxy

WITHIN_S = 20
QUICK = Patience(open_within_s=WITHIN_S, saved_within_s=WITHIN_S, backoff_first_s=0.05)
BOT = ROOT / "clients" / "python" / "examples" / "harmony_bot.py"
SECRET = "Winterreise, first draft"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("client")
    args = ["--rate-limits", "off", "--demo", "on"]
    with serving(home, auth="token", args=args) as running:
        yield running


@pytest.fixture
async def room(server: Server, request: pytest.FixtureRequest) -> str:
    """A room of this test's own, with a score of three measures in two parts, `p` and `q`."""
    name: str = request.node.name
    made = await make(server, name, token(server), facets=first_score())
    assert made.status_code == 201, made.text
    return name


def token(server: Server, role: str = "owner", subject: str = "u-1") -> str:
    return mint(server, {"**": role}, subject=subject, name=subject.upper())


@asynccontextmanager
async def opened(
    server: Server, room: str, role: str = "editor", subject: str = "u-1"
) -> AsyncIterator[Score]:
    async with (
        asyncio.timeout(3 * WITHIN_S),
        open_score(server.url, room, token(server, role, subject), patience=QUICK) as score,
    ):
        yield score


def note(place: int, pitch: str = "C4", *, part: str = "p", measure: str = "m3") -> InsertNote:
    written = WrittenPitch(pitch[0], int(pitch[-1]), pitch.count("#"))
    return InsertNote(part, measure, Fraction(place), Fraction(1), written)


def sung(score: Score, part: str) -> list[str]:
    """The pitches of a part, such as `F#4`."""
    found = (each.pitch for each in score.notes(part))
    return [f"{one.step}{'#' * int(one.alter)}{one.octave}" for one in found]


async def heard(doc: Doc[Any], condition: Callable[[], bool]) -> None:
    """Wait until a stock client shows something."""
    while not condition():
        changed = asyncio.Event()
        subscription = doc.observe(lambda _, changed=changed: changed.set())
        await changed.wait()
        doc.unobserve(subscription)


async def revoke(server: Server, subject: str, **decision: str) -> None:
    told = await request(
        server,
        "POST",
        "/v1/revocations",
        token=token(server),
        json={"subject": subject, **decision},
    )
    assert told.status_code == 200, told.text


class Source:
    """Gives one token after the other, the last one for ever, and counts how often."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = tokens
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        return self.tokens[min(self.asked, len(self.tokens)) - 1]


async def test_it_edits_a_score_together_with_a_stock_client(server: Server, room: str) -> None:
    """PYC-1, PYC-8: Each sees what the other wrote, and who is there by verified names."""
    stock = pycrdt_provider(server.collab_url, room, token=token(server))
    async with (
        opened(server, room) as one,
        opened(server, room, subject="u-2") as two,
        stock as doc,
    ):
        assert sung(one, "p") == ["C4", "C4", "F#4", "B3"]
        ((made,),) = one.edit(note(0, "A4"))
        first, second = one.edit(note(1), Repitch("n0", WrittenPitch("G", 4)))
        assert (len(first), len(second)) == (1, 0)
        await two.until(lambda: "A4" in sung(two, "p") and "G4" in sung(two, "p"))
        assert two.facets["ev"][made] == one.facets["ev"][made]
        await heard(doc, lambda: made in doc.get("pt", type=Map))
        doc.get("pt", type=Map)[made] = {"step": "B", "octave": 4}
        await one.until(lambda: "B4" in sung(one, "p"))
        with pytest.raises(EditRefused):
            one.edit(note(2), note(2, "D4"), Repitch("nobody", WrittenPitch("C", 4)))
        two.edit(DeleteElements((made,)))
        await asyncio.gather(one.saved(), two.saved())
        await one.until(lambda: "B4" not in sung(one, "p"))
        one.show({"user": {"name": "somebody else"}, "cursor": "n0"})
        two.show({"colour": "red"})
        await two.until(lambda: len(two.others) == 1)
        await one.until(lambda: len(one.others) == 1)
        (seen,) = two.others.values()
        assert (seen.client_id, seen.user_id, seen.name) == (one.doc.client_id, "u-1", "U-1")
        assert seen.state["cursor"] == "n0"
        await heard(doc, lambda: made not in doc.get("ev", type=Map))
    with pytest.raises(ScoreClosed):
        one.edit(note(3))


async def test_saved_means_on_the_disk_also_over_a_kill(server: Server, room: str) -> None:
    """PYC-2, PYC-3: Nothing is called saved by a server that does not answer, or is not there."""
    async with opened(server, room) as score:
        score.show({"user": {}})
        score.edit(note(0, "A4"))
        await score.saved()
        assert score.unsaved == 0
        os.kill(server.process.pid, signal.SIGSTOP)
        score.edit(note(1, "B4"))
        with pytest.raises(NotSaved):
            await score.saved(within_s=0.1)
        server.kill()
        await score.until(lambda: not score.is_live)
        score.edit(note(2, "D5"))
        score.edit(DeleteElements(("n1",)))
        assert (score.unsaved, score.may_edit) == (3, True)
        await server.start()
        await score.saved()
        server.kill()
        await server.start()
        async with opened(server, room, subject="u-2") as other:
            assert sung(other, "p")[-3:] == ["A4", "B4", "D5"]
            assert "n1" not in other.facets["ev"]
            # Shown again by itself, to those who come later.
            await other.until(lambda: len(other.others) == 1)


async def test_whoever_is_denied_does_not_come_back(server: Server, room: str) -> None:
    """PYC-4, PYC-6: At once in a wrong room, and when asked for a better token it gave the same."""
    stranger = Source(mint(server, {"elsewhere": "editor"}))
    with pytest.raises(EntryRefused) as refused:
        async with open_score(server.url, room, stranger, patience=QUICK):
            pytest.fail("let in")
    assert (refused.value.code, stranger.asked) == (4403, 1)
    with pytest.raises(SignInRefused):
        async with open_score(server.url, room, "no token", patience=QUICK):
            pytest.fail("let in")
    source = Source(token(server, "editor", "u-gone"))
    async with open_score(server.url, room, source, patience=QUICK) as score:
        assert source.asked == 1
        await revoke(server, "u-gone")
        with pytest.raises(SignInRefused):
            await score.until(lambda: False)
        assert source.asked == 2
        with pytest.raises(SignInRefused):
            score.edit(note(0))


async def test_a_fresh_token_lets_it_go_on(server: Server, room: str) -> None:
    """PYC-6: Asked for each time that one is refused; what was edited meanwhile is saved."""
    first = token(server, "editor", "u-back")
    later = mint(server, {"**": "editor"}, subject="u-back", issued_s_ago=-3)
    source = Source("no token", first, later)
    async with open_score(server.url, room, source, patience=QUICK) as score:
        await revoke(server, "u-back")
        await score.until(lambda: not score.is_live)
        score.edit(note(0, "A4"))
        await score.saved()
        assert source.asked == 3


async def test_it_shows_its_token_to_servers_alone_that_it_trusts(
    server: Server, room: str, tmp_path: Path
) -> None:
    """PYC-3, PYC-11: The system's authorities, or another one; and when a line breaks, again."""
    own = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own.certificate, own.key)
    impatient = Patience(open_within_s=0.5, backoff_first_s=0.01)
    async with TcpProxy("127.0.0.1", server.port, tls=tls) as line:
        url = f"https://127.0.0.1:{line.port}"
        with pytest.raises(Unreachable) as told:
            async with open_score(url, room, token(server), patience=impatient):
                pytest.fail("opened")
        assert isinstance(told.value.__cause__, ssl.SSLCertVerificationError)
        assert line.carried_bytes == 0
        trust = ssl.create_default_context(cafile=own.certificate)
        async with open_score(url, room, token(server), patience=QUICK, tls=trust) as score:
            line.drop_connections()
            score.edit(note(0, "A4"))
            await score.saved()
    async with opened(server, room, "viewer") as other:
        assert sung(other, "p")[-1] == "A4"


async def test_readers_are_told_that_they_do_not_edit(server: Server, room: str) -> None:
    """PYC-7: From the first on, and when somebody is demoted; what was refused is not lost."""
    async with opened(server, room, "viewer", "u-view") as viewer:
        with pytest.raises(ReadOnly):
            viewer.edit(note(0))
        async with opened(server, room, subject="u-late") as score:
            await revoke(server, "u-late", room=room, role="viewer")
            score.edit(note(0, "A4"))
            with pytest.raises(ReadOnly):
                await score.saved()
            with pytest.raises(ReadOnly):
                score.edit(note(1, "B4"))
            assert (score.unsaved, "A4" in sung(viewer, "p")) == (1, False)
            await revoke(server, "u-late", room=room, role="editor")
            await score.until(lambda: score.may_edit)
            await score.saved()
            await viewer.until(lambda: "A4" in sung(viewer, "p"))


async def test_a_document_that_was_erased_is_begun_anew(server: Server, room: str) -> None:
    """PYC-5: Nothing of the old one comes back, and what was not saved of it is told as lost."""
    async with opened(server, room) as score:
        score.doc.get("meta", type=Map)["title"] = SECRET
        await score.saved()
        del score.doc.get("meta", type=Map)["title"]
        await score.saved()
        old = score.doc
        path = f"{room_path(room)}/erasure?mode=history"
        erasing = asyncio.create_task(request(server, "POST", path, token=token(server)))
        await score.until(lambda: not score.is_live)
        score.edit(note(0, "A4"))
        answer = await erasing
        assert answer.status_code == 200, answer.text
        await score.until(lambda: score.doc is not old and score.is_live)
        with pytest.raises(DocumentReplaced) as replaced:
            await score.saved()
        assert replaced.value.lost == 1
        await score.saved()
        assert sung(score, "p")[-1:] != ["A4"]
        score.edit(note(1, "B4"))
        await score.saved()
        stored = await stored_update(server, room, token=token(server))
        assert SECRET.encode() not in stored
        async with opened(server, room, "viewer") as other:
            assert sung(other, "p") == sung(score, "p")


async def test_a_source_of_tokens_may_be_slow_but_not_for_ever(server: Server, room: str) -> None:
    """PYC-6: It is asked again when it hangs or fails; where it never answers, that is told."""
    calls: list[str] = []

    async def slow() -> str:
        calls.append("asked")
        if len(calls) == 1:
            await asyncio.Event().wait()
        if len(calls) == 2:
            raise OSError("the application is not there")
        return token(server)

    patience = Patience(token_within_s=0.05, backoff_first_s=0.01, open_within_s=WITHIN_S)
    async with open_score(server.url, room, slow, patience=patience) as score:
        assert len(calls) == 3
        assert "n0" in score.facets["ev"]

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    impatient = Patience(token_within_s=0.02, backoff_first_s=0.01, open_within_s=0.2)
    with pytest.raises(Unreachable) as told:
        async with open_score(server.url, room, never, patience=impatient):
            pytest.fail("opened")
    assert isinstance(told.value.__cause__, TimeoutError)


async def test_the_example_in_its_documentation_works(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """PYC-10: As it stands, but for the address: the demo's melody told, and two beats added."""
    text = (ROOT / "docs" / "python-client.md").read_text()
    (example,) = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    example = example.replace("http://127.0.0.1:8080", server.url)
    monkeypatch.setenv("TOKEN", token(server, "editor"))
    await asyncio.to_thread(exec, example, {})
    told = capsys.readouterr().out.splitlines()
    events = chorale_facets()["ev"].values()
    notes = [each for each in events if isinstance(each, dict) and each["part"] == "soprano"]
    assert len(told) == len(notes) > 40
    assert "step='B', octave=4" in told[0]
    async with opened(server, "demo/chorale", "viewer") as score:
        assert sung(score, "soprano")[-1] == "B4"
        assert len(list(score.notes("soprano"))) == len(notes) + 1


async def test_the_bot_of_the_example_sings_along(server: Server, room: str) -> None:
    """PYC-10: A third below what is written, also after it was changed, and nothing else."""
    assert len(BOT.read_text().splitlines()) < 40
    arguments = (server.url, room, "p", "q", "1")
    environment = {**os.environ, "TOKEN": token(server, "editor", "u-bot")}
    bot = await asyncio.create_subprocess_exec(
        sys.executable, BOT, *arguments, env=environment, stdout=PIPE, stderr=PIPE
    )
    try:
        async with opened(server, room) as score:
            score.edit(DeleteElements(("n0", "n1", "n2", "n3", "n4"), with_spanners=True))
            (first,), (second,), _ = score.edit(note(0, "G4"), note(1, "A4"), note(2, "D5"))
            await score.until(lambda: sung(score, "q") == ["E4", "F#4", "B4"])
            score.edit(Repitch(first, WrittenPitch("C", 5)), DeleteElements((second,)))
            await score.until(lambda: sung(score, "q") == ["A4", "B4"])
            assert [who.name for who in score.others.values()] == ["U-BOT"]
            assert bot.returncode is None
    finally:
        if bot.returncode is None:
            bot.kill()
        _, complaints = await bot.communicate()
    assert complaints == b""
