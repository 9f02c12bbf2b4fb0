"""Every linear piece of a network on segments, rays and lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import as_points, memory_limit, numpy_array, require_memory
from ..network import Network
from ..patterns import Patterns
from ._segment import Float64Array, Segments


def regions_on_segment(
    net: Network,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    t_range: tuple[float, float] = (0.0, 1.0),
    values: bool = True,
    max_bytes: int | None = None,
) -> Segments:
    """Find every linear piece of a network on segments ``x(t) = a + t (b - a)``.

    Parameters
    ----------
    net : Network
        On the CPU. Computed in float64 from its weights, whatever its dtype.
    a, b : (n, inputs) or (inputs,) array
        Ends; a single point serves for all segments.
    t_range : (float, float)
        Range of t; ``(-inf, inf)`` for whole lines, one infinite end for rays.
    values : bool
        Compute the outputs at breakpoints and finite ends.
    max_bytes : int, optional
        The number of pieces is not known beforehand: memory grows as they are found, and MemoryError is
        raised once the result passes this (default: the machine's memory).

    Returns
    -------
    Segments
        A sequence of n :class:`Segment`. The same bits whatever the instruction set, the number of threads
        and the other segments of the call.

    Raises
    ------
    ValueError
        For other shapes, NaN or infinity in ``a`` or ``b`` (the message gives the first index), and a range
        that is not ascending.
    RuntimeError
        For a network on a CUDA device.
    OverflowError
        Where a value exceeds float64.
    MemoryError
        See ``max_bytes``.

    Notes
    -----
    Layer by layer (Sotoudeh and Thakur 2019): pre-activations are linear between the breakpoints
    of the layers before. A pre-activation counts as zero up to ``1e-13`` times the largest value on the
    segment of its sum of absolute terms, ``sum |w| |a| + |b|``. A neuron that is zero over a whole piece is
    inactive there, also where rounding in ``net.patterns`` says otherwise. Two neurons flip at one breakpoint
    where one of them counts as zero at the other's crossing, and crossings are never closer than ``2**-50``
    of the range. A ray is a segment in homogeneous coordinates, ``u / (1 - u)`` for t, so that far
    breakpoints keep their relative precision as far as the point has moved no more than a few times its own
    size.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU(), ft.Dense([[1.0, 1.0]])])
    >>> segment = ft.regions_on_segment(net, [-1.0, -1.0], [1.0, 3.0])[0]
    >>> segment.breakpoints.tolist(), segment.patterns.to_bool().tolist()
    ([0.25, 0.5], [[False, False], [False, True], [True, True]])
    >>> ft.regions_on_segment(net, [-1.0, -1.0], [1.0, 1.0])[0].neurons  # through a vertex
    [array([0, 1])]

    """
    if not isinstance(net, Network):
        raise TypeError(f"net must be a facetry.Network, is {type(net).__name__}")
    net._require_host()
    begin, end = _range(t_range)
    net = net._double()
    first, second = _ends("a", a, net.input_dim), _ends("b", b, net.input_dim)
    n = len(second) if len(first) == 1 else len(first)
    if len(second) not in (1, n):
        raise ValueError(f"b has {len(second)} points, expected {n} as a has, or 1")
    words = net._core.words
    require_memory(8 * n * (2 * net.input_dim + words + 4), f"{n} segments")
    starts, stops = (np.ascontiguousarray(np.broadcast_to(x, (n, net.input_dim))) for x in (first, second))
    core: Any = net._core
    limit = memory_limit() if max_bytes is None else int(max_bytes)
    if limit < 0:
        raise ValueError(f"max_bytes must not be negative, is {max_bytes}")
    offsets, t, flip_offsets, neuron, rows, bits = _core.segment_pieces(
        core, starts, stops, begin, end, bool(values), limit
    )
    patterns = Patterns(bits, net.layer_widths)
    return Segments(
        net, starts, stops, (begin, end), offsets, t, flip_offsets, neuron, rows if values else None, patterns
    )


def _ends(name: str, x: npt.ArrayLike, width: int) -> Float64Array:
    array = numpy_array(name, x)
    if array.ndim == 1:
        array = array[None]
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    points: Any = as_points(array, width, np.dtype(np.float64), name)
    checked: Float64Array = points
    return checked


def _range(t_range: tuple[float, float]) -> tuple[float, float]:
    try:
        begin, end = (float(t) for t in t_range)
    except (TypeError, ValueError):
        raise ValueError(f"t_range must be two numbers, is {t_range!r}") from None
    if not begin < end or begin == np.inf or end == -np.inf:
        raise ValueError(f"t_range must ascend, is {(begin, end)}")
    if np.isfinite([begin, end]).all() and not (end - begin) > 2.0**-40 * max(abs(begin), abs(end)):
        raise ValueError(f"t_range {(begin, end)} is too narrow: float64 has too few numbers inside")
    if np.isfinite([begin, end]).all() and not np.isfinite(end - begin):
        raise ValueError(f"t_range {(begin, end)} is too wide for float64: use an infinite end")
    return begin, end
