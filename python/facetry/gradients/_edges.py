"""Distances to the edge of the region, of points with and without a mark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..network import Network

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EdgeStudy:
    """Distances to the edge of marked points and of the others; see :func:`edge_study`.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0]]), ft.ReLU()])
    >>> study = ft.gradients.edge_study(net, [[0.1], [0.5], [-2.0]], [True, False, False])
    >>> study.marked.tolist(), study.others.tolist(), study.nearer
    ([0.1], [0.5, 2.0], 1.0)

    """

    marked: F64
    """Distances of the marked points, ascending."""
    others: F64
    """Distances of the other points, ascending."""
    nearer: float
    """How often a marked point is nearer to its edge than another one, over all pairs; equals count half.

    0.5 where the mark says nothing, 1 where all marked points are nearer than all others.
    """

    def histogram(self, bins: int = 30) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], F64]:
        """Count both kinds in common bins: (marked, others, edges of the bins)."""
        if bins < 1:
            raise ValueError(f"bins must be at least 1, is {bins}")
        both = np.concatenate([self.marked, self.others])
        finite = both[np.isfinite(both)]
        edges = np.histogram_bin_edges(finite, bins)
        return np.histogram(self.marked, edges)[0], np.histogram(self.others, edges)[0], edges


def distance_to_edge(net: Network, x: npt.ArrayLike, p: float = 2) -> F64:
    """Give the distance from every point to the edge of its region (Johansson 2022, Eq. 2.1).

    The least distance to the wall of a neuron: ``net.margins(x, p).radius``, (n,).

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[3.0, 4.0]], [-5.0]), ft.ReLU()])
    >>> ft.gradients.distance_to_edge(net, [[0.0, 0.0]]).tolist()
    [1.0]

    """
    return net.margins(x, p).radius


def edge_study(net: Network, x: npt.ArrayLike, marked: npt.ArrayLike, p: float = 2) -> EdgeStudy:
    """Compare the distances to the edge of marked points, mislabelled ones say, with those of the others.

    Johansson (2022, section 2.1.3) finds mislabelled training points nearer to the edges of their regions.

    Parameters
    ----------
    net : Network
        Of any layers.
    x : (n, inputs) array
        As for calling the network.
    marked : (n,) array of bool
        At least one point of either kind.
    p : 1, 2 or inf
        The norm of the distance.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0]]), ft.ReLU()])
    >>> ft.gradients.edge_study(net, [[1.0], [2.0], [3.0]], [False, True, False]).nearer
    0.5

    """
    distances = distance_to_edge(net, x, p)
    marks = np.asarray(marked)
    if marks.dtype != bool:
        raise TypeError(f"marked has dtype {marks.dtype}, expected bool")
    if marks.shape != distances.shape:
        raise ValueError(f"marked has shape {marks.shape}, expected {distances.shape}")
    if marks.all() or not marks.any():
        raise ValueError(f"marked is {bool(marks.any())} for all points: there must be some of either kind")
    near, far = np.sort(distances[marks]), np.sort(distances[~marks])
    below = np.searchsorted(far, near, "left") + np.searchsorted(far, near, "right")
    nearer = 1 - float(below.sum()) / (2 * len(near) * len(far))
    return EdgeStudy(near, far, nearer)
