"""The regions that a search found, with what lies across their facets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from ..network import AffineMaps, Network
from ..patterns import Patterns
from ._complex_check import Verification, verify
from ._complex_parts import Adjacency, Cells, Found, MapHistogram, Piece, bit_places, components

if TYPE_CHECKING:
    from ._box_search import Domain, RegionCount

F64 = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_BLOCK = 4096  # regions whose vertices are held at a time
# Across a facet, of the way to it from the witness; the shortest first, so that no sliver is stepped over.
_STEPS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
_SAME_MAP = 1e-9
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Complex:
    """All linear regions in a domain, with their adjacency. Made by :func:`facetry.regions_in_box`.

    Attributes
    ----------
    patterns : Patterns
        The pattern of each region's interior.
    witnesses : (n, inputs) array
        A point inside each region.
    classes : (n,) integers or None
        With ``cut_output``: 1 where the output is positive, else 0.
    facets : Adjacency
        The facets of each region that are not on the domain's boundary: the neuron, and the region across (-1
        where neighbours were not asked for, or are not there because the search is not complete).
        Where neurons coincide one of them stands for all.
    counts_by_layer : tuple of int
        Cells after 0, 1, 2, ... layers of neurons (and after the output's cut).
    complete : bool
        False where a limit ended the search.
    method : str
        How it was done.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU(), ft.Dense([[1.0, -1.0]])])
    >>> regions = ft.regions_in_box(net, [[-1, 1], [-1, 1]])
    >>> regions
    Complex(4 regions, 2 dimensions)
    >>> regions.locate([[0.5, 0.5]]).tolist(), regions.f_vector()
    ([0], (9, 12, 4))
    >>> regions.verify().ok
    True

    """

    net: Network
    domain: Domain
    patterns: Patterns
    witnesses: F64
    classes: Int64Array | None
    facets: Adjacency
    counts_by_layer: tuple[int, ...]
    complete: bool
    has_neighbors: bool
    method: str
    _problem: _core.BoxProblem
    _bits: Words

    def __len__(self) -> int:
        return len(self._bits)

    def __repr__(self) -> str:
        size = f"{len(self):,} region{'s' if len(self) != 1 else ''}"
        dim = f"{self.net.input_dim} dimension{'s' if self.net.input_dim != 1 else ''}"
        return f"Complex({size}, {dim}{'' if self.complete else ', incomplete'})"

    @cached_property
    def affine_maps(self) -> AffineMaps:
        """The affine map of every region, float64; made when first asked for."""
        return self.net._double().affine_map_of(self.patterns)

    @property
    def adjacency(self) -> Any:
        """Pairs that share a facet: a SciPy CSR array of ones, or :attr:`facets` where there is no SciPy."""
        try:
            from scipy.sparse import csr_array
        except ImportError:
            return self.facets
        known = self.facets.indices >= 0
        rows = self._rows_of_facets()[known]
        ones = np.ones(len(rows), np.int8)
        shape = (len(self), len(self))
        matrix = csr_array((ones, (rows, self.facets.indices[known])), shape=shape)
        matrix.data[:] = 1
        return matrix

    def to_networkx(self) -> Any:
        """Give the regions as a ``networkx.Graph`` (which must be installed); edges have a ``neuron``."""
        import networkx  # type: ignore[import-untyped, unused-ignore]

        graph = networkx.Graph()
        graph.add_nodes_from(range(len(self)))
        ends = zip(self._rows_of_facets(), self.facets.indices, self.facets.neurons, strict=True)
        graph.add_edges_from((int(a), int(b), {"neuron": int(n)}) for a, b, n in ends if b >= 0 and a < b)
        return graph

    def region(self, i: int) -> Piece:
        """Give one region with its vertices."""
        if not -len(self) <= i < len(self):
            raise IndexError(f"region {i} of {len(self)}")
        i %= len(self)
        cell = self._cells(slice(i, i + 1))
        here = slice(*self.facets.indptr[i : i + 2])
        points, at_infinity = cell.points()
        return Piece(
            self.patterns[i], self.witnesses[i], points, cell.vertices[at_infinity, : self.net.input_dim],
            self.facets.neurons[here], self.facets.indices[here], float(cell.volumes[0]),
        )  # fmt: skip

    def locate(self, points: npt.ArrayLike) -> Int64Array:
        """Tell in which region each point is, (n,); -1 outside the domain, or where no region was found.

        A point on a wall may be given to any of the closed regions that contain it.

        Parameters
        ----------
        points : (n, inputs) array
            As for calling the network in float64.

        """
        x: F64 = np.asarray(self.net._double()._points(points), np.float64)
        found = np.full(len(x), -1, np.int64)
        inside = np.flatnonzero(self._is_inside(x))
        found[inside] = self._find(x[inside])
        rng = np.random.default_rng(0)
        size = 1 + np.abs(x).max(axis=1, initial=0)
        for step in (1e-11, 1e-9, 1e-7):  # points where neurons are 0: look beside them
            for _ in range(4):
                lost = inside[found[inside] < 0]
                if not len(lost):
                    return found
                beside = x[lost] + step * size[lost, None] * rng.standard_normal((len(lost), x.shape[1]))
                found[lost] = self._find(beside)
        return found

    def volumes(self) -> F64:
        """Give the volume of each region in the domain, (n,): exact but for rounding, inf if unbounded."""
        return np.concatenate([np.zeros(0), *(cells.volumes for cells in self._blocks())])

    def f_vector(self) -> tuple[int, ...]:
        """Count the faces of the complex by dimension: vertices, edges, ..., regions.

        Counted as in a generic arrangement, where a face in c walls borders 2^c regions; refused with a
        ValueError where that does not come out even (neurons that coincide, points where too many meet).
        """
        shares = [np.zeros((0, self.net.input_dim + 1)), *(cells.face_shares for cells in self._blocks(True))]
        sums = np.concatenate(shares).sum(axis=0)
        counts = np.rint(sums)
        if not self.complete or np.any(np.abs(sums - counts) > 1e-6):
            raise ValueError(
                "faces can only be counted in a complete search of a network in general position"
            )
        return tuple(int(c) for c in counts)

    @cached_property
    def map_histogram(self) -> MapHistogram:
        """Regions merged with neighbours whose affine map is the same (to 1e-9 of its size)."""
        self._require_neighbors()
        maps = self.affine_maps
        flat = np.concatenate([maps.jacobian.reshape(len(self), -1), maps.offset], axis=1)
        rows = self._rows_of_facets()
        near = self.facets.indices >= 0
        a, b = rows[near], self.facets.indices[near]
        size = np.maximum(np.abs(flat).max(axis=1, initial=0), 1e-300)
        gap = np.abs(flat[a] - flat[b]).max(axis=1, initial=0)
        same = gap <= _SAME_MAP * np.maximum(size[a], size[b])
        labels = components(len(self), a[same], b[same])
        return MapHistogram(labels, np.bincount(labels, minlength=0))

    def verify(self) -> Verification:
        """Check every region from scratch, by evaluating the network; see :class:`Verification`."""
        return verify(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an .npz file for :meth:`load`; the network is not in it."""
        box = np.zeros((0, 2)) if self.domain.box is None else self.domain.box
        np.savez_compressed(
            path, format=_FORMAT, bits=self._bits, witnesses=self.witnesses, indptr=self.facets.indptr,
            indices=self.facets.indices, neurons=self.facets.neurons, box=box, A=self.domain.A,
            b=self.domain.b, counts=self.counts_by_layer, complete=self.complete,
            has_neighbors=self.has_neighbors, cut_output=self.classes is not None,
        )  # fmt: skip

    @classmethod
    def load(cls, path: str | os.PathLike[str], net: Network) -> Complex:
        """Read what :meth:`save` wrote, for the same network."""
        from ._box_search import Domain

        with np.load(path, allow_pickle=False) as file:
            data = dict(file)
        if "format" not in data or int(data["format"]) != _FORMAT:
            raise ValueError(f"{os.fspath(path)} is not a file of a Complex")
        domain = Domain(data["box"] if len(data["box"]) else None, data["A"], data["b"])
        cut_output = bool(data["cut_output"])
        if data["witnesses"].shape[1] != net.input_dim:
            raise ValueError(f"the file is of {data['witnesses'].shape[1]} inputs, net has {net.input_dim}")
        problem = domain.problem(net, cut_output)
        if data["bits"].shape[1] != problem.words:
            raise ValueError("the file is of a network with other layers of neurons than net")
        found = Found(data["bits"], data["witnesses"], data["indptr"][1:], np.zeros(0, np.int32))
        patterns, classes = found.patterns(net, cut_output)
        return cls(
            net, domain, patterns, data["witnesses"], classes,
            Adjacency(data["indptr"], data["indices"], data["neurons"]),
            tuple(int(c) for c in data["counts"]), bool(data["complete"]), bool(data["has_neighbors"]),
            "vertices", problem, data["bits"],
        )  # fmt: skip

    def _rows_of_facets(self) -> Int64Array:
        return np.repeat(np.arange(len(self)), np.diff(self.facets.indptr))

    def _require_neighbors(self) -> None:
        if not self.has_neighbors:
            raise ValueError("neighbours were not asked for: call regions_in_box with neighbors=True")

    def _cells(self, which: Any, has_faces: bool = False) -> Cells:
        bits = np.ascontiguousarray(self._bits[which])
        return Cells(*self._problem.cells(bits, has_faces), self._problem.is_homogeneous)

    def _blocks(self, has_faces: bool = False) -> Iterator[Cells]:
        for begin in range(0, len(self), _BLOCK):
            yield self._cells(slice(begin, begin + _BLOCK), has_faces)

    def _tolerances(self, x: F64) -> F64:
        """Give up to what a neuron, and the output where it cuts, counts as 0 at each point."""
        tolerances = np.asarray(self._problem.tolerances)
        if not self._problem.is_homogeneous:
            return np.broadcast_to(tolerances, (len(x), len(tolerances)))
        scaled: F64 = tolerances * np.maximum(1, np.abs(x).max(axis=1, initial=0))[:, None]
        return scaled

    def _signed(self, x: F64) -> F64:
        """Give the value of every neuron, and of the output where it cuts."""
        net = self.net._double()
        parts = [net.preactivations(x)] + ([] if self.classes is None else [net(x)])
        return np.concatenate(parts, axis=1, dtype=np.float64)

    @cached_property
    def _index(self) -> _core.PatternSet:
        index = _core.PatternSet(self._bits.shape[1])
        index.add(self._bits, 2**63, False)
        return index

    def _find(self, x: F64) -> Int64Array:
        """Find the region of each point by its evaluated pattern; -1 where there is none.

        A neuron that is 0 on a whole region may have any sign there, up to the tolerance.
        """
        values = self._signed(x)
        found = np.full(len(x), -1, np.int64)
        for least in (0.0, self._tolerances(x)):
            lost = found < 0
            signs = (values > least)[lost]
            bits = Patterns.from_bool(signs[:, : self.net.n_neurons], self.net.layer_widths).bits
            if self.classes is not None:
                bits = np.concatenate([bits, signs[:, -1:].astype(np.uint64)], axis=1)
            numbers, _ = self._index.add(bits, 0, True)
            assert numbers is not None
            found[lost] = numbers
        return found

    def _is_inside(self, x: F64) -> npt.NDArray[np.bool_]:
        if self.domain.box is not None:
            low, high = self.domain.box.T
            return np.asarray(np.all((low <= x) & (x <= high), axis=1))
        slack = 1e-12 * (1 + np.abs(x).max(axis=1, initial=0))
        return np.asarray(np.all(x @ self.domain.A.T <= self.domain.b + slack[:, None], axis=1))


