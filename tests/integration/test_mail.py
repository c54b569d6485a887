"""Mail from a real server to a real mail server: addresses, mentions, links, the doctor."""

import re
import time
from collections.abc import Iterator

import httpx
import jwt
import pytest

from tests.support.access import mint
from tests.support.command import bandpro
from tests.support.comments import comment
from tests.support.http import NO_CERTIFICATES, request
from tests.support.mail_sink import MailSink, mail_sink, text_of
from tests.support.score_api import make
from tests.support.server import Server, free_port, serving

ROOM = "band/Größe"
PREFERENCES = "/v1/me/notifications"
LINK = re.compile(r"http://127\.0\.0\.1:\d+(/v1/notifications/\w+/\S+)")


@pytest.fixture(scope="module")
def sink() -> Iterator[MailSink]:
    with mail_sink() as running:
        yield running


@pytest.fixture(scope="module")
def server(sink: MailSink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    args = [
        *("--rate-limits", "off", "--smtp-host", "127.0.0.1", "--smtp-port", str(sink.port)),
        *("--smtp-tls", "off", "--smtp-from", "BandPro <noreply@bandpro.example>"),
        *("--public-url", f"http://127.0.0.1:{free_port()}"),
    ]
    with serving(tmp_path_factory.mktemp("mail"), auth="token", args=args) as running:
        yield running


def token_of(server: Server, subject: str, name: str | None = None) -> str:
    return mint(server, {"band/*": "editor"}, subject=subject, name=name)


async def change(server: Server, token: str, **told: object) -> httpx.Response:
    return await request(server, "PATCH", PREFERENCES, token=token, json=told)


async def mention(server: Server, *subjects: str) -> None:
    token = token_of(server, "u-clara", "Clara Ünal")
    answer = await comment(server, ROOM, "Look!", token=token, mentions=list(subjects))
    assert answer.is_success, answer.text


async def post(server: Server, path: str) -> httpx.Response:
    """What a mail program, or the button on a page, sends: a form, and no token."""
    async with httpx.AsyncClient(timeout=30, verify=NO_CERTIFICATES) as client:
        body = {"List-Unsubscribe": "One-Click"}
        return await client.post(server.url + path, data=body, headers={"Origin": server.url})


def link_in(text: str) -> str:
    found = LINK.search(text)
    assert found is not None, text
    return found[1].rstrip(">")


async def told_at(server: Server, sink: MailSink, subject: str, address: str) -> str:
    """Have somebody told at an address; their token."""
    token = token_of(server, subject)
    answer = await change(server, token, address=address)
    assert answer.status_code == 200, answer.text
    confirmation = await sink.mail(address)
    assert (await post(server, link_in(text_of(confirmation)))).status_code == 200
    return token


async def test_a_mention_is_told_until_somebody_wants_no_more(
    server: Server, sink: MailSink
) -> None:
    """NOTE-20, NOTE-21, NOTE-22: From the address to the one click; nothing before, nothing after.

    Another one is told of each mention too, after the first one was thought of: when they are told,
    whoever is told nothing was passed over.
    """
    await make(server, ROOM, token_of(server, "u-clara"))
    await told_at(server, sink, "u-sam", "sam@example.org")
    await told_at(server, sink, "u-clara", "clara@example.org")
    token = token_of(server, "u-rita")
    answer = (await change(server, token, address="rita@example.org")).json()
    assert (answer["address"], answer["is_confirmed"]) == ("rita@example.org", False)
    confirmation = await sink.mail("rita@example.org")
    await mention(server, "u-rita", "u-sam")
    await sink.mail("sam@example.org", 2)
    assert len(sink.mails("rita@example.org")) == 1
    link = link_in(text_of(confirmation))
    page = await request(server, "GET", link)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    known = (await request(server, "GET", PREFERENCES, token=token)).json()
    assert known["is_confirmed"] is False  # as programs that look at links leave it
    assert (await post(server, link)).status_code == 200
    await mention(server, "u-rita", "u-sam", "u-clara")
    mail = await sink.mail("rita@example.org", 2)
    assert mail["Subject"] == f"Clara Ünal mentioned you in a comment on {ROOM}"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (await request(server, "GET", link_in(mail["List-Unsubscribe"]))).status_code == 200
    assert (await post(server, link_in(mail["List-Unsubscribe"]))).status_code == 200
    assert (await request(server, "GET", PREFERENCES, token=token)).json()["is_unsubscribed"]
    await sink.mail("sam@example.org", 3)
    await mention(server, "u-rita", "u-sam")
    await sink.mail("sam@example.org", 4)
    assert len(sink.mails("rita@example.org")) == 2
    assert len(sink.mails("clara@example.org")) == 1  # nobody is told what they did themselves


async def test_an_address_gets_few_confirmations_and_others_links_do_nothing(
    server: Server, sink: MailSink
) -> None:
    """NOTE-21: Three an hour, whoever asks; a link is good for the address that it was sent to."""
    for number in range(3):
        answer = await change(server, token_of(server, f"u-{number}"), address="eve@example.org")
        assert answer.status_code == 200, answer.text
    refused = await change(server, token_of(server, "u-3"), address="Eve@example.org")
    assert (refused.status_code, refused.json()["limit"]) == (429, "mail_confirmations_max")
    first = link_in(text_of(await sink.mail("eve@example.org")))
    for number in range(3):
        await change(server, token_of(server, f"u-{number}"), address=f"{number}@example.org")
    assert (await post(server, first)).status_code == 403
    assert (await post(server, first[:-3])).status_code == 403
    assert (await post(server, "/v1/notifications/unsubscribe/a.b")).status_code == 403
    await sink.mail("eve@example.org", 3)


async def test_preferences_are_changed_kept_and_forgotten(server: Server) -> None:
    """NOTE-20: What is not said stays as it is; what nobody can be told by is refused."""
    token = token_of(server, "u-pat")
    held = (await request(server, "GET", PREFERENCES, token=token)).json()
    assert held == {
        "is_available": True,
        "address": None,
        "is_confirmed": False,
        "is_unsubscribed": False,
        "kinds": {
            "comment": "digest",
            "export-ready": "never",
            "mention": "at-once",
            "share": "at-once",
            "version-named": "digest",
        },
        "digest": "daily",
    }
    weekly = await change(server, token, kinds={"comment": "never"}, digest="weekly")
    assert weekly.status_code == 200, weekly.text
    changed = (await change(server, token, is_unsubscribed=True)).json()
    assert (changed["kinds"]["comment"], changed["kinds"]["mention"]) == ("never", "at-once")
    assert (changed["digest"], changed["is_unsubscribed"]) == ("weekly", True)
    for wrong in ({"kinds": {"test": "never"}}, {"address": "pat"}, {"digest": "yearly"}):
        assert (await change(server, token, **wrong)).status_code == 400
    assert (await request(server, "DELETE", PREFERENCES, token=token)).status_code == 204
    assert (await request(server, "GET", PREFERENCES, token=token)).json() == held
    assert (await request(server, "GET", PREFERENCES)).status_code == 401


async def test_an_address_that_the_token_vouches_for_needs_no_confirmation(
    server: Server, sink: MailSink
) -> None:
    """NOTE-21: Where the issuer has verified it, and says so."""
    now = int(time.time())
    claims = {"sub": "u-vera", "iat": now, "exp": now + 60, "email": "vera@example.org"}
    unsure = jwt.encode(claims, server.secret)
    sure = jwt.encode(claims | {"email_verified": True}, server.secret)
    assert (await change(server, sure, address="vera@example.org")).json()["is_confirmed"]
    other = (await change(server, sure, address="vera@elsewhere.example")).json()
    assert not other["is_confirmed"]
    assert not (await change(server, unsure, address="vera@example.org")).json()["is_confirmed"]
    await sink.mail("vera@example.org")


async def test_the_doctor_says_whether_mail_works(server: Server, sink: MailSink) -> None:
    """NOTE-27: It connects, and sends nothing."""
    before = len(sink.taken)
    mail = ["--smtp-host", "127.0.0.1", "--smtp-tls", "off", "--smtp-from", "a@example.org"]
    common = [*mail, "--public-url", "http://127.0.0.1", "--store", "memory", "--port", "0"]
    good = bandpro("doctor", *common, "--smtp-port", str(sink.port))
    assert f"127.0.0.1:{sink.port} answers" in " ".join(good.stdout.split())
    bad = bandpro("doctor", *common, "--smtp-port", str(free_port()))
    assert "no answer of the mail server" in " ".join(bad.stdout.split())
    assert len(sink.taken) == before
