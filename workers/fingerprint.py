"""Whether two sets of updates amount to the same document, by a digest of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from collections.abc import Sequence as SequenceOf
from typing import Any

import pycrdt

from collab.history.coverage import shape
from collab.protocol.state_vector import decode_state_vector
from collab.protocol.update_scan import scan_update
from workers.content import Kind, canonical, kind_of, load, root_names, root_of


def fingerprint(updates: SequenceOf[bytes]) -> bytes:
    """A digest of a document: SHA-256 of its structure, its state vector and what it shows.

    The state vector and the content are those that a room has: what waits for missing predecessors
    is in neither. The structure covers that as well, by its clocks and what is deleted; what is
    written there is in no digest, since no two cuts of it need be the same bytes.
    None depends on how the updates are cut or merged. Updates of a document would not do: the
    library writes the members of maps and the attributes of nodes in an order of chance.

    Args:
        updates: V1 updates in any order; none is the empty document.

    Raises:
        MalformedUpdate: they are no acceptable updates.
    """
    if not updates:
        return hashlib.sha256(b"").digest()
    merged = pycrdt.merge_updates(*updates)
    structure = shape(scan_update(merged, stored=True))
    doc = load(merged)
    clocks = json.dumps(sorted(decode_state_vector(doc.get_state()).items()))
    digest = hashlib.sha256()
    for part in (structure, clocks.encode(), *_contents(doc)):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def _contents(doc: pycrdt.Doc[Any]) -> Iterator[bytes]:
    """Name and content of each root that holds anything; an empty one may be gone when merged."""
    for name in root_names(doc):
        kind = kind_of(doc, name)
        if kind is not Kind.EMPTY:
            yield name.encode(errors="surrogatepass")
            yield canonical(root_of(doc, name, kind)).encode(errors="surrogatepass")