def make_complex(
    net: Network,
    domain: Domain,
    problem: _core.BoxProblem,
    found: Found,
    result: RegionCount,
    neighbors: bool,
) -> Complex:
    """Put together what a search found."""
    found = found.first(result.total)
    cut_output = problem.words > net._core.words
    patterns, classes = found.patterns(net, cut_output)
    across = np.full(len(found.facets), -1, np.int64)
    indptr = np.concatenate([np.zeros(1, np.int64), found.ends])
    made = Complex(
        net, domain, patterns, found.witnesses, classes,
        Adjacency(indptr, across, found.facets.astype(np.int64)),
        result.counts_by_layer, result.complete, neighbors, "vertices", problem, found.bits,
    )  # fmt: skip
    if neighbors:
        across[:] = _core.box_neighbors(found.bits, found.ends, found.facets, bit_places(net, cut_output))
        _step_across(made, across)
    return made


def _step_across(regions: Complex, across: Int64Array) -> None:
    """Find what a flip of one bit did not: where neurons share a wall several bits flip together."""
    rows = regions._rows_of_facets()
    lost = np.unique(rows[across < 0])
    for begin in range(0, len(lost), _BLOCK):
        block = lost[begin : begin + _BLOCK]
        cells = regions._cells(block)
        interior = cells.facets >= 0
        owner = block[np.repeat(np.arange(len(block)), np.diff(cells.facet_ends, prepend=0))[interior]]
        points = cells.facet_points[interior]
        of_block = np.flatnonzero(np.isin(rows, block))  # in the same order
        for step in _STEPS:
            open_ = np.flatnonzero(across[of_block] < 0)
            if not len(open_):
                break
            here = owner[open_]
            seen = regions._find(points[open_] + step * (points[open_] - regions.witnesses[here]))
            good = (seen >= 0) & (seen != here)
            across[of_block[open_[good]]] = seen[good]
