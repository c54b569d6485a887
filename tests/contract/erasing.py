"""A room with a secret in its history, and its erasure."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from typing import Any

from pycrdt import Doc, Map, Text

from collab.history.versions import VersionKind
from collab.ids import FIRST_EPOCH, Sequence, UnixSeconds
from persistence.build import Stores
from persistence.compaction import compact
from persistence.erasure import (
    Erased,
    ErasureMode,
    erase,
    load_after_erasure,
)
from persistence.versions import Content, Label, add_version
from tests.contract.conftest import NAME, ROOM
from tests.contract.edits import merge_here
from workers.clients import clients
from workers.merge import state
from workers.restore import restore

SECRET = "Unter den Linden 77"
KEPT = "the score that stays"


class Here:
    """What the worker does, in this process."""

    async def clients(self, updates: SequenceOf[bytes]) -> bytes:
        return clients(updates)

    async def state(self, updates: SequenceOf[bytes]) -> bytes:
        return state(updates)

    async def restore(self, current: bytes, wanted: bytes, client: int) -> tuple[bytes, bytes]:
        answer = restore(current, wanted, str(client).encode())
        end = 4 + int.from_bytes(answer[:4], "big")
        return answer[4:end], answer[end:]


async def erased(
    stores: Stores, mode: ErasureMode = ErasureMode.HISTORY, *, accept_loss: bool = False
) -> Erased:
    return await erase(stores, NAME, Here(), mode, accept_loss=accept_loss)


def with_secret() -> list[bytes]:
    """Updates of a document that once held the secret, and does no more."""
    doc: Doc[Any] = Doc(client_id=7)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    text = doc.get("text", type=Text)
    text += KEPT
    text += SECRET
    del text[len(KEPT) :]
    doc.get("map", type=Map)["title"] = SECRET
    doc.get("map", type=Map)["title"] = "Sonata"
    del subscription
    return updates


async def fill(stores: Stores) -> Sequence:
    """The secret in rows, snapshots of several generations, versions; some of it moved aside."""
    updates = with_secret()
    head = Sequence(0)
    for update in updates:
        head = await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=head, updates=[update])
        if head > 1:
            await compact(stores, NAME, merge_here)
    content = Content(FIRST_EPOCH, head, merge_of(updates[:2]))
    label = Label(VersionKind.NAMED, UnixSeconds(1_800_000_000), name="before")
    await add_version(stores, NAME, content, label)
    return head


def merge_of(updates: list[bytes]) -> bytes:
    return state(updates)


async def document(stores: Stores) -> dict[str, Any]:
    """What a fresh client sees."""
    loaded, _ = await load_after_erasure(stores, NAME)
    doc: Doc[Any] = Doc()
    for update in loaded.updates:
        doc.apply_update(update)
    return {
        "text": str(doc.get("text", type=Text)),
        "map": doc.get("map", type=Map).to_py(),
    }


VISIBLE = {"text": KEPT, "map": {"title": "Sonata"}}
EMPTY = {"text": "", "map": {}}
