"""Two polytopes: containment, equality, intersection, distance, envelope, union."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ._distance import euclidean_distance, linear_distance
from ._maps import require_same_space
from ._tolerance import F64, row_norms
from ._vertices import Vertices

if TYPE_CHECKING:
    from typing_extensions import Self

Bools = npt.NDArray[np.bool_]


class Pairs(Vertices):
    """The group of operations on two polytopes."""

    __hash__ = None  # type: ignore[assignment]  # == is up to a tolerance

    def __and__(self, other: Self) -> Self:
        """Intersection: the rows of both. The tolerance is the larger one."""
        if not isinstance(other, Pairs):
            return NotImplemented
        require_same_space(self, other)
        tolerance = max(self._tolerance, other._tolerance)
        rows, rhs = np.concatenate([self._A, other._A]), np.concatenate([self._b, other._b])
        return type(self)(rows, rhs, tolerance=tolerance)

    def __le__(self, other: Self) -> bool:
        """Whether P is inside Q: no row of Q is violated in P by more than Q's tolerance.

        One linear programme a row of Q over P (Matoba B.3.6, which prints the two reversed); none where the
        vertices of P are known.
        """
        if not isinstance(other, Pairs):
            return NotImplemented
        return bool(self._valid_rows(other).all())

    def __ge__(self, other: Self) -> bool:
        """Whether Q is inside P."""
        if not isinstance(other, Pairs):
            return NotImplemented
        return other <= self

    def __eq__(self, other: object) -> bool:
        """Whether both are the same set, up to their tolerances: the same rows, or each inside the other."""
        if not isinstance(other, Pairs):
            return NotImplemented
        if self is other:
            return True
        if self.dim != other.dim:
            return False
        return same_rows(self, other) or (self <= other and other <= self)

    def _valid_rows(self, other: Pairs) -> Bools:
        """Tell which rows of the other hold everywhere in this one."""
        require_same_space(self, other)
        if self.is_empty:
            return np.ones(other.n_rows, dtype=bool)
        slack = other.row_tolerances
        if "vertex form" in self._cache:
            vertices, rays = self.vertices(), self.rays()
            highest = (vertices @ other._A.T).max(axis=0, initial=-np.inf)
            sloping = row_norms(other._A) * other._tolerance
            rising = (rays @ other._A.T > sloping).any(axis=0)
            valid: Bools = (highest <= other._b + slack) & ~rising
            return valid
        values = np.full(other.n_rows, np.inf)
        best = None
        for i, row in enumerate(other._A):
            best = self.maximize(row, start=best)
            values[i] = best.value
        return values <= other._b + slack

    def envelope(self, other: Self) -> Self:
        """Give the rows of each that are valid for the other: the least such polytope around both.

        It contains the convex hull of the union, and is it where the union is convex (Bemporad, Fukuda and
        Torrisi 2001, Theorem 3).

        Examples
        --------
        >>> import facetry as ft
        >>> left, right = ft.Polytope.box([0, 0], [1, 1]), ft.Polytope.box([1, 0], [2, 1])
        >>> left.envelope(right) == ft.Polytope.box([0, 0], [2, 1])
        True

        """
        mine, theirs = other._valid_rows(self), self._valid_rows(other)
        rows = np.concatenate([self._A[mine], other._A[theirs]])
        rhs = np.concatenate([self._b[mine], other._b[theirs]])
        return type(self)(rows, rhs, tolerance=max(self._tolerance, other._tolerance))

    def union_is_convex(self, other: Self) -> bool:
        """Whether the union of both is convex; then it is :meth:`envelope`.

        It is not where a point of the envelope violates a row of each, by more than the tolerance: one
        linear programme for each pair of rows that are not in the envelope (Bemporad, Fukuda and Torrisi
        2001, Algorithm 4.1).

        Examples
        --------
        >>> import facetry as ft
        >>> left, right = ft.Polytope.box([0, 0], [1, 1]), ft.Polytope.box([1, 0], [2, 1])
        >>> left.union_is_convex(right), left.union_is_convex(right.translate([0.5, 0]))
        (True, False)

        """
        if self.is_empty or other.is_empty:
            return True
        mine, theirs = ~other._valid_rows(self), ~self._valid_rows(other)
        around = self.envelope(other)
        return not any(
            beyond_both(around, (self._A[i], self._b[i]), (other._A[j], other._b[j]))
            for i in np.flatnonzero(mine)
            for j in np.flatnonzero(theirs)
        )

    def distance(self, other: Self, p: float = 2) -> tuple[float, F64, F64]:
        """Give the distance between both and a pair of nearest points, ``(distance, x, y)``.

        Parameters
        ----------
        other : Polytope
            Of the same space.
        p : 1, 2 or inf
            The norm. 1 and inf are one linear programme. 2 is Wolfe's method (1976) on the difference of
            both, whose vertices linear programmes find: it ends when no vertex is nearer, up to the
            tolerance.

        Returns
        -------
        distance : float
            0.0 where they meet; inf where one is empty (the points are NaN then).
        x, y : (d,) arrays
            In this and in the other polytope, ``|x - y|_p = distance``; not unique in general.

        Raises
        ------
        ValueError
            For another p, or different spaces.
        RuntimeError
            Where rounding kept the method from ending within its limit of steps.

        Examples
        --------
        >>> import facetry as ft
        >>> P, Q = ft.Polytope.box([0, 0], [1, 1]), ft.Polytope.box([4, 5], [6, 6])
        >>> P.distance(Q)[0], P.distance(Q, p=1)[0], P.distance(Q, p=float("inf"))[0]
        (5.0, 7.0, 4.0)

        """
        if p not in (1, 2, math.inf):
            raise ValueError(f"p is {p!r}, expected 1, 2 or inf")
        require_same_space(self, other)
        if self.is_empty or other.is_empty:
            nowhere = np.full(self.dim, np.nan)
            return math.inf, nowhere, nowhere.copy()
        return euclidean_distance(self, other) if p == 2 else linear_distance(self, other, p)

    def meet_affine_hulls(self, other: Self) -> tuple[float, F64, F64]:
        """Give the Euclidean distance of the affine hulls of both, and nearest points of them (Matoba B.4.4).

        With hulls c + V w: (w; w') = pinv((-V, V')) (c - c').

        Raises
        ------
        ValueError
            For an empty polytope, or different spaces.

        Examples
        --------
        >>> import facetry as ft
        >>> across = ft.Polytope.box([0, 0], [0, 1])
        >>> along = ft.Polytope.box([5, 3], [6, 3])
        >>> gap, x, y = across.meet_affine_hulls(along)
        >>> round(gap, 12), x.round(12).tolist()
        (0.0, [0.0, 3.0])

        """
        require_same_space(self, other)
        if self.is_empty or other.is_empty:
            raise ValueError("an empty polytope has no affine hull")
        (c, V), (c2, V2) = affine_frame(self), affine_frame(other)
        w = np.linalg.lstsq(np.concatenate([-V, V2]).T, c - c2, rcond=None)[0]
        x, y = c + w[: len(V)] @ V, c2 + w[len(V) :] @ V2
        return float(np.linalg.norm(x - y)), x, y


def affine_frame(polytope: Vertices) -> tuple[F64, F64]:
    """Give a point and an orthonormal basis (rows) of the affine hull."""
    E, _ = polytope.affine_hull()
    basis = np.linalg.svd(E, full_matrices=True)[2][len(E) :] if len(E) else np.eye(polytope.dim)
    return polytope.interior_point(), basis


def same_rows(P: Pairs, Q: Pairs) -> bool:
    """Whether both have the same rows in the same order, up to positive factors."""
    if P.n_rows != Q.n_rows:
        return False
    mine, theirs = row_norms(P._A)[:, None], row_norms(Q._A)[:, None]
    if not (mine.all() and theirs.all()):
        return False
    rows = [np.c_[X._A, X._b] / norms for X, norms in ((P, mine), (Q, theirs))]
    return bool(np.array_equal(*rows))


def beyond_both(around: Pairs, one: tuple[F64, float], two: tuple[F64, float]) -> bool:
    """Whether a point of a polytope violates both rows: max t with a . x >= b + t |a| for both, t <= 1."""
    norms = [float(np.linalg.norm(a)) for a, _ in (one, two)]
    scale = max(abs(b) / n for (_, b), n in zip((one, two), norms, strict=True)) or 1.0
    A = np.zeros((around.n_rows + 3, around.dim + 1))
    A[: around.n_rows, :-1] = around._A
    A[-3:-1, :-1] = [-a / n for (a, _), n in zip((one, two), norms, strict=True)]
    A[-3:, -1] = 1
    b = np.concatenate([around._b, [-r / n for (_, r), n in zip((one, two), norms, strict=True)], [scale]])
    objective = np.zeros(around.dim + 1)
    objective[-1] = 1
    best = type(around)(A, b, tolerance=around._tolerance).maximize(objective)
    return bool(best.value > 2 * around._tolerance * scale)
