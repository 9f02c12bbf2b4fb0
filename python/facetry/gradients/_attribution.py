"""Attributions of an output to the inputs, and pictures of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .._arrays import numpy_array, require_memory
from ..network import Network
from ._labels import as_labels, gradients_of

F64 = npt.NDArray[np.float64]


class IntegratedGradients(NamedTuple):
    """Attributions of n points.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 2.0]])])
    >>> found = ft.gradients.integrated_gradients(net, [[3.0, 4.0]], 0)
    >>> found.attribution.tolist(), found.gap.tolist()
    ([[3.0, 8.0]], [0.0])

    """

    attribution: F64
    """(n, inputs)."""
    gap: F64
    """(n,): the attributions' sum less ``f_y(x) - f_y(baseline)``; 0 where the integral is exact."""


def integrated_gradients(
    net: Network,
    x: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    baseline: npt.ArrayLike = 0.0,
    steps: int = 64,
) -> IntegratedGradients:
    """Integrate the gradient of the labelled output from a baseline to every point.

    ``(x - b) * integral of grad f_y(b + t (x - b)) dt`` over t in [0, 1] (Sundararajan et al. 2017), by the
    midpoint rule, in float64. The attributions of the true integral add up to ``f_y(x) - f_y(b)``
    (completeness); the gap says how far these are from that.

    Parameters
    ----------
    net : Network
        Of any layers.
    x : (n, inputs) array
        As for calling the network.
    labels : int or (n,) array of int
        The output of each point.
    baseline : number, (inputs,) or (n, inputs) array
        Where the paths begin.
    steps : int
        Midpoints of the path. The rule is exact where no wall is crossed.

    Raises
    ------
    ValueError, TypeError
        For points as in calling the network; labels out of range; a baseline of another shape or that is not
        finite; steps < 1.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 1.0]], [-1.0]), ft.ReLU()])
    >>> found = ft.gradients.integrated_gradients(net, [[2.0, 0.0]], 0, steps=4)
    >>> found.attribution.tolist(), found.gap.tolist()
    ([[1.0, 0.0]], [0.0])

    """
    points = net._points(x).astype(np.float64)
    outputs = as_labels(net, labels, len(points))
    if steps < 1:
        raise ValueError(f"steps must be at least 1, is {steps}")
    start = np.asarray(numpy_array("baseline", baseline), np.float64)
    if start.shape not in ((), (net.input_dim,), points.shape):
        raise ValueError(
            f"baseline has shape {start.shape}, expected a number, ({net.input_dim},) or {points.shape}"
        )
    if not np.isfinite(start).all():
        index = tuple(np.argwhere(~np.isfinite(start))[0].tolist())
        raise ValueError(f"baseline is not finite at index {index}")
    double = net._double()
    start = np.broadcast_to(start, points.shape)
    way = points - start
    total = np.zeros_like(points)
    for k in range(steps):
        total += gradients_of(double, start + (k + 0.5) / steps * way, outputs)
    attribution = way * (total / steps)
    rows = np.arange(len(points))
    rise = double(points)[rows, outputs] - double(start)[rows, outputs]
    return IntegratedGradients(attribution, attribution.sum(axis=1) - rise)


def attribution_image(gradients: npt.ArrayLike, shape: tuple[int, int, int]) -> F64:
    """Give gradients or attributions as grey pictures (Lee et al. 2019, Appendix K).

    The sum over channels, its magnitude, divided by the 99th percentile of the picture's pixels (linear
    between ranks), clipped at 1.

    Parameters
    ----------
    gradients : (n, inputs) array
        Any shape (n, ...) of n * channels * rows * columns finite numbers.
    shape : (channels, rows, columns)
        Of the network's inputs, in C order.

    Returns
    -------
    (n, rows, columns) float64 array in [0, 1]
        Where the percentile is 0, pixels above it are 1.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.gradients.attribution_image([[1.0, -2.0, 3.0, -4.0]], (2, 1, 2)).round(3).tolist()
    [[[0.669, 1.0]]]

    """
    array = np.asarray(numpy_array("gradients", gradients), np.float64)
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"shape is {tuple(shape)}, expected (channels, rows, columns)")
    if array.ndim < 2 or int(np.prod(array.shape[1:])) != int(np.prod(shape)):
        raise ValueError(f"gradients has shape {array.shape}, expected (n, {int(np.prod(shape))})")
    array = array.reshape(len(array), int(np.prod(shape)))
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(f"gradients is not finite at index ({bad[0][0]}, {bad[0][1]})")
    require_memory(2 * array.nbytes, "the pictures")
    pictures: F64 = np.abs(array.reshape(len(array), *shape).sum(axis=1))
    if not len(pictures):
        return pictures
    top = np.percentile(pictures, 99, axis=(1, 2), keepdims=True)
    pictures[:] = np.where(top > 0, pictures / np.where(top > 0, top, 1), pictures > 0)
    return np.minimum(pictures, 1, out=pictures)
