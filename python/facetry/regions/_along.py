"""What is computed along pieces that are known: affine functions of t, integrals of gradients, checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import FloatArray, require_memory, result_array
from ..layers import Dense, Scale
from ..network import Network

if TYPE_CHECKING:
    from ._segment import Segments

Float64Array = npt.NDArray[np.float64]
_CHUNK_BYTES = 2**25
_TOLERANCE = 1e-13  # cpp/regions/tolerance.hpp


class SegmentCheck(NamedTuple):
    """What :meth:`Segments.verify` found.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0]]), ft.ReLU()])
    >>> check = ft.regions_on_segment(net, [-1.0], [1.0]).verify()
    >>> check.ok, check.pieces, check.wrong
    (True, 2, 0)

    """

    pieces: int
    """Pieces checked, each by the pattern of a point inside."""
    wrong: int
    """Bits that differ from the network's inside a piece, beyond the tolerance."""
    ties: int
    """Bits that differ where the neuron counts as zero: it vanishes along the piece."""
    shortest: float
    """Length of the shortest piece in t; infinity where there is none of finite length."""
    value_error: float
    """Largest difference of a value from the network's, relative to the largest value; 0 without values."""

    @property
    def ok(self) -> bool:
        """No wrong bit, no empty piece, and values that agree to 1e-9."""
        return self.wrong == 0 and self.shortest > 0 and self.value_error <= 1e-9


def lines_of_pieces(segments: Segments) -> tuple[Float64Array, Float64Array]:
    """Give slope and intercept of every output on every piece, (pieces, outputs) each."""
    net = segments.net
    shape = segments.n_pieces, net.output_dim
    slope = result_array(shape, np.float64, "the slopes")
    intercept = result_array(shape, np.float64, "the intercepts")
    head, tail = _halves(net)
    begin: FloatArray = segments.a if head is None else head(segments.a)
    rate: FloatArray = segments.b - segments.a
    if head is not None:
        rate = _frozen(head, rate, head.patterns(rate).bits, True)
    bits = segments.patterns.bits
    owner = np.repeat(np.arange(len(segments)), np.diff(segments.offsets) + 1)
    for rows in _chunks(segments.n_pieces, tail.input_dim + net.output_dim):
        intercept[rows] = _frozen(tail, begin[owner[rows]], bits[rows], False)
        slope[rows] = _frozen(tail, rate[owner[rows]], bits[rows], True)
    return slope, intercept


def gradient_integrals(segments: Segments, outputs: npt.NDArray[np.int64]) -> Float64Array:
    """Integrate the gradient of outputs over t, (n, outputs, inputs).

    The gradients of the pieces are summed where the first neurons are, and pulled through the affine map
    before them once a segment.
    """
    net = segments.net
    head, tail = _halves(net)
    result = result_array((len(segments), len(outputs), net.input_dim), np.float64, "the integrals")
    lengths = np.diff(segments.piece_ends)[:, 0]
    bits = segments.patterns.bits
    firsts = segments.offsets + np.arange(len(segments) + 1)
    for k, output in enumerate(outputs):
        sums = np.zeros((len(segments), tail.input_dim))
        for rows in _chunks(segments.n_pieces, tail.input_dim + net.output_dim):
            unit = np.zeros((rows.stop - rows.start, net.output_dim))
            unit[:, output] = 1
            gradients = np.empty((len(unit), tail.input_dim))
            _core.pull_back(tail._core, unit, bits[rows], 1, gradients)
            gradients *= lengths[rows, None]
            owners = np.searchsorted(firsts, np.arange(rows.start, rows.stop), side="right") - 1
            starts = np.flatnonzero(np.diff(owners, prepend=-1))
            sums[owners[starts]] += np.add.reduceat(gradients, starts, axis=0)
        result[:, k] = sums if head is None else head.vjp(np.zeros((len(sums), net.input_dim)), sums)
    return result


def check_pieces(segments: Segments) -> SegmentCheck:
    """Evaluate the network at a point inside every piece, and at the knots."""
    net = segments.net
    t = segments.witnesses()
    owner = np.repeat(np.arange(len(segments)), np.diff(segments.offsets) + 1)
    wrong = ties = 0
    for rows in _chunks(segments.n_pieces, net.input_dim + net.n_neurons):
        x = _points(segments, owner[rows], t[rows])
        mine = segments.patterns[rows]
        differ = np.flatnonzero(net.patterns(x).hamming(mine))
        if len(differ):
            unequal = net.patterns(x[differ]).to_bool() != mine[differ].to_bool()
            tolerance = _tolerances(segments, owner[rows][differ])
            vanish = abs(net.preactivations(x[differ])) <= tolerance
            wrong += int((unequal & ~vanish).sum())
            ties += int((unequal & vanish).sum())
    lengths = np.diff(segments.piece_ends)
    return SegmentCheck(
        segments.n_pieces, wrong, ties, float(lengths.min(initial=np.inf)), _value_error(segments)
    )


