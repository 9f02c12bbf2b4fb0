"""Images and preimages under affine maps, projections, Minkowski sums."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .._arrays import as_parameter, require_memory
from ._hull import hull_rows, without_rounding
from ._lp import as_objective
from ._tolerance import F64, row_norms, row_sizes
from ._vertices import Vertices

if TYPE_CHECKING:
    from typing_extensions import Self

VERTEX_DIMENSIONS = 8  # up to here projections go through vertices


class Maps(Vertices):
    """The group of operations that move polytopes from one space to another."""

    def _of(self, A: F64, b: F64) -> Self:
        return type(self)(A, b, tolerance=self._tolerance)

    def preimage(self, W: npt.ArrayLike, a: npt.ArrayLike | None = None) -> Self:
        """Give {x : W x + a in P} = {x : A W x <= b - A a} (Matoba, Eq. 3.2), for any W.

        Parameters
        ----------
        W : (d, n) array
            The map.
        a : (d,) array, optional
            Zeros where not given.

        Returns
        -------
        Polytope
            In R^n, m rows but for those that W maps to zero (up to the tolerance). Of full row rank, W takes
            its vertices and rays back to pinv(W) (v - a) and pinv(W) r, and the null space of W to lines
            (Matoba, Eq. B.2, which says full column rank, but then there is no null space).

        Raises
        ------
        ValueError
            For another shape, NaN or infinity.

        Examples
        --------
        >>> import facetry as ft
        >>> square = ft.Polytope.box([0, 0], [1, 1])
        >>> square.preimage([[2.0], [0.5]]).bounding_box()
        (array([0.]), array([0.5]))

        """
        weight, shift = self._as_map(W, a, inputs=False)
        rows, rhs = self._A @ weight, self._moved(-shift)
        norms, sizes = row_sizes(self._A, self._b)
        largest = float(np.linalg.norm(weight, 2)) if weight.size else 0.0
        vanished = row_norms(rows) <= self._tolerance * norms * largest
        rows[vanished] = 0.0
        # What is left of such a row is 0 <= rhs: true when it is a tie.
        tie = vanished & (rhs >= -self._tolerance * norms * np.maximum(sizes, np.abs(shift).max(initial=0)))
        return self._of(rows, np.where(tie, 0.0, rhs))

    def image(self, W: npt.ArrayLike, a: npt.ArrayLike | None = None) -> Self:
        """Give {W x + a : x in P}, for any W.

        With independent columns, from the half-spaces: A pinv(W) (y - a) <= b, and y - a in the range of W
        (Matoba B.3.2 prints the first part alone, which is a cylinder over the image where W is tall).
        Otherwise directions that W sends to zero are projected out first (:meth:`project`).

        Parameters
        ----------
        W : (n, d) array
            The map.
        a : (n,) array, optional
            Zeros where not given.

        Returns
        -------
        Polytope
            In R^n. Singular values of W below tolerance * (the largest) count as zero.

        Raises
        ------
        ValueError
            For another shape, NaN or infinity.
        MemoryError, RuntimeError
            As for :meth:`project`.

        Examples
        --------
        >>> import facetry as ft
        >>> square = ft.Polytope.box([0, 0], [1, 1])
        >>> square.image([[1.0, 1.0]]).bounding_box()
        (array([0.]), array([2.]))

        """
        weight, shift = self._as_map(W, a, inputs=True)
        if self.is_empty:
            return self._empty(len(weight))
        left, sizes, right = np.linalg.svd(weight, full_matrices=True)
        rank = int((sizes > self._tolerance * sizes.max(initial=0)).sum())
        # With x = right.T z, only the first z are seen: y = a + left[:, :rank] (sizes * z).
        seen = self._of(self._A @ right.T, self._b)
        if rank < self.dim:
            if rank == 0:
                return self._point(shift)
            seen = seen.project(range(rank))
        back = left[:, :rank] / sizes[:rank]
        A, across = seen._A @ back.T, left[:, rank:].T
        rows = np.concatenate([A, across, -across])
        level = without_rounding(across @ shift, np.abs(across) @ np.abs(shift))
        inner = without_rounding(seen._b + A @ shift, np.abs(seen._b) + np.abs(A) @ np.abs(shift))
        return self._of(rows, np.concatenate([inner, level, -level]))

    def project(self, axes: Sequence[int], method: str = "auto") -> Self:
        """Project to some coordinates, in the order given.

        Parameters
        ----------
        axes : sequence of int
            Which coordinates are kept; at least one, none twice, negative ones from the end.
        method : "auto", "vertices" or "fourier-motzkin"
            "vertices": the hull of the projected vertices and rays. "fourier-motzkin": one coordinate after
            the other is eliminated by adding pairs of rows (Matoba D6: all v >= 0 with v A_1 = 0), and
            redundant rows are removed each time. "auto" is "vertices" up to 8 dimensions.

        Returns
        -------
        Polytope
            Without redundant rows, up to the tolerance.

        Raises
        ------
        ValueError
            For axes out of range or given twice, or an unknown method.
        MemoryError, RuntimeError
            As for :meth:`vertices`.

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope.simplex(3).project([0, 1]) == ft.Polytope.simplex(2)
        True

        """
        kept = self._as_axes(axes)
        if method not in ("auto", "vertices", "fourier-motzkin"):
            raise ValueError(f"method is {method!r}, expected 'auto', 'vertices' or 'fourier-motzkin'")
        if self.is_empty:
            return self._empty(len(kept))
        if method == "fourier-motzkin" or (method == "auto" and self.dim > VERTEX_DIMENSIONS):
            return self._eliminate(kept)
        rays = self.rays()[:, kept]
        long = np.linalg.norm(rays, axis=1) > self._tolerance
        return self._hull(self.vertices()[:, kept], rays[long])

    def _eliminate(self, kept: list[int]) -> Self:
        gone = [axis for axis in range(self.dim) if axis not in kept]
        left = self._of(self._A[:, kept + gone], self._b)
        while left.dim > len(kept):
            left = left._without_last().minimal()
        return left

    def _without_last(self) -> Self:
        """Eliminate the last coordinate: all pairs of a row that bounds it from above and one from below."""
        norms = row_norms(self._A)
        A, b = self._A / norms[:, None], self._b / norms
        last = np.where(np.abs(A[:, -1]) > self._tolerance, A[:, -1], 0.0)
        up, down = np.flatnonzero(last > 0), np.flatnonzero(last < 0)
        require_memory(8 * len(up) * len(down) * self.dim, f"{len(up) * len(down):,} pairs of rows")
        pairs = np.array(np.meshgrid(up, down, indexing="ij")).reshape(2, -1)
        weights = np.stack([-last[pairs[1]], last[pairs[0]]])[:, :, None]
        rows = weights[0] * A[pairs[0], :-1] + weights[1] * A[pairs[1], :-1]
        rhs = weights[0, :, 0] * b[pairs[0]] + weights[1, :, 0] * b[pairs[1]]
        # Rows that cancel are 0 <= rhs; up to rounding, since the polytope is not empty, rhs >= 0.
        cancelled = row_norms(rows) <= self._tolerance * (weights[0] + weights[1])[:, 0]
        level = last == 0
        return self._of(
            np.concatenate([A[level, :-1], rows[~cancelled]]), np.concatenate([b[level], rhs[~cancelled]])
        )

    def __add__(self, other: Self) -> Self:
        """Minkowski sum {x + y : x in P, y in Q}: the hull of all sums of vertices, and both sets of rays.

        (Matoba D16 prints the block W = (I -I), which gives the difference.)
        """
        if not isinstance(other, Maps):
            return NotImplemented
        require_same_space(self, other)
        if self.is_empty or other.is_empty:
            return self._empty(self.dim)
        mine, theirs = self.vertices(), other.vertices()
        require_memory(
            16 * len(mine) * len(theirs) * self.dim, f"{len(mine) * len(theirs):,} sums of vertices"
        )
        sums = (mine[:, None] + theirs[None]).reshape(-1, self.dim)
        return self._hull(sums, np.concatenate([self.rays(), other.rays()]))

    def translate(self, t: npt.ArrayLike) -> Self:
        """Give {x + t : x in P}.

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope.box([0], [1]).translate([3]).bounding_box()
        (array([3.]), array([4.]))

        """
        return self._of(self._A, self._moved(as_objective(t, self.dim, "t")))

    def scale(self, s: float | npt.ArrayLike) -> Self:
        """Give {s x : x in P}, with one factor for all coordinates or (d,), one for each; any sign, and zero.

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope.box([1, 1], [2, 2]).scale([2, -1]).bounding_box()
        (array([ 2., -2.]), array([ 4., -1.]))

        """
        factors = as_objective(np.full(self.dim, s) if np.ndim(s) == 0 else s, self.dim, "s")
        if (factors == 0).any():
            return self.image(np.diag(factors))
        return self._of(self._A / factors, self._b)

    def _moved(self, t: F64) -> F64:
        """Right-hand sides of the polytope moved by t."""
        return without_rounding(self._b + self._A @ t, np.abs(self._b) + np.abs(self._A) @ np.abs(t))

    def _hull(self, vertices: F64, rays: F64) -> Self:
        lengths = np.linalg.norm(rays, axis=1)
        A, b, corners = hull_rows(vertices, rays / lengths[:, None], self._tolerance)
        hull = self._of(A, b)
        if corners is not None:
            hull._cache["vertex form"] = corners
        return hull

    def _empty(self, dim: int) -> Self:
        return self._of(np.zeros((1, dim)), np.array([-1.0]))

    def _point(self, x: F64) -> Self:
        eye = np.eye(len(x))
        return self._of(np.concatenate([eye, -eye]), np.concatenate([x, -x]))

    def _as_map(self, W: npt.ArrayLike, a: npt.ArrayLike | None, *, inputs: bool) -> tuple[F64, F64]:
        weight = as_parameter("W", W, 2).astype(np.float64)
        fits, other = weight.shape[::-1] if inputs else weight.shape
        expected = f"(n, {self.dim})" if inputs else f"({self.dim}, n)"
        if fits != self.dim or other == 0:
            raise ValueError(f"W has shape {weight.shape}, expected {expected} with n >= 1")
        return weight, np.zeros(len(weight)) if a is None else as_objective(a, len(weight), "a")

    def _as_axes(self, axes: Sequence[int]) -> list[int]:
        kept = [int(axis) for axis in axes]
        for axis in kept:
            if not -self.dim <= axis < self.dim:
                raise ValueError(f"axes holds {axis}, expected {-self.dim} to {self.dim - 1}")
        kept = [axis % self.dim for axis in kept]
        if not kept:
            raise ValueError("axes is empty, expected at least one coordinate to keep")
        if len(set(kept)) < len(kept):
            twice = next(i for i, j in combinations(sorted(kept), 2) if i == j)
            raise ValueError(f"axes holds {twice} twice")
        return kept


def require_same_space(P: Vertices, Q: Vertices) -> None:
    """Refuse two polytopes of different spaces."""
    if P.dim != Q.dim:
        raise ValueError(f"the polytopes have {P.dim} and {Q.dim} dimensions, expected the same")
