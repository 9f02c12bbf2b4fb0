"""Patterns in; Jacobians, half-spaces and products with Jacobians out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import FloatArray, as_points, require_memory, result_array
from ..patterns import Patterns
from ._base import BaseNetwork

Int64Array = npt.NDArray[np.int64]
Chosen = slice | range | Sequence[int] | Int64Array | None


class AffineMaps(NamedTuple):
    """Affine maps ``f(x) = jacobian @ x + offset``: (n, outputs, inputs) and (n, outputs).

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[2.0]], [1.0]), ft.ReLU(), ft.Dense([[3.0]], [0.5])])
    >>> maps = net.affine_maps([[1.0], [-1.0]])
    >>> maps.jacobian.tolist(), maps.offset.tolist()
    ([[[6.0]], [[0.0]]], [[3.5], [0.5]])

    """

    jacobian: FloatArray
    offset: FloatArray


class HalfSpaces(NamedTuple):
    """Rows ``a @ x <= b`` in ``A`` (m, inputs) and ``b`` (m,), and the neuron of each row (m,).

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[2.0]], [1.0]), ft.ReLU()])
    >>> rows = net.halfspaces(net.patterns([[1.0]]))
    >>> rows.A.tolist(), rows.b.tolist(), rows.neuron.tolist()
    ([[-2.0]], [1.0], [0])

    """

    A: npt.NDArray[np.float64]
    b: npt.NDArray[np.float64]
    neuron: Int64Array


def as_indices(name: str, wanted: Chosen, count: int) -> Int64Array:
    """Coerce a choice among ``count`` things to their numbers; negative ones count from the end."""
    if wanted is None:
        return np.arange(count)
    if isinstance(wanted, slice):
        return np.arange(count)[wanted]
    array = np.asarray(wanted)
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise TypeError(f"{name} must be a slice or a sequence of integers, is {wanted!r:.60}")
    bad = np.flatnonzero((array < -count) | (array >= count))
    if bad.size:
        raise ValueError(f"{name}[{bad[0]}] is {array[bad[0]]}, there are {count}")
    indices = array.astype(np.int64) % count
    values, counts = np.unique(indices, return_counts=True)
    if counts.max() > 1:
        raise ValueError(f"{name} holds {values[counts.argmax()]} more than once")
    return indices


def neuron_gradients(
    net: BaseNetwork,
    patterns: Patterns,
    axes: Int64Array,
    rows: Int64Array,
    method: str,
    out: npt.NDArray[Any] | None,
    max_bytes: int | None = None,
) -> FloatArray:
    """Fill (n, rows, axes) for given patterns; rows past the neurons are the outputs."""
    shape = (len(patterns), len(rows), len(axes))
    if max_bytes is not None and out is None and int(np.prod(shape)) * net.dtype.itemsize > max_bytes:
        raise MemoryError(
            f"gradients of shape {shape} need {int(np.prod(shape)) * net.dtype.itemsize:,} bytes, max_bytes "
            f"is {max_bytes:,}: choose axes or neurons, or go through iter_neuron_gradients()"
        )
    result = result_array(shape, net.dtype, "the gradients", out)
    flat = result.reshape(shape[0] * shape[1], shape[2])
    _core.neuron_gradients(net._core, patterns.bits, axes, rows, method, flat)
    return result


def gradient_blocks(
    net: BaseNetwork, points: FloatArray, axes: Int64Array, neurons: Int64Array, method: str, step: int
) -> Iterator[tuple[slice, FloatArray]]:
    """Compute so many points at a time."""
    for begin in range(0, len(points), step):
        block = slice(begin, min(begin + step, len(points)))
        yield block, neuron_gradients(net, net.patterns(points[block]), axes, neurons, method, None)


def affine_maps(net: BaseNetwork, patterns: Patterns) -> AffineMaps:
    """Give J and c of every pattern: c is the value of the frozen network at 0."""
    outputs = np.arange(net.n_neurons, net.n_neurons + net.output_dim)
    jacobian = neuron_gradients(net, patterns, np.arange(net.input_dim), outputs, "auto", None)
    offset = np.empty((len(patterns), net.output_dim), net.dtype)
    _core.propagate_frozen(net._core, _zeros(net, patterns), patterns.bits, 1, False, outputs=offset)
    return AffineMaps(jacobian, offset)


def walls(net: BaseNetwork, patterns: Patterns) -> tuple[FloatArray, FloatArray]:
    """Give the walls of every pattern as rows ``A @ x <= b``, oriented by its bits: (n, m, d) and (n, m)."""
    neurons = np.arange(net.n_neurons)
    rows = neuron_gradients(net, patterns, np.arange(net.input_dim), neurons, "auto", None)
    offsets = result_array((len(patterns), net.n_neurons), net.dtype, "the walls")
    _core.propagate_frozen(net._core, _zeros(net, patterns), patterns.bits, 1, False, preactivations=offsets)
    sign = np.where(patterns.to_bool(), -1.0, 1.0)
    rows *= sign[:, :, None]
    return rows, -sign * offsets


def push_forward(net: BaseNetwork, patterns: Patterns, tangents: FloatArray, repeat: int) -> FloatArray:
    """Give J v for rows of tangents (Johansson's forward mode)."""
    result = result_array((len(tangents), net.output_dim), net.dtype, "the products")
    _core.propagate_frozen(net._core, tangents, patterns.bits, repeat, True, outputs=result)
    return result


def pull_back(net: BaseNetwork, patterns: Patterns, cotangents: FloatArray, repeat: int) -> FloatArray:
    """Give u J for rows of cotangents (Johansson's backward mode)."""
    result = result_array((len(cotangents), net.input_dim), net.dtype, "the products")
    _core.pull_back(net._core, cotangents, patterns.bits, repeat, result)
    return result


def vectors_of(
    name: str, values: npt.ArrayLike, points: int, width: int, dtype: np.dtype[Any]
) -> tuple[FloatArray, tuple[int, ...]]:
    """Coerce (n, width) or (n, k, width), one vector a point or k, to rows; give the shape in front too."""
    array = np.asarray(values)
    if array.ndim not in (2, 3) or array.shape[0] != points or array.shape[-1] != width:
        raise ValueError(
            f"{name} has shape {array.shape}, expected ({points}, {width}) or ({points}, k, {width})"
        )
    rows = as_points(array.reshape(-1, width) if array.ndim == 3 else values, width, dtype, name)
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        raise ValueError(f"{name} is not finite at row {bad[0][0]}, element {bad[0][1]}")
    return rows, array.shape[:-1]


def repeat_of(shape: tuple[int, ...]) -> int:
    """Give the number of vectors a point."""
    return shape[1] if len(shape) == 2 else 1


def _zeros(net: BaseNetwork, patterns: Patterns) -> FloatArray:
    require_memory(len(patterns) * net.input_dim * net.dtype.itemsize, "the points")
    return np.zeros((len(patterns), net.input_dim), net.dtype)
