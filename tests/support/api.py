"""Updates and calls for tests of the HTTP API."""

from typing import Any

import httpx
from pycrdt import Doc, Text

from tests.support.http import request, room_path
from tests.support.server import Server


def text_update(content: str, *, client_id: int = 1) -> bytes:
    """An update that writes a text into the root `text` of an empty document."""
    doc: Doc[Any] = Doc(client_id=client_id)
    text = doc.get("text", type=Text)
    text += content
    return doc.get_update()


def text_of(stored: bytes) -> str:
    """The root `text` of a document that is stored as one update."""
    doc: Doc[Any] = Doc()
    doc.apply_update(stored)
    return str(doc.get("text", type=Text))


async def append(server: Server, room: str, content: bytes, token: str) -> httpx.Response:
    """Append an update as a server-side edit."""
    path = f"{room_path(room)}/updates"
    return await request(server, "POST", path, token=token, content=content)
