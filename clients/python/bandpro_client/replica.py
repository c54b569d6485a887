"""One replica of a score: its document, what of it was edited here, and what of that is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pycrdt import Doc, merge_updates

from bandpro_client.facets import LiveFacets
from collab.limits import DOCUMENT_BYTES_MAX, UPDATE_BYTES_MAX
from collab.protocol import y_sync
from collab.score.normalise import View, normalise

UNSENT_BYTES_MAX: Final = UPDATE_BYTES_MAX
"""Of updates that wait to be sent one by one; beyond, all that the server lacks is sent at once."""

EARLY_BYTES_MAX: Final = 2 * DOCUMENT_BYTES_MAX
"""Of updates that come before the answer which they build on."""


class Overflow(Exception):
    """More came before the answer than any document has."""


class Replica:
    """A document, and the edits that were made in it here.

    Args:
        on_change: called after each change of it, whoever made it.
        on_edit: called after each change that was made here.

    Attributes:
        doc: the document; whoever changes it in transactions makes edits, as ``Score.edit`` does.
        edits: transactions that were made here.
        saved: how many of them are durable.
        is_sending: whether edits are put aside to be sent: from the moment on when the server was
            told all that came before.
    """

    def __init__(self, on_change: Callable[[], None], on_edit: Callable[[], None]) -> None:
        self.doc: Doc[Any] = Doc()
        self.edits = 0
        self.saved = 0
        self.is_sending = False
        self._on_change = on_change
        self._on_edit = on_edit
        self._is_receiving = False
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._told = b""
        self._early: list[bytes] = []
        self._early_bytes = 0
        self._facets = LiveFacets(self.doc)
        self._view: View | None = None
        self._subscription = self.doc.observe(self._observe)

    @property
    def unsaved(self) -> int:
        """How many transactions the server has not acknowledged."""
        return self.edits - self.saved

    def facets(self) -> Mapping[str, Mapping[str, object]]:
        """The score as the document holds it, now and from now on."""
        return self._facets.read()

    def view(self) -> View:
        """The score as it is shown; worked out once after each change."""
        if self._view is None:
            self._view = normalise(self.facets())
        return self._view

    def receive(self, update: bytes) -> None:
        """Apply what the server sent."""
        self._is_receiving = True
        try:
            self.doc.apply_update(update)
        finally:
            self._is_receiving = False

    def receive_early(self, update: bytes) -> None:
        """Keep an update aside until the answer has come that it may build on.

        Raises:
            Overflow: there is more than a document can have.
        """
        self._early_bytes += len(update)
        if self._early_bytes > EARLY_BYTES_MAX:
            raise Overflow
        self._early.append(update)

    def receive_answer(self, update: bytes) -> None:
        """Apply the answer to what this replica said it has, with all that came before it."""
        early, self._early, self._early_bytes = self._early, [], 0
        self.receive(merge_updates(*early, update) if early else update)

    def disconnected(self) -> None:
        """Nothing is under way any more; what was not saved stays in the document."""
        self.is_sending = False
        self._unsent, self._unsent_bytes = [], 0
        self._early, self._early_bytes = [], 0

    def lacking(self, state_vector: bytes) -> bytes:
        """All that a peer with this state vector lacks; edits from here on are sent one by one."""
        self._unsent, self._unsent_bytes = [], 0
        self.is_sending = True
        self._told = self.doc.get_state()
        return self.doc.get_update(state_vector)

    def take_unsent(self) -> list[bytes]:
        """Take the message that carries what was edited since the last time, if anything was."""
        if not self._unsent_bytes:
            return []
        if self._unsent_bytes > UNSENT_BYTES_MAX:
            # As an answer it may be as large as a document, as an update not.
            return [y_sync.encode_step2(self.lacking(self._told))]
        unsent, self._unsent, self._unsent_bytes = self._unsent, [], 0
        self._told = self.doc.get_state()
        # What waited together travels together: one frame, however fast somebody edits.
        return [y_sync.encode_update(merge_updates(*unsent) if len(unsent) > 1 else unsent[0])]

    def close(self) -> None:
        """Let go of the document; what is changed in it from here on is no edit of this client."""
        self.doc.unobserve(self._subscription)

    def _observe(self, event: Any) -> None:  # noqa: ANN401 - the library's union of events
        self._view = None
        if not self._is_receiving:
            self.edits += 1
            if self.is_sending:
                self._put_aside(event.update)
            self._on_edit()
        self._on_change()

    def _put_aside(self, update: bytes) -> None:
        self._unsent_bytes += len(update)
        if self._unsent_bytes <= UNSENT_BYTES_MAX:
            self._unsent.append(update)
        else:
            self._unsent.clear()
