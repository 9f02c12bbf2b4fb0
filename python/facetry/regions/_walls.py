"""Walls of many regions at once: facets, points inside them, what lies across."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..network import Network
from ..patterns import Patterns
from ..polytope import Polytopes

F64 = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

# A step across a facet starts at this share of the facet's own radius and shrinks by it until it lands in a
# region that touches the facet.
_STEP = 2.0**-10
_STEPS = 4
_TOUCHES = 1e-9  # a slack, relative to the size of the row


class Facets(NamedTuple):
    """The facets of k polytopes, stacked: rows ``A @ x <= b``, their neurons, and where each one's begin.

    Examples
    --------
    >>> Facets(np.eye(2), np.ones(2), np.array([0, 4]), np.array([0, 2])).neuron.tolist()
    [0, 4]

    """

    A: F64
    b: F64
    neuron: Int64Array
    offsets: Int64Array


def facets_of(A: F64, b: F64) -> tuple[Facets, npt.NDArray[np.bool_]]:
    """Find the facets of k polytopes of m rows, (k, m, d) and (k, m), and which of them have an interior.

    A row of zeros is no facet; a polytope without an interior has none.
    """
    polytopes = Polytopes(A, b)
    full = np.asarray(polytopes.dimension == A.shape[2])
    rows = np.flatnonzero((np.any(A != 0, axis=2) & full[:, None]).ravel())
    counts = np.bincount(rows // A.shape[1], minlength=len(A))
    flat = A.reshape(-1, A.shape[2])[rows], b.reshape(-1)[rows]
    stacked = Polytopes(*flat, np.concatenate([[0], np.cumsum(counts)]))
    kept = stacked.minimal_rows()
    counts = np.bincount(rows[kept] // A.shape[1], minlength=len(A))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Facets(flat[0][kept], flat[1][kept], rows[kept] % A.shape[1], offsets), full


def points_in_facets(facets: Facets) -> tuple[F64, F64]:
    """Give the centre of a largest ball inside every facet, (m, d), and its radius, (m,).

    Each facet is its own polytope of d - 1 dimensions: a reflection turns its normal into the first axis,
    which is dropped.
    """
    counts = np.diff(facets.offsets)
    region = np.repeat(np.arange(len(counts)), counts)
    foot = facets.A * (facets.b / np.einsum("ij,ij->i", facets.A, facets.A))[:, None]
    if facets.A.shape[1] == 1:
        return foot, np.ones(len(foot))
    mirror = facets.A / np.linalg.norm(facets.A, axis=1)[:, None]
    mirror[:, 0] += np.where(mirror[:, 0] < 0, -1.0, 1.0)
    mirror /= np.linalg.norm(mirror, axis=1)[:, None]
    others = counts[region]  # every facet is cut by all rows of its region; its own becomes 0 <= 0
    facet = np.repeat(np.arange(len(others)), others)
    begin = np.concatenate([[0], np.cumsum(others)]).astype(np.int64)
    row = facets.offsets[region[facet]] + np.arange(len(facet)) - begin[facet]
    A, b = facets.A[row], facets.b[row] - np.einsum("ij,ij->i", facets.A[row], foot[facet])
    A = (A - 2 * np.einsum("ij,ij->i", A, mirror[facet])[:, None] * mirror[facet])[:, 1:]
    own = row == facet
    A[own], b[own] = 0, 0
    centre, radius = Polytopes(A, b, begin).chebyshev()
    inside = np.concatenate([np.zeros((len(centre), 1)), centre], axis=1)
    inside -= 2 * np.einsum("ij,ij->i", inside, mirror)[:, None] * mirror
    return foot + inside, np.where(np.isfinite(radius), radius, 1.0)


def across(net: Network, patterns: Patterns, facets: Facets) -> Patterns:
    """Find the pattern across every facet of the regions of k patterns.

    A step through the facet's inner point is evaluated, so that neurons which share the wall flip together;
    the region found must touch the facet there.

    Raises
    ------
    RuntimeError
        Where no step finds one: regions thinner than rounding.

    """
    points, radius = points_in_facets(facets)
    normal = facets.A / np.linalg.norm(facets.A, axis=1)[:, None]
    own = patterns.bits[np.repeat(np.arange(len(patterns)), np.diff(facets.offsets))]
    found = np.zeros_like(own)
    open_ = np.arange(len(points))
    step = np.minimum(radius, 1.0)
    for _ in range(_STEPS):
        if not len(open_):
            break
        step = step * _STEP
        seen = net.patterns(points[open_] + step[open_, None] * normal[open_])
        good = np.any(seen.bits != own[open_], axis=1) & _touch(net, seen, points[open_], radius[open_])
        found[open_[good]] = seen.bits[good]
        open_ = open_[~good]
    if len(open_):
        raise RuntimeError(
            f"no region touches the facet of neuron {facets.neuron[open_[0]]} from the other side: regions "
            "there are thinner than rounding"
        )
    return Patterns(found, net.layer_widths)


def _touch(net: Network, patterns: Patterns, points: F64, radius: F64) -> npt.NDArray[np.bool_]:
    """Tell whether each closed region contains its point, the centre of a facet of this radius."""
    A, b = net._region_rows(patterns)
    slack = b - np.einsum("kmd,kd->km", A, points)
    length = np.linalg.norm(points, axis=1) + np.minimum(radius, 1.0)
    size = np.maximum(np.abs(b), np.linalg.norm(A, axis=2) * length[:, None])
    touches: npt.NDArray[np.bool_] = (slack >= -_TOUCHES * size).all(axis=1)
    return touches
