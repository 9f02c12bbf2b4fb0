"""Progress on standard error: a bar on a terminal, a line every ten per cent elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..survey import STAGES
from ..survey import Progress as Report


@contextmanager
def reporting(quiet: bool) -> Iterator[Report | None]:
    """Give what to call with (stage, done, total); None where nothing is to be shown."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Report]:
    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(STAGES[stage], total=total)
            progress.update(tasks[stage], completed=done)

        yield report


def _lines() -> Report:
    begin = time.monotonic()
    last: dict[str, int] = {}

    def report(stage: str, done: int, total: int) -> None:
        tenth = 10 * done // total
        if tenth > last.get(stage, 0):
            last[stage] = tenth
            seconds = time.monotonic() - begin
            print(
                f"{STAGES[stage]}: {done:,} of {total:,} ({10 * tenth} %), {seconds:.1f} s",
                file=sys.stderr,
                flush=True,
            )

    return report
