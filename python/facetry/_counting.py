"""Distinct patterns of a stream of points, counted as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ._arrays import FloatArray
from ._progress import Progress
from .patterns import PatternCount, Patterns, PatternSet


def point_blocks(points: Any, coerce: Callable[[Any], FloatArray]) -> tuple[Iterable[FloatArray], int | None]:
    """Give an array of points, or an iterable of arrays, as blocks; and the number of points where known."""
    if hasattr(points, "shape") or isinstance(points, Sequence):
        block = coerce(points)
        return [block], len(block)
    return map(coerce, points), None


def count_stream(
    blocks: Iterable[FloatArray],
    total: int | None,
    patterns_of: Callable[[FloatArray], Patterns],
    seen: PatternSet,
    chunk: int,
    report: Progress,
) -> PatternCount:
    """Add the patterns of all blocks to ``seen``; note their number at every power of two of points."""
    done = 0
    curve: list[tuple[int, int]] = []
    for x in blocks:
        begin = 0
        while begin < len(x):
            next_mark = 1 << done.bit_length()  # the next power of two above done
            end = min(begin + chunk, len(x), begin + next_mark - done)
            seen.add(patterns_of(x[begin:end]))
            done += end - begin
            begin = end
            if done == next_mark:
                curve.append((done, len(seen)))
            report(done, total)
    if done and (not curve or curve[-1][0] != done):
        curve.append((done, len(seen)))
    return PatternCount(done, len(seen), seen.complete, tuple(curve))
