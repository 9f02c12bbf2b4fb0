"""One linear region: the polytope of a pattern, with its affine map and its neighbours."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..network import HalfSpaces, Network
from ..patterns import Patterns
from ..polytope import Estimate, Polytope, Polytopes
from ._walls import Facets, across

F64 = npt.NDArray[np.float64]


class ClassPiece(NamedTuple):
    """The part of a region where output ``label`` is the largest.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [-1.0]]), ft.ReLU()])
    >>> [piece.label for piece in net.region([2.0]).decision()]
    [0]

    """

    label: int
    polytope: Polytope


class Region:
    """The points of one activation pattern: a polytope on which the network is affine. Immutable.

    Made by :meth:`Network.region` and :meth:`Network.region_of`. Everything is float64 of the given weights,
    whatever the network's dtype, and computed when first asked for.

    Attributes
    ----------
    pattern : Patterns
        One pattern.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], [0.0, 0.0, 1.0]), ft.ReLU()])
    >>> region = net.region([0.2, 0.3])
    >>> region
    Region(2 dimensions, 3 facets)
    >>> region.facets().neuron.tolist(), region.volume()
    ([0, 1, 2], 0.5)
    >>> [n.pattern.to_bool()[0].tolist() for n in region.neighbors()]
    [[False, True, True], [True, False, True], [True, True, False]]

    """

    def __init__(self, net: Network, pattern: Patterns) -> None:
        self._net = net._double()
        self.pattern = pattern

    @cached_property
    def _map(self) -> tuple[F64, F64]:
        jacobian, offset = self._net.affine_map_of(self.pattern)
        return jacobian[0], offset[0]

    @property
    def jacobian(self) -> F64:
        """J of ``f(x) = J x + c``, (outputs, inputs)."""
        return self._map[0]

    @property
    def offset(self) -> F64:
        """C of ``f(x) = J x + c``, (outputs,)."""
        return self._map[1]

    @cached_property
    def halfspaces(self) -> HalfSpaces:
        """The half-space of every neuron; see :meth:`Network.halfspaces`."""
        return self._net.halfspaces(self.pattern)

    @cached_property
    def polytope(self) -> Polytope:
        """The closed region, a row a neuron; those of zero gradient are dropped.

        A pattern that asks a neuron of zero gradient for a sign that it does not have has the empty polytope.
        """
        return Polytope(self.halfspaces.A, self.halfspaces.b)

    @cached_property
    def _facets(self) -> HalfSpaces:
        A, b, neuron = self.halfspaces
        rows = np.any(A != 0, axis=1)
        if self.polytope.is_empty:
            rows[:] = False
        else:
            rows[rows] = self.polytope.minimal_rows()
        return HalfSpaces(A[rows], b[rows], neuron[rows])

    def facets(self) -> HalfSpaces:
        """Give the rows that no other row implies, and the neuron of each.

        Of neurons with the same wall the first one stands for all. An empty region gives no rows.
        """
        return self._facets

    def neighbors(self) -> list[Region]:
        """Give the region across each facet, in the order of :meth:`facets`.

        Found by a step through a point inside the facet and evaluation there, so that neurons which share a
        wall flip together; checked: the closed neighbour contains the point of the facet.

        Raises
        ------
        ValueError
            For a region without an interior.
        RuntimeError
            Where no step finds a region that touches the facet: layers of regions thinner than rounding.

        """
        if self.polytope.dimension < self._net.input_dim:
            raise ValueError("the region has no interior, so it has no neighbours across facets")
        facets = Facets(*self._facets, np.array([0, len(self._facets.b)]))
        patterns = across(self._net, self.pattern, facets)
        return [Region(self._net, patterns[i]) for i in range(len(patterns))]

    @cached_property
    def _ball(self) -> tuple[F64, float]:
        return self.polytope.chebyshev()

    @property
    def center(self) -> F64:
        """The centre of a largest ball inside, (inputs,)."""
        return self._ball[0]

    @property
    def radius(self) -> float:
        """The radius of a largest ball inside; inf where every radius fits, negative for an empty region."""
        return self._ball[1]

    def contains(self, x: npt.ArrayLike) -> npt.NDArray[np.bool_] | bool:
        """Tell whether the closed region contains each point; see :meth:`Polytope.contains`."""
        return self.polytope.contains(x)

    @cached_property
    def _minimal(self) -> Polytope:
        return self.polytope if self.polytope.is_empty else Polytope(self._facets.A, self._facets.b)

    def vertices(self) -> F64:
        """Give the vertices, (k, inputs); see :meth:`Polytope.vertices`."""
        return self._minimal.vertices()

    def volume(self) -> float | Estimate:
        """Give the volume; see :meth:`Polytope.volume`."""
        return self._minimal.volume()

    def bounding_box(self) -> tuple[F64, F64]:
        """Give the smallest box around the region, (lo, hi); infinite where it is unbounded."""
        return self.polytope.bounding_box()

    def decision(self) -> list[ClassPiece]:
        """Cut the region by arg-max: one piece for every output that is the largest somewhere inside.

        Pieces of lower dimension are left out, so outputs that are equal on all of the region give a piece
        each.

        Raises
        ------
        ValueError
            For a network of one output.

        """
        classes = self._net.output_dim
        if classes < 2:
            raise ValueError("the network has one output: a decision needs at least two")
        A, b, _ = self._facets
        pieces = []
        for label in range(classes):
            others = np.delete(np.arange(classes), label)
            rows = self.jacobian[others] - self.jacobian[label]
            right = self.offset[label] - self.offset[others]
            pieces.append(Polytope(np.vstack([A, rows]), np.append(b, right)))
        full = Polytopes(pieces).dimension == self._net.input_dim
        return [ClassPiece(int(label), pieces[label]) for label in np.flatnonzero(full)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Region):
            return NotImplemented
        return self.pattern == other.pattern and self._net == other._net

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        count = len(self._facets.b)
        dim = self._net.input_dim
        dimensions = f"{dim} dimension" + ("s" if dim != 1 else "")
        return f"Region({dimensions}, {count} facet{'s' if count != 1 else ''})"
