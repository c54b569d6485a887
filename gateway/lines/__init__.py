"""Broadcasts straight to the sockets: in C where the core runs compiled, else in Python.

A broadcast goes to everybody whose connection has nothing waiting by one call of the system each.
A transport in between would cost as much again. What the system does not take is the transport's,
which also finds out what is wrong with a connection; so nothing is ever sent past what waits there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.lines import plain

if TYPE_CHECKING:
    from gateway.lines.plain import Line, send_all
else:
    try:  # It lies in the folder of the compiled form, which is in the path when that runs.
        from bandpro_lines import Line, send_all
    except ImportError:
        from gateway.lines.plain import Line, send_all

__all__ = ["Line", "is_compiled", "send_all"]


def is_compiled() -> bool:
    """Whether the C form runs in this process."""
    return Line is not plain.Line
