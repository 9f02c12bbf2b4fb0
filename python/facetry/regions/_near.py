"""The regions around a point, breadth first over facets, in any dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._progress import Progress, reporter
from ..network import Network
from ..patterns import Patterns
from ..polytope import Polytope, Polytopes
from ._region import Region
from ._walls import across, facets_of

F64 = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

_BLOCK_BYTES = 2**27  # of walls at a time


@dataclass(frozen=True)
class RegionsNear:
    """What :func:`regions_near` finds; the region of the point itself comes first.

    Attributes
    ----------
    patterns : Patterns
        One a region, in the order in which they were found.
    hops : (n,) integers
        Facets crossed on the way: the least number.
    distances : (n,) array or None
        Distance of the closed region from the point, where a radius was given.
    complete : bool
        False where ``max_regions`` ended the search.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [1.0], [1.0]], [0.0, -1.0, -2.0]), ft.ReLU()])
    >>> near = ft.regions_near(net, [-0.5], hops=2)
    >>> len(near), near.hops.tolist(), near.region(2).center.tolist()
    (3, [0, 1, 2], [1.5])

    """

    patterns: Patterns
    hops: Int64Array
    distances: F64 | None
    complete: bool
    _net: Network

    def __len__(self) -> int:
        return len(self.patterns)

    def region(self, i: int) -> Region:
        """Give one region."""
        return self._net.region_of(self.patterns[i])


def regions_near(
    net: Network,
    x: npt.ArrayLike,
    *,
    hops: int | None = None,
    radius: float | None = None,
    norm: float = 2,
    max_regions: int | None = None,
    progress: bool | Progress | None = None,
) -> RegionsNear:
    """Find the regions within so many facets of a point, or all that meet a ball around it.

    Parameters
    ----------
    net : Network
        On the CPU. Geometry is float64 of its weights, whatever its dtype.
    x : (inputs,) array
        The point.
    hops : int
        Facets to cross at most; 0 gives the region of ``x`` alone.
    radius : float
        Instead of ``hops``: regions whose distance from ``x`` is at most this. Such regions are joined by
        facets, since a straight line from ``x`` to any of their points in the ball stays in the ball.
    norm : 2 or inf
        Of the ball.
    max_regions : int, optional
        The search ends with this many, the nearest in hops first; ``complete`` is then False.
    progress : bool or callable, optional
        True counts on standard error; a callable gets (regions done, None).

    Returns
    -------
    RegionsNear

    Raises
    ------
    ValueError
        Unless one of ``hops`` and ``radius`` is given; for negative ones, another norm, a point of another
        shape, and a point whose own region has no interior (it lies on coincident walls).

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU(), ft.Dense([[1.0, 1.0]])])
    >>> len(ft.regions_near(net, [1.0, 1.0], hops=1)), len(ft.regions_near(net, [1.0, 1.0], radius=1.5))
    (3, 4)
    >>> ft.regions_near(net, [1.0, 2.0], radius=2, norm=float("inf")).distances.tolist()
    [0.0, 1.0, 2.0, 2.0]

    """
    _check(hops, radius, norm, max_regions)
    point = np.asarray(x, np.float64).reshape(-1)
    start = net.region(point)
    net = net._double()
    if start.polytope.dimension < net.input_dim:
        raise ValueError("x lies in a region without an interior: it is on several walls at once")
    report = reporter(progress, "regions")
    found, level = start.pattern, start.pattern
    depth = [0]
    distances = [0.0]
    while len(level) and (hops is None or depth[-1] < hops):
        candidates = _neighbors(net, level)
        distinct = Patterns.concatenate([found, candidates]).unique()
        level = distinct[len(found) :]
        if radius is not None:
            apart = _distances(net, level, point, norm)
            level, apart = level[apart <= radius], apart[apart <= radius]
            distances += apart.tolist()
        found = Patterns.concatenate([found, level])
        depth += [depth[-1] + 1] * len(level)
        report(len(found), None)
        if max_regions is not None and len(found) > max_regions:
            break
    count = len(found) if max_regions is None else min(len(found), max_regions)
    return RegionsNear(
        found[:count],
        np.array(depth[:count]),
        None if radius is None else np.array(distances[:count]),
        count == len(found),
        net,
    )


def _check(hops: int | None, radius: float | None, norm: float, max_regions: int | None) -> None:
    if (hops is None) == (radius is None):
        raise ValueError("pass either hops= or radius=")
    if hops is not None and hops < 0:
        raise ValueError(f"hops must not be negative, is {hops}")
    if radius is not None and not 0 <= radius < math.inf:
        raise ValueError(f"radius must be a finite number, not negative, is {radius}")
    if norm not in (2, math.inf):
        raise ValueError(f"norm is {norm!r}, expected 2 or inf")
    if max_regions is not None and max_regions < 1:
        raise ValueError(f"max_regions must be at least 1, is {max_regions}")


def _neighbors(net: Network, patterns: Patterns) -> Patterns:
    """Give the patterns across all facets of all these regions, some of them more than once."""
    step = max(_BLOCK_BYTES // (8 * max(net.n_neurons * net.input_dim, 1)), 1)
    parts = [patterns[:0]]
    for begin in range(0, len(patterns), step):
        block = patterns[begin : begin + step]
        facets, _ = facets_of(*net._region_rows(block))
        parts.append(across(net, block, facets))
    return Patterns.concatenate(parts)


def _distances(net: Network, patterns: Patterns, point: F64, norm: float) -> F64:
    """Distance of every closed region from the point."""
    distances = np.empty(len(patterns))
    step = max(_BLOCK_BYTES // (8 * max(net.n_neurons * net.input_dim, 1)), 1)
    for begin in range(0, len(patterns), step):
        A, b = net._region_rows(patterns[begin : begin + step])
        if norm == 2:
            here = Polytope.box(point, point)
            distances[begin : begin + step] = [
                Polytope(*rows).distance(here)[0] for rows in zip(A, b, strict=True)
            ]
        else:
            distances[begin : begin + step] = _largest_coordinate(A, b, point)
    return distances


def _largest_coordinate(A: F64, b: F64, point: F64) -> F64:
    """Minimise t subject to A y <= b and |y - point| <= t, coordinate by coordinate, for many A and b."""
    k, m, dim = A.shape
    rows = np.zeros((k, m + 2 * dim, dim + 1))
    right = np.empty((k, m + 2 * dim))
    rows[:, :m, :dim], right[:, :m] = A, b - A @ point
    rows[:, m:, :dim] = np.concatenate([np.eye(dim), -np.eye(dim)])
    rows[:, m:, dim], right[:, m:] = -1, 0
    least: F64 = Polytopes(rows, right).maximize(np.append(np.zeros(dim), -1.0)).value
    return np.maximum(-least, 0)
