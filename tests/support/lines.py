"""Work counted in lines of Python, since seconds depend on the machine."""

import sys
from collections.abc import Callable


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python some work takes."""
    count = 0

    def trace(frame: object, event: str, argument: object) -> object:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        work()
    finally:
        sys.settrace(before)
    return count
