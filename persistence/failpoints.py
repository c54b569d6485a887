"""Named places where a test may make the process fail, switched off unless asked for.

A failpoint is armed by a string such as ``append.before_commit=kill@17``: the seventeenth time
that the store is about to commit an append, the process kills itself. Nothing reads the
environment; `bandpro serve` passes the string of a hidden option that only loopback servers take.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from collab.errors import SettingsError, StoreUnavailable

POINTS: Final = frozenset(
    {
        "append.before_commit",
        "append.after_commit",
        "epoch.before_commit",
        "epoch.after_commit",
        "snapshot.before_commit",
        "snapshot.after_put",
        "manifest.before_commit",
        "manifest.after_commit",
        "trim.before_commit",
        "trim.after_commit",
        "blob.before_name",
        "blob.after_name",
        "record.before_commit",
        "record.after_commit",
        "version.after_blob",
        "version.after_record",
        "erasure.after_snapshot",
        "erasure.after_record",
        "erasure.after_epoch",
        "erasure.after_manifest",
        "erasure.after_deletes",
        "erasure.after_keys",
        "acknowledge.before_send",
        "acknowledge.after_send",
    }
)
"""The store hits all but the last four in threads of its own, the gateway those on the loop."""


class Action(StrEnum):
    """What happens at an armed failpoint."""

    KILL = "kill"  # SIGKILL to this very process
    ERROR = "error"  # StoreUnavailable
    DELAY = "delay"  # sleep: ``delay:250`` for 250 ms, blocking the thread that hit the point


@dataclass(slots=True)
class _Armed:
    action: Action
    delay_ms: int
    nth: int | None  # None: every time
    hits: int = 0


@dataclass(slots=True)
class Failpoints:
    """The armed failpoints of one process; none by default.

    Attributes:
        armed: by name of the point.
    """

    armed: dict[str, _Armed] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Failpoints:
        """Read a comma-separated list of ``point=action[:milliseconds][@nth]``.

        Raises:
            SettingsError: an unknown point or action, or a count that is no positive number.
        """
        armed = {}
        for item in filter(None, (part.strip() for part in text.split(","))):
            point, separator, action = item.partition("=")
            if point not in POINTS or not separator:
                known = ", ".join(sorted(POINTS))
                raise SettingsError(f"no failpoint is written {item!r}; the points are {known}")
            armed[point] = _parse_action(action)
        return cls(armed)

    def hit(self, point: str) -> None:
        """Pass a point; does nothing unless it is armed.

        Raises:
            StoreUnavailable: the point is armed with ``error``.
        """
        if self.armed:
            self._hit(point)

    def _hit(self, point: str) -> None:
        found = self.armed.get(point)
        if found is None:
            return
        found.hits += 1
        if found.nth is not None and found.hits != found.nth:
            return
        match found.action:
            case Action.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Action.ERROR:
                raise StoreUnavailable(f"failpoint {point}")
            case Action.DELAY:
                time.sleep(found.delay_ms / 1000)


def _parse_action(text: str) -> _Armed:
    text, at, nth = text.partition("@")
    name, colon, delay = text.partition(":")
    try:
        action = Action(name)
    except ValueError as error:
        raise SettingsError(f"a failpoint does kill, error or delay, not {name!r}") from error
    if bool(colon) != (action is Action.DELAY):
        raise SettingsError("of the failpoint actions, delay alone takes milliseconds: delay:250")
    return _Armed(
        action=action,
        delay_ms=_positive(delay) if colon else 0,
        nth=_positive(nth) if at else None,
    )


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise SettingsError(f"a failpoint takes positive numbers, not {text!r}")
    return int(text)
