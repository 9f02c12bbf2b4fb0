"""How a benchmark is run: facetry and its peer in turns in one process, on two threads, with the same work.

``pytest bench`` times; ``python bench/report.py`` prints the table. FACETRY_BENCH_SMALL=1 makes the work
small, to see that everything runs.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator

import pytest

import facetry as ft

SMALL = bool(os.environ.get("FACETRY_BENCH_SMALL"))
THREADS = 2
ROUNDS = 1 if SMALL else 9


def points(n: int) -> int:
    """Give the number of points to use where the full benchmark has n."""
    return max(n // 1000, 16) if SMALL else n


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before, isa = ft.num_threads(), ft.isa()
    ft.set_num_threads(THREADS)
    yield
    ft.set_num_threads(before)
    ft.use_isa(isa)


@pytest.fixture
def race(benchmark) -> Callable[..., None]:
    """Time ``ours`` against ``peer``, in turns after a warm-up of both.

    ``peer`` may return its own seconds (a peer in another process); otherwise its call is timed.
    ``at_least`` is the ratio peer / ours that facetry means to reach; a missed one is reported, no error.
    """

    def run(
        work: str, peer_name: str, at_least: float, ours: Callable[[], object], peer: Callable[[], object]
    ):
        seconds: list[float] = []

        def one_peer_run() -> None:
            start = time.perf_counter()
            own = peer()
            seconds.append(own if isinstance(own, float) else time.perf_counter() - start)

        benchmark.group = work
        benchmark.pedantic(ours, setup=one_peer_run, rounds=ROUNDS, warmup_rounds=1)
        benchmark.extra_info.update(
            work=work,
            peer=peer_name,
            at_least=at_least,
            isa=ft.isa(),
            peer_seconds=statistics.median(seconds[1:] or seconds),
        )

    return run
