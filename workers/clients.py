"""The client ids that ever wrote in a document, whatever became of what they wrote."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf

from collab.history.retired import RetiredClients
from collab.protocol.update_scan import scan_update


def clients(updates: SequenceOf[bytes]) -> bytes:
    """The client ids of all structs and deletions, encoded as `RetiredClients`.

    Raises:
        MalformedUpdate: an input is no acceptable update.
    """
    found: set[int] = set()
    for update in updates:
        scanned = scan_update(update, stored=True)
        found.update(span.client for span in (*scanned.ranges, *scanned.deletes))
    return RetiredClients(found).encode()
