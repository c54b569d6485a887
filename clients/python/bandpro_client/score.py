"""A score in a room: read, edited, saved."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Any, Self
from uuid import uuid4

from pycrdt import Doc

from bandpro_client.errors import (
    DocumentReplaced,
    NotSaved,
    ReadOnly,
    ScoreClosed,
    Unreachable,
)
from bandpro_client.notes import Note, notes_of
from bandpro_client.patience import Patience
from bandpro_client.presence import Person
from bandpro_client.replica import Replica
from bandpro_client.session import Session
from bandpro_client.tokens import Token, room_address
from collab.score.normalise import View
from collab.score.operations import Operation, apply, plan_all
from collab.score.schema import Json


def open_score(
    url: str,
    room: str,
    token: Token = None,
    *,
    patience: Patience | None = None,
    tls: ssl.SSLContext | None = None,
) -> Score:
    """Open a score for the time of an ``async with`` block.

    Args:
        url: where the server is, such as ``https://collab.example``.
        room: the room's name.
        token: a token, or a source of them, which is asked anew before each connection; none in
            open mode. A source that raises is asked again after a pause, unless it raises an error
            of this package.
        patience: how long to wait for what.
        tls: trust in another authority than the system's, for https.

    Raises:
        InvalidRoomName: the name is none.
        ValueError: the URL is none of a server.
    """
    patience = patience or Patience()
    return Score(Session(room_address(url, room), token, patience, tls), patience)


class Score:
    """A score that is kept in step with its room; ``open_score`` makes it.

    Entering the block waits until the whole document has come; leaving it waits until all edits
    are saved, unless an error ends it. In between, connections come and go by themselves.

    Args:
        session: what keeps it in step.
        patience: how long to wait for what.
    """

    def __init__(self, session: Session, patience: Patience) -> None:
        self._session = session
        self._patience = patience
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open it.

        Raises:
            Refused: the server does not let this client in.
            Unreachable: it did not come in time.
        """
        if self._task is not None:
            raise ScoreClosed("a score is opened once")
        self._task = asyncio.create_task(self._session.run())
        try:
            async with asyncio.timeout(self._patience.open_within_s):
                await self.until(lambda: self._session.is_open)
        except TimeoutError:
            await self._close()
            within_s = self._patience.open_within_s
            raise Unreachable(f"not opened within {within_s} s") from self._session.setback
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it; without an error, once all is saved, with what ``saved`` raises."""
        try:
            if error is None and (self._session.replica.unsaved or self._session.lost):
                await self.saved()
        finally:
            await self._close()

    # Reading --------------------------------------------------------------------------------------

    @property
    def doc(self) -> Doc[Any]:
        """The document; another one after it was replaced. What is changed in it is an edit."""
        return self._session.replica.doc

    @property
    def facets(self) -> Mapping[str, Mapping[str, object]]:
        """The score as the document holds it: facet name to key to value; it goes on changing."""
        return self._session.replica.facets()

    @property
    def view(self) -> View:
        """The score as it is shown, whatever was merged; see ``collab.score.normalise``.

        Worked out when it is asked for, once after each change: some 0.1 ms for each note.
        """
        return self._session.replica.view()

    def notes(self, part: str | None = None) -> Iterator[Note]:
        """The notes that are shown, of one part or of all, in the order of the score."""
        return notes_of(self.view, self.facets, part)

    async def changes(self) -> AsyncIterator[None]:
        """Go on once now, and again whenever the score has changed since.

        Whoever is slow skips what came between. This client's own edits are changes too.

        Raises:
            Refused: the server ended it for good.
            ScoreClosed: the block is over.
        """
        seen = -1
        while True:
            await self.until(lambda: self._session.revision != seen)  # noqa: B023 - awaited here
            seen = self._session.revision
            yield

    @property
    def is_live(self) -> bool:
        """Whether it is connected and in step with the server at this moment."""
        return self._session.is_live

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on this score holds; it is looked at whenever anything is new.

        Raises:
            Refused: the server ended it for good.
            ScoreClosed: the block is over.
        """
        while not condition():
            self._require_open()
            await self._session.news()

    # Editing --------------------------------------------------------------------------------------

    @property
    def may_edit(self) -> bool:
        """Whether the server takes edits of this client."""
        return self._session.may_edit

    def edit(self, *operations: Operation) -> Sequence[Sequence[str]]:
        """Make operations, each planned after those before it, as one transaction or not at all.

        It is there at once, and is sent at once or, without a connection, when there is one again.

        Returns:
            For each operation the ids of what it made.

        Raises:
            EditRefused: the score does not allow one of them; nothing was changed.
            ReadOnly: this client may not edit.
            Refused: the server ended it for good.
            ScoreClosed: outside of the block.
        """
        self._require_open()
        if not self.may_edit:
            raise ReadOnly("the server takes no edits of this client")
        changes, made = plan_all(self.facets, operations, _new_id)
        if changes:
            apply(self.doc, changes)
        return made

    @property
    def unsaved(self) -> int:
        """How many transactions of this client are not known to be durable."""
        return self._session.replica.unsaved

    async def saved(self, *, within_s: float | None = None) -> None:
        """Wait until all that was edited up to now is on the server's disk.

        Args:
            within_s: how long at most, in seconds; as the patience has it when None.

        Raises:
            NotSaved: not in time.
            ReadOnly: some of it was refused, for this client may not edit any longer.
            DocumentReplaced: the document is gone, and some of it with it; told once.
            Refused: the server ended it for good.
            ScoreClosed: outside of the block.
        """
        within_s = self._patience.saved_within_s if within_s is None else within_s
        replica = self._session.replica
        edits = replica.edits
        try:
            async with asyncio.timeout(within_s):
                await self.until(lambda: self._is_saved(replica, edits))
        except TimeoutError:
            raise NotSaved(
                f"{replica.unsaved} edits not acknowledged within {within_s} s"
            ) from self._session.setback

    # Presence -------------------------------------------------------------------------------------

    @property
    def others(self) -> Mapping[int, Person]:
        """Who else is shown in the room, by client id; nobody while there is no connection."""
        return MappingProxyType(self._session.presence.others)

    def show(self, state: Mapping[str, Json] | None) -> None:
        """Show something of this client, such as ``{"user": {"name": "Bot"}}``, or nothing.

        With tokens, the server writes the token's ``sub`` and ``name`` into ``user``.

        Raises:
            ValueError: it is no JSON.
            ScoreClosed: outside of the block.
        """
        self._require_open()
        self._session.show(state)

    # Inside ---------------------------------------------------------------------------------------

    def _is_saved(self, replica: Replica, edits: int) -> bool:
        session = self._session
        if session.lost:
            lost, session.lost = session.lost, 0
            raise DocumentReplaced(lost=lost)
        if replica.saved >= edits:
            return True
        if session.replica is not replica:
            raise DocumentReplaced(lost=replica.unsaved)
        if session.is_live and not session.may_edit:
            raise ReadOnly(f"{replica.unsaved} edits were refused: this client may not edit")
        return False

    def _require_open(self) -> None:
        if self._session.error is not None:
            raise self._session.error
        if self._task is None or self._task.done():
            raise ScoreClosed("the score is not open")

    async def _close(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})
        self._session.replica.close()


def _new_id() -> str:
    """Draw an id for a new element; ids begin with a letter, for MusicXML's sake."""
    return f"e{uuid4().hex[:16]}"
