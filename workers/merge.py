"""Merging updates, with proof that nothing was lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as SequenceOf

import pycrdt

from collab.errors import InvariantViolated
from collab.history.coverage import lost_by_merge
from collab.protocol.update_scan import scan_update
from workers.content import load

MergeUpdates = Callable[..., bytes]


def merge(updates: SequenceOf[bytes], merge_updates: MergeUpdates = pycrdt.merge_updates) -> bytes:
    """Merge updates into one that holds all of them.

    `merge_updates` keeps parts whose predecessors are missing, unlike an update of a Doc. The
    result replaces rows that are then deleted, so its structure is compared with theirs: every
    clock range and every deleted range of the inputs must be in it.

    Args:
        updates: V1 updates in any order, at least one.
        merge_updates: what does the merging.

    Raises:
        MalformedUpdate: an input is no acceptable update.
        InvariantViolated: the result lacks something.
    """
    parts = [scan_update(update, stored=True) for update in updates]
    merged = merge_updates(*updates)
    lost = lost_by_merge(scan_update(merged, stored=True), parts)
    if lost:
        raise InvariantViolated(f"the merge lost {len(lost)} ranges")
    return merged


def state_vector(update: bytes) -> bytes:
    """The encoded state vector of what an update holds without a gap."""
    return pycrdt.get_state(update)


def state(updates: SequenceOf[bytes]) -> bytes:
    """The document that updates integrate to, as one update; deleted content is blanked."""
    return load(pycrdt.merge_updates(*updates)).get_update()
