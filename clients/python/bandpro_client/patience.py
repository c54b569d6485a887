"""How long a client waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Bounds of time, all in seconds.

    Attributes:
        open_within_s: until the score is there at first.
        token_within_s: for the source of tokens, each time.
        connect_within_s: for one attempt, until the websocket is open.
        sync_within_s: from then on, until the whole document has come.
        saved_within_s: for ``saved()``, unless told otherwise, and at the end of the block.
        backoff_first_s: before the second attempt, at most; doubled with each one that fails.
        backoff_s_max: the longest pause that comes of doubling.
    """

    open_within_s: float = 30.0
    token_within_s: float = 10.0
    connect_within_s: float = 10.0
    sync_within_s: float = 60.0
    saved_within_s: float = 30.0
    backoff_first_s: float = 0.25
    backoff_s_max: float = 8.0

    def pause_s(self, failures: int, least_s: float, draw: float) -> float:
        """How long to wait before the next attempt.

        Half of it is drawn by lot, so that the clients of a server that restarts do not all come
        back in the same instant.

        Args:
            failures: attempts in a row that came to nothing, from 1.
            least_s: what the server's close code asks for.
            draw: a number from 0 up to 1.
        """
        span_s = min(self.backoff_s_max, self.backoff_first_s * 2.0 ** min(failures - 1, 16))
        return max(least_s, span_s / 2) + draw * span_s / 2
