"""Progress of work that can last over a second: what ``progress=`` may be."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Progress = Callable[[int, "int | None"], None]
"""Called with (done, total or None) while long work runs."""

_INTERVAL = 0.2  # seconds between two lines


def reporter(progress: bool | Progress | None, what: str) -> Progress:
    """Give the function to call: the caller's own, a counter on standard error for True, or nothing."""
    if progress is None or progress is False:
        return lambda done, total: None
    if progress is not True:
        return progress
    last = time.monotonic()

    def count(done: int, total: int | None) -> None:
        nonlocal last
        finished = done == total
        if time.monotonic() - last < _INTERVAL and not finished:
            return
        last = time.monotonic()
        line = f"{done:,}" if total is None else f"{done:,} of {total:,}"
        print(f"\r{line} {what}", end="\n" if finished else "", file=sys.stderr, flush=True)

    return count
