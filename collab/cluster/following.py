"""What becomes of another node's rows, by what is known of the log.

======================================  =========================================================
rows `first` to `last`, head known `h`  what to do
======================================  =========================================================
of an earlier epoch of the log          nothing: they were erased
of a later epoch                        read the log, which tells that it was begun anew
``last <= h``                           nothing: they are known
``first <= h + 1``, with their bytes    apply those after `h`; the head is `last`
otherwise                               read the log after `h`: a gap, or rows without their bytes
======================================  =========================================================
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from enum import Enum
from typing import NamedTuple

from collab.cluster.envelope import Envelope, Updates
from collab.ids import Epoch, Sequence


class Step(Enum):
    """What to do with an envelope's rows."""

    IGNORE = "ignore"
    APPLY = "apply"
    READ = "read"


class Next(NamedTuple):
    """What to do, and with which updates."""

    step: Step
    updates: SequenceOf[bytes] = ()


def next_step(envelope: Envelope, epoch: Epoch, head: Sequence) -> Next:
    """Decide about the rows that an envelope speaks of.

    Args:
        envelope: with :class:`Updates`, or whatever names a head.
        epoch: the log's, as it is known here.
        head: the highest sequence known here.
    """
    if envelope.epoch != epoch:
        return Next(Step.READ if envelope.epoch > epoch else Step.IGNORE)
    if envelope.last <= head:
        return Next(Step.IGNORE)
    content = envelope.content
    updates = content.updates if isinstance(content, Updates) else ()
    is_whole = len(updates) == envelope.last - envelope.first + 1
    if not updates or not is_whole or envelope.first > head + 1:
        return Next(Step.READ)
    return Next(Step.APPLY, updates[head + 1 - envelope.first :])
