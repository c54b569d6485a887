"""How connections of tests' clients end."""

from dataclasses import dataclass

from websockets.exceptions import ConnectionClosed


@dataclass(frozen=True, slots=True)
class Closed:
    """How a connection ended; code 1006 when there was no close frame."""

    code: int
    reason: str


class ClosedBeforeError(AssertionError):
    """The connection ended before what was waited for."""

    def __init__(self, closed: Closed, what: str) -> None:
        super().__init__(f"closed with {closed} before {what}")
        self.closed = closed


def closed_by(error: ConnectionClosed) -> Closed:
    """What the peer said when it closed."""
    frame = error.rcvd
    return Closed(frame.code, frame.reason) if frame else Closed(1006, "")
