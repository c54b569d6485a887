"""The asyncio client: a score that others edit as well, as a value to read and operations to make.

::

    async with open_score("http://127.0.0.1:8080", "demo/chorale", token) as score:
        score.edit(InsertNote(part="alto", measure="m1", onset=..., duration=..., pitch=...))
        await score.saved()

A layer of its own beside the servers: it imports ``collab`` and nothing else of this project.
``docs/python-client.md`` tells the rest.
"""

from bandpro_client.errors import (
    ClientError,
    DocumentFull,
    DocumentReplaced,
    EntryRefused,
    NoSuchRoom,
    NotSaved,
    ReadOnly,
    Refused,
    RoomOutOfService,
    ScoreClosed,
    SignInRefused,
    Unreachable,
)
from bandpro_client.notes import Note
from bandpro_client.patience import Patience
from bandpro_client.presence import Person
from bandpro_client.score import Score, open_score
from bandpro_client.tokens import Token

__all__ = [
    "ClientError",
    "DocumentFull",
    "DocumentReplaced",
    "EntryRefused",
    "NoSuchRoom",
    "NotSaved",
    "Note",
    "Patience",
    "Person",
    "ReadOnly",
    "Refused",
    "RoomOutOfService",
    "Score",
    "ScoreClosed",
    "SignInRefused",
    "Token",
    "Unreachable",
    "open_score",
]
