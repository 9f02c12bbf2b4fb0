"""From half-spaces to vertices and back: vertices, rays, which rows hold where, edges, ``from_vertices``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import as_parameter, memory_limit, require_memory
from ._redundancy import Redundancy
from ._rows import read_only
from ._tolerance import DEFAULT_TOLERANCE, F64, check_tolerance

if TYPE_CHECKING:
    from typing_extensions import Self

I64 = npt.NDArray[np.int64]


class VertexForm(NamedTuple):
    """Vertices, rays and how they hang together, as the native code gives them."""

    vertices: F64
    rays: F64
    incidence: npt.NDArray[np.int32]
    incidence_offsets: I64
    edges: npt.NDArray[np.int32] | None


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

        A polytope that contains a line has no vertices; then there is one point for each of its smallest faces,
        where the face meets the space orthogonal to the lines.

        Returns
        -------
        (k, d) array
            Read-only; (0, d) for the empty polytope. Points nearer to each other than the tolerance are one. No
            order is promised, but it is the same every time.

        Raises
        ------
        MemoryError
            Where there are so many that half of this machine's memory does not hold them.
        RuntimeError
            Where the tolerance decides so many ties in contradiction to each other that no polytope fits them.

        Notes
        -----
        A simplex is cut by one row after the other, along the edges that the row crosses (the double description
        method of Motzkin et al. 1953 on the graph of vertices and edges). Rows that tie are taken as moved
        outwards by infinitesimals, so each of the vertices in between has d edges. In units of a row's length a
        slack of at most tolerance * max(size, |x|) is a tie: the rule of :class:`Polytope`, with the size of the
        vertex where that is far out.

        Examples
        --------
        >>> import facetry as ft
        >>> sorted(ft.Polytope.simplex(2).vertices().tolist())
        [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]

        """
        return self._vertex_form().vertices

    def rays(self) -> F64:
        """Give the extreme rays, (k, d), of length 1, read-only; (0, d) for a bounded polytope.

        Each line of the polytope is two rays, opposite to each other; they come last. Errors: :meth:`vertices`.

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
        return edges.copy()

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
            Of the polytope. Points whose extent in a direction is below tolerance * (largest extent) are taken
            to lie in one hyperplane, which becomes two rows.

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


def as_directions(rays: object, dim: int) -> F64:
    """Copy rays, (l, dim), scaled to length 1."""
    if rays is None:
        return np.zeros((0, dim))
    directions = as_parameter("rays", rays, 2).astype(np.float64)
    if directions.shape[1] != dim:
        raise ValueError(f"rays has shape {directions.shape}, expected (l, {dim}) as V has {dim} columns")
    largest = np.abs(directions).max(axis=1, initial=0)
    if (largest == 0).any():
        raise ValueError(f"rays[{int(np.flatnonzero(largest == 0)[0])}] has length 0")
    directions = directions / largest[:, None]
    unit: F64 = directions / np.linalg.norm(directions, axis=1)[:, None]
    return unit


def hull_rows(points: F64, directions: F64, tolerance: float) -> tuple[F64, F64, VertexForm | None]:
    """Give A, b of conv(points) + cone(directions), at least one point, directions of length 1.

    And which of the points are vertices, where there are no directions.
    """
    middle = points.mean(axis=0)
    scale = float(np.abs(points - middle).max(initial=0))
    if scale <= tolerance * np.abs(middle).max():  # one point, up to the tolerance
        scale = float(np.abs(middle).max()) or 1.0
        spread = np.zeros_like(points)
    else:
        spread = (points - middle) / scale
    _, sizes, axes = np.linalg.svd(np.concatenate([spread, directions]), full_matrices=True)
    rank = int((sizes > tolerance * max(sizes.max(initial=0), 1.0)).sum())
    inside, across = axes[:rank], axes[rank:]
    A, b = np.concatenate([across, -across]), np.concatenate([across @ middle, -across @ middle])
    if rank == 0:
        return A, b, None
    y, r = spread @ inside.T, directions @ inside.T
    centre = y.mean(axis=0) + (r.mean(axis=0) if len(r) else 0)
    outer = np.flatnonzero(np.abs(y - centre).max(axis=1) > tolerance)  # a point in the middle is no vertex
    polar = np.concatenate([y[outer] - centre, r])
    rhs = np.concatenate([np.ones(len(outer)), np.zeros(len(r))])
    forms = _core.polytope_vertex_forms(
        np.ascontiguousarray(polar),
        rhs,
        np.array([0, len(polar)]),
        tolerance,
        faces=True,
        max_bytes=memory_limit() // 2,
    )
    facets = forms["vertices"].reshape(-1, rank)
    lengths = np.linalg.norm(facets, axis=1)
    kept = lengths > tolerance * lengths.max(initial=0)  # 0 stands for the facet at infinity
    normals = facets[kept] / lengths[kept, None] @ inside
    rhs = (1 + facets[kept] @ centre) / lengths[kept] * scale + normals @ middle
    A, b = np.concatenate([normals, A]), np.concatenate([rhs, b])
    return A, b, None if len(r) else corners(points[outer], forms, 2 * len(across))


def corners(points: F64, polar: dict[str, Any], equations: int) -> VertexForm:
    """Give the vertices of a hull: points on facets that are not all facets of another point too."""
    offsets = polar["incidence_offsets"]
    facets = len(offsets) - 1
    on = np.zeros((len(points), facets + equations), dtype=bool)
    on[polar["incidence"], np.repeat(np.arange(facets), np.diff(offsets))] = True
    count = on.sum(axis=1)
    kept = np.zeros(len(points), dtype=bool)
    for i in np.argsort(-count, kind="stable"):
        if count[i]:
            rows = np.flatnonzero(on[i])
            near = np.flatnonzero(on[:, rows[0]] & kept)
            kept[i] = not on[np.ix_(near, rows)].all(axis=1).any()
    on[:, facets:] = True
    on = on[kept]
    return VertexForm(
        read_only(points[kept]),
        read_only(np.zeros((0, points.shape[1]))),
        np.nonzero(on)[1].astype(np.int32),
        np.concatenate([[0], np.cumsum(on.sum(axis=1))]).astype(np.int64),
        None,
    )


def edges_between(on: npt.NDArray[np.bool_], dimension: int) -> npt.NDArray[np.int32]:
    """Give the pairs of vertices, from the facets they are on, such that no third is on all that both are on."""
    common = on.astype(np.int32) @ on.T.astype(np.int32)
    pairs = np.argwhere(np.triu(common >= dimension - 1, 1))
    joined = [(on[:, on[i] & on[j]].all(axis=1)).sum() == 2 for i, j in pairs]
    return pairs[np.array(joined, dtype=bool)].astype(np.int32)


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
        >>> vertices, offsets = ft.Polytopes([ft.Polytope.simplex(2), ft.Polytope.cross_polytope(2)]).vertices()
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
