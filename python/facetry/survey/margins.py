"""Margins of a survey's points: how large the ball around each is in which the network is affine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..network import Network
from .facts import MarginFacts
from .plane import F64
from .sources import DataPoints, SobolPoints

NORMS = {"1": 1.0, "2": 2.0, "inf": np.inf}
PERCENTILES = (25, 50, 75, 100)
_BLOCK = 2048  # points between two reports of progress: 0.3 s for 300 neurons
_BINS_A_DECADE = 5
_DECADES = 6  # that the histogram shows at most, from the largest margin down


def measure_margins(
    net: Network,
    source: SobolPoints | DataPoints,
    limit: int,
    report: Callable[[int, int], None],
) -> MarginFacts | None:
    """Measure the first points, at most ``limit`` of them; None for a network without neurons."""
    if not net.n_neurons:
        return None
    count = min(source.n, limit)
    radii = {name: np.empty(count) for name in NORMS}
    done = 0
    blocks = source.blocks(net)
    while done < count:
        block = next(blocks)[: count - done]
        for begin in range(0, len(block), _BLOCK):
            x = block[begin : begin + _BLOCK]
            for name, p in NORMS.items():
                radii[name][done : done + len(x)] = net.margins(x, p).radius
            done += len(x)
            report(done, count)
    edges = _edges(radii["2"], radii["inf"])
    return MarginFacts(
        points=count,
        percentiles=PERCENTILES,
        radii={name: _percentiles(values) for name, values in radii.items()},
        on_a_wall=int((radii["2"] == 0).sum()),
        unbounded=int(np.isinf(radii["2"]).sum()),
        overflowing=int(np.isnan(radii["2"]).sum()),
        edges=tuple(edges.tolist()),
        counts={name: _histogram(radii[name], edges) for name in ("2", "inf")},
    )


def _percentiles(radii: F64) -> tuple[float | None, ...]:
    """Give radii that occur, the least that so many per cent do not exceed; None for an infinite one."""
    known = radii[~np.isnan(radii)]
    if not len(known):
        return (None,) * len(PERCENTILES)
    found = np.percentile(known, PERCENTILES, method="inverted_cdf").tolist()
    return tuple(value if value < np.inf else None for value in found)


def _edges(*radii: F64) -> F64:
    """Give bins of equal ratios that hold the finite positive radii; none where there are none."""
    values = np.concatenate(radii)
    values = values[(values > 0) & (values < np.inf)]
    if not len(values):
        return np.empty(0)
    last = int(np.floor(np.log10(values.max()) * _BINS_A_DECADE)) + 1
    first = int(np.floor(np.log10(values.min()) * _BINS_A_DECADE))
    first = max(first, last - _DECADES * _BINS_A_DECADE)
    edges: F64 = 10.0 ** (np.arange(first, last + 1) / _BINS_A_DECADE)
    return edges


def _histogram(radii: F64, edges: F64) -> tuple[int, ...]:
    """Count finite positive radii; what is below the first bin falls into it."""
    if not len(edges):
        return ()
    known = radii[(radii > 0) & (radii < np.inf)]
    bins = np.clip(np.searchsorted(edges, known, "right") - 1, 0, len(edges) - 2)
    return tuple(np.bincount(bins, minlength=len(edges) - 1).tolist())
