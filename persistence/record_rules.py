"""What every store demands of a record before it is written."""

from __future__ import annotations

import re
from typing import Final

from collab.errors import InvariantViolated
from collab.limits import RECORD_BYTES_MAX, RECORD_ID_BYTES_MAX
from collab.ports import Record
from persistence.encryption.envelope import OVERHEAD_BYTES, is_sealed

_ID: Final = re.compile(rf"[a-z0-9._-]{{1,{RECORD_ID_BYTES_MAX}}}")


def check_record(record: Record) -> None:
    """Refuse a record that a store might not give back as it was.

    Raises:
        InvariantViolated: its id has other characters or another length than `RecordId` allows,
            or its value is larger than `RECORD_BYTES_MAX`.
    """
    if _ID.fullmatch(record.record_id) is None:
        raise InvariantViolated("a record's id has 1 to 128 of a-z, 0-9, '.', '_' and '-'")
    envelope_bytes = OVERHEAD_BYTES if is_sealed(record.value) else 0
    if len(record.value) > RECORD_BYTES_MAX + envelope_bytes:
        raise InvariantViolated(f"a record has at most {RECORD_BYTES_MAX} bytes")
