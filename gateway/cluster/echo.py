"""How long what a node says takes until it hears it back; so long does an edit to the others."""

from __future__ import annotations


class Echo:
    """Measures one word at a time; the caller passes the time."""

    def __init__(self) -> None:
        self._said_s: float | None = None
        self._delay_s: float | None = None

    def said(self, now_s: float) -> None:
        """Something was said that comes back; measured unless an earlier word is still out."""
        if self._said_s is None:
            self._said_s = now_s

    def heard(self, now_s: float) -> None:
        """It came back."""
        if self._said_s is not None:
            self._delay_s = now_s - self._said_s
            self._said_s = None

    def forget(self) -> None:
        """Nothing that is out will come back."""
        self._said_s = self._delay_s = None

    def delay_ms(self, now_s: float) -> float | None:
        """The last delay, or more where a word has been out for longer; None before the first."""
        if self._delay_s is None:
            return None
        out_s = 0.0 if self._said_s is None else now_s - self._said_s
        return round(max(self._delay_s, out_s) * 1000, 1)
