"""From half-spaces to vertices and back: vertices, rays, which rows hold where, edges, ``from_vertices``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import as_parameter, memory_limit, require_memory
from ._hull import I64, VertexForm, as_directions, edges_between, hull_rows
from ._redundancy import Redundancy
from ._rows import read_only
from ._tolerance import DEFAULT_TOLERANCE, F64, check_tolerance

if TYPE_CHECKING:
    from typing_extensions import Self


class Vertices(Redundancy):
    """The group of operations on vertices, rays and edges."""

    def _vertex_form(self) -> VertexForm:
        if "vertex form" not in self._cache:
            forms = _core.polytope_vertex_forms(*self._batch, faces=True, max_bytes=memory_limit() // 2)
            self._cache["vertex form"] = VertexForm(
                read_only(forms["vertices"].reshape(-1, self.dim)),
                read_only(forms["rays"].reshape(-1, self.dim)),
                forms["incidence"],
                forms["incidence_offsets"],
                forms["edges"].reshape(-1, 2),
            )
        form: VertexForm = self._cache["vertex form"]
        return form

    def vertices(self) -> F64:
        """Give the vertices: the polytope is ``conv(vertices()) + cone(rays())`` (Matoba, Eq. B.1).

        A polytope that contains a line has no vertices; then there is one point for each of its smallest
        faces, where the face meets the space orthogonal to the lines.

        Returns
        -------
        (k, d) array
            Read-only; (0, d) for the empty polytope. Points nearer to each other than the tolerance are one.
            No order is promised, but it is the same every time.

        Raises
        ------
        MemoryError
            Where there are so many that half of this machine's memory does not hold them.
        RuntimeError
            Where the tolerance decides so many ties in contradiction to each other that no polytope fits
            them.

        Notes
        -----
        A simplex is cut by one row after the other, along the edges that the row crosses (the double
        description method of Motzkin et al. 1953 on the graph of vertices and edges). Rows that tie are
        taken as moved outwards by infinitesimals, so each of the vertices in between has d edges. In units
        of a row's length a slack of at most tolerance * max(size, |x|) is a tie: the rule of
        :class:`Polytope`, with the size of the vertex where that is far out.

        Examples
        --------
        >>> import facetry as ft
        >>> sorted(ft.Polytope.simplex(2).vertices().tolist())
        [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]

        """
        return self._vertex_form().vertices

    def rays(self) -> F64:
        """Give the extreme rays, (k, d), of length 1, read-only; (0, d) for a bounded polytope.

        Each line of the polytope is two rays, opposite to each other; they come last. Errors:
        :meth:`vertices`.

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope.box([0], [float("inf")]).rays().tolist()
        [[1.0]]

        """
        return self._vertex_form().rays

    def facets_of_vertices(self) -> npt.NDArray[np.bool_]:
        """Tell which rows hold with equality at which vertex, (k, m), in the order of :meth:`vertices`.

        Examples
        --------
        >>> import facetry as ft
        >>> square = ft.Polytope.box([0, 0], [1, 1])
        >>> square.facets_of_vertices().sum(axis=1).tolist()
        [2, 2, 2, 2]

        """
        form = self._vertex_form()
        shape = (len(form.vertices), self.n_rows)
        require_memory(shape[0] * shape[1], f"which of {shape[1]:,} rows hold at {shape[0]:,} vertices")
        holds = np.zeros(shape, dtype=bool)
        offsets = form.incidence_offsets[: len(form.vertices) + 1]
        holds[np.repeat(np.arange(len(form.vertices)), np.diff(offsets)), form.incidence[: offsets[-1]]] = (
            True
        )
        return holds

    def vertex_edges(self) -> npt.NDArray[np.int32]:
        """Give the edges: pairs of numbers of :meth:`vertices`, (e, 2), the lower first.

        An unbounded edge joins a vertex i and a ray j: (i, len(vertices) + j).

        Examples
        --------
        >>> import facetry as ft
        >>> len(ft.Polytope.box([0, 0, 0], [1, 1, 1]).vertex_edges())
        12

        """
        edges = self._vertex_form().edges
        if edges is None:
            edges = edges_between(self.facets_of_vertices(), self.dimension)
            self._cache["vertex form"] = self._vertex_form()._replace(edges=edges)
        copy: npt.NDArray[np.int32] = edges.copy()
        return copy

    @classmethod
    def from_vertices(
        cls, V: npt.ArrayLike, rays: npt.ArrayLike | None = None, *, tolerance: float = DEFAULT_TOLERANCE
    ) -> Self:
        """Give the smallest polytope with these points and directions: conv(V) + cone(rays).

        Parameters
        ----------
        V : (k, d) array
            Points, not all of which need be vertices. No points and no rays give the empty polytope.
        rays : (l, d) array, optional
            Directions, of any length; a line is two opposite ones.
        tolerance : float
            Of the polytope. Points whose extent in a direction is below tolerance * (largest extent) are
            taken to lie in one hyperplane, which becomes two rows.

        Returns
        -------
        Polytope
            One row a facet, of unit norm, and two for each equation of the affine hull.

        Raises
        ------
        ValueError
            For shapes that do not fit, NaN or infinity, a ray of length 0, rays without a point.
        MemoryError, RuntimeError
            As for :meth:`vertices`.

        Notes
        -----
        Facets are the vertices of the polar about a point of the relative interior.

        Examples
        --------
        >>> import facetry as ft
        >>> P = ft.Polytope.from_vertices([[0, 0], [1, 0], [0, 1], [0.2, 0.2]])
        >>> P.n_rows, round(P.volume(), 12)
        (3, 0.5)

        """
        points = as_parameter("V", V, 2).astype(np.float64)
        if points.shape[1] == 0:
            raise ValueError(f"V has shape {points.shape}, expected at least one column (dimension)")
        directions = as_directions(rays, points.shape[1])
        value = check_tolerance(tolerance)
        if not len(points):
            if len(directions):
                raise ValueError("rays need at least one point in V to start from")
            return cls(np.zeros((1, points.shape[1])), np.array([-1.0]), tolerance=value)
        A, b, corners = hull_rows(points, directions, value)
        hull = cls(A, b, tolerance=value)
        if corners is not None:
            hull._cache["vertex form"] = corners
        return hull


class ManyVertices:
    """Vertices of many polytopes; see :class:`Polytopes`."""

    @property
    def _batch(self) -> tuple[F64, F64, I64, float]:
        raise NotImplementedError

    def vertices(self) -> tuple[F64, I64]:
        """Give the vertices of each: polytope i has ``vertices[offsets[i] : offsets[i + 1]]``.

        Returns
        -------
        vertices : (n, d) array
        offsets : (k + 1,) integers

        Examples
        --------
        >>> import facetry as ft
        >>> both = ft.Polytopes([ft.Polytope.simplex(2), ft.Polytope.cross_polytope(2)])
        >>> vertices, offsets = both.vertices()
        >>> vertices.shape, offsets.tolist()
        ((7, 2), [0, 3, 7])

        """
        forms = self._vertex_forms()
        return forms["vertices"].reshape(-1, self._batch[0].shape[1]), forms["vertex_offsets"]

    def rays(self) -> tuple[F64, I64]:
        """Give the rays of each, and where those of each begin; see :meth:`vertices`."""
        forms = self._vertex_forms()
        return forms["rays"].reshape(-1, self._batch[0].shape[1]), forms["ray_offsets"]

    def _vertex_forms(self) -> dict[str, Any]:
        return _core.polytope_vertex_forms(*self._batch, faces=False, max_bytes=memory_limit() // 2)