def _value_error(segments: Segments) -> float:
    if segments.values is None or not len(segments.values):
        return 0.0
    ends = [t for t in segments.t_range if np.isfinite(t)]
    owner = np.repeat(np.arange(len(segments)), np.diff(segments.offsets) + len(ends))
    knots = np.concatenate([segment.knots for segment in segments])
    error = 0.0
    for rows in _chunks(len(knots), segments.net.input_dim + segments.net.n_neurons):
        exact = segments.net(_points(segments, owner[rows], knots[rows]))
        error = max(error, float(abs(exact - segments.values[rows]).max()))
    return error / max(float(abs(segments.values).max()), np.finfo(float).tiny)


def _points(segments: Segments, owner: npt.NDArray[np.int64], t: Float64Array) -> Float64Array:
    a, b = segments.a[owner], segments.b[owner]
    x: Float64Array = np.where(t[:, None] > 0.5, b + (t[:, None] - 1) * (b - a), a + t[:, None] * (b - a))
    return x


class _Magnitudes:
    """The sums of absolute terms of every neuron, at points (see layers.Builder)."""

    def __init__(self, x: Float64Array) -> None:
        self.values = [x]
        self.sizes = [abs(x)]
        self.neurons: list[Float64Array] = []

    def width(self, node: int) -> int:
        return int(self.values[node].shape[1])

    def dense(self, node: int, weight: Float64Array, bias: Float64Array) -> int:
        a = self.values[node]
        return self._append(a @ weight.T + bias, abs(a) @ abs(weight).T + abs(bias))

    def scale(self, node: int, scale: Float64Array, shift: Float64Array) -> int:
        return self._append(
            self.values[node] * scale + shift, self.sizes[node] * abs(scale) + abs(np.asarray(shift))
        )

    def activation(self, node: int, slopes: Float64Array | None) -> int:
        z, size = self.values[node], self.sizes[node]
        self.neurons.append(size)
        slopes = np.zeros(z.shape[1]) if slopes is None else slopes
        return self._append(np.where(z > 0, z, slopes * z), size * np.maximum(1, abs(slopes)))

    def _append(self, values: Float64Array, sizes: Float64Array) -> int:
        self.values.append(values)
        self.sizes.append(sizes)
        return len(self.values) - 1


def _tolerances(segments: Segments, owners: npt.NDArray[np.int64]) -> Float64Array:
    """Give what counts as zero on the segments of some pieces: the largest at witnesses and knots."""
    result = np.empty((len(owners), segments.net.n_neurons))
    for owner in np.unique(owners):
        pieces = slice(segments.offsets[owner] + owner, segments.offsets[owner + 1] + owner + 1)
        t = np.concatenate([segments.witnesses()[pieces], segments[int(owner)].knots])
        chain: Any = _Magnitudes(_points(segments, np.full(len(t), owner), t))
        node = 0
        for layer in segments.net.layers:
            node = layer.lower(chain, node)
        result[owners == owner] = _TOLERANCE * np.concatenate(chain.neurons, axis=1).max(axis=0)
    return result


def _halves(net: Network) -> tuple[Network | None, Network]:
    """Split off the affine layers in front, whose value is linear in t and common to all pieces."""
    count = 0
    while count < len(net.layers) and isinstance(net.layers[count], (Dense, Scale)):
        count += 1
    if count in (0, len(net.layers)):
        return None, net
    head = Network(net.layers[:count], input_dim=net.input_dim).astype("float64")
    return head, Network._rebuild(net.layers[count:], head.output_dim).astype("float64")


def _frozen(net: Network, x: FloatArray, bits: npt.NDArray[np.uint64], is_tangent: bool) -> Float64Array:
    outputs = np.empty((len(x), net.output_dim))
    _core.propagate_frozen(net._core, np.ascontiguousarray(x), bits, 1, is_tangent, outputs=outputs)
    return outputs


def _chunks(count: int, width: int) -> Iterator[slice]:
    step = max(_CHUNK_BYTES // (8 * max(width, 1)), 1)
    require_memory(8 * min(step, count) * width, "a block of pieces")
    for begin in range(0, count, step):
        yield slice(begin, min(begin + step, count))
