"""What can go wrong between a program and its score, by what the program can do about it.

::

    ClientError
    ├── Refused                 the server ended it for good; coming back would end the same way
    │   ├── SignInRefused           4401, and a fresh token did not help or cannot be had
    │   ├── EntryRefused            4403: not with this token
    │   ├── NoSuchRoom              4404
    │   ├── DocumentFull            4413: the last edit would have made it too large
    │   └── RoomOutOfService        4423: an operator has to look at it
    ├── Unreachable             not opened in time; the cause is the last thing that went wrong
    ├── ReadOnly                this token does not edit, or does so no longer
    ├── NotSaved                it was not told in time that all is saved; it may come to be
    ├── DocumentReplaced        edits that were not saved are gone with their document
    └── ScoreClosed             used after its ``async with`` block
"""

from __future__ import annotations

from collab.errors import BandProError


class ClientError(BandProError):
    """Root of all that this package raises; an edit that does not fit raises ``EditRefused``."""


class Refused(ClientError):
    """The server ended the connection for good.

    Args:
        message: what it said.
        code: of the close frame, see ``docs/close-codes.md``, or an HTTP status below 1000.
    """

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class SignInRefused(Refused):
    """No token, or none that holds; raised by a source of tokens, it ends the score as well."""

    def __init__(self, message: str, *, code: int = 4401) -> None:
        super().__init__(message, code=code)


class EntryRefused(Refused):
    """The token holds, but not for this room."""


class NoSuchRoom(Refused):
    """The path names no room."""


class DocumentFull(Refused):
    """The document is as large as it may be, and an edit would have added to it."""


class RoomOutOfService(Refused):
    """The room was taken out of service."""


class Unreachable(ClientError):
    """The score was not there in the time given."""


class ReadOnly(ClientError):
    """Edits are not accepted from whoever this token stands for."""


class NotSaved(ClientError):
    """Not all edits were acknowledged in the time given; they are kept and sent again."""


class DocumentReplaced(ClientError):
    """The document was erased or restored, and with it went edits that were not saved.

    Args:
        lost: how many transactions of this client.
    """

    def __init__(self, *, lost: int) -> None:
        super().__init__(f"the document was replaced before {lost} edits were saved")
        self.lost = lost


class ScoreClosed(ClientError):
    """The ``async with`` block of the score is over, or was never entered."""
