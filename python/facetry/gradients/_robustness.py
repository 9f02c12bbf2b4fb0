"""How the gradient changes under noise of given lengths."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._arrays import FloatArray, as_points, require_memory
from ..network import Network
from ._labels import Int64Array, as_labels, gradients_of

F64 = npt.NDArray[np.float64]


def relative_robustness(
    net: Network,
    x: npt.ArrayLike,
    labels: npt.ArrayLike,
    magnitudes: npt.ArrayLike | None = None,
    *,
    of: str = "output",
    directions: int = 16,
    seed: int = 0,
) -> F64:
    """Give the relative change of the gradient under noise of given lengths (Srinivas 2023, Fig. 5.3).

    The mean of ``|g(x + d) - g(x)|_2 / |g(x)|_2`` over directions of d uniform on the sphere: small where
    gradients are robust.

    Parameters
    ----------
    net : Network
        Of any layers.
    x : (n, inputs) array
        As for calling the network.
    labels : int or (n,) array of int
        The output of each point.
    magnitudes : (k,) array, optional
        Euclidean lengths of d: 13 of equal ratios from 1e-3 to 1e-1 unless given.
    of : {"output", "loss"}
        g is the gradient of the labelled output, or of the loss ``-log softmax(f)_y``, which changes within a
        region too.
    directions : int
        Random directions a point, the same ones for every magnitude.
    seed : int
        Point i has the directions of ``numpy.random.default_rng([seed, i])``.

    Returns
    -------
    (n, k) float64 array
        Where g(x) = 0: 0 if all g(x + d) are 0 too, else infinity.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0]]), ft.ReLU()])
    >>> ft.gradients.relative_robustness(net, [[1.0, 0.0]], 0, [0.5, 0.9]).tolist()
    [[0.0, 0.0]]

    """
    points = net._points(x)
    outputs = as_labels(net, labels, len(points))
    lengths = np.asarray(np.logspace(-3, -1, 13) if magnitudes is None else magnitudes, np.float64)
    if lengths.ndim != 1:
        raise ValueError(f"magnitudes has shape {lengths.shape}, expected (k,)")
    bad = np.flatnonzero(~((lengths > 0) & (lengths < np.inf)))
    if bad.size:
        raise ValueError(f"magnitudes[{bad[0]}] is {lengths[bad[0]]}, expected a positive number")
    if of not in ("output", "loss"):
        raise ValueError(f"of is {of!r}, expected 'output' or 'loss'")
    if directions < 1:
        raise ValueError(f"directions must be at least 1, is {directions}")
    gradients_at = gradients_of if of == "output" else _loss_gradients
    require_memory(2 * directions * net.input_dim * 8, "the directions")
    result = np.zeros((len(points), len(lengths)))
    for i, point in enumerate(points):
        noise = np.random.default_rng([seed, i]).standard_normal((directions, net.input_dim))
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        own = gradients_at(net, point[None], outputs[i : i + 1]).astype(np.float64)
        size = np.linalg.norm(own)
        for k, length in enumerate(lengths):
            moved = as_points((point + length * noise).astype(net.dtype), net.input_dim, net.dtype)
            change = gradients_at(net, moved, np.repeat(outputs[i], directions)) - own
            mean = np.linalg.norm(change, axis=1).mean()
            result[i, k] = mean / size if size > 0 else (np.inf if mean > 0 else 0)
    return result


def _loss_gradients(net: Network, points: FloatArray, labels: Int64Array) -> FloatArray:
    """Pull ``softmax(f) - e_y`` back."""
    outputs = net(points)
    cotangents = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    cotangents /= cotangents.sum(axis=1, keepdims=True)
    cotangents[np.arange(len(points)), labels] -= 1
    return net.vjp(points, cotangents)
