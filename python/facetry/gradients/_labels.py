"""Points with labels: their checks, and the gradients of the labelled outputs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._arrays import FloatArray, require_memory
from ..network import Network

Int64Array = npt.NDArray[np.int64]


def label_gradients(net: Network, x: npt.ArrayLike, labels: npt.ArrayLike) -> FloatArray:
    """Give the gradient of the labelled output at every point, ``grad f_y(x)``, by one pass back.

    Parameters
    ----------
    net : Network
        Of any layers.
    x : (n, inputs) array
        As for calling the network.
    labels : int or (n,) array of int
        The output of each point, 0 to outputs - 1.

    Returns
    -------
    (n, inputs) array of the network's dtype

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 2.0], [3.0, 4.0]])])
    >>> ft.gradients.label_gradients(net, [[0.0, 0.0], [0.0, 0.0]], [0, 1]).tolist()
    [[1.0, 2.0], [3.0, 4.0]]

    """
    points = net._points(x)
    return gradients_of(net, points, as_labels(net, labels, len(points)))


def gradients_of(net: Network, points: FloatArray, labels: Int64Array) -> FloatArray:
    """Pull unit vectors back."""
    require_memory(len(points) * net.output_dim * net.dtype.itemsize, "the cotangents")
    cotangents = np.zeros((len(points), net.output_dim), net.dtype)
    cotangents[np.arange(len(points)), labels] = 1
    return net.vjp(points, cotangents)


def as_labels(net: Network, labels: npt.ArrayLike, count: int) -> Int64Array:
    """Coerce labels to (n,) int64."""
    array = np.asarray(labels)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, have dtype {array.dtype}")
    if array.shape not in ((), (count,)):
        raise ValueError(f"labels has shape {array.shape}, expected ({count},)")
    array = np.broadcast_to(array, (count,)).astype(np.int64)
    bad = np.flatnonzero((array < 0) | (array >= net.output_dim))
    if bad.size:
        raise ValueError(f"labels[{bad[0]}] is {array[bad[0]]}, the network has {net.output_dim} outputs")
    return array
