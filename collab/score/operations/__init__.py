"""Edits of a score: what somebody wants, what it writes, and how that is written at once.

``plan(facets, operation, new_ids)`` is pure and says what changes, or refuses with a reason;
``apply(doc, changes)`` writes it as one transaction. Each operation touches as few facets as it
can, so that what others change at the same time stays. They are listed in ``operations.py``.
"""

from collab.errors import EditRefused
from collab.score.operations.changes import Changes, NewIds, RefusalCode, apply
from collab.score.operations.clipboard import copy
from collab.score.operations.json_form import (
    decode_operation,
    decode_operations,
    encode_operation,
)
from collab.score.operations.operations import Operation
from collab.score.operations.plan import plan, plan_all

__all__ = [
    "Changes",
    "EditRefused",
    "NewIds",
    "Operation",
    "RefusalCode",
    "apply",
    "copy",
    "decode_operation",
    "decode_operations",
    "encode_operation",
    "plan",
    "plan_all",
]
