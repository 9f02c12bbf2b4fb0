"""The pieces of a network on segments, rays and lines, as they are given."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import require_memory, result_array
from ..network import Network
from ..patterns import Patterns
from ._along import SegmentCheck, check_pieces, gradient_integrals, lines_of_pieces

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]


class Piecewise(NamedTuple):
    """Outputs as functions of t: ``slope * t + intercept`` from ``t[i]`` to ``t[i + 1]`` on piece i.

    ``t`` (pieces + 1,) of a segment begins and ends with its range (the bulk form has no ``t``: None);
    ``slope`` and ``intercept`` are (pieces, outputs), or (pieces,) for a single output.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0]]), ft.ReLU()])
    >>> ft.regions_on_segment(net, [-1.0], [1.0])[0].piecewise(0).slope.tolist()
    [0.0, 2.0]

    """

    t: Float64Array | None
    slope: Float64Array
    intercept: Float64Array


class Segment:
    """The pieces of one segment; see :class:`Segments`, of which it is one item.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -0.5]), ft.ReLU(), ft.Dense([[1.0, 1.0]])])
    >>> segment = ft.regions_on_segment(net, [-1.0], [1.0])[0]
    >>> segment.breakpoints.tolist(), [n.tolist() for n in segment.neurons], segment.values.ravel().tolist()
    ([0.5, 0.75], [[0], [1]], [0.0, 0.0, 0.5, 1.5])

    """

    def __init__(self, segments: Segments, index: int) -> None:
        self._segments = segments
        self._index = index
        self._rows = slice(int(segments.offsets[index]), int(segments.offsets[index + 1]))

    def __len__(self) -> int:
        """Count the pieces."""
        return self._rows.stop - self._rows.start + 1

    def __repr__(self) -> str:
        return f"Segment({len(self)} pieces, t in {self.t_range})"

    @property
    def t_range(self) -> tuple[float, float]:
        """The range of t, perhaps infinite."""
        return self._segments.t_range

    @property
    def breakpoints(self) -> Float64Array:
        """Places t where neurons flip, ascending, strictly inside the range, (k,)."""
        return self._segments.t[self._rows]

    @property
    def neurons(self) -> list[Int64Array]:
        """The neurons that flip at each breakpoint, ascending within a layer."""
        flips = self._segments.flip_offsets[self._rows.start : self._rows.stop + 1]
        return np.split(self._segments.neuron[flips[0] : flips[-1]], flips[1:-1] - flips[0])[: len(self) - 1]

    @property
    def patterns(self) -> Patterns:
        """The pattern of every piece, k + 1 of them."""
        begin = self._rows.start + self._index
        return self._segments.patterns[begin : begin + len(self)]

    @property
    def knots(self) -> Float64Array:
        """The finite ends of the range and the breakpoints, ascending: where ``values`` are."""
        begin, end = self.t_range
        knots: Float64Array = np.concatenate([[begin], self.breakpoints, [end]])
        finite: Float64Array = knots[np.isfinite(knots)]
        return finite

    @property
    def points(self) -> Float64Array:
        """The points of input space at the knots, (knots, inputs)."""
        a, b = self._segments.a[self._index], self._segments.b[self._index]
        points: Float64Array = a + self.knots[:, None] * (b - a)
        return points

    @property
    def values(self) -> Float64Array:
        """Outputs at the knots, (knots, outputs)."""
        if self._segments.values is None:
            raise ValueError("the values were not computed: call regions_on_segment with values=True")
        ends = self._segments._finite_ends
        begin = self._rows.start + ends * self._index
        return self._segments.values[begin : begin + len(self) - 1 + ends]

    def piecewise(self, output: int | None = None) -> Piecewise:
        """Give outputs as functions of t, all of them or one; see :meth:`Segments.piecewise`."""
        single = self._single()
        lines = single.piecewise(output)
        begin, end = self.t_range
        return Piecewise(np.concatenate([[begin], self.breakpoints, [end]]), lines.slope, lines.intercept)

    def integrate(self, output: int | None = None) -> Float64Array:
        """Integrate the gradient: (inputs,) for one output, else (outputs, inputs); see :class:`Segments`."""
        result: Float64Array = self._single().integrate(output)[0]
        return result

    def _single(self) -> Segments:
        s, i = self._segments, self._index
        flips = s.flip_offsets[self._rows.start : self._rows.stop + 1]
        return Segments(
            s.net,
            s.a[i : i + 1],
            s.b[i : i + 1],
            s.t_range,
            np.array([0, len(self) - 1]),
            self.breakpoints,
            flips - flips[0],
            s.neuron[flips[0] : flips[-1]],
            None,
            s.first_patterns[i],
        )


class Segments(Sequence[Segment]):
    """What :func:`regions_on_segment` gives: a sequence of :class:`Segment`, and all of them in flat arrays.

    ``t[offsets[i]:offsets[i + 1]]`` are the breakpoints of segment i, ``neuron[flip_offsets[k]:flip_offsets[k
    + 1]]`` the neurons that flip at breakpoint k. ``values`` (None where they were not wanted) has a row for
    every breakpoint and every finite end of the range, segment by segment. ``first_patterns`` are those of
    the first pieces; ``patterns`` has those of all pieces, segment i's from row ``offsets[i] + i`` on.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -0.5]), ft.ReLU(), ft.Dense([[1.0, 1.0]])])
    >>> segments = ft.regions_on_segment(net, [[-1.0], [0.0]], [[1.0], [1.0]])
    >>> len(segments), segments.n_pieces, segments.offsets.tolist(), segments.t.tolist()
    (2, 5, [0, 2, 3], [0.5, 0.75, 0.5])
    >>> segments.integrate(0).tolist(), segments.verify().ok
    ([[1.5], [1.5]], True)

    """

    def __init__(
        self,
        net: Network,
        a: Float64Array,
        b: Float64Array,
        t_range: tuple[float, float],
        offsets: Int64Array,
        t: Float64Array,
        flip_offsets: Int64Array,
        neuron: Int64Array,
        values: Float64Array | None,
        first_patterns: Patterns,
    ) -> None:
        self.net = net
        self.a, self.b = a, b
        self.t_range = t_range
        self.offsets, self.t = offsets, t
        self.flip_offsets, self.neuron = flip_offsets, neuron
        self.values = values
        self.first_patterns = first_patterns

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> Segment: ...
    @overload
    def __getitem__(self, index: slice) -> list[Segment]: ...
    def __getitem__(self, index: int | slice) -> Segment | list[Segment]:
        if isinstance(index, slice):
            return [Segment(self, i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"segment {index} of {len(self)}")
        return Segment(self, index % len(self))

    def __repr__(self) -> str:
        return f"Segments({len(self)} with {self.n_pieces:,} pieces, t in {self.t_range})"

    @property
    def n_pieces(self) -> int:
        """Pieces of all segments: one more a segment than breakpoints."""
        return len(self.t) + len(self)

    @cached_property
    def patterns(self) -> Patterns:
        """The pattern of the inside of every piece; made when first asked for."""
        core = self.net._core
        assert isinstance(core, _core.Network64)
        bits = result_array((self.n_pieces, core.words), np.uint64, "the patterns of the pieces")
        _core.segment_patterns(
            core, self.offsets, self.flip_offsets, self.neuron, self.first_patterns.bits, bits
        )
        return Patterns(bits, self.net.layer_widths)

    @cached_property
    def piece_ends(self) -> Float64Array:
        """Where every piece begins and ends in t, (n_pieces, 2)."""
        require_memory(16 * self.n_pieces, "the ends of the pieces")
        ends = np.empty((self.n_pieces, 2))
        firsts = self.offsets[:-1] + np.arange(len(self))
        is_first = np.zeros(self.n_pieces, bool)
        is_first[firsts] = True
        ends[is_first, 0] = self.t_range[0]
        ends[~is_first, 0] = self.t
        ends[:-1, 1] = ends[1:, 0]
        if len(self):
            ends[np.append(firsts[1:] - 1, self.n_pieces - 1), 1] = self.t_range[1]
        return ends

    def witnesses(self) -> Float64Array:
        """Give a t inside every piece, (n_pieces,): its middle, or a point of the ray."""
        begin, end = self.piece_ends.T
        with np.errstate(invalid="ignore"):
            middle = begin / 2 + end / 2
            middle = np.where(np.isinf(end), begin + np.maximum(1, abs(begin)), middle)
            middle = np.where(np.isinf(begin), end - np.maximum(1, abs(end)), middle)
        return np.where(np.isinf(begin) & np.isinf(end), 0, middle)

    def piecewise(self, output: int | None = None) -> Piecewise:
        """Give outputs as functions of t: slope and intercept on every piece.

        They come from the affine map of the piece's pattern, not from differences of values, so short and
        unbounded pieces lose no digits.

        Parameters
        ----------
        output : int, optional
            One output (negative: from the end); all of them otherwise.

        Returns
        -------
        Piecewise
            ``slope`` and ``intercept`` of shape (n_pieces, outputs), or (n_pieces,) for one output; ``t`` is
            None.

        """
        slope, intercept = lines_of_pieces(self)
        if output is None:
            return Piecewise(None, slope, intercept)
        index = self._output(output)
        return Piecewise(None, slope[:, index], intercept[:, index])

    def integrate(self, output: int | None = None) -> Float64Array:
        """Give exact integrated gradients: ``(b - a) * integral of the gradient over t``.

        Sundararajan et al. 2017, Eq. 1, with the sum over all pieces in place of samples. By completeness
        they add up to ``f`` at the end minus ``f`` at the beginning of the range, to rounding.

        Parameters
        ----------
        output : int, optional
            One output; all of them otherwise.

        Returns
        -------
        (n, inputs) array for one output, else (n, outputs, inputs)

        Raises
        ------
        ValueError
            For an infinite range.

        """
        if not np.isfinite(self.t_range).all():
            raise ValueError(f"t_range is {self.t_range}: an integral needs a finite one")
        outputs = np.arange(self.net.output_dim) if output is None else np.array([self._output(output)])
        result = (self.b - self.a)[:, None, :] * gradient_integrals(self, outputs)
        return result if output is None else result[:, 0]

    def verify(self) -> SegmentCheck:
        """Check every piece from scratch: evaluate the network inside it and at its ends.

        Returns
        -------
        SegmentCheck
            ``.ok``, and the counts behind it.

        """
        return check_pieces(self)

    @property
    def _finite_ends(self) -> int:
        return int(np.isfinite(self.t_range).sum())

    def _output(self, output: int) -> int:
        count = self.net.output_dim
        if not -count <= output < count:
            raise ValueError(f"output {output} of {count}")
        return output % count
