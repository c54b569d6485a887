"""Whether two sets of updates amount to the same document, by a digest of each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence as SequenceOf

import pycrdt

from collab.history.coverage import shape
from collab.protocol.update_scan import scan_update


def fingerprint(updates: SequenceOf[bytes]) -> bytes:
    """A digest of a document: SHA-256 of state vector, shape and integrated content.

    The state vector and the content are those of a document that took in everything; the shape also
    covers what waits for missing predecessors. None depends on how the updates are cut or merged.

    Args:
        updates: V1 updates in any order; none is the empty document.

    Raises:
        MalformedUpdate: they are no acceptable updates.
    """
    if not updates:
        return hashlib.sha256(b"").digest()
    merged = pycrdt.merge_updates(*updates)
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    doc.apply_update(merged)
    digest = hashlib.sha256()
    for part in (doc.get_state(), shape(scan_update(merged, stored=True)), doc.get_update()):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
