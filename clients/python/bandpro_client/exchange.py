"""What is said on one connection: frames in, frames out, without a socket.

======== =================== ======== =======================================================
state    received            next     sent
======== =================== ======== =======================================================
                             greeting step 1, own presence
greeting step 1              greeting nothing yet: it is kept until the document is known to be
                                      that of the server
greeting step 2              live     step 2, where the server asked; then a mark
live     (edited here)       live     the update; then a mark
live     update              live
live     the mark            live     a mark, if more was edited since
live     step 1              live     step 2; then a mark
any      permission denied   refused  nothing that was edited
refused  step 1              over     nothing: whoever may edit again begins afresh
======== =================== ======== =======================================================

A *mark* is an update without content. The server gives each sender its updates back, in their
order, once all before them is durable; so a mark that comes back says that all that was sent before
it is saved, also what came in a step 2, which is never given back. One is under way at a time, and
nothing has to be remembered of what it stands for but how many edits that were. (Bytes of an edit
alone do not tell: of an update that only deletes, another client may have sent the same.)
"""

from __future__ import annotations

from typing import Final

from bandpro_client.presence import Presence
from bandpro_client.replica import Overflow, Replica
from collab.errors import ProtocolError
from collab.limits import MESSAGES_PER_FRAME_MAX
from collab.protocol import y_sync
from collab.protocol.messages import (
    AwarenessUpdate,
    QueryAwareness,
    RoomMessage,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)
from collab.protocol.varint import Reader

ANSWERS_MAX: Final = 64
"""Messages that may wait to be sent in answer to what the server says."""

_MARK: Final = y_sync.encode_update(y_sync.EMPTY_UPDATE)
_DENIED: Final = 0


class StartOver(Exception):
    """This connection is of no more use; another one is."""


class Exchange:
    """One connection's part of the conversation about a replica.

    Args:
        replica: what it is about; no other connection may be about it at the same time.
        presence: who is here.

    Attributes:
        is_synced: whether all that the server had has come.
        may_edit: whether the server takes edits; it asks editors, and no one else, what they have.
    """

    def __init__(self, replica: Replica, presence: Presence) -> None:
        self.is_synced = False
        self.may_edit = False
        self._replica = replica
        self._presence = presence
        self._asked: bytes | None = None
        self._was_refused = False
        self._marked: int | None = None
        presence.reconnected()
        self._answers = [y_sync.encode_step1(replica.doc.get_state())]
        self.announce()

    def announce(self, *, renewed: bool = False) -> None:
        """Put the own presence among what is to be sent."""
        own = self._presence.own(renewed=renewed)
        if own:
            self._answer(y_sync.encode_awareness(own))

    def receive(self, frame: bytes) -> None:
        """Take a frame from the server.

        Raises:
            ProtocolError: it is none of the protocol.
            StartOver: the connection is of no more use.
        """
        reader = Reader(frame)
        for _ in range(MESSAGES_PER_FRAME_MAX):
            if reader.at == reader.end:
                return
            kind = reader.read_uint()
            if kind == y_sync.AUTH:
                self._receive_denial(reader)
            else:
                self._receive(y_sync.decode_body(kind, reader))
        if reader.at < reader.end:
            raise ProtocolError("too many messages in one frame")

    def take(self) -> list[bytes]:
        """Take what is to be sent now, in this order."""
        frames, self._answers = self._answers, []
        if self._replica.is_sending:
            frames += self._replica.take_unsent()
            if self._marked is None and self._replica.unsaved:
                self._marked = self._replica.edits
                frames.append(_MARK)
        return frames

    def _receive(self, message: RoomMessage) -> None:
        match message:
            case SyncStep1(state_vector):
                self._receive_question(state_vector)
            case SyncStep2(update):
                self._receive_answer(update)
            case SyncUpdate(update) if update == y_sync.EMPTY_UPDATE:
                self._receive_mark()
            case SyncUpdate(update) if self.is_synced:
                self._replica.receive(update)
            case SyncUpdate(update):
                self._keep_early(update)
            case AwarenessUpdate(entries):
                if self._presence.hear(entries):
                    self.announce()
            case QueryAwareness():
                self.announce(renewed=True)

    def _receive_question(self, state_vector: bytes) -> None:
        if self._was_refused:
            raise StartOver
        self._asked = state_vector
        self.may_edit = True
        if self.is_synced:
            self._tell()

    def _receive_answer(self, update: bytes) -> None:
        self._replica.receive_answer(update)
        self.is_synced = True
        if self._asked is not None:
            self._tell()

    def _tell(self) -> None:
        assert self._asked is not None
        self._answer(y_sync.encode_step2(self._replica.lacking(self._asked)))
        self._asked = None

    def _receive_mark(self) -> None:
        if self._marked is not None:
            self._replica.saved = max(self._replica.saved, self._marked)
            self._marked = None

    def _receive_denial(self, reader: Reader) -> None:
        if reader.read_uint() != _DENIED:
            raise ProtocolError("this server does not ask for tokens in band here")
        reader.read_bytes(reader.remaining())
        # Marks that are still under way may come back and say nothing of what was refused.
        self._was_refused = True
        self._marked = None
        self.may_edit = self._replica.is_sending = False

    def _keep_early(self, update: bytes) -> None:
        try:
            self._replica.receive_early(update)
        except Overflow:
            raise ProtocolError("more than a document came before the answer") from None

    def _answer(self, message: bytes) -> None:
        if len(self._answers) == ANSWERS_MAX:
            raise ProtocolError("the server asks faster than it reads")
        self._answers.append(message)
