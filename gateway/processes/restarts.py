"""How long a worker that died is waited for, before the next one is started in its place."""

from __future__ import annotations

from typing import Final

PAUSE_S_MIN: Final = 0.1
PAUSE_S_MAX: Final = 10.0
STEADY_S: Final = 60.0
"""After so long a life, a death is no sequel of the one before."""

DEATHS_MAX: Final = 10
"""So many deaths in a row, while no other worker serves either, are the end of the whole."""


class Restarts:
    """The deaths of one worker.

    Attributes:
        in_a_row: deaths without a steady life between them.
    """

    def __init__(self) -> None:
        self.in_a_row = 0

    def died(self, lived_s: float) -> float:
        """Count one more.

        Args:
            lived_s: how long it had lived.

        Returns:
            Seconds until the next one is to be started: 0.1, then twice as long each time, up to
            10.
        """
        self.in_a_row = 1 if lived_s >= STEADY_S else self.in_a_row + 1
        pause_s: float = PAUSE_S_MIN * 2 ** (self.in_a_row - 1)
        return min(pause_s, PAUSE_S_MAX)
