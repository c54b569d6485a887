"""What each deed changes in the comments on a score, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from collab.errors import AccessDenied, LimitExceeded, NotThere, PeerError, StateConflict
from collab.limits import COMMENT_MESSAGES_MAX, COMMENT_THREADS_MAX, COMMENTS_BYTES_MAX
from collab.score.anchors import Anchor
from collab.score.comment_deeds import (
    Asked,
    BeginThread,
    Deed,
    Delete,
    Edit,
    Forget,
    ReadThread,
    ReadThreads,
    Reply,
    Request,
    Resolve,
    answer,
    carry_out,
    changed,
    decode_asked,
    encode_asked,
)
from collab.score.comments import Author, Held, Words, read_comments
from collab.score.schema import Json

ANN, BEN = Author("ann", "Ann"), Author("ben")
OWNER = Author("olga", moderates=True)


def nothing(_facet: str, _key: str) -> object:
    """A score in which nothing is."""
    return None


class Book:
    """Comments to which one deed after the other is done, a millisecond apart."""

    def __init__(self) -> None:
        self.held: Held = {}
        self.now_ms = 1_000

    def do(self, deed: Deed, author: Author = ANN) -> Any:  # noqa: ANN401 - JSON
        self.now_ms += 1
        changes = carry_out(self.held, Asked(deed, author, self.now_ms), nothing)
        self.held = changed(self.held, changes)
        return answer(self.held, deed, nothing)

    def read(self, question: Request) -> Any:  # noqa: ANN401 - JSON
        return answer(self.held, question, nothing)

    def texts(self, thread: str) -> list[str]:
        return [one.text for one in read_comments(self.held)[thread].messages]


def words(message_id: str, text: str = "too loud", *mentions: str) -> Words:
    return Words(text, mentions, message_id, request=text)


def begun(*replies: tuple[str, Author]) -> Book:
    """A thread by Ann, with replies."""
    book = Book()
    book.do(BeginThread(words("t"), Anchor()))
    for message_id, author in replies:
        book.do(Reply("t", words(message_id, message_id)), author)
    return book


def test_a_thread_grows_in_the_order_of_its_replies() -> None:
    """CMT-4: With authors, mentions and times; also when the clock has stood still."""
    book = Book()
    book.do(BeginThread(words("t", "who?", "ben"), Anchor()))
    book.now_ms -= 500
    told = book.do(Reply("t", words("r", "me")), BEN)
    assert [
        (one["message_id"], one["author"], one["name"], one["text"], one["mentions"], one["at_ms"])
        for one in told["messages"]
    ] == [
        ("t", "ann", "Ann", "who?", ["ben"], 1_001),
        ("r", "ben", None, "me", [], 1_002),
    ]
    assert told["anchor"] == "whole"
    assert told["resolved"] is None


def test_only_its_author_edits_a_message() -> None:
    """CMT-3: Not even an owner."""
    book = begun(("r", BEN))
    for other in (ANN, OWNER):
        with pytest.raises(AccessDenied):
            book.do(Edit("t", "r", words("", "no")), other)
    told = book.do(Edit("t", "r", words("", "softer", "ann")), BEN)
    assert (told["messages"][1]["text"], told["messages"][1]["mentions"]) == ("softer", ["ann"])
    assert told["messages"][1]["edited_ms"] == book.now_ms
    assert told["messages"][0]["edited_ms"] is None


@pytest.mark.parametrize("author", [BEN, OWNER])
def test_a_deleted_message_leaves_its_place_while_others_speak(author: Author) -> None:
    """CMT-3, CMT-6: By its author, or by an owner; nothing of what it said is left."""
    book = begun(("r", BEN), ("s", ANN))
    with pytest.raises(AccessDenied):
        book.do(Delete("t", "r"), ANN)
    told = book.do(Delete("t", "r"), author)
    assert [one["is_deleted"] for one in told["messages"]] == [False, True, False]
    assert (told["messages"][1]["text"], told["messages"][1]["author"]) == ("", "ben")
    with pytest.raises(NotThere):
        book.do(Edit("t", "r", words("", "again")), BEN)
    with pytest.raises(NotThere):
        book.do(Delete("t", "r"), author)


def test_with_its_last_message_a_thread_is_gone() -> None:
    """CMT-6: Of a thread of which nothing is said any more nothing is kept."""
    book = begun(("r", BEN))
    book.do(Resolve("t", is_resolved=True))
    assert book.do(Delete("t", "t"), ANN)["messages"][0]["is_deleted"]
    assert book.do(Delete("t", "r"), BEN) is None
    assert not any(book.held.values())


def test_a_whole_thread_is_deleted_by_an_owner_or_by_who_is_alone_in_it() -> None:
    """CMT-3, CMT-6."""
    book = begun(("r", BEN))
    with pytest.raises(AccessDenied):
        book.do(Delete("t"), ANN)
    assert book.do(Delete("t"), OWNER) is None
    assert not any(book.held.values())
    alone = begun(("r", ANN))
    assert alone.do(Delete("t"), ANN) is None


def test_a_thread_is_resolved_and_opened_again() -> None:
    """CMT-4: By anybody who comments; doing it twice changes nothing."""
    book = begun()
    told = book.do(Resolve("t", is_resolved=True), BEN)
    assert told["resolved"] == {"by": "ben", "name": None, "at_ms": book.now_ms}
    assert book.do(Resolve("t", is_resolved=True), ANN) == told
    assert book.do(Resolve("t", is_resolved=False), ANN)["resolved"] is None
    assert book.do(Reply("t", words("r")), BEN)["resolved"] is None


def test_a_request_that_comes_again_is_carried_out_once() -> None:
    """CMT-7: And a key that is used for something else is refused, even after an edit."""
    book = begun(("r", BEN))
    before = book.held
    book.do(BeginThread(words("t"), Anchor()))
    book.do(Reply("t", words("r", "r")), BEN)
    assert book.held == before
    book.do(Edit("t", "r", words("", "softer")), BEN)
    book.do(Reply("t", words("r", "r")), BEN)
    assert book.texts("t") == ["too loud", "softer"]
    others: list[Deed] = [
        BeginThread(words("t", "other"), Anchor()),
        BeginThread(words("r", "r"), Anchor()),
        Reply("t", words("r", "other")),
    ]
    for deed in others:
        with pytest.raises(StateConflict):
            book.do(deed, BEN)


@pytest.mark.parametrize(
    "deed",
    [
        Reply("x", words("r")),
        Edit("x", "t", words("")),
        Edit("t", "x", words("")),
        Delete("x"),
        Delete("t", "x"),
        Resolve("x", is_resolved=True),
    ],
)
def test_what_is_not_there_is_refused(deed: Deed) -> None:
    with pytest.raises(NotThere):
        begun().do(deed)


def test_a_comment_on_what_is_not_in_the_score_is_refused() -> None:
    """CMT-5."""
    with pytest.raises(StateConflict):
        Book().do(BeginThread(words("t"), Anchor(element="n1")))


def many(count: int, *, threads: bool) -> Book:
    """Comments with so many threads, or so many messages in one."""
    book = Book()
    entry = {"thread": "t0", "author": "ann", "text": "x", "at_ms": 1}
    keys = [f"t{number}" for number in range(count)]
    book.held = {
        "threads": {key: {"at_ms": 1} for key in (keys if threads else keys[:1])},
        "messages": {key: entry | {"thread": key if threads else "t0"} for key in keys},
    }
    return book


def test_a_score_has_so_many_threads_and_no_more() -> None:
    """CMT-8: At the edge."""
    book = many(COMMENT_THREADS_MAX - 1, threads=True)
    book.do(BeginThread(words("last"), Anchor()))
    with pytest.raises(LimitExceeded) as refused:
        book.do(BeginThread(words("more"), Anchor()))
    assert refused.value.limit == "comment_threads_max"
    book.do(Delete("last"), ANN)
    book.do(BeginThread(words("more"), Anchor()))


def test_a_thread_has_so_many_messages_and_no_more() -> None:
    """CMT-8: At the edge."""
    book = many(COMMENT_MESSAGES_MAX - 1, threads=False)
    book.do(Reply("t0", words("last")))
    with pytest.raises(LimitExceeded) as refused:
        book.do(Reply("t0", words("more")))
    assert refused.value.limit == "comment_messages_max"


def test_all_that_is_said_has_a_bound() -> None:
    """CMT-8: Whoever says it, in new words or in other ones."""
    book = begun()
    long: Json = {
        "thread": "t",
        "author": "ann",
        "text": "x" * (COMMENTS_BYTES_MAX - 2_000),
        "at_ms": 2,
    }
    book.held = changed(book.held, {"messages": {"long": long}})
    book.do(Reply("t", words("short")), BEN)
    for deed in (
        Reply("t", words("r", "y" * 3_000)),
        Edit("t", "short", words("", "y" * 3_000)),
        BeginThread(words("u", "y" * 3_000), Anchor()),
    ):
        with pytest.raises(LimitExceeded) as refused:
            book.do(deed, BEN)
        assert refused.value.limit == "comments_bytes_max"


def test_threads_are_listed_in_pages_and_by_what_is_asked() -> None:
    """CMT-9: Oldest first; each page goes on where the one before ended."""
    book = Book()
    for number in range(5):
        book.do(BeginThread(words(f"t{number}"), Anchor()))
    book.do(Resolve("t3", is_resolved=True))
    seen: list[str] = []
    after: str | None = None
    while True:
        page = book.read(ReadThreads(after=after, limit=2))
        seen += [thread["thread_id"] for thread in page["threads"]]
        after = page["next"]
        if after is None:
            break
    assert seen == ["t0", "t1", "t2", "t3", "t4"]
    for wanted, found in ((True, ["t3"]), (False, ["t0", "t1", "t2", "t4"])):
        page = book.read(ReadThreads(is_resolved=wanted))
        assert [thread["thread_id"] for thread in page["threads"]] == found
    assert book.read(ReadThreads(element="n1"))["threads"] == []
    assert book.read(ReadThread("t3"))["resolved"]["by"] == "ann"
    assert book.read(ReadThread("x")) is None


def test_a_forgotten_person_is_named_nowhere() -> None:
    """CMT-10: As author, as mentioned, as who resolved; what they said stays."""
    book = begun(("r", BEN))
    book.do(Reply("t", words("m", "see above", "ben", "cleo")), ANN)
    book.do(Resolve("t", is_resolved=True), BEN)
    book.do(Forget("ben"))
    assert "ben" not in str(book.held)
    assert book.texts("t") == ["too loud", "r", "see above"]
    told = book.read(ReadThread("t"))
    assert told["messages"][1]["author"] == ""
    assert told["messages"][2]["mentions"] == ["cleo"]
    assert told["resolved"]["by"] == ""
    before = book.held
    book.do(Forget("ben"))
    assert book.held == before


def test_a_forgotten_person_is_not_named_by_what_is_not_shown_either() -> None:
    """CMT-10: A reply and a resolution that met the deletion of their thread on another node."""
    book = begun(("r", BEN))
    before = book.held
    kept = carry_out(before, Asked(BeginThread(words("u", "kept"), Anchor()), ANN, 9_000), nothing)
    replied = carry_out(
        before, Asked(Reply("t", words("late", "late", "ben")), ANN, 9_001), nothing
    )
    resolved = carry_out(before, Asked(Resolve("t", is_resolved=True), BEN, 9_002), nothing)
    book.do(Delete("t"), OWNER)
    for changes in (kept, replied, resolved):
        book.held = changed(book.held, changes)
    assert list(read_comments(book.held)) == ["u"]
    assert "ben" in str(book.held)
    book.do(Forget("ben"))
    assert "ben" not in str(book.held)
    assert book.texts("u") == ["kept"]


@pytest.mark.parametrize(
    "held",
    [
        {"threads": {"t": 1}, "messages": {"t": "x"}, "resolved": {"t": []}},
        {"threads": {"t": {"at_ms": "now", "anchor": 3}}, "messages": {"t": {"thread": "t"}}},
        {"messages": {"r": {"thread": "t", "author": "a", "text": "x"}}},
        {"threads": {"t": {}}},
    ],
)
def test_what_is_no_comment_is_left_out(held: Held) -> None:
    assert read_comments(held) == {}


@pytest.mark.parametrize(
    "request_",
    [
        ReadThreads(after="1.t", limit=3, is_resolved=False, element="n"),
        ReadThread("t"),
        BeginThread(Words("x", ("a", "b"), "t", "r"), Anchor("n", "p", "m", (3, 2))),
        BeginThread(Words("x"), Anchor()),
        Reply("t", Words("\u00e9\U0001d11e", (), "m")),
        Edit("t", "m", Words("x")),
        Delete("t", None),
        Resolve("t", is_resolved=False),
        Forget("ben"),
    ],
)
def test_requests_reach_a_worker_as_they_were_made(request_: Request) -> None:
    asked = Asked(request_, replace(OWNER, name="Olga"), 1_234)
    assert decode_asked(encode_asked(asked)) == asked


def test_refusals_are_the_peers_fault() -> None:
    for kind in (AccessDenied, LimitExceeded, NotThere, StateConflict):
        assert issubclass(kind, PeerError)
