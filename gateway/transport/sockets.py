"""What a connection asks of the socket under it, whichever server accepted that."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Final, Protocol

from collab.protocol.websocket_frames import Frame
from gateway.lines import Line
from gateway.observe.traffic import Traffic

STALL_TIMEOUT_S: Final = 10.0
"""A client that takes nothing of what waits for it for so long is not waited for any more."""

Rest = Coroutine[object, object, None] | None
"""What is left to do of a message that had to wait for something; None when all is done."""


class Receiver(Protocol):
    """Who gets what a socket hears."""

    def take(self, frame: bytes) -> Rest:
        """Handle a binary message; the next one comes when the rest is done."""

    def take_text(self, text: bytes) -> Rest:
        """Handle a text, in UTF-8."""

    def drained(self) -> None:
        """All was written to a socket that had refused a broadcast."""

    def ended(self) -> None:
        """Either side has ended the connection: nothing more is heard."""

    def lost(self) -> None:
        """The connection is gone."""


class Socket(Protocol):
    """One open websocket: bounded in what it buffers, and watched for standing still."""

    @property
    def wrote_at_s(self) -> float:
        """When it was last seen that something had been written, pings and pongs aside."""

    @property
    def progress_at_s(self) -> float:
        """When it was last seen that what waits had become less, or that nothing waited."""

    @property
    def is_full(self) -> bool:
        """Whether so much waits that the client must read before it may ask for more."""

    @property
    def waiting_bytes(self) -> int:
        """What the client has not taken yet."""

    def attach(self, receiver: Receiver, traffic: Traffic) -> None:
        """Name who is told, and where frames are counted; once, before anything can happen."""

    def listen(self) -> None:
        """Begin to hear."""

    async def writable(self) -> None:
        """Wait while it is full."""

    def push(self, payload: bytes) -> None:
        """Write a message that must arrive."""

    def offer(self, frame: Frame, taken: int = 0) -> bool:
        """Write what is left of a broadcast, or refuse it because the client is too slow.

        Args:
            frame: the broadcast.
            taken: bytes of it that :meth:`line` has taken already.
        """

    def line(self) -> tuple[Line, Traffic] | None:
        """The way past its transport, and where frames are counted; None where there is none."""

    def close(self, code: int, reason: str) -> None:
        """Close once what was pushed is written; only the first call counts."""

    def abort(self) -> None:
        """Cut the connection at once."""

    def bound_messages(self, bytes_max: int) -> None:
        """Refuse larger messages from now on, if it can before they are read whole."""

    def look(self, now_s: float) -> None:
        """See what was written since the last look, and whether the client still answers."""
