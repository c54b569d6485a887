"""What every store demands of a lease before it is taken."""

from __future__ import annotations

import re
from typing import Final

from collab.cluster.leases import LeaseName
from collab.errors import InvariantViolated
from collab.limits import LEASE_VALUE_BYTES_MAX

_NAME: Final = re.compile(r"[!-~]{1,200}")


def check_lease(name: LeaseName, value: bytes) -> None:
    """Refuse a lease that a store might not give back as it was.

    Raises:
        InvariantViolated: its name or value is not as `LeaseName` and `LEASE_VALUE_BYTES_MAX` say.
    """
    if _NAME.fullmatch(name) is None:
        raise InvariantViolated("the name of a lease has 1 to 200 printable characters of ASCII")
    if len(value) > LEASE_VALUE_BYTES_MAX:
        raise InvariantViolated(f"a lease says at most {LEASE_VALUE_BYTES_MAX} bytes")
