"""What a Complex is made of and gives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..network import Network
from ..patterns import Patterns

F64 = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]


class Found(NamedTuple):
    """Regions as the search gives them: pattern bits (with a word for the output's cut), facets as ranges."""

    bits: Words
    witnesses: F64
    ends: Int64Array
    facets: Int32Array

    def first(self, count: int) -> Found:
        """Give the first so many."""
        if count >= len(self.bits):
            return self
        last = int(self.ends[count - 1]) if count else 0
        return Found(self.bits[:count], self.witnesses[:count], self.ends[:count], self.facets[:last])

    def patterns(self, net: Network, cut_output: bool) -> tuple[Patterns, Int64Array | None]:
        """Tell patterns and classes apart."""
        if not cut_output:
            return Patterns(self.bits, net.layer_widths), None
        return Patterns(self.bits[:, :-1], net.layer_widths), self.bits[:, -1].astype(np.int64)

    @classmethod
    def concatenate(cls, parts: list[Found], net: Network, words: int) -> Found:
        """Join parts in order."""
        if not parts:
            parts = [
                cls(
                    np.zeros((0, words), np.uint64),
                    np.zeros((0, net.input_dim)),
                    np.zeros(0, np.int64),
                    np.zeros(0, np.int32),
                )
            ]
        shifts = np.cumsum([0, *(len(part.facets) for part in parts)])
        ends = [part.ends + shift for part, shift in zip(parts, shifts, strict=False)]
        return cls(
            np.concatenate([part.bits for part in parts]),
            np.concatenate([part.witnesses for part in parts]),
            np.concatenate(ends),
            np.concatenate([part.facets for part in parts]),
        )


class Adjacency(NamedTuple):
    """Rows of neighbours: those of region i are ``indices[indptr[i] : indptr[i + 1]]``, across ``neurons``.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -1.0]), ft.ReLU()])
    >>> rows = ft.regions_in_box(net).facets
    >>> rows.indptr.tolist(), rows.indices.tolist(), rows.neurons.tolist()
    ([0, 1, 3, 4], [1, 2, 0, 1], [1, 0, 1, 0])

    """

    indptr: Int64Array
    indices: Int64Array
    neurons: Int64Array


class Piece(NamedTuple):
    """One region of a Complex, cut off at the domain.

    Attributes
    ----------
    pattern : Patterns
        One pattern.
    witness : (inputs,) array
        A point inside.
    vertices, rays : (k, inputs) arrays
        Of an unbounded piece, the directions of its unbounded edges.
    neurons, neighbors : (f,) integers
        The neuron of each facet that is not on the domain's boundary, and the region across, -1 where that
        is not known. The network's output has the number after the last neuron.
    volume : float

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -1.0]), ft.ReLU()])
    >>> piece = ft.regions_in_box(net, [[-1, 3]]).region(1)
    >>> sorted(piece.vertices.ravel().tolist()), piece.volume
    ([0.0, 1.0], 1.0)

    """

    pattern: Patterns
    witness: F64
    vertices: F64
    rays: F64
    neurons: Int64Array
    neighbors: Int64Array
    volume: float


class MapHistogram(NamedTuple):
    """Regions merged with neighbours of the same affine map, which makes the network's linear pieces.

    Attributes
    ----------
    labels : (n,) integers
        The piece of each region.
    counts : (k,) integers
        Regions of each piece.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -1.0]), ft.ReLU(), ft.Dense([[1.0, 0.0]])])
    >>> ft.regions_in_box(net).map_histogram.counts.tolist()
    [2, 1]

    """

    labels: Int64Array
    counts: Int64Array


class Cells(NamedTuple):
    """The cells of some patterns, as the native search makes them again; ends tell where each one's end."""

    vertex_ends: Int64Array
    vertices: F64
    facet_ends: Int64Array
    facets: Int32Array
    facet_points: F64
    volumes: F64
    face_shares: F64
    is_homogeneous: bool

    def points(self) -> tuple[F64, npt.NDArray[np.bool_]]:
        """Give the vertices that are points, and which are not."""
        if not self.is_homogeneous:
            return self.vertices, np.zeros(len(self.vertices), bool)
        w = self.vertices[:, -1]
        at_infinity = w <= 1e-12
        return self.vertices[~at_infinity, :-1] / w[~at_infinity, None], at_infinity


def components(count: int, a: Int64Array, b: Int64Array) -> Int64Array:
    """Number the connected components of a graph, in the order of their first node."""
    label = np.arange(count)
    while True:
        least = label.copy()
        np.minimum.at(least, a, label[b])
        np.minimum.at(least, b, label[a])
        least = np.minimum(least, least[least])
        if np.array_equal(least, label):
            return np.unique(label, return_inverse=True)[1].astype(np.int64)
        label = least


def bit_places(net: Network, cut_output: bool) -> npt.NDArray[np.uint32]:
    """Give the place of every neuron's bit in a row of words, the output's last."""
    places, word = [], 0
    for width in net.layer_widths:
        places.append(64 * word + np.arange(width))
        word += -(-width // 64)
    if cut_output:
        places.append(np.array([64 * word]))
    return np.concatenate([np.zeros(0, np.int64), *places]).astype(np.uint32)
